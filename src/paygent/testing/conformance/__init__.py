"""Conformance kits: what an adapter must keep of its port's promises. Needs pytest with the anyio plugin."""

import pytest

pytest.register_assert_rewrite("paygent.testing.conformance.chain", "paygent.testing.conformance.connector")
pytest.register_assert_rewrite(
    *(f"paygent.testing.conformance.journal{part}" for part in ("", "_append", "_budget", "_nonces", "_open", "_read"))
)

pytest.register_assert_rewrite(
    *(
        f"paygent.testing.conformance.{part}"
        for part in ("approvals", "audit", "halts", "history", "records", "services", "sessions", "storage")
    )
)

from paygent.testing.conformance.chain import ChainContract, ChainStage  # noqa: E402
from paygent.testing.conformance.connector import ConnectorContract, ConnectorStage  # noqa: E402
from paygent.testing.conformance.journal import PaymentJournalContract, SharedJournalContract  # noqa: E402
from paygent.testing.conformance.services import ServiceStoreContract  # noqa: E402
from paygent.testing.conformance.sessions import SessionStoreContract  # noqa: E402
from paygent.testing.conformance.storage import StorageContract  # noqa: E402

__all__ = [
    "ChainContract",
    "ChainStage",
    "ConnectorContract",
    "ConnectorStage",
    "PaymentJournalContract",
    "ServiceStoreContract",
    "SessionStoreContract",
    "SharedJournalContract",
    "StorageContract",
]
