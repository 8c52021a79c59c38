"""Databases that are ready: a file to copy, and a PostgreSQL server with one to empty."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from paygent.adapters.sql import open_journal, upgrade
from tests.conformance.books import emptied
from tests.postgres import server

collect_ignore = [] if sys.platform == "linux" else ["test_postgresql_full_disk.py"]
"""Elsewhere a server cannot be told that its disk is full: test_postgresql_faults.py has it raise what it would."""


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
    return emptied(postgres_server)
