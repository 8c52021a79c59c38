"""Our journals keep the contract, in memory, on disk and on a server, alone and shared."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from paygent.adapters.sql import SqlJournal, open_journal
from paygent.testing.conformance import PaymentJournalContract, SharedJournalContract
from paygent.testing.journal import MemoryJournal


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


class TestSqlJournalOnPostgreSQL(PaymentJournalContract):
    @pytest.fixture
    async def journal(self, postgres_url: str) -> AsyncIterator[SqlJournal]:
        async with open_journal(postgres_url) as journal:
            yield journal


class TestSqlJournalsOnOneServer(SharedJournalContract):
    @pytest.fixture
    async def journal(self, postgres_url: str) -> AsyncIterator[SqlJournal]:
        async with open_journal(postgres_url) as journal:
            yield journal

    @pytest.fixture
    async def second(self, postgres_url: str) -> AsyncIterator[SqlJournal]:
        async with open_journal(postgres_url) as journal:
            yield journal
