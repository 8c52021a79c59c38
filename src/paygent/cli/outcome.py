"""What one run of the command line came to: its exit code and its JSON."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from paygent.core.errors import (
    ANEW,
    AuditLogBroken,
    ConfigurationError,
    LocalProtocolError,
    PaidUndelivered,
    PaymentCannotSettle,
    PaymentNotAttempted,
    PaymentOutcomeUnknown,
    RemoteProtocolError,
)
from paygent.core.lifecycle import HOLDING, OUT, State
from paygent.core.payment import Payment
from paygent.core.record import JSON

if TYPE_CHECKING:
    from paygent.engine.quote import Quote

OK, MISUSE, NOT_ATTEMPTED, CANNOT_SETTLE, UNKNOWN, SELLER_FAILED, INTERRUPTED = 0, 1, 3, 4, 5, 6, 130
_GRAVEST = (MISUSE, UNKNOWN, CANNOT_SETTLE, NOT_ATTEMPTED, SELLER_FAILED, OK)
_MISUSED = ("InvalidURL", "UnsupportedProtocol", "LocalProtocolError", "IDNAError")
"""The names that httpx and idna have for a request that cannot be sent as it is."""
_OF_ERROR: Final[tuple[tuple[tuple[type[BaseException], ...], int], ...]] = (
    ((KeyboardInterrupt,), INTERRUPTED),
    ((PaymentOutcomeUnknown,), UNKNOWN),
    ((PaymentCannotSettle,), CANNOT_SETTLE),
    ((PaymentNotAttempted,), NOT_ATTEMPTED),
    ((PaidUndelivered, RemoteProtocolError, AuditLogBroken), SELLER_FAILED),
    ((ConfigurationError, LocalProtocolError), MISUSE),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Rows for a person."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    nothing: str
    """What is said where there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What is known at the end."""

    exit_code: int
    status_code: int | None = None
    """HTTP status of the last answer."""
    body: bytes | None = None
    payment: Payment | None = None
    error: BaseException | None = None
    payments: Sequence[Payment] | None = None
    """What `payments` and `reconcile` list."""
    quote: "Quote | None" = None
    said: Mapping[str, JSON] = field(default_factory=dict[str, JSON])
    """What else goes into the JSON."""
    told: str | None = None
    """What a person is told on standard output."""
    facts: str | None = None
    """The same, a fact a line, some of them in a stranger's words: at a terminal none of those begins a line."""
    listing: Listing | None = None
    advice: tuple[str, ...] = ()
    """What a person is told to do next, on standard error; the JSON has it too."""

    def as_json(self) -> dict[str, JSON]:
        """Return the object that `--json` prints; the first four keys are always there."""
        said: dict[str, JSON] = {
            "status_code": self.status_code,
            "body": None if self.body is None else body_as_json(self.body),
            "payment": None if self.payment is None else payment_as_json(self.payment),
            "error": None if self.error is None else error_as_json(self.error),
        }
        if self.payments is not None:
            said["payments"] = [payment_as_json(payment) for payment in self.payments]
        if self.quote is not None:
            said["quote"] = quote_as_json(self.quote)
        if self.advice:
            said["advice"] = list(self.advice)
        return said | dict(self.said)


def code_of_error(error: BaseException) -> int:
    """Return the exit code of an error that ends the run."""
    if type(error).__name__ in _MISUSED:
        return MISUSE
    return next((code for kinds, code in _OF_ERROR if isinstance(error, kinds)), NOT_ATTEMPTED)


def code_of_payment(payment: Payment) -> int:
    """Return the exit code that says where a payment's money is."""
    if payment.state is State.SETTLED:
        return OK
    if payment.state in HOLDING:
        return UNKNOWN
    if payment.state in (State.EXPIRED, State.CANCELLED, State.REVERTED):
        return CANNOT_SETTLE
    return NOT_ATTEMPTED


def interrupted(error: KeyboardInterrupt, payment: Payment | None) -> Outcome:
    """Return how an interrupted run ended; that its payment can still settle is worth more than the interrupt."""
    out = payment is not None and payment.state in OUT
    return Outcome(exit_code=UNKNOWN if out else code_of_error(error), error=error, payment=payment)


def unproven(payment: Payment, why: str) -> PaymentOutcomeUnknown:
    """Return what to say of a payment that is out, and of which the chain proves nothing yet."""
    authorization = payment.authorization
    nonce, end = ("", 0) if authorization is None else (authorization.nonce, authorization.valid_before)
    return PaymentOutcomeUnknown(payment.id, nonce=nonce, expires_at=end, why=why)


def gravest(codes: Sequence[int]) -> int:
    """Return the exit code that a caller has to know about first."""
    return next((code for code in _GRAVEST if code in codes), OK)


def payment_as_json(payment: Payment) -> dict[str, JSON]:
    """Return what anybody may know about a payment; amounts are decimal strings of atomic units."""
    from paygent.evm.address import checksum

    amount = payment.intent.amount if payment.receipt is None else payment.receipt.amount
    return {
        "id": payment.id,
        "state": payment.state.value,
        "network": str(payment.intent.network),
        "asset": str(amount.asset.id) if amount.asset.id.native else checksum(amount.asset.id.address),
        "amount": str(amount.atomic),
        "payee": payment.intent.payee,
        "nonce": None if payment.authorization is None else payment.authorization.nonce,
        "transaction": transaction_of(payment),
    }


def quote_as_json(quote: "Quote") -> JSON:
    """Return the quote; amounts are decimal strings of atomic units."""
    from paygent.evm.address import checksum

    return {
        "url": quote.url,
        "free": quote.free,
        "taken": None if quote.taken is None else quote.taken.index,
        "offers": [
            {
                "index": offer.index,
                "network": str(offer.network),
                "asset": checksum(offer.amount.asset.id.address),
                "amount": str(offer.amount.atomic),
                "payee": offer.payee,
                "kind": offer.kind,
                "acceptable": offer.acceptable,
                "why": offer.why,
            }
            for offer in quote.offers
        ],
        "refusals": [{"index": said.index, "code": said.code, "text": said.text} for said in quote.refusals],
    }


def transaction_of(payment: Payment) -> str | None:
    """Return the transaction that settled the payment, by proof or else by the seller's word."""
    if payment.receipt is not None:
        return payment.receipt.transaction
    return None if payment.claim is None else payment.claim.transaction


def error_as_json(error: BaseException) -> dict[str, JSON]:
    """Return an error's class name and message."""
    return {"type": type(error).__name__, "message": message_of(error)}


def message_of(error: BaseException) -> str:
    """Return what to tell a person; some errors of other libraries and an interrupt have no text."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    return str(error).replace(ANEW, "another --idempotency-key") or type(error).__name__


def body_as_json(body: bytes) -> JSON:
    """Return the text, or an object with the bytes where it is not UTF-8."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}
