"""How much one run may do, and what it may spend."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self, cast

from paygent.core.caip import AssetId
from paygent.core.errors import ConfigurationError
from paygent.core.fields import JSON
from paygent.core.money import Amount, Asset, parse_atomic


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLimits:
    """Limits of one run, besides the policy's."""

    iterations: int = 20
    """How often a model is asked."""
    calls: int = 50
    """How many tools are called."""
    seconds: int = 600
    """How long it is worked on, looked at between steps and while a model thinks; waiting for people does not count."""
    spend: Amount | None = None
    """The most that all its payments take together; the store keeps it. None for no limit but the policy's."""

    def __post_init__(self) -> None:
        if min(self.iterations, self.calls, self.seconds) < 1:
            raise ConfigurationError("a run needs at least one iteration, one call and one second")
        _check_spend(self.spend)

    def as_json(self) -> dict[str, JSON]:
        """Return the limits as JSON, for the store."""
        spend: JSON = None
        if self.spend is not None:
            asset = self.spend.asset
            spend = [str(self.spend.atomic), str(asset.id), asset.symbol, asset.decimals]
        return {"iterations": self.iterations, "calls": self.calls, "seconds": self.seconds, "spend": spend}

    @classmethod
    def of(cls, stored: Mapping[str, JSON]) -> Self:
        """Return the limits that `as_json` wrote."""
        spend = stored["spend"]
        amount: Amount | None = None
        if spend is not None:
            atomic, asset, symbol, decimals = cast("list[str]", spend)
            known = Asset(id=AssetId.parse(asset), symbol=symbol, decimals=int(decimals))
            amount = Amount(parse_atomic(atomic), known)
        numbers = {name: cast("int", stored[name]) for name in ("iterations", "calls", "seconds")}
        return cls(**numbers, spend=amount)


def _check_spend(given: object) -> None:
    if given is not None and not isinstance(given, Amount):
        raise ConfigurationError(f"spend is {given!r}; give an amount such as usd('5')")
