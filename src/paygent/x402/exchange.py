"""One request and what it may cost, as a state object: drivers send and deliver what it says, and decide nothing.

::

    start ─→ Send(unpaid) ─ received ─→ Authorize ─ authorized ─→ Send(paid) ─ received ─→ Deliver
                   └──────── received, lost ────→ Deliver ←── lost ──┴──── lost ────┘

There is one paid send at most: no answer to it, a second 402 least of all, leads to another `Authorize`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto, unique
from typing import TypeAlias

from paygent.core.errors import LocalProtocolError, RemoteProtocolError
from paygent.core.payment import SignedPayload
from paygent.core.requirements import PaymentRequired, Settlement
from paygent.x402.codec import read_payment_required
from paygent.x402.settlement import read_settlement


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """Send the request with these headers added to its own; then call `received` or `lost`."""

    headers: tuple[tuple[str, str], ...] = field(repr=False)
    paid: bool
    """The headers move money; whoever sees them can settle the payment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorize:
    """The seller asks for money: choose an offer and sign; then call `authorized`, or `lost` to do without."""

    required: PaymentRequired


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliver:
    """The exchange is over: hand the last answer, if there is one, to the caller."""

    settlement: Settlement | None
    """What the answer to the paid send says became of the money: a claim."""
    delivered: bool
    """The paid send was answered with a 2xx that does not say that settling failed."""
    refused: PaymentRequired | None
    """What the last answer asks for, if it is a 402 that nobody pays: unreadable, declined, or after paying."""
    why: str | None = None
    """What was lost or could not be read, for people."""


Step: TypeAlias = Send | Authorize | Deliver


@unique
class _At(Enum):
    NEW = auto()
    SENT = auto()
    AUTHORIZING = auto()
    PAID = auto()
    OVER = auto()


class Exchange:
    """The state of one exchange. Calling a method out of turn raises LocalProtocolError and changes nothing."""

    __slots__ = ("_at", "_required")

    def __init__(self) -> None:
        self._at = _At.NEW
        self._required: PaymentRequired | None = None

    def start(self, payload: SignedPayload | None = None) -> Send:
        """Begin; with the payload of an earlier exchange, by sending the same bytes again."""
        self._expect("start", _At.NEW)
        return self._send(payload)

    def received(self, status: int, headers: Mapping[str, str], body: bytes | None) -> Authorize | Deliver:
        """Take the answer to the last send.

        `headers` as in `codec`. `body` is read for a 402 only (`codec.needs_body`), and may be None otherwise.
        """
        self._expect("received", _At.SENT, _At.PAID)
        required = read_payment_required(headers=headers, body=body) if status == 402 else None
        if self._at is _At.PAID:
            return self._paid_answer(status, headers, required)
        if required is None or not required.requirements:
            return self._deliver(refused=required)
        self._at, self._required = _At.AUTHORIZING, required
        return Authorize(required=required)

    def authorized(self, payload: SignedPayload) -> Send:
        """Take the signed payload and send it."""
        self._expect("authorized", _At.AUTHORIZING)
        return self._send(payload)

    def lost(self, why: str) -> Deliver:
        """Take that there is no answer, or no authorization. After a paid send this says nothing about the money."""
        self._expect("lost", _At.SENT, _At.AUTHORIZING, _At.PAID)
        return self._deliver(refused=self._required if self._at is _At.AUTHORIZING else None, why=why)

    def _paid_answer(self, status: int, headers: Mapping[str, str], required: PaymentRequired | None) -> Deliver:
        settlement, why = _claim(headers)
        failed = settlement is not None and not settlement.success
        delivered = 200 <= status < 300 and not failed
        return self._deliver(settlement=settlement, delivered=delivered, refused=required, why=why)

    def _send(self, payload: SignedPayload | None) -> Send:
        self._at = _At.SENT if payload is None else _At.PAID
        headers = () if payload is None else ((payload.header, payload.value),)
        return Send(headers=headers, paid=payload is not None)

    def _deliver(
        self,
        *,
        settlement: Settlement | None = None,
        delivered: bool = False,
        refused: PaymentRequired | None = None,
        why: str | None = None,
    ) -> Deliver:
        self._at = _At.OVER
        return Deliver(settlement=settlement, delivered=delivered, refused=refused, why=why)

    def _expect(self, method: str, *places: _At) -> None:
        if self._at not in places:
            raise LocalProtocolError(f"{method} is out of turn: the exchange is {self._at.name.lower()}")


def _claim(headers: Mapping[str, str]) -> tuple[Settlement | None, str | None]:
    """Read the claim; one that cannot be read must not hold the answer back."""
    try:
        return read_settlement(headers), None
    except RemoteProtocolError as exc:
        return None, str(exc)
