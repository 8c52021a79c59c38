"""What a unit of an asset is worth in dollars, by somebody's word, at some time."""

from dataclasses import dataclass
from decimal import Decimal

from paygent.core.caip import AssetId


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """A price without operators: `policy.valuation` alone turns amounts into dollars."""

    asset: AssetId
    """What is priced."""
    usd: Decimal
    """Dollars for one whole unit, above 0."""
    as_of: int
    """Unix seconds at which the source says it held."""
    source: str
    """Who says so; the policy may allow or deny sources by this name."""

    def __post_init__(self) -> None:
        if not isinstance(self.usd, Decimal):  # pyright: ignore[reportUnnecessaryIsInstance]  # types are not checked here
            raise TypeError(f"a price is a Decimal such as Decimal('0.0931'), not {self.usd!r}")
        if not self.usd.is_finite() or not Decimal("1e-36") <= self.usd <= Decimal("1e36"):
            raise ValueError(f"a price is from 1e-36 to 1e36 dollars, not {self.usd}")
