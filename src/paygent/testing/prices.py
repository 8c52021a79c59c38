"""Prices that a test sets."""

from collections.abc import Mapping
from decimal import Decimal

from paygent.core.caip import AssetId
from paygent.core.errors import AdapterError
from paygent.core.price import Price


class MemoryPrices:
    """A `PriceOracle` of the prices it was given; `down` makes it fail like one that cannot be reached."""

    def __init__(self, usd: Mapping[AssetId, Decimal], *, as_of: int, source: str = "memory") -> None:
        self._usd = dict(usd)
        self._source = source
        self.as_of = as_of
        self.down = False

    def put(self, asset: AssetId, usd: Decimal) -> None:
        """Set the price of an asset."""
        self._usd[asset] = usd

    async def price(self, asset: AssetId) -> Price | None:
        if self.down:
            raise AdapterError(f"oracle {self._source!r} cannot be reached", retryable=True)
        usd = self._usd.get(asset)
        return None if usd is None else Price(asset=asset, usd=usd, as_of=self.as_of, source=self._source)
