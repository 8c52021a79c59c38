"""Databases that are ready: a file to copy, and a PostgreSQL server with one to empty."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from paygent.adapters.sql import open_journal, upgrade
from paygent.adapters.sql.schema import metadata
from tests.postgres import server


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new database, made once: copying it is faster than making it."""
    file = tmp_path_factory.mktemp("empty") / "pay.db"
    open_journal(str(file)).close()
    return file


@pytest.fixture
def file(empty: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(empty, tmp_path))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a database with the tables of this version, on a server of this test run."""
    with server() as url:
        upgrade(url)
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """The same database, emptied."""
    names = ", ".join(metadata.tables.keys() - {"audit_head"})
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"TRUNCATE {names} RESTART IDENTITY".encode())
        connection.execute("UPDATE audit_head SET number = 0, hash = repeat('0', 64)")
    return postgres_server
