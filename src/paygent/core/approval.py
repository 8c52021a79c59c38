"""Asking a person: what is shown and what is agreed to come from the same bytes."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum, unique

from paygent.core.errors import ApprovalLapsed, ApprovalPending, ApprovalRefused, LocalProtocolError
from paygent.core.ids import ApprovalId, PaymentId
from paygent.core.lifecycle import State
from paygent.core.payment import Payment


@unique
class ApprovalState(StrEnum):
    """Where a request for approval stands."""

    PENDING = "PENDING"
    GRANTED = "GRANTED"
    REFUSED = "REFUSED"
    LAPSED = "LAPSED"
    """Nobody decided in time."""
    VOID = "VOID"
    """Halted, or edited into another intent."""
    USED = "USED"
    """Granted, and spent on its payment: never again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalDecision:
    """What one approver said."""

    approver: str
    """Who; an approver counts once."""
    granted: bool
    digest: str
    """The digest of the text that was shown; a decision about another text does not count."""
    at: int
    """Unix seconds."""
    reason: str = ""
    """For people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequest:
    """A payment that waits for people, bound to exactly what they are shown."""

    id: ApprovalId
    payment_id: PaymentId
    facts: Mapping[str, str]
    """What is asked: payee, resource, amount, amount in USD, budget left, reasons, and the intent's digest."""
    needed: int
    """How many distinct approvers have to agree."""
    created_at: int
    expires_at: int
    """Unix seconds; from then on no decision counts."""
    state: ApprovalState = ApprovalState.PENDING
    decisions: tuple[ApprovalDecision, ...] = ()

    def __post_init__(self) -> None:
        if self.needed < 1:
            raise ValueError(f"at least one approver has to agree, not {self.needed}")

    @property
    def canonical(self) -> bytes:
        """The bytes that text and digest are made of."""
        facts = {**self.facts, "approval": self.id, "payment": self.payment_id, "expires_at": str(self.expires_at)}
        return json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()

    @property
    def digest(self) -> str:
        """64 hexadecimal digits that a decision has to repeat."""
        return hashlib.sha256(self.canonical).hexdigest()

    @property
    def text(self) -> str:
        """What a person is shown: every fact, a line each; what could forge a line or a colour is written out."""
        facts: dict[str, str] = json.loads(self.canonical)
        return "\n".join(f"{_shown(name.replace('_', ' '))}: {_shown(said)}" for name, said in facts.items())

    def decided(self, decision: ApprovalDecision) -> "ApprovalRequest":
        """Return the request after a decision; one refusal refuses it, `needed` distinct grants grant it.

        Raises:
            LocalProtocolError: it is not pending, or the decision is about another text.
            ApprovalLapsed: the time is over.
            ApprovalRefused: this approver has spoken already.
        """
        if self.state is not ApprovalState.PENDING:
            raise LocalProtocolError(f"approval {self.id} is {self.state} and takes no decision any more")
        if decision.digest != self.digest:
            raise LocalProtocolError(f"the decision is not about what approval {self.id} shows; show it again")
        if decision.at >= self.expires_at:
            raise ApprovalLapsed(f"approval {self.id} ended at {self.expires_at}", payment_id=self.payment_id)
        if decision.approver in {earlier.approver for earlier in self.decisions}:
            raise ApprovalRefused(
                f"{decision.approver!r} has decided about approval {self.id} already", payment_id=self.payment_id
            )
        decisions = (*self.decisions, decision)
        return replace(self, decisions=decisions, state=_state(decisions, self.needed))

    def used(self, payment_id: PaymentId, *, now: int) -> "ApprovalRequest":
        """Return the request spent on its payment: the only time that a grant counts.

        Raises:
            ApprovalPending: nobody, or not everybody, has decided yet.
            ApprovalRefused: somebody said no. ApprovalLapsed: the time is over.
            LocalProtocolError: it is about another payment, was used before, or is void.
        """
        if self.payment_id != payment_id:
            raise LocalProtocolError(f"approval {self.id} is about payment {self.payment_id}, not {payment_id}")
        match self.at(now).state:
            case ApprovalState.GRANTED:
                return replace(self, state=ApprovalState.USED)
            case ApprovalState.PENDING:
                raise ApprovalPending(
                    f"payment {payment_id} waits for approval {self.id}; resume it when that is granted",
                    payment_id=payment_id,
                )
            case ApprovalState.REFUSED:
                raise ApprovalRefused(f"approval {self.id} was refused", payment_id=payment_id)
            case ApprovalState.LAPSED:
                raise ApprovalLapsed(f"approval {self.id} ended at {self.expires_at}", payment_id=payment_id)
            case state:
                raise LocalProtocolError(f"approval {self.id} is {state}; it cannot be used for a payment")

    def voided(self) -> "ApprovalRequest":
        """Return the request as it stands when its payment goes another way; what is decided stays."""
        open_still = self.state in {ApprovalState.PENDING, ApprovalState.GRANTED}
        return replace(self, state=ApprovalState.VOID) if open_still else self

    def at(self, now: int) -> "ApprovalRequest":
        """Return the request as it stands at `now`: pending ones and unused grants lapse."""
        waiting = self.state in {ApprovalState.PENDING, ApprovalState.GRANTED}
        return replace(self, state=ApprovalState.LAPSED) if waiting and now >= self.expires_at else self


def _shown(words: str) -> str:
    """Return words of strangers on one line, without what a terminal obeys or what turns the direction of writing."""
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in words)


def _state(decisions: tuple[ApprovalDecision, ...], needed: int) -> ApprovalState:
    if any(not decision.granted for decision in decisions):
        return ApprovalState.REFUSED
    return ApprovalState.GRANTED if len(decisions) >= needed else ApprovalState.PENDING


def check_request(payment: Payment, request: ApprovalRequest) -> None:
    """Make sure that the request asks about exactly this payment.

    Raises: LocalProtocolError: it does not, or has decisions already; or the payment does not await approval.
    """
    if payment.state is not State.AWAITING_APPROVAL:
        raise LocalProtocolError(f"payment {payment.id} is {payment.state}, and does not await approval")
    if request.payment_id != payment.id or request.state is not ApprovalState.PENDING or request.decisions:
        raise LocalProtocolError(f"approval {request.id} is not a new request about payment {payment.id}")
    digest = payment.intent.digest.hex()
    if not any(digest in said for said in request.facts.values()):
        raise LocalProtocolError(f"approval {request.id} does not show the digest of what it is about, {digest}")


def same_purchase(payment: Payment, other: Payment) -> bool:
    """Tell whether two payments are for the same request, offer and idempotency key: one question for people."""
    one, two = payment.intent, other.intent
    return (one.payer, one.request, one.payee, one.amount, one.scheme, payment.idempotency_key) == (
        two.payer,
        two.request,
        two.payee,
        two.amount,
        two.scheme,
        other.idempotency_key,
    )


def refusal_note(decision: ApprovalDecision) -> str:
    """Return what the history of a payment says of a refusal."""
    return f"refused by {decision.approver}" + (f": {decision.reason}" if decision.reason else "")
