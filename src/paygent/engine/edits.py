"""What an approver's edit means for the request that is supplied again: a ceiling, judged as the caller's own is."""

from dataclasses import replace

from paygent.core.approval import ApprovalDecision, ApprovalRequest
from paygent.core.approval_errors import ApprovalEdited
from paygent.core.errors import LocalProtocolError
from paygent.core.ids import PaymentId
from paygent.core.money import Amount
from paygent.core.payment import Payment
from paygent.engine.order import Order


def edited(payment_id: PaymentId, decision: ApprovalDecision) -> ApprovalEdited:
    """Return what tells the caller of an edit."""
    if decision.edit is None:
        raise LocalProtocolError(f"the decision of {decision.approver} about payment {payment_id} edits nothing")
    return ApprovalEdited(payment_id, edit=decision.edit, approver=decision.approver, reason=decision.reason)


def same_request(waiting: Payment, order: Order, request: ApprovalRequest | None) -> bool:
    """Tell whether the request that was supplied again may stand for the one that waits.

    Its digest has to match. Where the quantity was edited, asking for fewer units is another request, of the same host.
    """
    if waiting.intent.request == order.request:
        return True
    decision = None if request is None else request.edited
    fewer = decision is not None and decision.edit is not None and decision.edit.quantity is not None
    return fewer and waiting.intent.host == order.host


def key_after_edit(edited: Payment, order: Order) -> str:
    """Return the idempotency key of the payment that an edit leads to: resuming the edited one again finds it."""
    return order.idempotency_key or edited.idempotency_key or f"edit of {edited.id}"


def under_edit(order: Order, waiting: Payment, request: ApprovalRequest) -> Order:
    """Return the order with the edit as its ceiling and quantity, where there was one; a lower ceiling stays.

    The ceiling is in the token that people were shown. Another token has no ceiling in it, and is then not taken.
    """
    decision = request.edited
    if decision is None or decision.edit is None:
        return order
    most = Amount(request.ceiling(decision.edit), waiting.intent.amount.asset)
    units = decision.edit.quantity
    return replace(
        order,
        edited=most,
        idempotency_key=key_after_edit(waiting, order),
        quantity=order.quantity if units is None else min(units, order.quantity, waiting.quantity),
    )
