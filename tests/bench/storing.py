"""What a reservation costs on SQLite, beside a bare connection that writes the very same rows as durably.

The bare side has the same tables, indexes, foreign keys and `synchronous` setting, and writes with the driver alone:
nothing is checked, worked out, encoded or sealed. One payment is committed in the thread that wants it, and, because no
event loop can wait for a disk, by a thread that a task awaits, as the journal is awaited; all have a few turns in a row
with nothing between them. Of many at once, each task hands its rows to one thread, which commits what waits together
and wakes them, as the journal's does.
"""

import asyncio
import queue
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, TypeVar

import anyio

from paygent.adapters.sql import SqlJournal, open_journal
from paygent.core.budget import Hold
from paygent.core.money import USD, Amount
from paygent.core.payment import Payment
from paygent.testing.conformance.payments import START, reserved
from tests.bench.report import Row
from tests.bench.sampling import medians, of_processes

T = TypeVar("T")
TASKS = 100
IN_A_ROW = 20
SCOPES = 10
HOLDS = tuple(
    Hold(scope=f"scope:{number}", window="day:2027-01-15", amount=Amount(1, USD), limit=Amount(10**15, USD))
    for number in range(SCOPES)
)
_OF_ONE = {"payments": "id", "moves": "payment_id", "holds": "payment_id"}
"""Tables with rows of one payment, and the column that names it."""
_SHARED = ("budgets", "audit_head", "totals")
"""Tables whose rows every reservation writes over."""

_Batch = list[tuple[str, list[tuple[Any, ...]]]]
"""Statements, and the rows that each is run for."""


class _Rows:
    """What the journal wrote, read back."""

    def __init__(self, journal: Path) -> None:
        self._source = sqlite3.connect(journal)
        self._sealed = 0

    def of(self, ids: Sequence[str], *, commits: int) -> list[_Batch]:
        """Return what the journal wrote for each of these payments; what all share comes with each commit's last."""
        batches = [[self._of_payment(table, column, each) for table, column in _OF_ONE.items()] for each in ids]
        sealed = self._read("SELECT * FROM audit WHERE number > ? ORDER BY number", [self._sealed])
        self._sealed = int(sealed[-1][0])
        for batch, row in zip(batches, sealed, strict=True):
            batch.append(_insert("audit", [row]))
        shared = [_insert(table, self._read(f"SELECT * FROM {table}", ())) for table in _SHARED]
        for batch in batches[:: -(len(ids) // commits)]:
            batch.extend(shared)
        return batches

    def close(self) -> None:
        self._source.close()

    def _of_payment(self, table: str, column: str, payment_id: str) -> tuple[str, list[tuple[Any, ...]]]:
        return _insert(table, self._read(f"SELECT * FROM {table} WHERE {column} = ?", [payment_id]))

    def _read(self, question: str, values: Iterable[object]) -> list[tuple[Any, ...]]:
        return self._source.execute(question, tuple(values)).fetchall()


class _Bare:
    """A connection that writes rows to tables like the journal's, and a thread with a queue, for group commits."""

    def __init__(self, file: Path) -> None:
        open_journal(str(file)).close()
        self.waiting: deque[list[_Batch]] = deque()
        """What the journal wrote and this still has to."""
        self._database = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute("PRAGMA foreign_keys = ON")
        self._handed_in: queue.SimpleQueue[tuple[_Batch, asyncio.Event] | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def commit(self, batches: Sequence[_Batch]) -> None:
        """Write all of it in one transaction."""
        self._database.execute("BEGIN IMMEDIATE")
        for batch in batches:
            for statement, rows in batch:
                self._database.executemany(statement, rows)
        self._database.execute("COMMIT")

    async def hand_in(self, batch: _Batch) -> None:
        """Wait until the thread has committed it, with whatever else waits."""
        done = asyncio.Event()
        self._handed_in.put((batch, done))
        await done.wait()

    def close(self) -> None:
        self._handed_in.put(None)
        self._thread.join()
        self._database.close()

    def _serve(self) -> None:
        while (first := self._handed_in.get()) is not None:
            taken = [first]
            while not self._handed_in.empty() and (more := self._handed_in.get()) is not None:
                taken.append(more)
            self.commit([batch for batch, _ in taken])
            self._loop.call_soon_threadsafe(_wake, [done for _, done in taken])


def rows(rounds: int, folder: Path) -> list[Row]:
    """Return a reservation alone, and one of many at once."""
    took = of_processes(partial(_measured, folder), rounds=rounds)
    one, many = "reserve on SQLite, 10 scopes", f"one of {TASKS} reserves at once, 10 scopes"
    return [
        _row(one, took["one"], "bare durable commit of the same rows", took["here"]),
        _row(one, took["one"], "the same commit, awaited from a thread", took["there"]),
        _row(many, took["many"], "bare group commit of the same rows", took["group"]),
    ]


def _measured(below: Path, rounds: int) -> dict[str, float]:
    with TemporaryDirectory(dir=below) as folder:
        return anyio.run(_medians, Path(folder), rounds)


async def _medians(folder: Path, rounds: int) -> dict[str, float]:
    file = folder / "storing.db"
    names = count()

    async with open_journal(str(file)) as journal:
        written = _Rows(file)
        here, there = _Bare(folder / "here.db"), _Bare(folder / "there.db")

        async def open_one() -> float:
            payments = [reserved(f"bench {next(names)}") for _ in range(IN_A_ROW)]
            start = perf_counter()
            for payment in payments:
                await _reserve(journal, payment)
            took = perf_counter() - start
            batches = written.of([payment.id for payment in payments], commits=IN_A_ROW)
            here.waiting.append(batches)
            there.waiting.append(batches)
            return took / IN_A_ROW

        async def write_one() -> float:
            batches = here.waiting.popleft()
            start = perf_counter()
            for batch in batches:
                here.commit([batch])
            return (perf_counter() - start) / IN_A_ROW

        async def hand_in_one() -> float:
            batches = there.waiting.popleft()
            start = perf_counter()
            for batch in batches:
                await there.hand_in(batch)
            return (perf_counter() - start) / IN_A_ROW

        async def open_many() -> float:
            payments = [reserved(f"bench {next(names)}") for _ in range(TASKS)]
            took = await _at_once(lambda payment: _reserve(journal, payment), payments)
            there.waiting.append(written.of([payment.id for payment in payments], commits=1))
            return took / TASKS

        async def write_many() -> float:
            return await _at_once(there.hand_in, there.waiting.popleft()) / TASKS

        await open_one()  # whoever has the first turn, there is something to write
        took = await medians({"one": open_one, "here": write_one, "there": hand_in_one}, rounds=rounds)
        await hand_in_one()
        await open_many()
        took |= await medians({"many": open_many, "group": write_many}, rounds=max(3, rounds // 4))
        here.close()
        there.close()
        written.close()
    return took


async def _at_once(work: Callable[[T], Coroutine[Any, Any, None]], of: Iterable[T]) -> float:
    """Return the seconds that so many tasks take."""
    start = perf_counter()
    async with anyio.create_task_group() as tasks:
        for each in of:
            tasks.start_soon(work, each)
    return perf_counter() - start


async def _reserve(journal: SqlJournal, payment: Payment) -> None:
    await journal.open(payment, HOLDS, now=START, new_purchase=False)


def _wake(done: Iterable[asyncio.Event]) -> None:
    for event in done:
        event.set()


def _insert(table: str, rows: list[tuple[Any, ...]]) -> tuple[str, list[tuple[Any, ...]]]:
    return f"INSERT OR REPLACE INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows


def _row(name: str, ours: float, peer: str, bare: float) -> Row:
    return Row(name=name, unit="µs", paygent=ours * 1e6, peer_name=peer, peer=bare * 1e6, target=2)
