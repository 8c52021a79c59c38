"""What `open_journal` makes, accepts and refuses."""

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from sqlalchemy import Connection

from paygent.adapters.sql import open_journal, upgrade
from paygent.core.errors import AdapterError, ConfigurationError
from paygent.core.service import ServiceQuery
from paygent.testing.conformance.payments import START, reserved, signed
from paygent.testing.conformance.services import listing


def run(program: str, *arguments: str) -> str:
    return subprocess.check_output([sys.executable, "-c", program, *arguments], text=True, timeout=60).strip()


def stamp(file: Path, revision: str) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE paygent_revision SET version_num = ?", [revision])
    connection.close()


@pytest.mark.parametrize("write", ["{}", "sqlite:///{}", "sqlite+pysqlite:///{}"])
def test_open_journal_takes_a_path_or_url(tmp_path: Path, write: str) -> None:
    file = tmp_path / "pay.db"
    open_journal(write.format(file)).close()

    assert file.is_file()


def test_open_journal_takes_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    journal = open_journal("sqlite:///pay.db")
    journal.close()

    assert tmp_path / "pay.db" == journal.file


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", ":memory:"])
def test_open_journal_in_memory_makes_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.chdir(tmp_path)
    open_journal(url).close()

    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:hidden@localhost",
        "postgresql://user:hidden@localhost:port/pay",
        "postgresql://user:hidden@localhost/pay?nonsense=hidden",
        "postgresql+asyncpg://user:hidden@localhost/pay",
        "postgresql+psycopg2://user:hidden@localhost/pay",
        "sqlite+aiosqlite:///pay.db",
        "sqlite:///pay.db?mode=ro",
        "sqlite://host/pay.db",
        "http://example.com",
        "://",
        "",
        "  ",
        "a\0b",
    ],
)
def test_open_journal_refuses_other_urls(url: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        open_journal(url)

    assert "hidden" not in str(refusal.value)


def test_new_database_is_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "pay.db"

    def modes() -> set[int]:
        return {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}

    async def write() -> set[int]:
        async with open_journal(str(file)) as journal:
            await journal.open(reserved(), [], now=START, new_purchase=False)
            return modes()

    before = os.umask(0)
    try:
        seen = anyio.run(write)
    finally:
        os.umask(before)

    assert {0o600} == seen


def test_database_is_durable(tmp_path: Path) -> None:
    journal = open_journal(str(tmp_path / "pay.db"))
    cursor = journal._writer._connection.cursor()
    settings = [
        cursor.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    ]
    journal.close()

    assert ["wal", 2, 1, 10_000] == settings


def test_open_journal_refuses_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file or directory"):
        open_journal(str(tmp_path / "missing" / "pay.db"))


def test_open_journal_refuses_a_folder_and_a_file_as_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file" / "pay.db"):
        with pytest.raises(ConfigurationError, match="cannot be opened"):
            open_journal(str(path))


def test_open_journal_refuses_a_read_only_folder(tmp_path: Path) -> None:
    """Root may write everywhere but where the system itself forbids it."""
    tmp_path.chmod(0o500)
    folder = tmp_path if os.geteuid() else Path("/proc/self")

    with pytest.raises(ConfigurationError, match="cannot be opened"):
        open_journal(str(folder / "pay.db"))


def test_open_journal_refuses_what_is_no_database(tmp_path: Path) -> None:
    file = tmp_path / "pay.db"
    file.write_text("this is a diary and not a database\n" * 100)

    with pytest.raises(ConfigurationError, match="not a database"):
        open_journal(str(file))
    assert file.read_text().startswith("this is a diary")


def test_open_journal_refuses_another_programs_database(tmp_path: Path) -> None:
    file = tmp_path / "pay.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE diary (entry TEXT)")
    connection.close()

    with pytest.raises(ConfigurationError, match="belongs to another program"):
        open_journal(str(file))


def test_open_journal_refuses_a_database_that_has_lost_its_revision(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("DELETE FROM paygent_revision")
    connection.close()

    with pytest.raises(ConfigurationError, match="has lost its revision; restore the database from a copy"):
        open_journal(str(file))
    with pytest.raises(ConfigurationError, match="has lost its revision"):
        upgrade(str(file))


def test_open_journal_refuses_a_newer_revision(file: Path) -> None:
    stamp(file, "9999")

    with pytest.raises(ConfigurationError, match="made by a newer version"):
        open_journal(str(file))
    with pytest.raises(ConfigurationError, match="made by a newer version"):
        upgrade(str(file))


def test_open_journal_refuses_an_older_revision_and_says_what_to_run(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paygent.adapters.sql.revision.REVISIONS", ("0000", "0001", "0002"))
    stamp(file, "0000")

    with pytest.raises(ConfigurationError, match=r"run `paygent db upgrade` once"):
        open_journal(str(file))


def test_upgrade_makes_a_new_database_and_leaves_one_that_is_ready(tmp_path: Path) -> None:
    file = tmp_path / "pay.db"
    upgrade(f"sqlite:///{file}")
    upgrade(f"sqlite:///{file}")
    open_journal(str(file)).close()

    assert file.is_file()


def test_upgrade_that_breaks_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "pay.db"

    def break_down(connection: Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE half (a)")
        connection.exec_driver_sql("CREATE TABLE half (a)")

    monkeypatch.setattr("paygent.adapters.sql.revision._run", break_down)
    with pytest.raises(AdapterError, match="already exists"):
        upgrade(str(file))
    monkeypatch.undo()
    open_journal(str(file)).close()

    assert file.is_file()


def test_open_journal_of_a_locked_database_is_retryable(file: Path) -> None:
    """An exclusive lock keeps even the first look at the file away."""
    blocker = sqlite3.connect(file, isolation_level=None)
    blocker.execute("PRAGMA locking_mode = EXCLUSIVE")
    blocker.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(AdapterError) as locked:
            open_journal(str(file), busy_seconds=0)
    finally:
        blocker.close()

    assert locked.value.retryable


def test_alembic_is_imported_only_for_a_new_database(file: Path) -> None:
    program = """
import sys
from paygent.adapters.sql import open_journal
open_journal(sys.argv[1]).close()
print("alembic" in sys.modules)
"""

    assert "False" == run(program, str(file))
    assert "True" == run(program, str(file.with_name("new.db")))


def test_processes_that_start_together_make_one_database(tmp_path: Path) -> None:
    program = """
import sys, anyio
from paygent.adapters.sql import open_journal
async def main():
    async with open_journal(sys.argv[1]) as journal:
        print((await journal.secret()).hex())
anyio.run(main)
"""
    started = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "pay.db")], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    secrets = {process.communicate(timeout=60)[0] for process in started}

    assert 1 == len(secrets)
    assert [0] * 4 == [process.returncode for process in started]


def test_journal_of_the_next_process_has_the_same_payments_and_secret(file: Path) -> None:
    async def first() -> bytes:
        async with open_journal(str(file)) as journal:
            await journal.open(reserved(), [], now=START, new_purchase=False)
            await journal.append(reserved(), signed(reserved()))
            return await journal.secret()

    program = """
import sys, anyio
from paygent.adapters.sql import open_journal
from paygent.testing.conformance.payments import reserved, signed
async def main():
    async with open_journal(sys.argv[1]) as journal:
        assert await journal.get(reserved().id) == signed(reserved())
        print((await journal.secret()).hex())
anyio.run(main)
"""

    assert anyio.run(first).hex() == run(program, str(file))


@pytest.mark.anyio
async def test_service_registered_by_an_older_version_is_found_by_its_url(tmp_path: Path) -> None:
    file = tmp_path / "pay.db"
    known = listing("weather")
    async with open_journal(str(file)) as journal:
        await journal.add_services([known])
    with sqlite3.connect(file) as older:
        older.execute("DELETE FROM service_words WHERE word LIKE '@%'")
        older.execute("DROP INDEX moves_granted")
    older.close()
    stamp(file, "0005")

    upgrade(str(file))
    async with open_journal(str(file)) as journal:
        page = await journal.services(ServiceQuery(url=known.service.url))

    assert (known,) == page.listings
