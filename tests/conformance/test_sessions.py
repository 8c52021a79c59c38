"""Our session stores keep the contract."""

import pytest

from paygent.ports.session_store import SessionStore
from paygent.testing.conformance.sessions import SessionStoreContract
from paygent.testing.sessions import MemorySessions


class TestMemorySessions(SessionStoreContract):
    @pytest.fixture
    def sessions(self) -> SessionStore:
        return MemorySessions()
