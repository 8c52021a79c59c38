"""A price is an exact number with a time and a source."""

from decimal import Decimal
from typing import Any

import pytest

from paygent.core.price import Price
from paygent.testing.conformance.payments import TOKEN


def price(usd: Any) -> Price:
    return Price(asset=TOKEN.id, usd=usd, as_of=0, source="test")


@pytest.mark.parametrize("usd", ["0", "-1", "NaN", "Infinity", "1e-37", "1e37"])
def test_price_refuses_what_is_no_price(usd: str) -> None:
    with pytest.raises(ValueError, match="a price is from"):
        price(Decimal(usd))


@pytest.mark.parametrize("usd", [1, 0.5, "1"])
def test_price_refuses_what_is_no_decimal(usd: object) -> None:
    with pytest.raises(TypeError, match="a price is a Decimal"):
        price(usd)


def test_price_keeps_every_digit() -> None:
    assert "0.09310000000000000001" == str(price(Decimal("0.09310000000000000001")).usd)
