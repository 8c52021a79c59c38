"""What type checkers promise a caller: mypy and pyright read this file, pytest runs it."""

from decimal import Decimal
from typing import assert_type

import pytest

from paygent.core.errors import PaidUndelivered, PaymentNotAttempted, PaymentOutcomeUnknown, PolicyDenied
from paygent.core.ids import PaymentId
from paygent.core.lifecycle import Event, State, advance
from paygent.core.money import Amount, Asset, usd

DOLLAR = usd("1")


def test_amounts_stay_amounts() -> None:
    assert usd("2") == assert_type(DOLLAR + DOLLAR, Amount)
    assert usd("0") == assert_type(DOLLAR - DOLLAR, Amount)
    assert 1_000_000 == assert_type(DOLLAR.atomic, int)
    assert Decimal(1) == assert_type(DOLLAR.to_decimal(), Decimal)
    assert 6 == assert_type(DOLLAR.asset, Asset).decimals


def test_amounts_refuse_bare_numbers() -> None:
    with pytest.raises((TypeError, ValueError, AttributeError)):
        _ = DOLLAR + 1.5  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue]
    with pytest.raises((TypeError, ValueError)):
        usd(1.5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_advancing_gives_a_state() -> None:
    assert State.APPROVED == assert_type(advance(State.PROPOSED, Event.ALLOWED), State)


def payment_of(error: PaymentOutcomeUnknown | PaidUndelivered) -> PaymentId:
    return assert_type(error.payment_id, PaymentId)


def may_try_again(error: PolicyDenied) -> PaymentNotAttempted:
    return error


def test_errors_say_what_the_caller_knows() -> None:
    assert issubclass(PolicyDenied, PaymentNotAttempted)
    assert not issubclass(PaymentOutcomeUnknown, PaymentNotAttempted)
