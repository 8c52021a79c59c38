"""Where requests for approval wait."""

from dataclasses import dataclass
from typing import Protocol

from paygent.core.approval import ApprovalDecision, ApprovalRequest
from paygent.core.ids import ApprovalId, PaymentId
from paygent.core.payment import Payment


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalPage:
    """Some requests, oldest first."""

    requests: tuple[ApprovalRequest, ...]
    next: str | None
    """Pass it as `after` to go on; None where this was the last page."""


class ApprovalStore(Protocol):
    """**Protocol:** the durable list of requests for approval, in the database of the journal.

    Every write is one transaction and has its audit row in it. A payment that leaves AWAITING_APPROVAL by another way
    than `PaymentJournal.reserve` makes its request VOID in the same transaction.
    """

    async def ask(self, payment: Payment, request: ApprovalRequest) -> ApprovalRequest:
        """Write a payment that is AWAITING_APPROVAL together with its request, and return the request.

        Where the same payer has a payment for the same request digest, offer (payee, amount, scheme), quantity, context
        and idempotency key that still waits (its request is PENDING or GRANTED, and has not ended at
        `request.created_at`), nothing is written and that one's request is returned: asking again finds the pending
        one. Otherwise at most one payment of an idempotency key is under way, as for `PaymentJournal.open`.

        Raises:
            IdempotencyConflict: the key belongs to a payment for another request.
            DuplicatePurchase: another payment of the key `blocks_key`: it waits with another offer or too long, is out,
                or settled.
            JournalConflict: the payment's id is already there, with a request of its own or none.
            Halted: the payment is stopped; nothing is written.
            LocalProtocolError: the payment does not await approval, or the request is not a new one about its intent
                (some fact has to be the intent's digest in hexadecimal digits).
        """
        ...

    async def approval(self, approval_id: ApprovalId) -> ApprovalRequest | None:
        """Return a request, or None."""
        ...

    async def approval_of(self, payment_id: PaymentId) -> ApprovalRequest | None:
        """Return the request of a payment, or None."""
        ...

    async def pending(self, *, now: int, after: str | None = None, limit: int = 50) -> ApprovalPage:
        """Return what waits for a decision at `now`, oldest first."""
        ...

    async def decide(self, approval_id: ApprovalId, decision: ApprovalDecision) -> ApprovalRequest:
        """Add a decision (compare-and-set) and return the request.

        In the same transaction a refusal makes its payment DENIED, and an edit makes it SUPERSEDED.

        Raises: as `ApprovalRequest.decided`. LocalProtocolError: there is no such request.
        """
        ...
