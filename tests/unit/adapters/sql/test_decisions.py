"""Rows that somebody changed are found, and databases from before decisions are brought along."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from paygent.adapters.sql import SqlJournal, open_journal, revision, upgrade
from paygent.core.audit import first_break
from paygent.core.context import NOBODY
from paygent.core.errors import AdapterError, ConfigurationError
from paygent.core.history import Total
from paygent.core.lifecycle import State
from paygent.testing.conformance.payments import (
    START,
    TOKEN,
    awaiting,
    released,
    request_for,
    reserved,
    settled,
    signed,
)
from paygent.testing.conformance.steps import put, walk

pytestmark = pytest.mark.anyio


def vandalise(journal: SqlJournal, sql: str) -> None:
    assert journal.file is not None
    with sqlite3.connect(journal.file) as connection:
        connection.execute(sql)
    connection.close()


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE audit SET facts = '{}' WHERE number = 2", "row 2 was changed"),
        ("UPDATE audit SET facts = '[' WHERE number = 2", "row 2 was changed"),
        ("UPDATE audit SET facts = '[]' WHERE number = 2", "row 2 was changed"),
        ("UPDATE audit SET at = 1 WHERE number = 1", "row 1 was changed"),
        ("UPDATE audit SET at = 'noon' WHERE number = 2", "row 2 was changed"),
        ("UPDATE audit SET hash = 'x' WHERE number = 2", "row 2 was changed"),
        ("DELETE FROM audit WHERE number = 2", "row 2 is missing: row 3 stands in its place"),
    ],
)
async def test_changed_or_missing_audit_row_is_found(journal: SqlJournal, sql: str, said: str) -> None:
    first = await put(journal, reserved())
    await walk(journal, first, signed(first), settled(first))
    assert first_break(await journal.entries()) is None
    vandalise(journal, sql)

    assert said == first_break(await journal.entries())


async def test_audit_log_without_its_head_takes_no_more(journal: SqlJournal) -> None:
    vandalise(journal, "DELETE FROM audit_head")
    with pytest.raises(AdapterError, match="lost its head") as broken:
        await put(journal, reserved())

    assert not broken.value.retryable
    assert await journal.get(reserved().id) is None


@pytest.mark.parametrize("column", ["facts", "decisions", "state"])
async def test_approval_that_cannot_be_read_is_an_error_that_names_its_row(journal: SqlJournal, column: str) -> None:
    request = await journal.ask(awaiting(), request_for(awaiting()))
    vandalise(journal, f"UPDATE approvals SET {column} = '[[1, 2, 3, 4, 5'")
    with pytest.raises(AdapterError, match="row 1 of the approvals") as broken:
        await journal.approval(request.id)

    assert not broken.value.retryable


async def test_sums_of_days_are_those_of_the_rows(journal: SqlJournal) -> None:
    made = [await put(journal, reserved(name)) for name in range(5)]
    for payment in made[:3]:
        await walk(journal, payment, signed(payment), settled(payment, charged=7))
    assert journal.file is not None
    with sqlite3.connect(journal.file) as connection:
        ask = "SELECT state, sum(payments), sum(amount) FROM totals GROUP BY state HAVING sum(payments) ORDER BY state"
        rows = connection.execute(ask).fetchall()
    connection.close()

    assert [("RESERVED", 2, 200), ("SETTLED", 3, 21)] == rows


def old_database(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a database as the first version made it."""
    monkeypatch.setattr(revision, "HEAD", "0001")
    upgrade(str(file))
    monkeypatch.undo()


async def test_upgrade_brings_the_first_version_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "old.db"
    old_database(file, monkeypatch)
    payment = settled(reserved(amount=100), charged=30)
    async with open_journal("sqlite://") as source:
        await put(source, reserved(amount=100))
        await walk(source, reserved(amount=100), payment)
        columns = (
            "seq, id, payer, payee, network, asset, amount, host, request, state, version, created_at, lease_until,"
            " delivered, unresolved, record"
        )
        cursor = source._writer._connection.cursor()
        row = cursor.execute(f"SELECT {columns} FROM payments").fetchone()
    with sqlite3.connect(file) as connection:
        old = str(row[-1]).replace('"format":3', '"format":1')
        connection.execute(f"INSERT INTO payments ({columns}) VALUES ({','.join('?' * len(row))})", [*row[:-1], old])
    connection.close()
    with pytest.raises(ConfigurationError, match=r"run `paygent db upgrade` once"):
        open_journal(str(file))
    upgrade(str(file))
    async with open_journal(str(file)) as journal:
        found = await journal.get(payment.id)
        totals = await journal.statistics()
        listed = (await journal.history()).payments

    assert replace(payment, payload=None, context=NOBODY) == found
    assert [found] == list(listed)
    assert [Total(state=State.SETTLED, asset=TOKEN.id, service=None, payments=1, amount=30)] == list(totals)


async def test_upgrade_finds_what_had_waited_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "old.db"
    monkeypatch.setattr(revision, "HEAD", "0006")
    waiting = awaiting(at=START - 1000)
    async with open_journal(str(file)) as journal:
        await journal.ask(waiting, request_for(waiting))
        await journal.reserve(waiting, released(waiting), [], approval=None, now=START + 6)
    monkeypatch.undo()
    with pytest.raises(ConfigurationError, match=r"run `paygent db upgrade` once"):
        open_journal(str(file))

    upgrade(str(file))
    async with open_journal(str(file)) as journal:
        found = await journal.look(lambda records: records.reserved(START, None))
    with sqlite3.connect(file) as connection:
        indexes = connection.execute("SELECT name FROM sqlite_schema WHERE name = 'moves_granted'").fetchall()
    connection.close()

    assert [1] == [total.payments for total in found]
    assert [("moves_granted",)] == indexes
