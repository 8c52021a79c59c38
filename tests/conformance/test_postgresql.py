"""What is particular to PostgreSQL: what it accepts and refuses, and what happens when the server goes away."""

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace

import anyio
import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from paygent.adapters.sql import SqlJournal, open_journal, upgrade
from paygent.adapters.sql.schema import REVISION_TABLE, REVISIONS, metadata
from paygent.core.audit import first_break
from paygent.core.errors import AdapterError, ConfigurationError
from paygent.testing.conformance.payments import daily, reserved, signed
from paygent.testing.conformance.steps import put, used

pytestmark = pytest.mark.anyio

OPEN = """
import sys, anyio
from paygent.adapters.sql import open_journal
async def main():
    async with open_journal(sys.argv[1]) as journal:
        print((await journal.secret()).hex())
anyio.run(main)
"""


@pytest.fixture
async def journal(postgres_url: str) -> AsyncIterator[SqlJournal]:
    async with open_journal(postgres_url, busy_seconds=2) as journal:
        yield journal


@contextmanager
def database(server: str, name: str) -> Iterator[str]:
    """Make an empty database beside the one with tables, and drop it again."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
        try:
            yield server.replace("/postgres?", f"/{name}?")
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def kill_sessions(url: str) -> int:
    """End every other session of the database; return how many there were."""
    ask = (
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE application_name = 'paygent' AND pid <> pg_backend_pid()"
    )
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(ask).fetchone()
    assert row is not None
    return int(row[0])


def test_migrations_make_the_schema_on_postgresql(postgres_url: str) -> None:
    engine = sa.create_engine(postgres_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": REVISION_TABLE, "compare_type": True})
        differences = compare_metadata(context, metadata)
    engine.dispose()

    assert [] == differences


def test_processes_that_start_together_make_one_schema(postgres_server: str) -> None:
    with database(postgres_server, "together") as url:
        started = [
            subprocess.Popen([sys.executable, "-c", OPEN, url], stdout=subprocess.PIPE, text=True) for _ in range(4)
        ]
        secrets = {process.communicate(timeout=60)[0] for process in started}

    assert [0] * 4 == [process.returncode for process in started]
    assert 1 == len(secrets)


def test_upgrade_leaves_a_database_that_is_ready(postgres_url: str) -> None:
    upgrade(postgres_url.replace("postgresql://", "postgresql+psycopg://"))
    open_journal(postgres_url).close()

    with psycopg.connect(postgres_url) as connection:
        assert (REVISIONS[-1],) == connection.execute(f"SELECT version_num FROM {REVISION_TABLE}").fetchone()


@pytest.mark.parametrize(("revision", "advice"), [("9999", "made by a newer version"), ("0001", "upgrade")])
def test_other_revisions_are_refused_with_advice(postgres_server: str, revision: str, advice: str) -> None:
    with database(postgres_server, "other_revision") as url:
        upgrade(url)
        with psycopg.connect(url) as connection:
            connection.execute(f"UPDATE {REVISION_TABLE} SET version_num = %s", [revision])
        with pytest.raises(ConfigurationError, match=advice):
            open_journal(url)


def test_another_programs_database_is_refused(postgres_server: str) -> None:
    with database(postgres_server, "another_program") as url:
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE diary (entry TEXT)")
        with pytest.raises(ConfigurationError, match="belongs to another program"):
            open_journal(url)


def test_missing_database_is_refused_without_the_password(postgres_url: str) -> None:
    url = postgres_url.replace("paygent@/postgres", "paygent:hidden@/missing")
    with pytest.raises(ConfigurationError, match="does not exist") as refusal:
        open_journal(url)

    assert "hidden" not in str(refusal.value)


def test_unreachable_server_is_retryable_and_does_not_show_the_password(tmp_path: object) -> None:
    with pytest.raises(AdapterError, match="cannot answer") as gone:
        open_journal(f"postgresql://paygent:hidden@/pay?host={tmp_path}", busy_seconds=1)

    assert gone.value.retryable
    assert "hidden" not in str(gone.value)


async def test_lost_connections_are_made_again_and_nothing_is_lost(journal: SqlJournal, postgres_url: str) -> None:
    first = await put(journal, reserved(1), daily(1, limit=9))
    assert 2 == kill_sessions(postgres_url)
    assert first == await journal.get(first.id)
    await journal.append(first, signed(first))
    await put(journal, reserved(2), daily(1, limit=9))

    assert signed(first) == await journal.get(first.id)
    assert (2, 0) == await used(journal)
    assert first_break(await journal.entries()) is None


async def test_sessions_killed_while_writing_leave_all_or_nothing(journal: SqlJournal, postgres_url: str) -> None:
    written: list[int] = []
    lost: list[AdapterError] = []

    async def buy(index: int) -> None:
        try:
            await put(journal, reserved(index), daily(1, limit=1000))
        except AdapterError as error:
            lost.append(error)
            return
        written.append(index)

    async with anyio.create_task_group() as tasks:
        for index in range(120):
            tasks.start_soon(buy, index)
            if index % 20 == 0:
                await anyio.sleep(0.01)
                await anyio.to_thread.run_sync(kill_sessions, postgres_url)
    stored = {payment.id for payment in (await journal.page(limit=1000)).payments}
    rows = await journal.entries()

    assert all(error.retryable for error in lost)
    assert {reserved(index).id for index in written} <= stored
    assert (len(stored), 0) == await used(journal)
    assert len(stored) == len(rows)
    assert first_break(rows) is None


async def test_writer_that_holds_the_lock_too_long_is_retryable(journal: SqlJournal, postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as blocker:
        blocker.execute("SELECT number FROM audit_head FOR UPDATE")
        with pytest.raises(AdapterError, match="lock timeout") as locked:
            await put(journal, reserved())
        assert await journal.get(reserved().id) is None
        blocker.rollback()

    assert locked.value.retryable
    assert await put(journal, reserved()) == await journal.get(reserved().id)


async def test_value_that_the_server_cannot_hold_fails_its_caller_alone(journal: SqlJournal) -> None:
    errors: list[AdapterError] = []

    async def bad() -> None:
        try:
            await put(journal, reserved("bad", key="nul \0"), daily(1, limit=10))
        except AdapterError as error:
            errors.append(error)

    async with anyio.create_task_group() as tasks:
        for index in range(3):
            tasks.start_soon(put, journal, reserved(index), daily(1, limit=10))
        tasks.start_soon(bad)

    assert [False] == [error.retryable for error in errors]
    assert (3, 0) == await used(journal)


async def test_history_that_the_server_cannot_hold_fails_its_caller_alone(journal: SqlJournal) -> None:
    """The lines of histories are sent together before the commit, without waiting for each other's answers."""
    late = reserved("bad")
    bad = replace(late, history=(*late.history[:-1], replace(late.history[-1], at=2**70)))
    errors: list[AdapterError] = []

    async def put_bad() -> None:
        with pytest.raises(AdapterError, match="out of range") as error:
            await put(journal, bad, daily(1, limit=10))
        errors.append(error.value)

    await put_bad()
    async with anyio.create_task_group() as tasks:
        for index in range(3):
            tasks.start_soon(put, journal, reserved(index), daily(1, limit=10))
        tasks.start_soon(put_bad)

    assert 2 == len(errors)
    assert await journal.get(bad.id) is None
    assert 3 == len(await journal.entries())
    assert (3, 0) == await used(journal)
