"""Rules about the past hold however many payments begin at once: what fits is paid, and the next one is refused."""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from anyio.lowlevel import checkpoint

from paygent.adapters.sql import open_journal
from paygent.ports.history import Records
from paygent.testing.journal import MemoryJournal
from tests.conformance.rush import POLICIES, REFUSED, ROOM, TASKS, rush

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("rule", POLICIES)]

REPOSITORY = Path(__file__).parents[2]
PROCESSES = 2
R = TypeVar("R")


class GivesWay(MemoryJournal):
    """Lets the other tasks go on between what a payment reads and what it writes."""

    async def look(self, question: Callable[[Records], R]) -> R:
        found = await super().look(question)
        await checkpoint()
        return found


def fitting(rule: str, tasks: int) -> Counter[str]:
    return Counter({"200": ROOM, REFUSED[rule]: tasks - ROOM})


def processes(url: str, rule: str) -> Counter[str]:
    """Return what became of the tasks of two processes that share a database and begin together."""
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.conformance.rush", url, rule, str(number)],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    assert ["ready\n"] * PROCESSES == [str(each.stdout and each.stdout.readline()) for each in started]
    for each in started:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    said = [each.communicate(timeout=100)[0] for each in started]
    assert [0] * PROCESSES == [each.returncode for each in started]
    return Counter(" ".join(said).split())


async def test_rule_holds_for_eight_tasks_in_memory(rule: str) -> None:
    assert fitting(rule, TASKS) == await rush(GivesWay(), rule)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_rule_holds_for_eight_tasks_on_sqlite(rule: str, file: Path) -> None:
    async with open_journal(str(file)) as journal:
        assert fitting(rule, TASKS) == await rush(journal, rule)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_rule_holds_for_eight_tasks_on_postgresql(rule: str, postgres_url: str) -> None:
    async with open_journal(postgres_url) as journal:
        assert fitting(rule, TASKS) == await rush(journal, rule)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_rule_holds_for_two_processes_on_sqlite(rule: str, file: Path) -> None:
    assert fitting(rule, PROCESSES * TASKS) == processes(str(file), rule)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_rule_holds_for_two_processes_on_postgresql(rule: str, postgres_url: str) -> None:
    assert fitting(rule, PROCESSES * TASKS) == processes(postgres_url, rule)
