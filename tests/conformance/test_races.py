"""Four processes with fifty tasks each share one database: a budget for N lets exactly N pass."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from paygent.adapters.sql import open_journal
from paygent.core.audit import first_break
from paygent.core.lifecycle import State
from paygent.testing.conformance.steps import used

pytestmark = pytest.mark.anyio

ROOM = 37
PURCHASES = 20

BUY = f"""
import sys, anyio
from paygent.adapters.sql import open_journal
from paygent.core.errors import BudgetExceeded, DuplicatePurchase
from paygent.testing.conformance.payments import START, daily, reserved, settled, signed, submitted

async def main():
    words = []
    async with open_journal(sys.argv[1], busy_seconds=60) as journal:
        async def buy(index):
            first = reserved((sys.argv[2], index))
            try:
                await journal.open(first, [daily(10, limit={ROOM} * 10)], now=START, new_purchase=False)
            except BudgetExceeded:
                words.append("no room")
                return
            await journal.append(first, signed(first))
            if index % 2:
                await journal.append(signed(first), settled(first))
            words.append("won")
        async def buy_the_same(index):
            name = index % {PURCHASES}
            first = reserved((sys.argv[2], "same", index), resource=f"https://same.example/{{name}}")
            hold = daily(1, limit=1000, scope="host:same")
            try:
                await journal.open(first, [hold], now=START, new_purchase=False)
            except DuplicatePurchase:
                words.append("refused")
                return
            words.append("bought")
        async with anyio.create_task_group() as tasks:
            for index in range(50):
                tasks.start_soon(buy, index)
                tasks.start_soon(buy_the_same, index)
    print(" ".join(word.replace(" ", "_") for word in words))

anyio.run(main, backend=sys.argv[3])
"""


def race(url: str) -> Counter[str]:
    """Return what the tasks of four processes say became of them."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", BUY, url, str(number), ("asyncio", "trio")[number % 2]],
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    said = [process.communicate(timeout=100)[0] for process in processes]
    assert [0] * 4 == [process.returncode for process in processes]
    return Counter(" ".join(said).split())


async def check(url: str, words: Counter[str]) -> None:
    async with open_journal(url) as journal:
        assert {"won": ROOM, "no_room": 200 - ROOM, "bought": PURCHASES, "refused": 200 - PURCHASES} == words
        reserved, committed = await used(journal)
        totals = {total.state: total.payments for total in await journal.statistics()}
        rows = await journal.entries(limit=10_000)

    assert ROOM * 10 == reserved + committed
    assert totals[State.SETTLED] * 10 == committed
    assert totals[State.DENIED] == 200 - ROOM + 1
    assert first_break(rows) is None
    assert len(rows) == 200 + ROOM + totals[State.SETTLED] + PURCHASES + 1


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_four_processes_spend_one_budget_exactly_on_sqlite(file: Path) -> None:
    await check(str(file), race(str(file)))


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_four_processes_spend_one_budget_exactly_on_postgresql(postgres_url: str) -> None:
    await check(postgres_url, race(postgres_url))
