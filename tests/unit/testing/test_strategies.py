"""The strategies reach every kind of payment."""

from hypothesis import Phase, given, settings

from paygent.core.lifecycle import State
from paygent.core.payment import Payment
from paygent.testing.strategies import payments


def test_payments_reach_every_state() -> None:
    reached: set[State] = set()

    @settings(phases=[Phase.generate], max_examples=500, derandomize=True, database=None)
    @given(payments())
    def look(payment: Payment) -> None:
        reached.add(payment.state)

    look()
    assert set(State) == reached
