"""Where payments, approvals, halts and the audit log are remembered."""

from collections.abc import Sequence
from typing import Protocol

from paygent.core.budget import Hold
from paygent.core.caip import ChainId
from paygent.core.ids import ApprovalId, PaymentId
from paygent.core.lifecycle import State
from paygent.core.payment import Payment
from paygent.core.transaction import HeldNonce
from paygent.ports.approval_store import ApprovalStore
from paygent.ports.audit_log import AuditLog
from paygent.ports.halt_store import HaltStore
from paygent.ports.history import Guard, PaymentHistory, PaymentPage

__all__ = ["PaymentJournal", "PaymentPage", "Storage"]


class PaymentJournal(Protocol):
    """**Protocol:** the durable memory of payments and budgets.

    When a method returns, what it wrote survives the death of the process and of the machine (as far as the store's
    settings promise). Each write is one transaction; a write that raises has written nothing, unless it says otherwise,
    and a write that is cancelled has been made whole or not at all. Several processes may share one store. Every method
    raises AdapterError where the store cannot answer.
    """

    async def secret(self) -> bytes:
        """Return this installation's 32 secret bytes, made by the first caller and the same for ever after."""
        ...

    async def open(
        self, payment: Payment, holds: Sequence[Hold], *, now: int, new_purchase: bool, guard: Guard | None = None
    ) -> None:
        """Write a new payment, RESERVED, DENIED or SUPERSEDED, with all its history. Only a RESERVED one has holds.

        For a RESERVED payment the same transaction checks, in this order, and then adds the holds to their windows:

        - nothing it belongs to is halted (`core.halt.scopes_of`);
        - no other payment of the same payer and idempotency key `blocks_key`;
        - unless `new_purchase` is set or it has an idempotency key: no other payment of the same payer and request
          digest blocks a repeat (`Payment.blocks_repeat`; a RESERVED one only while `lease_until > now`);
        - `guard` does not raise: what it raises goes to the caller, and nothing is written;
        - every hold's window has room: committed + reserved + asked <= limit, where the sums of the windows that the
          hold names in `also` (same scope and asset) count with its own. A hold adds to its own window alone.

        A halt, and a hold with no room, are recorded: the payment is written as DENIED (`Payment.out_of_budget`) before
        Halted or BudgetExceeded is raised.

        Raises:
            Halted: the payment is stopped.
            IdempotencyConflict: the key belongs to a payment for another request.
            DuplicatePurchase: another payment of the same key, or of the same request, stands in the way.
            BudgetExceeded: a limit has no room.
            JournalConflict: the payment's id is already there; this is looked at first.
            LocalProtocolError: the payment is in another state.
        """
        ...

    async def append(self, before: Payment, after: Payment) -> None:
        """Replace `before` by `after` (one or more versions later), if it still is what the store has.

        The same transaction moves the holds from reserved to committed or released, and back after a reorganisation, as
        `core.budget.share` says. Where an `upto` payment settled for less, the rest is released. A payload once written
        is kept: `after` without one (a payment from `page`) does not take it away.

        A payment that leaves AWAITING_APPROVAL makes its request for approval VOID. No payment becomes RESERVED here.

        Raises:
            JournalConflict: the stored payment is at another version, or there is none; nothing was written.
            Halted: it would move into SIGNED or SUBMITTED and is stopped; nothing was written.
            LocalProtocolError: `after` is not what `before` can become (`Payment.check_successor`).
        """
        ...

    async def reserve(
        self,
        before: Payment,
        after: Payment,
        holds: Sequence[Hold],
        *,
        approval: ApprovalId | None,
        now: int,
        new_purchase: bool = False,
        guard: Guard | None = None,
    ) -> None:
        """Move a payment from AWAITING_APPROVAL over APPROVED to RESERVED, using up what people granted.

        One transaction checks that the stored payment still is `before`, that it is not halted, that the approval is
        granted, unexpired at `now`, of this payment, and was never used; then duplicates (of other payments), `guard`
        and holds, as `open` does. The approval is USED from then on. A hold with no room is recorded as `open` does,
        and makes the approval VOID.

        Args: approval: None where the policy of now wants nobody's agreement; the payment's request is VOID then.

        Raises:
            JournalConflict: the stored payment is at another version, or there is none.
            Halted: the payment is stopped.
            ApprovalPending, ApprovalRefused, ApprovalLapsed: people have not agreed, or too long ago.
            IdempotencyConflict, DuplicatePurchase, BudgetExceeded: as `open`.
            LocalProtocolError: `after` is not `before` granted and reserved, or the approval is of another payment,
                void, used, or unknown. Nothing was written, but for BudgetExceeded.
        """
        ...

    async def claim_nonce(self, payment: Payment, *, step: int, at_least: int) -> int:
        """Return the account nonce of one step of an action, which no other step of any payment has or gets.

        It is the one that the step has already, if that is `at_least` or above; else the lowest that a payment gave
        back, and is; else the one after the highest that was ever given out for this account and chain, or `at_least`.
        `open` and `reserve` do the same for the first step, from `Plan.first_nonce`, in their own transaction. A
        payment that is over gives back what nothing was signed for (`append`).

        Args: at_least: how many transactions the chain knows of the account, those that wait included.

        Raises: JournalConflict: the stored payment is at another version, or there is none.
        """
        ...

    async def nonces(self, network: ChainId, account: str, *, at_least: int = 0) -> Sequence[HeldNonce]:
        """Return the account nonces that were given out, from `at_least` on, lowest first."""
        ...

    async def get(self, payment_id: PaymentId) -> Payment | None:
        """Return a payment, or None."""
        ...

    async def by_key(self, payer: str, key: str) -> Payment | None:
        """Return the payment of an idempotency key of `payer` (checksummed address), or None.

        It is the newest that `blocks_key`: what was denied under the key later takes nothing from it. Else the newest.
        """
        ...

    async def by_request(self, payer: str, request: str) -> Payment | None:
        """Return the newest payment of `payer` for a request digest, or None."""
        ...

    async def page(self, *, states: Sequence[State] = (), after: str | None = None, limit: int = 50) -> PaymentPage:
        """Return payments, newest first; `states` empty means any. Cursors stay valid while payments are added.

        They come without `payload`: who lists payments has no use for bytes that move money.
        """
        ...

    async def unresolved(self, *, limit: int = 100, after: str | None = None) -> PaymentPage:
        """Return what reconciling may move: RESERVED, SIGNED, SUBMITTED, OUTCOME_UNKNOWN, and SETTLED not final.

        Newest first.
        """
        ...

    async def aclose(self) -> None:
        """Finish what is being written and let go of the store. Safe to call twice."""
        ...


class Storage(PaymentJournal, PaymentHistory, ApprovalStore, HaltStore, AuditLog, Protocol):
    """**Protocol:** everything that has to be written in one transaction, in one database."""
