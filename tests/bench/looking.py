"""What it costs to look back over very many payments: the newest page, and the sums that limits are checked with."""

import sqlite3
from collections.abc import Callable, Coroutine
from pathlib import Path
from time import perf_counter
from typing import Any

from paygent.adapters.sql import SqlJournal, open_journal
from paygent.core.budget import Hold
from paygent.core.context import Context
from paygent.core.history import PaymentFilter
from paygent.core.lifecycle import State
from paygent.core.money import USD, Amount
from paygent.testing.conformance.payments import START, reserved, settled
from tests.bench.report import Row
from tests.bench.sampling import Contender, medians

SCOPES = 10
_COPY = """
INSERT INTO payments ({names})
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :most)
SELECT {values} FROM payments, numbers WHERE seq = 1
"""
_CHANGED = {
    "id": "id || '-' || n",
    "request": "request || '-' || n",
    "created_at": "created_at + n * 60",
    "agent": "'agent-' || (n % 50)",
    "host": "'host-' || (n % 997) || '.example'",
}
"""Columns that differ from copy to copy: hosts and agents are spread, a payment a minute is proposed."""
_WINDOWS = """
INSERT INTO budgets (scope, span, asset, reserved, committed)
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :most)
SELECT scope, 'day:' || n, asset, '0', n FROM budgets, numbers WHERE span = 'day:0'
"""


async def rows(payments: int, rounds: int, folder: Path) -> list[Row]:
    """Return what a page of 50 and the sums of ten windows cost, beside 50 rows by their key and nothing else."""
    file = folder / "history.db"
    holds = [_hold(number) for number in range(SCOPES)]
    async with open_journal(str(file)) as journal:
        first = reserved(0, context=Context(agent="agent-0"))
        await journal.open(first, holds, now=START, new_purchase=False)
        await journal.append(first, settled(first))
    copy = sqlite3.connect(file, isolation_level=None)
    _fill(copy, payments)
    windows = [(hold.scope, f"day:{payments // 4_000}", str(USD.id)) for hold in holds]
    async with open_journal(str(file)) as journal:
        contenders = {name: _timed(ask) for name, ask in _questions(journal, windows).items()}
        took = await medians({**contenders, "bare": lambda: _bare(copy)}, rounds=rounds, in_a_row=5)
    copy.close()
    return [_row(f"history of {payments:,} payments: {name}", took[name], took["bare"]) for name in contenders]


def _questions(
    journal: SqlJournal, windows: list[tuple[str, str, str]]
) -> dict[str, Callable[[], Coroutine[Any, Any, Any]]]:
    wanted = PaymentFilter(states=(State.SETTLED,), agent="agent-7")
    return {
        "first page": journal.history,
        "first page of an agent's settled ones": lambda: journal.history(wanted),
        "sums of 10 windows": lambda: journal.sums(windows),
    }


def _timed(ask: Callable[[], Coroutine[Any, Any, Any]]) -> Contender:
    async def timed() -> float:
        start = perf_counter()
        answer = await ask()
        took = perf_counter() - start
        assert answer
        return took

    return timed


def _fill(database: sqlite3.Connection, payments: int) -> None:
    """Copy the one payment, with all indexes, and make a window for every four thousandth of them in each scope."""
    names = [str(row[1]) for row in database.execute("PRAGMA table_info(payments)") if row[1] != "seq"]
    values = ", ".join(_CHANGED.get(name, name) for name in names)
    database.execute("PRAGMA synchronous = OFF")
    database.execute(_COPY.format(names=", ".join(names), values=values), {"most": payments - 1})
    database.execute(_WINDOWS, {"most": max(payments // 4_000, 1)})
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    assert (payments,) == database.execute("SELECT count(*) FROM payments").fetchone()


def _hold(number: int) -> Hold:
    return Hold(scope=f"scope:{number}", window="day:0", amount=Amount(1, USD), limit=Amount(10**15, USD))


async def _bare(database: sqlite3.Connection) -> float:
    start = perf_counter()
    database.execute("SELECT record FROM payments ORDER BY seq DESC LIMIT 50").fetchall()
    return perf_counter() - start


def _row(name: str, took: float, bare: float) -> Row:
    return Row(
        name=name,
        unit="µs",
        paygent=took * 1e6,
        peer_name="50 rows by their key",
        peer=bare * 1e6,
        target=5_000,
        target_is="value",
    )
