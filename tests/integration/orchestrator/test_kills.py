"""kill -9 at every call of a run, and go on in another process: nothing twice, nothing lost.

`PAYGENT_KILLS=all` dies before and after every single call, `PAYGENT_KILLS=96` from the 97th of these points on;
without it, a spread of them.
"""

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from paygent.adapters.rpc import RpcChain
from paygent.adapters.sql import open_journal
from paygent.adapters.system import SystemClock
from paygent.core.caip import ChainId
from paygent.devnet import Devnet
from paygent.devnet.seller import PREMIUM_PRICE, REPORT_PRICE
from paygent.runtime.fields import PluginChoice
from paygent.runtime.plugins import Plugins
from tests.integration.orchestrator.killed import Task

ROOT = Path(__file__).parents[3]
LATER = 400
"""Seconds after which leases of sessions and of payments are over."""
SPREAD = 8
"""How many kills the short form makes."""
SPREAD_OF_TRADES = 3
"""As `SPREAD`, of each trade, with its approval and its allowance."""


class Server:
    """The test's side of the server of processes."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.orchestrator.killed"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert "ready\n" == self._read()

    def run(self, task: Task) -> tuple[dict[str, Any] | None, bool]:
        """Return what the process said, and whether it was killed."""
        assert self._process.stdin is not None
        Path(task.diary).unlink(missing_ok=True)
        self._process.stdin.write(task.line() + "\n")
        self._process.stdin.flush()
        killed = self._read() == f"ended {-signal.SIGKILL}\n"
        said = None if killed else json.loads(Path(task.diary).read_text())
        assert said is None or "broken" not in said, said
        return said, killed

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture(scope="module")
def net() -> Iterator[Devnet]:
    with Devnet() as devnet:
        yield devnet


def task_in(folder: Path, empty: Path, net: Devnet) -> Task:
    storage = folder / "pay.db"
    shutil.copy(empty, storage)
    return Task(
        storage=str(storage),
        diary=str(folder / "diary.json"),
        private_key=net.payer.private_key,
        rpc=net.rpc_url,
        token=net.token.address,
        command=f"check my balance, then pay {net.seller.url('/premium')} and then pay {net.seller.url('/report')}",
    )


def test_run_goes_on_after_every_kill_and_pays_once(server: Server, net: Devnet, tmp_path: Path) -> None:
    empty = tmp_path / "empty.db"
    open_journal(str(empty)).close()
    (tmp_path / "whole").mkdir()
    whole, killed = server.run(task_in(tmp_path / "whole", empty, net))
    assert whole is not None
    assert (False, "COMPLETED", None) == (killed, whole["state"], whole["error"]), whole
    lost: list[str] = []
    for at, after in points(len(whole["calls"])):
        folder = tmp_path / f"{at}-{after}"
        folder.mkdir()
        if survived(server, net, replace(task_in(folder, empty, net), at=at, after=after)):
            lost.append(f"{'after' if after else 'before'} {whole['calls'][at]}")

    assert len(lost) <= len(points(len(whole["calls"]))) // 4, lost


@pytest.mark.parametrize(
    ("ready", "command"),
    [
        ("", "swap 0.9 dUSD for DEV and then check my balance"),
        ("add liquidity 0.9 dUSD and DEV", "remove 100% liquidity from DEV-dUSD"),
    ],
)
def test_trade_goes_on_after_every_kill_and_is_made_once(
    server: Server, net: Devnet, tmp_path: Path, ready: str, command: str
) -> None:
    empty = tmp_path / "empty.db"
    open_journal(str(empty)).close()
    shares = asyncio.run(shares_of(net))

    def task(name: str, command: str) -> Task:
        (tmp_path / name).mkdir()
        made = task_in(tmp_path / name, empty, net)
        return replace(made, command=command, venue=net.exchange().options, shares=shares)

    def traded(name: str, at: int | None, after: bool) -> tuple[dict[str, Any], int]:
        if ready:
            carried_out(server, task(f"{name}-ready", ready))
        before, doomed = len(net.transfers()), replace(task(name, command), at=at, after=after)
        said = carried_out(server, doomed)
        check_events(doomed, complete=1)
        return said, len(net.transfers()) - before

    whole, transfers = traded("whole", None, False)

    assert 0 < transfers
    for at, after in points(len(whole["calls"]), spread=SPREAD_OF_TRADES):
        assert transfers == traded(f"{at}-{after}", at, after)[1], (at, after)


async def shares_of(net: Devnet) -> str:
    """Return the id of the shares of the exchange's pool."""
    network = ChainId(net.network)
    async with RpcChain(net.rpc_url, chain=network) as chain:
        choices = (PluginChoice(name="vvs", options=net.exchange().options),)
        (venue,) = Plugins.load(choices).connectors(chains={network: chain}, clock=SystemClock()).values()
        return str(venue.manifest.assets[-1].id)


def carried_out(server: Server, task: Task) -> dict[str, Any]:
    """Work on a task, in other processes where the first one is killed; return what the last one said."""
    said, _ = server.run(task)
    for tries in (1, 2, 3):
        if said is None or said["state"] != "COMPLETED":
            said, _ = server.run(replace(task, at=None, ahead=LATER * tries))
    assert said is not None
    assert "COMPLETED" == said["state"], said
    return said


def points(calls: int, *, spread: int = SPREAD) -> list[tuple[int, bool]]:
    every = [(at, after) for at in range(calls) for after in (False, True)]
    if (wanted := os.environ.get("PAYGENT_KILLS")) is not None:
        return every if wanted == "all" else every[int(wanted) :]
    step = max(1, len(every) // spread) | 1  # odd, so that some die before a call and some after one
    return every[step // 2 :: step]


def survived(server: Server, net: Devnet, task: Task) -> bool:
    """Kill a run, go on, and look at the chain; return whether the one answer was lost with the process.

    That can only be where the seller had been paid and the process died before it wrote the answer down: the step then
    says `PaidUndelivered`, and is not paid again.
    """
    before = len(net.transfers())
    server.run(task)  # whoever made fewer calls this time is not killed: what has to hold is the same
    said, _ = server.run(replace(task, at=None, ahead=LATER))
    assert said is not None
    tries = 0
    while said["state"] == "FAILED" and said["error"] != "PaidUndelivered" and tries < 3:
        tries += 1
        said, _ = server.run(replace(task, at=None, ahead=LATER * (tries + 1)))
        assert said is not None
    paid = Counter(transfer.value for transfer in net.transfers()[before:])
    if said["error"] == "PaidUndelivered":
        assert max(paid.values()) == 1, paid
        check_events(task, complete=0)
        return True
    assert ("COMPLETED", {PREMIUM_PRICE: 1, REPORT_PRICE: 1}) == (said["state"], dict(paid)), said
    check_events(task, complete=1)
    return False


def check_events(task: Task, *, complete: int) -> None:
    """Make sure that every event is there once, and that each call succeeded once."""
    with sqlite3.connect(task.storage) as books:
        rows = books.execute("SELECT run, step, kind, ordinal, facts FROM run_events ORDER BY sequence").fetchall()
        numbers = [row[0] for row in books.execute("SELECT sequence FROM run_events ORDER BY sequence")]
    books.close()
    names = Counter((run, step, kind, ordinal) for run, step, kind, ordinal, _ in rows)
    results = [json.loads(facts) for _, _, kind, _, facts in rows if kind == "tool_result"]
    fine = Counter(each["call"] for each in results if each["ok"])

    assert 1 == max(names.values())
    assert list(range(1, len(numbers) + 1)) == numbers
    assert complete == sum(kind == "complete" for _, _, kind, _, _ in rows)
    assert max(fine.values(), default=1) == 1
