"""What is offered for gas, and how much of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygent.engine.gas import PLAIN_GAS, gas_limit

NEW_WORD = 22_100
"""What a word costs that was zero, where nothing has touched it.  Source: EIP-2929."""


@pytest.mark.parametrize(("pools", "estimate"), [(1, 95_000), (2, 160_000)])
def test_limit_leaves_room_for_the_first_prices_of_every_pool_when_a_swap_is_cheap(pools: int, estimate: int) -> None:
    """A pool writes two cumulative prices in the first block after the one in which it got its reserves."""
    assert gas_limit(estimate) >= estimate + pools * 2 * NEW_WORD


@given(st.integers(46_000, 30_000_000))
def test_limit_is_below_twice_the_estimate_whatever_it_is(estimate: int) -> None:
    """Cronos charges at least half of the limit, so no more than was used is paid for."""
    assert estimate * 3 // 2 < gas_limit(estimate) < 2 * estimate


def test_plain_payment_takes_no_more_than_it_takes() -> None:
    assert PLAIN_GAS == gas_limit(PLAIN_GAS)
