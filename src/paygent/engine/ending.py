"""How an action on chain ended, or that nothing began, as its caller is told."""

from types import TracebackType

from paygent.core.errors import (
    AdapterError,
    AuthorizationCancelled,
    PaidUndelivered,
    PaymentCannotSettle,
    PaymentNotAttempted,
)
from paygent.core.lifecycle import State
from paygent.core.payment import Payment
from paygent.core.transaction_errors import ActionAbandoned, NonceTaken
from paygent.engine.mined import shortfall
from paygent.engine.revert import reverted


def told(payment: Payment, errors: tuple[str, ...] = ()) -> Payment:
    """Return a settled payment; raise what became of any other. Args: errors: as of `evm.reverts.reason`."""
    if payment.state is State.SETTLED and payment.receipt is not None:
        if (missing := shortfall(payment)) is not None:
            raise PaidUndelivered(payment.id, receipt=payment.receipt, why=missing)
        return payment
    raise ended(payment, errors)


def ended(payment: Payment, errors: tuple[str, ...] = ()) -> PaymentCannotSettle | PaymentNotAttempted:
    """Return what to raise of an action that is over and did not settle."""
    note = payment.history[-1].note
    said = f"payment {payment.id} is {payment.state}: {note}"
    where = {"payment_id": payment.id}
    plan = payment.plan
    if plan is not None and payment.state is State.REVERTED:
        return reverted(said, plan, errors, **where)
    if payment.state is not State.CANCELLED or plan is None:
        return PaymentNotAttempted(f"{said}; make a new action to try again", **where)
    if any(step.taken for step in plan.steps):
        return NonceTaken(said, **where)
    if any(attempt.kind == "cancel" for attempt in plan.attempts):
        return AuthorizationCancelled(said, **where)
    return ActionAbandoned(said, **where)


class NothingSent:
    """Says of whatever is not there before anything is signed that nothing was sent. Raises: PaymentNotAttempted."""

    def __enter__(self) -> None:  # each payment goes through it: a generator takes five times as long
        return

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if isinstance(error, AdapterError):
            raise PaymentNotAttempted(f"nothing was sent: {error}", payment_id=error.payment_id) from error
