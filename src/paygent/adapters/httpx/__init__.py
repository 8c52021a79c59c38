"""Pay 402 answers inside httpx: transports that go under any client; its auth, redirects and cookies keep working."""

from paygent.adapters.httpx.broken import after_paying
from paygent.adapters.httpx.purchase import (
    ASK,
    CONTEXT,
    FIRST,
    INSTEAD_OF,
    INTENT,
    KEY,
    MAX_AMOUNT,
    MAX_REQUEST_BYTES,
    METADATA_URI,
    NEW_PURCHASE,
    PAYMENT,
    QUANTITY,
    QUOTE,
    RECEIPT,
    RESUME,
)
from paygent.adapters.httpx.sync import PaymentTransport
from paygent.adapters.httpx.transport import PAID_TIMEOUT_SECONDS, AsyncPaymentTransport

__all__ = [
    "ASK",
    "CONTEXT",
    "FIRST",
    "INSTEAD_OF",
    "INTENT",
    "KEY",
    "MAX_AMOUNT",
    "MAX_REQUEST_BYTES",
    "METADATA_URI",
    "NEW_PURCHASE",
    "PAID_TIMEOUT_SECONDS",
    "PAYMENT",
    "QUANTITY",
    "QUOTE",
    "RECEIPT",
    "RESUME",
    "AsyncPaymentTransport",
    "PaymentTransport",
    "after_paying",
]
