"""Actions on chain that were reserved and come to nothing."""

import asyncio

import pytest

from paygent.core.errors import SigningFailed
from paygent.core.lifecycle import State
from paygent.engine.reserve import People
from paygent.engine.reserve_actions import ActionReserver
from paygent.testing.clock import VirtualClock
from paygent.testing.conformance.payments import PAYER, START, reserved
from paygent.testing.conformance.steps import put
from paygent.testing.journal import MemoryJournal

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("why", "said"),
    [
        (SigningFailed("the device is locked"), "not signed: the device is locked"),
        (asyncio.CancelledError("by <Task coro=<main() running at bots/mine.py:7>>"), "not signed: CancelledError"),
    ],
)
async def test_void_says_why_in_our_own_words(why: BaseException, said: str) -> None:
    journal = MemoryJournal()
    payment = await put(journal, reserved(1))
    reserver = ActionReserver(payer=PAYER, storage=journal, clock=VirtualClock(START + 1), people=People())
    await reserver.void(payment, why)
    stored = await journal.get(payment.id)

    assert stored is not None
    assert (State.VOIDED, said) == (stored.state, stored.history[-1].note)
