"""Our storages keep the contract for approvals, halts, the audit log and history."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from paygent.adapters.sql import SqlJournal, open_journal
from paygent.ports.storage import Storage
from paygent.testing.conformance import StorageContract
from paygent.testing.journal import MemoryJournal


class TestMemoryStorage(StorageContract):
    @pytest.fixture
    def storage(self) -> Storage:
        return MemoryJournal()


class TestSqlStorageOnDisk(StorageContract):
    @pytest.fixture
    async def storage(self, file: Path) -> AsyncIterator[SqlJournal]:
        async with open_journal(str(file)) as journal:
            yield journal


class TestSqlStorageOnPostgreSQL(StorageContract):
    @pytest.fixture
    async def storage(self, postgres_url: str) -> AsyncIterator[SqlJournal]:
        async with open_journal(postgres_url) as journal:
            yield journal
