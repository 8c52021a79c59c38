"""Our journals keep the contract, in memory and on disk, alone and shared."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from paygent.adapters.sql import SqlJournal, open_journal
from paygent.testing.conformance import PaymentJournalContract, SharedJournalContract
from paygent.testing.journal import MemoryJournal


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new database, made once: copying it is faster than making it."""
    file = tmp_path_factory.mktemp("empty") / "pay.db"
    open_journal(str(file)).close()
    return file


@pytest.fixture
def file(empty: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(empty, tmp_path))


class TestMemoryJournal(PaymentJournalContract):
    @pytest.fixture
    def journal(self) -> MemoryJournal:
        return MemoryJournal()


class TestSqlJournalOnDisk(PaymentJournalContract):
    @pytest.fixture
    async def journal(self, file: Path) -> AsyncIterator[SqlJournal]:
        async with open_journal(f"sqlite:///{file}") as journal:
            yield journal


class TestSqlJournalInMemory(PaymentJournalContract):
    @pytest.fixture
    async def journal(self) -> AsyncIterator[SqlJournal]:
        async with open_journal("sqlite://") as journal:
            yield journal


class TestSqlJournalsOnOneFile(SharedJournalContract):
    @pytest.fixture
    async def journal(self, file: Path) -> AsyncIterator[SqlJournal]:
        async with open_journal(str(file)) as journal:
            yield journal

    @pytest.fixture
    async def second(self, file: Path) -> AsyncIterator[SqlJournal]:
        async with open_journal(str(file)) as journal:
            yield journal
