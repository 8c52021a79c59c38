"""What goes wrong where the database's isolation is chosen wrongly, and that it does not with ours."""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg
import pytest

from paygent.adapters.sql import postgresql, sqlite
from paygent.adapters.sql.entry import Entry, claims
from paygent.adapters.sql.ledger import Ledger
from paygent.core.budget import Hold
from paygent.core.errors import BudgetExceeded, Halted
from paygent.core.halt import Halt
from paygent.testing.conformance.payments import START, daily, reserved

ONE = replace(daily(60, limit=100, window="hour:1"), also=("hour:2",))
OTHER = replace(daily(60, limit=100, window="hour:2"), also=("hour:1",))
"""Each writes a sum that the other only reads: together they are over the limit, and write no common row."""


class Interrupted(Ledger):
    """Lets something happen between its checks and its first write."""

    def __init__(self, cursor: Any, statements: Any, meanwhile: Callable[[], None]) -> None:
        super().__init__(cursor, statements)
        self._meanwhile = meanwhile

    def add(self, entry: Entry) -> None:
        self._meanwhile()
        super().add(entry)


class Unlocked(Interrupted):
    """Begins without the lock, and writes no row that all have in common."""

    def begin(self) -> None:
        self._windows.begin()

    def finish(self) -> None:
        self._windows.finish()


def nothing() -> None:
    return


def transact(cursor: Any, begin: str, ledger: Ledger, work: Callable[[Ledger], object]) -> object:
    """Run work in one transaction, as `Worker` does."""
    cursor.execute(begin)
    ledger.begin()
    outcome = work(ledger)
    ledger.finish()
    cursor.execute("COMMIT")
    return outcome


def opens(name: object, *holds: Hold, **about: Any) -> Callable[[Ledger], object]:
    payment = reserved(name, **about)
    return lambda ledger: ledger.open(Entry.opened(payment), claims(payment, holds), START, new_purchase=False)


def count(cursor: Any) -> int:
    cursor.execute("SELECT count(*) FROM payments WHERE state = 'RESERVED'")
    return int(cursor.fetchone()[0])


def on_file(file: Path, kind: type[Interrupted], meanwhile: Callable[[], None]) -> tuple[Any, Interrupted]:
    connection = sqlite3.connect(file, isolation_level=None, timeout=30, check_same_thread=False)
    cursor = connection.cursor()
    return cursor, kind(cursor, sqlite.statements(), meanwhile)


def on_server(url: str, kind: type[Interrupted], meanwhile: Callable[[], None]) -> tuple[Any, Interrupted]:
    cursor = psycopg.connect(url, autocommit=True).cursor()
    return cursor, kind(cursor, postgresql.statements(), meanwhile)


class Pause:
    """Starts the second transaction once the first has made its checks, and gives it a while to get ahead."""

    def __init__(self) -> None:
        self._thread: Thread | None = None
        self.second: Callable[[], None] = nothing

    def __call__(self) -> None:
        self._thread = Thread(target=self.second)
        self._thread.start()
        self._thread.join(timeout=0.5)

    def over(self) -> None:
        assert self._thread is not None
        self._thread.join(timeout=30)
        assert not self._thread.is_alive()


def outcomes(
    make: Callable[[Callable[[], None]], tuple[Any, Ledger]],
    begin: str,
    first: Callable[[Ledger], object],
    second: Callable[[Ledger], object],
) -> list[object]:
    """Return what two interleaved transactions say, the interrupted one first, and how many payments are reserved."""
    said: list[object] = []
    pause = Pause()
    cursor, ledger = make(pause)
    other_cursor, other_ledger = make(nothing)
    pause.second = lambda: said.append(transact(other_cursor, begin, other_ledger, second))
    try:
        outcome = transact(cursor, begin, ledger, first)
        pause.over()
        return [outcome, *said, count(cursor)]
    finally:
        for each in (cursor, other_cursor):
            each.connection.close()


@pytest.mark.parametrize("level", ["READ COMMITTED", "REPEATABLE READ"])
def test_write_skew_overspends_on_postgresql_without_the_lock(postgres_url: str, level: str) -> None:
    begin = f"BEGIN ISOLATION LEVEL {level}"
    works = (opens(1, ONE), opens(2, OTHER))

    assert [None, None, 2] == outcomes(lambda wait: on_server(postgres_url, Unlocked, wait), begin, *works)


def test_write_skew_does_not_overspend_on_postgresql_with_ours(postgres_url: str) -> None:
    begin, works = postgresql.PostgreSQL.begin_write, (opens(1, ONE), opens(2, OTHER))
    first, second, reserved_ones = outcomes(lambda wait: on_server(postgres_url, Interrupted, wait), begin, *works)

    assert (None, 1) == (first, reserved_ones)
    assert isinstance(second, BudgetExceeded)


@pytest.mark.parametrize("level", ["READ COMMITTED", "REPEATABLE READ"])
def test_write_skew_buys_twice_on_postgresql_without_the_lock(postgres_url: str, level: str) -> None:
    begin = f"BEGIN ISOLATION LEVEL {level}"
    works = (opens(1, resource="https://a.example/"), opens(2, resource="https://a.example/"))

    assert [None, None, 2] == outcomes(lambda wait: on_server(postgres_url, Unlocked, wait), begin, *works)


def test_halt_that_commits_first_stops_on_postgresql(postgres_url: str) -> None:
    """The second transaction begins before the halt commits, and sees it all the same."""

    def halt(ledger: Ledger) -> None:
        ledger.add(Entry.opened(reserved("probe")))  # waits here, as it would for its checks
        ledger.add_halt(Halt(scope="everything", by="ann", reason="odd", at=START))

    begin = postgresql.PostgreSQL.begin_write
    _, second, reserved_ones = outcomes(
        lambda wait: on_server(postgres_url, Interrupted, wait), begin, halt, opens(2, OTHER)
    )

    assert isinstance(second, Halted)
    assert 1 == reserved_ones


def test_deferred_begin_finds_its_snapshot_stale_on_sqlite(file: Path) -> None:
    """It fails at once although it would wait thirty seconds for a lock, and after its checks were made."""
    other, quick = on_file(file, Interrupted, nothing)

    def meanwhile() -> None:
        transact(other, "BEGIN", quick, opens(2, OTHER))

    cursor, ledger = on_file(file, Interrupted, meanwhile)
    with pytest.raises(sqlite3.OperationalError) as stale:
        transact(cursor, "BEGIN", ledger, opens(1, ONE))
    reserved_ones = count(other)
    for each in (cursor, other):
        each.connection.close()

    assert sqlite3.SQLITE_BUSY_SNAPSHOT == stale.value.sqlite_errorcode
    assert 1 == reserved_ones


def test_check_outside_of_the_transaction_overspends_on_sqlite(file: Path) -> None:
    """Each statement a transaction of its own: what was checked is no longer so when it is written."""
    other, quick = on_file(file, Unlocked, nothing)

    def meanwhile() -> None:
        opens(2, OTHER)(quick)
        quick.finish()

    cursor, ledger = on_file(file, Unlocked, meanwhile)
    opens(1, ONE)(ledger)
    ledger.finish()
    reserved_ones = count(other)
    for each in (cursor, other):
        each.connection.close()

    assert 2 == reserved_ones


def test_immediate_begin_does_not_overspend_on_sqlite(file: Path) -> None:
    begin, works = sqlite.SQLite.begin_write, (opens(1, ONE), opens(2, OTHER))
    first, second, reserved_ones = outcomes(lambda wait: on_file(file, Interrupted, wait), begin, *works)

    assert (None, 1) == (first, reserved_ones)
    assert isinstance(second, BudgetExceeded)
