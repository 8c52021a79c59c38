"""What an amount counts as in a limit's asset. Costs are rounded up, so a limit is never passed by rounding."""

from dataclasses import dataclass
from decimal import Decimal

from paygent.core.caip import AssetId
from paygent.core.errors import ConfigurationError
from paygent.core.money import MAX_ATOMIC, PAYMENTS, USD, Amount, Asset
from paygent.core.price import Price
from paygent.core.requirements import Token

AHEAD_SECONDS = 60
"""How far in the future a price may be dated: clocks differ."""
_WHOLE = 10_000
_ONE = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedRate:
    """What one whole unit of a stable asset counts as, by the user's word."""

    asset: AssetId
    usd: Decimal

    def __post_init__(self) -> None:
        try:
            Price(asset=self.asset, usd=self.usd, as_of=0, source="fixed")
        except (TypeError, ValueError) as wrong:
            raise ConfigurationError(f"the fixed rate of {self.asset}: {wrong}") from wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Valuation:
    """How tokens become dollars: a fixed rate, else one to one for tokens known as dollars, else a fresh price."""

    fixed: tuple[FixedRate, ...] = ()
    max_age_seconds: int = 300
    """How old a price may be; a price of exactly that age counts."""
    haircut_bps: int = 100
    """How much dearer than the oracle says a payment counts, in hundredths of a percent; fixed rates have none."""

    def __post_init__(self) -> None:
        if not 0 < self.max_age_seconds <= 7 * 86_400:
            raise ConfigurationError(f"max_age_seconds is {self.max_age_seconds}; it must be from 1 to 604800")
        if not 0 <= self.haircut_bps <= _WHOLE:
            raise ConfigurationError(f"haircut_bps is {self.haircut_bps}; it must be from 0 to 10000")
        if len({rate.asset for rate in self.fixed}) != len(self.fixed):
            raise ConfigurationError("an asset has two fixed rates; keep the one that is meant")


DEFAULT = Valuation()


def valued(
    amount: Amount,
    unit: Asset,
    token: Token,
    price: Price | None = None,
    *,
    rules: Valuation = DEFAULT,
    now: int | None = None,
) -> Amount | None:
    """Return what `amount` counts as in the limit's `unit`, rounded up, or None where nothing says what it is worth.

    A token counts in its own limits. In dollars it counts by `rules`; a number of payments counts every payment as one.
    """
    if unit == amount.asset:
        return amount
    if unit is not USD:  # nearly always it is; comparing two assets by value takes longer
        if unit == PAYMENTS:
            return Amount(1, PAYMENTS)
        if unit != USD:
            return None
    same = token.asset is amount.asset or token.asset == amount.asset
    rate = _rate(amount.asset.id, token, price, rules, now) if same else None
    return None if rate is None else _dollars(amount, *rate)


def _rate(
    asset: AssetId, token: Token, price: Price | None, rules: Valuation, now: int | None
) -> tuple[Decimal, int] | None:
    """Return dollars for one whole unit and the haircut, or None."""
    for fixed in rules.fixed:
        if fixed.asset == asset:
            return fixed.usd, 0
    if token.usd:
        return _ONE, 0
    if price is None or objection(price, asset, rules, now) is not None:
        return None
    return price.usd, rules.haircut_bps


def objection(price: Price, asset: AssetId, rules: Valuation, now: int | None) -> str | None:
    """Return why a price does not count, or None where it does."""
    if price.asset != asset:
        return f"the price is of {price.asset}"
    if now is None:
        return "nobody says what time it is, so no price is fresh"
    if now - price.as_of > rules.max_age_seconds:
        return f"the price of {price.source} is {now - price.as_of} seconds old, {rules.max_age_seconds} is the most"
    if price.as_of - now > AHEAD_SECONDS:
        return f"the price of {price.source} is dated {price.as_of - now} seconds ahead"
    return None


def _dollars(amount: Amount, rate: Decimal, haircut_bps: int) -> Amount | None:
    """Return the amount in millionths of a dollar, rounded up; None beyond what a number can hold."""
    if rate is _ONE and amount.asset.decimals == USD.decimals and not haircut_bps:
        return Amount(amount.atomic, USD)
    above, below = rate.as_integer_ratio()
    top = amount.atomic * above * 10**USD.decimals * (_WHOLE + haircut_bps)
    atomic = -(-top // (below * 10**amount.asset.decimals * _WHOLE))
    return Amount(atomic, USD) if atomic <= MAX_ATOMIC else None
