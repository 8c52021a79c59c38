"""What the kits do with a journal besides asserting."""

import itertools

import pytest

from paygent.core.budget import Hold
from paygent.core.errors import BudgetExceeded
from paygent.core.ids import PaymentId
from paygent.core.lifecycle import State
from paygent.core.payment import Payment
from paygent.ports.storage import PaymentJournal, PaymentPage
from paygent.testing.conformance.payments import START, daily, reserved, voided


async def put(
    journal: PaymentJournal, payment: Payment, *holds: Hold, now: int = START, new_purchase: bool = False
) -> Payment:
    """Open a payment and return it."""
    await journal.open(payment, holds, now=now, new_purchase=new_purchase)
    return payment


async def walk(journal: PaymentJournal, *lives: Payment) -> Payment:
    """Append each payment to the one before it and return the last."""
    for before, after in itertools.pairwise(lives):
        await journal.append(before, after)
    return lives[-1]


async def has_room(journal: PaymentJournal, amount: int, *, limit: int, name: str = "probe") -> bool:
    """Tell whether a hold of `amount` fits into the usual window; takes nothing: what it reserved is voided."""
    probe = reserved(name)
    try:
        await put(journal, probe, daily(amount, limit=limit), new_purchase=True)
    except BudgetExceeded:
        return False
    await journal.append(probe, voided(probe))
    return True


async def used(journal: PaymentJournal) -> tuple[int, int]:
    """Return what the usual window holds as (reserved, committed), by asking for more than there can be."""
    probe = reserved(f"figures {await count(journal)}")
    with pytest.raises(BudgetExceeded) as refusal:
        await put(journal, probe, daily(1_000_000, limit=999_999), new_purchase=True)
    return refusal.value.reserved.atomic, refusal.value.committed.atomic


async def count(journal: PaymentJournal) -> int:
    return len((await journal.page(limit=1000)).payments)


async def sweep(journal: PaymentJournal, *, limit: int, states: tuple[State, ...] = ()) -> list[PaymentId]:
    """Return the ids of every page in order."""
    found: list[PaymentId] = []
    page = PaymentPage(payments=(), next=None)
    while True:
        page = await journal.page(states=states, after=page.next, limit=limit)
        found.extend(payment.id for payment in page.payments)
        if page.next is None:
            return found
