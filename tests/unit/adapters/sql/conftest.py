"""A database file that is ready, and the journal on it."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from paygent.adapters.sql import SqlJournal, open_journal


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("empty") / "pay.db"
    open_journal(str(file)).close()
    return file


@pytest.fixture
def file(empty: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(empty, tmp_path))


@pytest.fixture
async def journal(file: Path) -> AsyncIterator[SqlJournal]:
    async with open_journal(str(file), busy_seconds=1) as journal:
        yield journal
