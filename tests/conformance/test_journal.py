"""Our journals keep the contract, in memory and on disk, alone and shared."""

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
    async def journal(self, tmp_path: Path) -> AsyncIterator[SqlJournal]:  # type: ignore[override]  # a fixture
        async with open_journal(f"sqlite:///{tmp_path}/pay.db") as journal:
            yield journal


class TestSqlJournalInMemory(PaymentJournalContract):
    @pytest.fixture
    async def journal(self) -> AsyncIterator[SqlJournal]:  # type: ignore[override]  # a fixture
        async with open_journal("sqlite://") as journal:
            yield journal


class TestSqlJournalsOnOneFile(SharedJournalContract):
    @pytest.fixture
    async def journal(self, tmp_path: Path) -> AsyncIterator[SqlJournal]:  # type: ignore[override]  # a fixture
        async with open_journal(str(tmp_path / "pay.db")) as journal:
            yield journal

    @pytest.fixture
    async def second(self, tmp_path: Path) -> AsyncIterator[SqlJournal]:  # type: ignore[override]  # a fixture
        async with open_journal(str(tmp_path / "pay.db")) as journal:
            yield journal
