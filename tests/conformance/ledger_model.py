"""What a journal has to say after any history, worked out the plain way: every sum anew from every payment."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from paygent.core.approval import ApprovalRequest, ApprovalState, same_purchase
from paygent.core.budget import Hold, Share, WindowKey
from paygent.core.errors import (
    BudgetExceeded,
    DuplicatePurchase,
    Halted,
    IdempotencyConflict,
    PaygentError,
)
from paygent.core.ids import ApprovalId, PaymentId
from paygent.core.lifecycle import Event, State
from paygent.core.payment import Payment
from paygent.core.transaction import HeldNonce

RESERVING = frozenset({State.RESERVED, State.SIGNED, State.SUBMITTED, State.OUTCOME_UNKNOWN})
OVER = frozenset({State.DENIED, State.SUPERSEDED, State.VOIDED, State.EXPIRED, State.CANCELLED, State.REVERTED})
STOPPING = frozenset({State.RESERVED, State.SIGNED, State.SUBMITTED})


@dataclass(kw_only=True)
class Model:
    """Payments in the order in which they came, and what belongs to them."""

    payments: dict[PaymentId, Payment] = field(default_factory=dict[PaymentId, Payment])
    earlier: list[Payment] = field(default_factory=list[Payment])
    """What a writer that has not looked for a while still takes for the truth."""
    holds: dict[PaymentId, Sequence[Hold]] = field(default_factory=dict[PaymentId, Sequence[Hold]])
    requests: dict[ApprovalId, ApprovalRequest] = field(default_factory=dict[ApprovalId, ApprovalRequest])
    halts: set[str] = field(default_factory=set[str])
    nonces: defaultdict[str, dict[int, HeldNonce]] = field(default_factory=lambda: defaultdict(dict))
    """By payer."""

    # --- sums ---------------------------------------------------------------------------------------------------------

    def shares(self) -> dict[WindowKey, Share]:
        """Return what every window holds that ever held something."""
        sums: defaultdict[WindowKey, Share] = defaultdict(lambda: Share(0, 0))
        for payment_id, holds in self.holds.items():
            for hold in holds:
                sums[key_of(hold)] += share_of(hold, self.payments[payment_id])
        return dict(sums)

    def without_room(self, payment: Payment, holds: Sequence[Hold]) -> BudgetExceeded | None:
        """Return the refusal by the first hold for which its window, and those named with it, leave no room."""
        sums = defaultdict(lambda: Share(0, 0), self.shares())
        for hold in holds:
            scope, span, asset = key_of(hold)
            counted = sum((sums[scope, name, asset] for name in hold.also), sums[scope, span, asset])
            if counted.reserved + counted.committed + hold.amount.atomic > hold.limit.atomic:
                reserved, committed = (
                    replace(hold.limit, atomic=each) for each in (counted.reserved, counted.committed)
                )
                return BudgetExceeded(
                    scope,
                    limit=hold.limit,
                    committed=committed,
                    reserved=reserved,
                    asked=hold.amount,
                    payment_id=payment.id,
                )
            sums[scope, span, asset] += Share(hold.amount.atomic, 0)
        return None

    # --- refusals -----------------------------------------------------------------------------------------------------

    def stopped(self, payment: Payment) -> Halted | None:
        about = ("everything", f"wallet:{payment.intent.payer}", f"agent:{payment.context.agent}")
        scope = next((scope for scope in about if scope in self.halts), None)
        return None if scope is None else Halted(scope, reason="odd", payment_id=payment.id)

    def repeated(self, payment: Payment, now: int, new_purchase: bool) -> PaygentError | None:
        """Return the refusal by another payment of the same key, or of the same request."""
        intent, key = payment.intent, payment.idempotency_key
        others = [each for each in reversed(self.payments.values()) if each.intent.payer == intent.payer]
        others = [each for each in others if each.id != payment.id]
        if key is not None:
            same = [each for each in others if each.idempotency_key == key and each.state not in OVER]
            if same and same[0].intent.request != intent.request:
                return IdempotencyConflict(same[0].id, key=key)
        else:
            same = [each for each in others if each.intent.request == intent.request and _in_the_way(each, now)]
            same = [] if new_purchase else same
        return DuplicatePurchase(same[0].id, state=same[0].state, resource=intent.resource) if same else None

    def asked_already(self, payment: Payment, now: int) -> ApprovalRequest | None:
        """Return the request of the same purchase that still waits."""
        for request in self.requests.values():
            asked = self.payments[request.payment_id]
            waits = asked.state is State.AWAITING_APPROVAL and request.at(now).state is not ApprovalState.LAPSED
            if waits and same_purchase(payment, asked):
                return request
        return None

    # --- writes -------------------------------------------------------------------------------------------------------

    def put(self, payment: Payment, holds: Sequence[Hold] = ()) -> None:
        """Write a new payment or what became of one, with its request and its nonces."""
        before = self.payments.get(payment.id)
        if before is not None:
            self.earlier.append(before)
        self.payments[payment.id] = payment
        if holds:
            self.holds[payment.id] = holds
        if before is not None and before.state is State.AWAITING_APPROVAL is not payment.state:
            self._void(payment.id)
        if payment.state in OVER or payment.state is State.SETTLED:
            self._give_back(payment)

    def request_of(self, payment: Payment) -> ApprovalRequest:
        return next(each for each in self.requests.values() if each.payment_id == payment.id)

    def claim(self, payment: Payment, step: int, at_least: int) -> int:
        """Give a step its nonce: its own, the lowest that was given back, or the next; never one below `at_least`."""
        known = self.nonces[payment.intent.payer]
        usable = [known[nonce] for nonce in sorted(known) if nonce >= at_least]
        own = [each.nonce for each in usable if (each.payment_id, each.step, each.free) == (payment.id, step, False)]
        given_back = [each.nonce for each in usable if each.free]
        nonce = [*own, *given_back, max([at_least, *(each + 1 for each in known)])][0]
        known[nonce] = HeldNonce(nonce=nonce, payment_id=payment.id, step=step, free=False)
        return nonce

    def nonce_of(self, payment: Payment) -> int:
        """Return the newest nonce of the payment's first step."""
        held = self.nonces[payment.intent.payer].values()
        return max(each.nonce for each in held if (each.payment_id, each.step) == (payment.id, 0) and not each.free)

    def _void(self, payment_id: PaymentId) -> None:
        for request in list(self.requests.values()):
            if request.payment_id == payment_id and request.state in {ApprovalState.PENDING, ApprovalState.GRANTED}:
                self.requests[request.id] = replace(request, state=ApprovalState.VOID)

    def _give_back(self, payment: Payment) -> None:
        signed = set() if payment.plan is None else {attempt.nonce for attempt in payment.plan.attempts}
        known = self.nonces[payment.intent.payer]
        for nonce, held in list(known.items()):
            if held.payment_id == payment.id and nonce not in signed:
                known[nonce] = replace(held, free=True)

    # --- looking back -------------------------------------------------------------------------------------------------

    def totals(self) -> Counter[tuple[State, str]]:
        """Return how many atomic units the payments of each state and asset come to."""
        found: Counter[tuple[State, str]] = Counter()
        for payment in self.payments.values():
            charged = payment.intent.amount.atomic
            if payment.state is State.SETTLED:
                assert payment.receipt is not None
                charged = payment.receipt.amount.atomic
            found[payment.state, str(payment.intent.amount.asset.id)] += charged
        return found

    def unresolved(self) -> Iterator[PaymentId]:
        """Name what reconciling may move, newest first."""
        for payment in reversed(self.payments.values()):
            final = payment.receipt is not None and payment.receipt.final
            if payment.state in RESERVING or (payment.state is State.SETTLED and not final):
                yield payment.id


def key_of(hold: Hold) -> WindowKey:
    return hold.scope, hold.window, str(hold.amount.asset.id)


def share_of(hold: Hold, payment: Payment) -> Share:
    """Return what a hold counts as while its payment is as given."""
    held, charged = hold.amount.atomic, None if payment.receipt is None else payment.receipt.amount.atomic
    if payment.state in RESERVING:
        return Share(held, 0)
    if hold.gas:
        steps = () if payment.plan is None else payment.plan.steps
        return Share(0, min(held, sum(step.mined.fee for step in steps if step.mined is not None)))
    if payment.state is State.SETTLED and charged is not None:
        whole, rest = divmod(held * charged, payment.intent.amount.atomic)
        return Share(0, whole + bool(rest))
    return Share(0, 0)


def _both(sums: Share) -> tuple[int, int]:
    return sums.reserved, sums.committed


def stops(before: Payment, after: Payment) -> bool:
    """Tell whether a halt has a say between the two."""
    return any(line.state in STOPPING for line in after.history[len(before.history) :])


def told(payment: Payment) -> list[str]:
    """Return the words of the audit log for the payment's moves."""
    return [move.event.value for move in payment.history]


def _in_the_way(payment: Payment, now: int) -> bool:
    if payment.delivered:
        return False
    if payment.state is State.RESERVED:
        return payment.lease_until > now
    return payment.state in {State.SIGNED, State.SUBMITTED, State.OUTCOME_UNKNOWN, State.SETTLED}


def ends(payment: Payment) -> bool:
    """Tell whether no move is left."""
    return payment.state in OVER or (payment.receipt is not None and payment.receipt.final)


EVENTS: dict[State, tuple[Event, ...]] = {
    State.AWAITING_APPROVAL: (Event.REFUSED, Event.REPLACED),
    State.RESERVED: (Event.SIGNATURE_MADE, Event.ABANDONED),
    State.SIGNED: (Event.SEND_BEGUN, Event.CONFIRMED, Event.EXPIRED_UNUSED, Event.CANCELLED_UNUSED),
    State.SUBMITTED: (
        Event.OUTCOME_LOST,
        Event.STEP_SIGNED,
        Event.CONFIRMED,
        Event.EXPIRED_UNUSED,
        Event.CANCELLED_UNUSED,
        Event.TRANSACTION_REVERTED,
    ),
    State.OUTCOME_UNKNOWN: (Event.SEND_BEGUN, Event.STEP_SIGNED, Event.CONFIRMED, Event.TRANSACTION_REVERTED),
    State.SETTLED: (Event.REORGANISED,),
}
"""What may happen to a payment that is there, but for what reserves budget."""
