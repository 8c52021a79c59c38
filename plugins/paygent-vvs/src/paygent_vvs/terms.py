"""What the settings say of every trade, and what is the same in every call."""

from collections.abc import Mapping
from dataclasses import dataclass

from paygent.plugin import Amount, Asset, Call, ConfigurationError
from paygent_vvs.market import Market
from paygent_vvs.networks import abi

QUOTE_SECONDS = 60
"""How long a quote may be built from, by block time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Limits of every trade; a wish may name its own slippage and deadline."""

    slippage_bps: int = 50
    deadline_seconds: int = 20 * 60
    max_price_impact_bps: int = 300

    @classmethod
    def read(cls, options: Mapping[str, object]) -> "Terms":
        """Read the options of the settings.

        Raises: ConfigurationError: one is out of its range.
        """
        return cls(
            slippage_bps=_number(options, "slippage_bps", 50, 0, 9_999),
            deadline_seconds=_number(options, "deadline_seconds", 20 * 60, 1, 86_400),
            max_price_impact_bps=_number(options, "max_price_impact_bps", 300, 0, 9_999),
        )

    def deadline(self, market: Market, seconds: int | None = None) -> int:
        """Return when a trade is too late, by block time."""
        return market.block.timestamp + (self.deadline_seconds if seconds is None else seconds)


def _number(options: Mapping[str, object], name: str, default: int, low: int, high: int) -> int:
    value = options.get(name, default)
    if type(value) is not int or not low <= value <= high:
        raise ConfigurationError(f"vvs: {name} is a whole number from {low} to {high}, not {value!r}")
    return value


async def approvals(market: Market, owner: str, spend: Amount, spender: str) -> tuple[Call, ...]:
    """Return what lets `spender` take exactly `spend`; nothing for the coin, or where exactly that is approved.

    Where something else is approved it is set to zero first: some tokens, such as Tether's, change it from zero alone.
    """
    if spend.asset == market.venue.coin:
        return ()
    token = spend.asset.id.address
    left = await market.number("erc20", token, "allowance", owner, spender)
    if left == spend.atomic:
        return ()
    exact = abi("erc20").call(token, "approve", spender, spend.atomic)
    return (exact,) if left == 0 else (abi("erc20").call(token, "approve", spender, 0), exact)


def closing(market: Market, spend: Amount, spender: str) -> tuple[Call, ...]:
    """Return what takes back the rest of an approval that a trade may leave; the engine leaves it out where none is."""
    if spend.asset == market.venue.coin:
        return ()
    return (abi("erc20").call(spend.asset.id.address, "approve", spender, 0),)


def nothing(coin: Asset) -> Amount:
    """Return no money at all."""
    return Amount(0, coin)
