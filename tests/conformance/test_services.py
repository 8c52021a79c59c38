"""Every store of services keeps the same promises."""

import pytest

from paygent.ports.service_store import ServiceStore
from paygent.testing.conformance import ServiceStoreContract
from paygent.testing.services import MemoryServices


class TestMemoryServices(ServiceStoreContract):
    @pytest.fixture
    def store(self) -> ServiceStore:
        return MemoryServices()
