"""Our session stores keep the contract."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from paygent.adapters.sql import SqlSessions, open_journal
from paygent.ports.session_store import SessionStore
from paygent.testing.conformance import SessionStoreContract
from paygent.testing.sessions import MemorySessions


class TestMemorySessions(SessionStoreContract):
    @pytest.fixture
    def sessions(self) -> SessionStore:
        return MemorySessions()


class TestSqlSessionsOnDisk(SessionStoreContract):
    @pytest.fixture
    async def sessions(self, file: Path) -> AsyncIterator[SessionStore]:
        async with open_journal(str(file)) as journal:
            yield SqlSessions(journal)


class TestSqlSessionsOnPostgreSQL(SessionStoreContract):
    @pytest.fixture
    async def sessions(self, postgres_url: str) -> AsyncIterator[SessionStore]:
        async with open_journal(postgres_url) as journal:
            yield SqlSessions(journal)
