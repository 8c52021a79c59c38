"""Prices in memory are what a test says, and fail when it says so."""

from decimal import Decimal

import pytest

from paygent.core.errors import AdapterError
from paygent.core.price import Price
from paygent.ports.price_oracle import PriceOracle
from paygent.testing.conformance.payments import TOKEN
from paygent.testing.prices import MemoryPrices

pytestmark = pytest.mark.anyio


async def test_price_is_the_one_that_was_set() -> None:
    oracle = MemoryPrices({}, as_of=7)
    port: PriceOracle = oracle
    assert await port.price(TOKEN.id) is None
    oracle.put(TOKEN.id, Decimal("0.5"))

    assert Price(asset=TOKEN.id, usd=Decimal("0.5"), as_of=7, source="memory") == await port.price(TOKEN.id)


async def test_oracle_that_is_down_cannot_answer() -> None:
    oracle = MemoryPrices({TOKEN.id: Decimal(1)}, as_of=7)
    oracle.down = True

    with pytest.raises(AdapterError, match="cannot be reached"):
        await oracle.price(TOKEN.id)
