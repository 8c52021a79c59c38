"""Every store of services keeps the same promises."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from paygent.adapters.sql import open_journal
from paygent.ports.service_store import ServiceStore
from paygent.testing.conformance import ServiceStoreContract
from paygent.testing.services import MemoryServices


class TestMemoryServices(ServiceStoreContract):
    @pytest.fixture
    def store(self) -> ServiceStore:
        return MemoryServices()


class TestSqliteServices(ServiceStoreContract):
    @pytest.fixture
    async def store(self, file: Path) -> AsyncGenerator[ServiceStore]:
        async with open_journal(str(file)) as journal:
            yield journal


@pytest.mark.xdist_group("postgres")
class TestPostgresServices(ServiceStoreContract):
    @pytest.fixture
    async def store(self, postgres_url: str) -> AsyncGenerator[ServiceStore]:
        async with open_journal(postgres_url) as journal:
            yield journal
