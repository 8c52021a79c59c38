"""Processes whose clocks disagree share one storage and one purchase: it is paid once, and nothing is lost."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count

import pytest

from paygent.core.lifecycle import State
from paygent.testing.faults import Crash, FaultKind, FaultPlan
from tests.crash.shop import PAST_LEASE, Around, Shop

NewShop = Callable[..., Shop]
STEPS = (-40_000, -1, 0, PAST_LEASE, 40_000)
"""Seconds that clocks are ahead; more than a day off, and the engine refuses to pay."""


@pytest.mark.parametrize("first", [STEPS[0], STEPS[-1]])
def test_clocks_that_step_never_pay_twice(new_shop: NewShop, first: int) -> None:
    """A process dies at any call of a port; others with other clocks try again and reconcile, later and earlier."""
    for at in count():
        plan = FaultPlan(kind=FaultKind.CRASH_AFTER, at=at)
        shop = new_shop()
        with suppress(Crash):
            shop.buy(plan=plan, ahead=first)
        for ahead in STEPS if at % 2 else STEPS[::-1]:
            shop.buy(ahead=ahead)
            assert [] == shop.reconcile(ahead=-ahead)
            assert shop.transfers <= 1
        shop.clock.advance(100_000)  # the lease of the fastest clock ends
        shop.chain.mine()
        shop.end()
        if not plan.fired:
            assert at > 10
            return


@pytest.mark.parametrize("days", [-2, 2])
def test_clock_that_is_days_off_signs_nothing(new_shop: NewShop, days: int) -> None:
    shop = new_shop()

    assert "PaymentNotAttempted" == shop.buy(ahead=days * 86_400)

    assert [] == shop.signed
    assert [] == list(shop.books().payments)


def test_signer_that_is_overtaken_by_a_faster_clock_sends_nothing(new_shop: NewShop) -> None:
    """While one process signs, another whose clock is ahead takes its lease for over, and buys the thing itself."""
    shop = new_shop()

    @contextmanager
    def overtaken() -> Iterator[None]:
        yield
        other = threading.Thread(target=shop.buy, kwargs={"ahead": PAST_LEASE})  # a loop of its own
        other.start()
        other.join()

    plan = Around(at=0, only="signer.", wrong=overtaken)
    outcome = shop.buy(plan=plan)

    assert outcome in {"PaymentNotAttempted", "DuplicatePurchase"}
    assert 1 == shop.transfers
    assert 1 == len(shop.seller.paid_requests)
    assert 1 == shop.states()[State.VOIDED]
    shop.end()
