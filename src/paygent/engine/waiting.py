"""What waits for people and is asked for again, after the policy, the offer or the day has become another one."""

from paygent.core.approval import ApprovalState
from paygent.core.errors import DuplicatePurchase, JournalConflict
from paygent.core.ids import PaymentId
from paygent.core.lifecycle import Event, State
from paygent.core.payment import Payment
from paygent.ports.storage import Storage

ALLOWED_BY_NOW = "the policy of now wants nobody's agreement"
"""What the history says of a payment that waited, and went on without anybody."""
NOBODY_IN_TIME = "nobody agreed in time"


async def awaiting(storage: Storage, payment_id: PaymentId) -> Payment | None:
    """Return the payment if it waits for people still."""
    stored = await storage.get(payment_id)
    return stored if stored is not None and stored.state is State.AWAITING_APPROVAL else None


async def in_the_way(storage: Storage, blocked: DuplicatePurchase | JournalConflict, proposed: Payment) -> Payment:
    """Return what waits for people under the id or the key of what was proposed.

    Raises: DuplicatePurchase: what stands in the way does not wait.
    """
    waiting = await awaiting(storage, blocked.payment_id)
    if waiting is not None:
        return waiting
    if isinstance(blocked, DuplicatePurchase):
        raise blocked
    raise DuplicatePurchase(proposed.id, state="already in the journal", resource=proposed.intent.resource)


async def has_lapsed(storage: Storage, waiting: Payment, now: int) -> bool:
    """Tell whether the time to agree to a payment is over."""
    request = await storage.approval_of(waiting.id)
    return request is not None and request.at(now).state is ApprovalState.LAPSED


async def put_aside(storage: Storage, waiting: Payment, successor: PaymentId, now: int) -> None:
    """Write that a payment waits no more: too long, or for an offer that has changed."""
    if await has_lapsed(storage, waiting, now):
        after = waiting.move(Event.REFUSED, at=now, note=NOBODY_IN_TIME)
    else:
        after = waiting.move(Event.REPLACED, at=now, note=f"the offer changed; see {successor}")
    await storage.append(waiting, after)


async def record_denial(storage: Storage, denied: Payment, now: int) -> None:
    """Write a payment that the policy denied; where the same intent waits for people, that one is denied."""
    try:
        await storage.open(denied, (), now=now, new_purchase=True)
    except JournalConflict:
        waiting = await awaiting(storage, denied.id)
        if waiting is None:
            raise
        last = denied.history[-1]
        await storage.append(waiting, waiting.move(last.event, at=now, note=last.note))
