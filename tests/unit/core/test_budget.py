"""What a payment takes from its limits, exactly."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygent.core.budget import Hold, HoldState, Share, hold_state, room, same_share, share
from paygent.core.ids import PaymentId
from paygent.core.lifecycle import FREED, HOLDING, State
from paygent.core.money import MAX_ATOMIC, USD, Amount
from paygent.core.payment import Payment
from paygent.testing.conformance.payments import TOKEN, daily, expired, lost, reserved, sent, settled, signed, voided
from paygent.testing.strategies import atomics

ID = PaymentId("pay_1")


@pytest.mark.parametrize("state", State)
def test_hold_state_follows_the_lifecycle(state: State) -> None:
    expected = HoldState.RELEASED
    if state in HOLDING:
        expected = HoldState.RESERVED
    if state is State.SETTLED:
        expected = HoldState.COMMITTED

    assert expected is hold_state(state)
    assert (state in FREED) <= (expected is HoldState.RELEASED)


@pytest.mark.parametrize("payment", [reserved(), signed(reserved()), sent(reserved()), lost(reserved())])
def test_share_of_a_payment_under_way_is_reserved(payment: Payment) -> None:
    assert Share(70, 0) == share(70, payment)


@pytest.mark.parametrize("payment", [voided(reserved()), expired(signed(reserved()))])
def test_share_of_a_payment_that_is_over_is_nothing(payment: Payment) -> None:
    assert Share(0, 0) == share(70, payment)


@given(atomics, st.integers(1, MAX_ATOMIC), st.integers(0, MAX_ATOMIC))
def test_share_of_a_settled_payment_is_its_part_rounded_up(held: int, ceiling: int, charged: int) -> None:
    payment = settled(reserved(amount=ceiling), charged=charged)
    part = share(held, payment)

    assert 0 == part.reserved
    assert part.committed <= held
    if charged >= ceiling:
        assert held == part.committed
    else:
        assert part.committed * ceiling >= held * charged > (part.committed - 1) * ceiling


def test_share_of_a_settled_payment_without_receipt_or_price_is_all() -> None:
    assert Share(0, 70) == share(70, replace(settled(reserved()), receipt=None))
    assert Share(0, 70) == share(70, settled(reserved(amount=0)))


def test_share_of_a_payment_settled_at_zero_is_nothing() -> None:
    assert Share(0, 0) == share(70, settled(reserved(), charged=0))


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        (reserved(), signed(reserved()), True),
        (signed(reserved()), lost(reserved()), True),
        (sent(reserved()), settled(reserved()), False),
        (reserved(), voided(reserved()), False),
        (settled(reserved(), final=False), settled(reserved()), True),
        (settled(reserved(), charged=1), settled(reserved(), charged=2), False),
    ],
)
def test_same_share_tells_whether_sums_change(before: Payment, after: Payment, same: bool) -> None:
    assert same == same_share(before, after)
    assert same == (share(70, before) == share(70, after))


@given(atomics, atomics, atomics, atomics)
def test_room_is_up_to_the_limit_and_no_further(asked: int, limit: int, reserved: int, committed: int) -> None:
    refusal = room(daily(asked, limit=limit), Share(reserved, committed), ID)

    assert (asked + reserved + committed > limit) == (refusal is not None)


def test_room_refuses_with_the_figures() -> None:
    refusal = room(daily(3, limit=10), Share(5, 4), ID)

    assert refusal is not None
    assert (10, 4, 5, 3) == tuple(
        figure.atomic for figure in (refusal.limit, refusal.committed, refusal.reserved, refusal.asked)
    )
    assert ID == refusal.payment_id


def test_room_shows_sums_beyond_the_largest_amount_as_that() -> None:
    refusal = room(daily(1, limit=10), Share(0, MAX_ATOMIC + 1), ID)

    assert refusal is not None
    assert MAX_ATOMIC == refusal.committed.atomic


@pytest.mark.parametrize("also", [("w",), ("a", "a")])
def test_hold_refuses_to_count_a_window_twice(also: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="once"):
        daily(1, limit=1, window="w", also=also)


def test_hold_refuses_a_limit_in_another_asset() -> None:
    with pytest.raises(ValueError, match="has no limit in"):
        Hold(scope="s", window="w", amount=Amount(1, TOKEN), limit=Amount(1, USD))
