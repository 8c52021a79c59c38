"""Asking a person: what is shown and what is agreed to come from the same bytes."""

import hashlib
import json
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum, unique
from typing import Final

from paygent.core.approval_errors import ApprovalLapsed, ApprovalPending, ApprovalRefused, NotAnApprover
from paygent.core.edit import Edit
from paygent.core.errors import LocalProtocolError
from paygent.core.ids import ApprovalId, PaymentId
from paygent.core.lifecycle import Event, State
from paygent.core.payment import Payment
from paygent.core.utc import utc

_APPROVERS: Final = "approvers"
_AND: Final = ", "
_LONGEST_NAME: Final = 200


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
    """What one approver said: yes, no, or yes to less (`edit`, and then `granted` is false)."""

    approver: str
    """Who; an approver counts once, also where the name is written with other case, width or spaces."""
    granted: bool
    digest: str
    """The digest of the text that was shown; a decision about another text does not count."""
    at: int
    """Unix seconds."""
    reason: str = ""
    """For people."""
    edit: Edit | None = None
    """What may be paid in place of what was shown."""

    def __post_init__(self) -> None:
        if not _person(self.approver):
            raise LocalProtocolError("a decision names who decides")
        if self.edit is not None and self.granted:
            raise LocalProtocolError("an edit agrees to less than what was shown: granted has to be false with it")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequest:
    """A payment that waits for people, bound to exactly what they are shown."""

    id: ApprovalId
    payment_id: PaymentId
    facts: Mapping[str, str]
    """What is asked: payee, resource, amount, amount in USD, budget left, reasons, and the intent's digest.

    `approvers` are the names of those who may decide, by commas (see `approvers_fact`); without it, anybody may.
    """
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
        if self.approvers is not None:
            approvers_fact(self.approvers, needed=self.needed)

    @property
    def approvers(self) -> tuple[str, ...] | None:
        """Who may decide; None for anybody."""
        said = self.facts.get(_APPROVERS)
        return None if said is None else tuple(said.split(_AND))

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
        facts["expires_at"] += f", {utc(self.expires_at)}"
        return "\n".join(f"{_shown(name.replace('_', ' '))}: {_shown(said)}" for name, said in facts.items())

    @property
    def edited(self) -> ApprovalDecision | None:
        """The decision that edited it, if one did; it is VOID then."""
        return next((decision for decision in self.decisions if decision.edit is not None), None)

    def editing(self, *, amount: str | None = None, quantity: int | None = None) -> Edit:
        """Return the edit to `amount` (whole units of the asset, as text) or `quantity`, after checking it.

        Raises: LocalProtocolError: it is no amount, or not less than what is asked for.
        """
        atomic = None if amount is None else _atomic(amount, self._fact("decimals"))
        edit = Edit(atomic_units=atomic, quantity=quantity)
        self._check_less(edit)
        return edit

    def ceiling(self, edit: Edit) -> int:
        """Return the most that may be paid after an edit, in atomic units: fewer units cost less in proportion."""
        asked = self._fact("atomic_units")
        most = asked if edit.quantity is None else asked * edit.quantity // self._fact("quantity")
        return most if edit.atomic_units is None else min(most, edit.atomic_units)

    def _check_less(self, edit: Edit) -> None:
        """Raise LocalProtocolError where an edit raises something, or changes nothing."""
        for name, wanted in (("atomic_units", edit.atomic_units), ("quantity", edit.quantity)):
            if wanted is not None and wanted >= (asked := self._fact(name)):
                raise LocalProtocolError(
                    f"approval {self.id} is about {self.facts.get('amount', '?')}, {name.replace('_', ' ')} {asked}, "
                    f"and an edit to {wanted} is not less; approve it as it is, or reject it"
                )

    def _fact(self, name: str) -> int:
        said = self.facts.get(name)
        if said is None or not (said.isascii() and said.isdigit()):
            raise LocalProtocolError(f"approval {self.id} shows no {name}, so it cannot be edited; reject it instead")
        return int(said)

    def decided(self, decision: ApprovalDecision) -> "ApprovalRequest":
        """Return the request after a decision: one refusal refuses it, one edit voids it, `needed` grants grant it.

        Raises:
            LocalProtocolError: it is not pending, the decision is about another text or in words that cannot be shown,
                or an edit is not less.
            ApprovalLapsed: the time is over.
            ApprovalRefused: this approver has spoken already.
            NotAnApprover: only others may decide.
        """
        if self.state is not ApprovalState.PENDING:
            raise LocalProtocolError(f"approval {self.id} is {self.state} and takes no decision any more")
        if decision.digest != self.digest:
            raise LocalProtocolError(f"the decision is not about what approval {self.id} shows; show it again")
        if decision.at >= self.expires_at:
            raise ApprovalLapsed(f"approval {self.id} ended at {utc(self.expires_at)}", payment_id=self.payment_id)
        if self.approvers is not None and _person(decision.approver) not in set(map(_person, self.approvers)):
            raise NotAnApprover(decision.approver, allowed=self.approvers, approval=self.id, payment_id=self.payment_id)
        if _person(decision.approver) in {_person(earlier.approver) for earlier in self.decisions}:
            raise ApprovalRefused(
                f"{decision.approver!r} has decided about approval {self.id} already", payment_id=self.payment_id
            )
        if decision.edit is not None:
            self._check_less(decision.edit)
        if not (decision.approver + decision.reason).isprintable():
            raise LocalProtocolError("a decision names who decides, and why, in printable characters: it is logged")
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
                raise ApprovalLapsed(f"approval {self.id} ended at {utc(self.expires_at)}", payment_id=payment_id)
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


def approvers_fact(names: Iterable[str], *, needed: int) -> Mapping[str, str]:
    """Return the fact that binds a request to those who may decide about it.

    Raises: ValueError: a name cannot be shown or has a comma, or fewer people than `needed` are named.
    """
    named = tuple(names)
    for name in named:
        if not _person(name) or len(name) > _LONGEST_NAME or not name.isprintable() or "," in name:
            raise ValueError(f"{name!r} is no approver's name: 1 to {_LONGEST_NAME} printable characters, no comma")
    if (people := len(set(map(_person, named)))) < needed:
        raise ValueError(f"{needed} distinct approvers have to agree, and {people} may; name more, or need fewer")
    return {_APPROVERS: _AND.join(named)}


def _person(name: str) -> str:
    """Return what two spellings of one name have in common."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _shown(words: str) -> str:
    """Return words of strangers on one line, without what a terminal obeys or what turns the direction of writing."""
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in words)


def _atomic(text: str, decimals: int) -> int:
    """Return an exact amount in atomic units."""
    whole, dot, fraction = text.partition(".")
    digits = whole + fraction
    if not (digits.isascii() and digits.isdigit() and whole and bool(dot) == bool(fraction)) or len(digits) > 78:
        raise LocalProtocolError(f"{text!r} is not an amount in whole units of the asset, such as 2.50")
    if len(fraction) > decimals:
        raise LocalProtocolError(f"{text!r} has more than the {decimals} decimal places of the asset")
    return int(digits + "0" * (decimals - len(fraction)))


def _state(decisions: tuple[ApprovalDecision, ...], needed: int) -> ApprovalState:
    if decisions[-1].edit is not None:
        return ApprovalState.VOID
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
    """Tell whether two payments are of one wish of one payer, as people are shown it: one question for them.

    The same request, offer, units and idempotency key, in the same names: limits and halts know a payment by those.
    """
    return _asked(payment) == _asked(other)


def _asked(payment: Payment) -> tuple[object, ...]:
    intent = payment.intent
    offer = (intent.payer, intent.request, intent.payee, intent.amount, intent.scheme)
    return (*offer, payment.idempotency_key, payment.quantity, payment.context)


def decision_note(decision: ApprovalDecision) -> str:
    """Return what the history of a payment says of a refusal or an edit."""
    did = "refused" if decision.edit is None else f"edited to {decision.edit}"
    return f"{did} by {decision.approver}" + (f": {decision.reason}" if decision.reason else "")


def decided_event(request: ApprovalRequest) -> Event | None:
    """Return what a decision does to the payment at once: a refusal denies it, an edit supersedes it."""
    if request.state is ApprovalState.REFUSED:
        return Event.REFUSED
    return None if request.edited is None else Event.REPLACED
