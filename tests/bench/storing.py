"""What a reservation costs on SQLite, beside a bare connection that writes the very same rows as durably."""

import sqlite3
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Any

import anyio

from paygent.adapters.sql import SqlJournal, open_journal
from paygent.core.budget import Hold
from paygent.core.money import USD, Amount
from paygent.core.payment import Payment
from paygent.testing.conformance.payments import START, reserved
from tests.bench.report import Row
from tests.bench.sampling import medians

TASKS = 100
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


class _Twin:
    """A database with the journal's tables that gets the journal's rows, and nothing is checked or worked out."""

    def __init__(self, journal: Path, twin: Path) -> None:
        open_journal(str(twin)).close()
        self._source = sqlite3.connect(journal)
        self._database = sqlite3.connect(twin, isolation_level=None)
        self._database.execute("PRAGMA synchronous = FULL")
        self._waiting: deque[_Batch] = deque()
        self._sealed = 0

    def copy(self, ids: Sequence[str]) -> None:
        """Remember what the journal wrote for these payments."""
        marks = ", ".join("?" * len(ids))
        batch = [
            _insert(table, self._read(f"SELECT * FROM {table} WHERE {column} IN ({marks})", ids))
            for table, column in _OF_ONE.items()
        ]
        sealed = self._read("SELECT * FROM audit WHERE number > ?", [self._sealed])
        self._sealed = max(int(row[0]) for row in sealed)
        batch.append(_insert("audit", sealed))
        batch += [_insert(table, self._read(f"SELECT * FROM {table}", ())) for table in _SHARED]
        self._waiting.append(batch)

    async def write(self) -> float:
        """Write what was remembered first, in one transaction; return the seconds."""
        batch = self._waiting.popleft()
        start = perf_counter()
        self._database.execute("BEGIN IMMEDIATE")
        for statement, rows in batch:
            self._database.executemany(statement, rows)
        self._database.execute("COMMIT")
        return perf_counter() - start

    def close(self) -> None:
        self._source.close()
        self._database.close()

    def _read(self, question: str, values: Iterable[object]) -> list[tuple[Any, ...]]:
        return self._source.execute(question, tuple(values)).fetchall()


async def rows(rounds: int, folder: Path) -> list[Row]:
    """Return a reservation alone, and one of many at once."""
    file = folder / "storing.db"
    names = count()

    async with open_journal(str(file)) as journal:
        twin = _Twin(file, folder / "twin.db")

        async def open_one() -> float:
            return await _open(journal, twin, [next(names)])

        async def open_many() -> float:
            return await _open(journal, twin, [next(names) for _ in range(TASKS)]) / TASKS

        async def write_many() -> float:
            return await twin.write() / TASKS

        for _ in range(5):  # whoever has the first turn, there is something to write
            await open_one()
        alone = await medians({"ours": open_one, "bare": twin.write}, rounds=rounds, in_a_row=5)
        for _ in range(5):
            await twin.write()
        await open_many()
        crowd = await medians({"ours": open_many, "bare": write_many}, rounds=max(3, rounds // 4))
        twin.close()
    return [
        _row("reserve on SQLite, 10 scopes", alone, "bare durable commit of the same rows"),
        _row(f"one of {TASKS} reserves at once, 10 scopes", crowd, "bare group commit of the same rows"),
    ]


async def _open(journal: SqlJournal, twin: _Twin, names: Sequence[int]) -> float:
    payments = [reserved(f"bench {name}") for name in names]
    start = perf_counter()
    async with anyio.create_task_group() as tasks:
        for payment in payments:
            tasks.start_soon(_reserve, journal, payment)
    took = perf_counter() - start
    twin.copy([payment.id for payment in payments])
    return took


async def _reserve(journal: SqlJournal, payment: Payment) -> None:
    await journal.open(payment, HOLDS, now=START, new_purchase=False)


def _insert(table: str, rows: list[tuple[Any, ...]]) -> tuple[str, list[tuple[Any, ...]]]:
    return f"INSERT OR REPLACE INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows


def _row(name: str, took: dict[str, float], peer: str) -> Row:
    return Row(name=name, unit="µs", paygent=took["ours"] * 1e6, peer_name=peer, peer=took["bare"] * 1e6, target=2)
