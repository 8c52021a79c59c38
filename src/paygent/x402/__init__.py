"""x402 without I/O: reading and writing the wire, choosing an offer, and the course of one exchange."""

from paygent.x402.codec import (
    fold_headers,
    needs_body,
    payment_message,
    read_cronos_settlement,
    read_payment_required,
    read_settlement,
    read_settlement_body,
    write_payload,
)
from paygent.x402.exchange import Authorize, Deliver, Exchange, Send
from paygent.x402.extensions import with_gas_sponsoring, with_payment_identifier
from paygent.x402.offers import Offer, read_offers
from paygent.x402.origin import foreign_resource, same_origin
from paygent.x402.schemes import authorization, typed_data
from paygent.x402.select import Judged, Preferences, Selection, select

__all__ = [
    "Authorize",
    "Deliver",
    "Exchange",
    "Judged",
    "Offer",
    "Preferences",
    "Selection",
    "Send",
    "authorization",
    "fold_headers",
    "foreign_resource",
    "needs_body",
    "payment_message",
    "read_cronos_settlement",
    "read_offers",
    "read_payment_required",
    "read_settlement",
    "read_settlement_body",
    "same_origin",
    "select",
    "typed_data",
    "with_gas_sponsoring",
    "with_payment_identifier",
    "write_payload",
]
