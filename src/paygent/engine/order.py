"""What the engine is asked to pay, and what comes back."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from paygent.core.action import Action
from paygent.core.context import NOBODY, Context
from paygent.core.errors import LocalProtocolError
from paygent.core.ids import IntentId, PaymentId
from paygent.core.money import Amount
from paygent.core.payment import Payment, SignedPayload
from paygent.core.requirements import PaymentRequired, Settlement
from paygent.core.verdict import Alternative

R = TypeVar("R")
_LONGEST_KEY: Final = 500
"""Characters of an idempotency key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A request that was answered with 402, and how its caller wants it paid."""

    intent_id: IntentId
    """Names the wish; the same id is never paid twice."""
    required: PaymentRequired
    """What the seller asks for."""
    method: str
    """HTTP method, upper case."""
    url: str
    """The URL that was requested, without credentials and fragment."""
    request: str
    """The request's digest, `core.ids.request_digest`."""
    idempotency_key: str | None = None
    """The caller's own name for the purchase."""
    new_purchase: bool = False
    """Buy even where the same request has a payment that is unknown or undelivered."""
    max_amount: Amount | str | None = None
    """The caller's ceiling, below the policy's; text is in whole units of whichever token is taken."""

    context: Context = NOBODY
    """Who pays and what for, by the program's word."""
    quantity: int = 1
    """How many units of the service are bought, by the program's word."""
    metadata_uri: str | None = None
    """Where the program found the service's description, such as a registry's entry; None where it did not look."""
    instead_of: tuple[Alternative, ...] = ()
    """The alternatives that led here after downgrades, the first one first."""
    resume: PaymentId | None = None
    """The payment that waits for approval and is asked for again."""
    edited: Amount | None = None
    """The ceiling that an approver's edit of `resume` left; besides the caller's own."""
    first: bool = field(default=False, compare=False)
    """The caller has just seen that the key has no payment; where it has one all the same, the journal refuses this.

    It says how the journal is asked and not what is bought: an order with it is the order that was asked about without.
    """

    def __post_init__(self) -> None:
        if type(self.quantity) is not int or self.quantity < 1:
            raise LocalProtocolError(f"at least one unit is bought, and whole ones, not {self.quantity!r}")
        _check_key(self.idempotency_key)

    @property
    def host(self) -> str:
        """Host and port of the URL in lower case."""
        return self.url.partition("://")[2].partition("/")[0].partition("?")[0].lower()

    @property
    def repeatable(self) -> bool:
        """The same bytes may be sent again without asking anybody."""
        return self.method in {"GET", "HEAD"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionOrder:
    """An action on chain, and how its caller wants it done. `Engine.execute` takes it."""

    intent_id: IntentId
    """Names the wish; the same id is never done twice, and asking again goes on with it."""
    action: Action
    """What is done: decoded, unsigned calls."""
    context: Context = NOBODY
    """Who acts and what for, by the program's word."""
    idempotency_key: str | None = None
    """The caller's own name for the action."""
    new_action: bool = False
    """Do it even where the same wish has a payment that is unknown or unfinished."""
    errors: tuple[str, ...] = ()
    """Custom errors of the contracts that are called, such as ``TooLittle(uint256,uint256)``, to read reverts by."""

    def __post_init__(self) -> None:
        _check_key(self.idempotency_key)


def _check_key(key: object) -> None:
    """Refuse what cannot be written down and found again; types are not checked in the program that gives it."""
    if key is None or (isinstance(key, str) and 0 < len(key) <= _LONGEST_KEY and key.isprintable() and key.strip()):
        return
    said = repr(key)[:80]
    raise LocalProtocolError(f"an idempotency key is text of 1 to {_LONGEST_KEY} printable characters, not {said}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Generic[R]):
    """What a paid send brought back, as far as its head tells."""

    response: R
    """The transport's own response."""
    status: int
    settlement: Settlement | None
    """The claim in the answer, if any."""
    delivered: bool
    """The answer is what was paid for, once its body has been read."""
    discard: Callable[[], Awaitable[None]]
    """Lets go of an answer that nobody gets."""

    @property
    def claimed(self) -> str:
        """What an answer that delivers nothing claims about the settlement, as the end of a note, or nothing."""
        if self.settlement is None:
            return ""
        outcome = "made" if self.settlement.success else "pending" if self.settlement.pending else "failed"
        return f", settlement claimed as {outcome}"


@dataclass(frozen=True, slots=True)
class Unsent:
    """What a paid send comes to of which no byte left, such as one that was refused a connection."""

    why: Exception


Send = Callable[[SignedPayload], Awaitable[Answer[R] | Unsent]]
"""Sends the signed bytes and returns the head of the answer, or that nothing was sent; raises where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid(Generic[R]):
    """An answer to a paid request, and the payment as it stands."""

    answer: Answer[R]
    payment: Payment
