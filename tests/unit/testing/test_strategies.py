"""The strategies reach every kind of payment."""

from hypothesis import Phase, find, settings

from paygent.core.lifecycle import State
from paygent.core.payment import Payment
from paygent.testing.strategies import payments


def test_payments_reach_every_state() -> None:
    """How soon depends on the constants of whatever is imported, so it ends with the last state, and not after many."""
    reached: set[State] = set()

    def look(payment: Payment) -> bool:
        reached.add(payment.state)
        return set(State) == reached

    find(
        payments(),
        look,
        settings=settings(phases=[Phase.generate], max_examples=5_000, derandomize=True, database=None),
    )
    assert set(State) == reached
