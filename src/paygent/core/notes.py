"""What the audit log says of each write: one wording for every store, and never a secret.

No signed bytes, no query of a URL, no idempotency key: the request's digest names the purchase.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Final, TypeAlias

from paygent.core.approval import ApprovalDecision, ApprovalRequest
from paygent.core.audit import canonical
from paygent.core.context import Context
from paygent.core.errors import LocalProtocolError
from paygent.core.halt import Halt
from paygent.core.payment import Move, Payment

_RESOURCE: Final = "shown resource"
_NAMES: Final = tuple(part.name for part in fields(Context))


@dataclass(frozen=True, slots=True)
class Note:
    """A row of the audit log before it has a place in the chain."""

    at: int
    kind: str
    facts: Mapping[str, str]
    text: str = field(init=False, repr=False, compare=False)
    """The facts as they are sealed and stored."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", canonical(self.facts))
        if not self.kind.isidentifier() or not self.kind.isascii():
            raise LocalProtocolError(f"{self.kind!r} is not a kind of audit row: one word, letters and _")


Notes: TypeAlias = tuple[Note, ...]


def opened(payment: Payment) -> Notes:
    """Return the row of a new payment: what is bought, for whom, and what was decided."""
    intent = payment.intent
    facts = {
        "amount": str(intent.amount.atomic),
        "asset": str(intent.amount.asset.id),
        "host": intent.host,
        "intent": intent.id,
        "payee": intent.payee,
        "payer": intent.payer,
        "request": intent.request,
        "scheme": intent.scheme,
    }
    facts |= {name: str(said) for name in _NAMES if (said := getattr(payment.context, name)) is not None}
    return (Note(_time(payment), "payment", facts | _moves(payment, payment.history)),)


def moved(before: Payment, after: Payment) -> Notes:
    """Return the rows of what became of a payment: its moves, what was learned, and an alarm of its own."""
    facts = _moves(after, before.lines_to(after))
    if after.receipt != before.receipt and after.receipt is not None:
        facts["charged"] = str(after.receipt.amount.atomic)
        facts["final"] = str(after.receipt.final).lower()
        if after.receipt.transaction is not None:
            facts["transaction"] = after.receipt.transaction
    if after.delivered != before.delivered:
        facts["delivered"] = str(after.delivered).lower()
    if after.claim != before.claim and after.claim is not None:
        facts["claimed"] = str(after.claim.success).lower()
    row = Note(_time(after), "payment", facts)
    if after.alarm is None or after.alarm == before.alarm:
        return (row,)
    return row, Note(_time(after), "alarm", {"payment": after.id, "alarm": after.alarm})


def asked(request: ApprovalRequest) -> Notes:
    """Return the row of a new request: the facts that people are shown, but for a URL's query."""
    facts = {f"shown {name}": said for name, said in request.facts.items()}
    if _RESOURCE in facts:
        before, mark, _ = facts[_RESOURCE].partition("?")
        facts[_RESOURCE] = f"{before}{mark and '?…'}"
    facts |= {
        "approval": request.id,
        "digest": request.digest,
        "expires_at": str(request.expires_at),
        "needed": str(request.needed),
        "payment": request.payment_id,
        "state": request.state.value,
    }
    return (Note(request.created_at, "approval", facts),)


def decided(request: ApprovalRequest, decision: ApprovalDecision) -> Notes:
    """Return the row of a decision, with the state it left the request in."""
    facts = {
        "approval": request.id,
        "approver": decision.approver,
        "digest": decision.digest,
        "granted": str(decision.granted).lower(),
        "payment": request.payment_id,
        "reason": decision.reason,
        "state": request.state.value,
    }
    if decision.edit is not None:
        facts["edited"] = str(decision.edit)
    return (Note(decision.at, "approval", facts),)


def turned(request: ApprovalRequest, *, at: int) -> Notes:
    """Return the row of a request that its payment used, or made void."""
    facts = {"approval": request.id, "payment": request.payment_id, "state": request.state.value}
    return (Note(at, "approval", facts),)


def halted(halt: Halt) -> Notes:
    return (Note(halt.at, "halt", {"by": halt.by, "reason": halt.reason, "scope": halt.scope}),)


def lifted(halt: Halt, *, by: str, reason: str, at: int) -> Notes:
    """Return the row of a halt that was lifted, with who had halted and when."""
    facts = {"by": by, "halted_at": str(halt.at), "halted_by": halt.by, "reason": reason, "scope": halt.scope}
    return (Note(at, "lift", facts),)


def _moves(payment: Payment, lines: tuple[Move, ...]) -> dict[str, str]:
    facts = {
        "payment": payment.id,
        "state": payment.state.value,
        "version": str(payment.version),
        "events": ", ".join(line.event.value for line in lines) or "learned",
    }
    if note := "; ".join(line.note for line in lines if line.note):
        facts["note"] = note
    return facts


def _time(payment: Payment) -> int:
    """Return when the payment last moved; what is only learned has no time of its own."""
    return payment.history[-1].at if payment.history else payment.created_at
