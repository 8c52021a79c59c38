"""What assets are worth."""

from typing import Protocol

from paygent.core.caip import AssetId
from paygent.core.price import Price


class PriceOracle(Protocol):
    """**Protocol:** prices of assets in US dollars.

    An oracle reports what it knows and when it knew it; the policy decides what is too old and which source counts. It
    never makes up a price or a time. Raises AdapterError where it cannot answer.
    """

    async def price(self, asset: AssetId) -> Price | None:
        """Return the latest price of `asset`, or None where the oracle has none."""
        ...
