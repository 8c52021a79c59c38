"""What people, asked for their approval, made of a payment. All of them are `PaymentNotAttempted`."""

from collections.abc import Sequence

from paygent.core.edit import Edit
from paygent.core.errors import PaymentNotAttempted
from paygent.core.ids import PaymentId


class ApprovalRefused(PaymentNotAttempted):
    """A person said no."""


class ApprovalLapsed(PaymentNotAttempted):
    """Nobody decided in time."""


class ApprovalPending(PaymentNotAttempted):
    """The payment waits for a person: resume it, never ask again."""


class NotAnApprover(PaymentNotAttempted):
    """Somebody decided who may not: the decision does not count, and the payment goes on waiting for those who may."""

    def __init__(self, approver: str, *, allowed: Sequence[str], approval: str, payment_id: PaymentId) -> None:
        super().__init__(
            f"{approver!r} may not decide about approval {approval}, and was not counted: ask {', '.join(allowed)}",
            payment_id=payment_id,
        )
        self.approver = approver
        self.allowed = tuple(allowed)


class ApprovalEdited(PaymentNotAttempted):
    """A person agreed to less: `resume` the payment, and the request is judged anew under the edit as its ceiling."""

    payment_id: PaymentId  # pyright: ignore[reportIncompatibleVariableOverride]  # known here, and never changed

    def __init__(self, payment_id: PaymentId, *, edit: Edit, approver: str, reason: str = "") -> None:
        why = f" ({reason})" if reason else ""
        super().__init__(
            f"payment {payment_id} was superseded: {approver} agrees to {edit} instead{why}; resume it, or ask for an "
            "action of that much: it meets the whole policy again then",
            payment_id=payment_id,
        )
        self.edit = edit
        self.approver = approver
        self.reason = reason
