"""The strategies reach every kind of payment."""

import pytest
from hypothesis import Phase, find, settings

from paygent.core.lifecycle import State
from paygent.testing.strategies import payments


@pytest.mark.parametrize("state", State)
def test_payments_reach_a_state(state: State) -> None:
    quick = settings(phases=[Phase.generate], max_examples=1000, database=None)

    assert state is find(payments(), lambda payment: payment.state is state, settings=quick).state
