"""Where people come in: asking them, their decisions, and the kill switch, inside one transaction."""

from collections.abc import Mapping, Sequence
from typing import Final

from paygent.adapters.sql.entry import Entry
from paygent.adapters.sql.ledger import Ledger
from paygent.core import notes
from paygent.core.approval import (
    ApprovalDecision,
    ApprovalRequest,
    ApprovalState,
    check_request,
    decided_event,
    decision_note,
    same_purchase,
)
from paygent.core.audit import AuditEntry
from paygent.core.errors import AdapterError, JournalConflict, LocalProtocolError
from paygent.core.halt import Halt, normal_scope, scopes_of_payment
from paygent.core.ids import ApprovalId, PaymentId
from paygent.core.lifecycle import Event, State
from paygent.core.payment import Payment

_MOST: Final = 500
"""Payments that one step of a halt reads at once."""


def ask(ledger: Ledger, payment: Payment, request: ApprovalRequest) -> ApprovalRequest:
    check_request(payment, request)
    if (halted := ledger.halted(payment)) is not None:
        raise halted
    for other in ledger.waiting(payment.intent.payer, payment.intent.request):
        earlier = ledger.approvals.of(other.id)
        if earlier is None or earlier.at(request.created_at).state is ApprovalState.LAPSED:
            continue
        if same_purchase(payment, other):
            return earlier
    ledger.refuse_duplicates(payment, request.created_at, new_purchase=True)
    if ledger.version(payment.id) is not None:
        raise JournalConflict(payment.id)
    if ledger.approvals.get(request.id) is not None:
        raise LocalProtocolError(f"approval {request.id} is there already, for another payment")
    ledger.add(Entry.opened(payment))
    ledger.approvals.add(request)
    ledger.trail.add(notes.asked(request))
    return request


def decide(ledger: Ledger, approval_id: ApprovalId, decision: ApprovalDecision) -> ApprovalRequest:
    request = ledger.approvals.known(approval_id)
    after = request.decided(decision)
    ledger.approvals.replace(request, after)
    ledger.trail.add(notes.decided(after, decision))
    if (event := decided_event(after)) is not None:
        payment = ledger.get(request.payment_id)
        if payment is None:
            raise AdapterError(f"payment {request.payment_id} of approval {approval_id} is missing", retryable=False)
        moved = payment.move(event, at=decision.at, note=decision_note(decision))
        ledger.replace(payment, Entry.moved(payment, moved))
    return after


def halt(ledger: Ledger, wanted: Halt) -> Sequence[PaymentId]:
    if wanted.scope not in ledger.halts():
        ledger.add_halt(wanted)
        ledger.trail.add(notes.halted(wanted))
    denied: list[PaymentId] = []
    place: str | None = None
    while True:
        page = ledger.page([State.AWAITING_APPROVAL], place, _MOST)
        for payment in page.payments:
            if wanted.scope in scopes_of_payment(payment):
                _deny(ledger, payment, wanted.at, str(ledger.halted(payment)))
                denied.append(payment.id)
        if page.next is None:
            return tuple(reversed(denied))
        place = page.next


def lift(ledger: Ledger, scope: str, *, by: str, reason: str, at: int) -> Halt | None:
    found = ledger.halts().get(normal_scope(scope))
    if found is not None:
        ledger.drop_halt(found)
        ledger.trail.add(notes.lifted(found, by=by, reason=reason, at=at))
    return found


def note(ledger: Ledger, at: int, kind: str, facts: Mapping[str, str]) -> AuditEntry:
    ledger.trail.add((notes.Note(at, kind, facts),))
    return ledger.trail.last()


def _deny(ledger: Ledger, payment: Payment, at: int, why: str) -> None:
    ledger.replace(payment, Entry.moved(payment, payment.move(Event.REFUSED, at=at, note=why)))
