"""Which payments a filter means, and what they count as."""

from typing import Any

import pytest

from paygent.core.context import Context
from paygent.core.errors import LocalProtocolError
from paygent.core.history import EVERY_PAYMENT, PaymentFilter, counted
from paygent.core.lifecycle import State
from paygent.testing.conformance.payments import START, TOKEN, reserved, settled, signed

PAYMENT = reserved(context=Context(agent="a", session="s", service="v"))


@pytest.mark.parametrize(
    "wanted",
    [
        EVERY_PAYMENT,
        PaymentFilter(states=(State.SIGNED, State.RESERVED)),
        PaymentFilter(start=START, end=START + 1),
        PaymentFilter(service="v", asset=TOKEN.id, host="seller.example", agent="a", session="s"),
    ],
)
def test_filter_takes_what_agrees(wanted: PaymentFilter) -> None:
    assert wanted.takes(PAYMENT)


@pytest.mark.parametrize(
    "wanted",
    [
        PaymentFilter(states=(State.SIGNED,)),
        PaymentFilter(start=START + 1),
        PaymentFilter(end=START),
        PaymentFilter(service="w"),
        PaymentFilter(asset=type(TOKEN.id).parse(f"eip155:1/erc20:0x{'33' * 20}")),
        PaymentFilter(host="other.example"),
        PaymentFilter(agent="b"),
        PaymentFilter(session="t"),
    ],
)
def test_filter_leaves_what_does_not(wanted: PaymentFilter) -> None:
    assert not wanted.takes(PAYMENT)


def test_filter_refuses_a_time_that_ends_before_it_starts() -> None:
    with pytest.raises(LocalProtocolError, match="the end is first"):
        PaymentFilter(start=2, end=1)


def test_counted_is_what_was_charged_once_that_is_known() -> None:
    first = reserved(amount=100)

    assert [100, 100, 30] == [counted(first), counted(signed(first)), counted(settled(first, charged=30))]


@pytest.mark.parametrize(
    "wrong", [{"states": "SETTLED"}, {"states": ("SETTLED",)}, {"asset": TOKEN}, {"asset": str(TOKEN.id)}]
)
def test_filter_that_no_payment_could_meet_is_refused(wrong: dict[str, Any]) -> None:
    """An empty page would be taken for a wallet that never paid."""
    with pytest.raises(LocalProtocolError, match=r"write (its id,|a tuple) such as"):
        PaymentFilter(**wrong)
