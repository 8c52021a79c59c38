"""What a command means: one frozen value for each intent. Numbers are decimal strings as typed, symbols upper case."""

from dataclasses import dataclass, fields
from typing import ClassVar, Literal

from paygent.core.errors import CommandRefused
from paygent.core.fields import JSON
from paygent.orchestrator.commands import check, words


@dataclass(frozen=True, slots=True, kw_only=True)
class Pay:
    """Pay for a resource or a service."""

    intent: ClassVar[str] = "pay"
    amount: str | None = None
    """The most it may cost; None leaves it to the policy."""
    asset: str | None = None
    url: str | None = None
    """One of `url` and `service` is there."""
    service: str | None = None

    def __post_init__(self) -> None:
        if (self.url is None) == (self.service is None):
            raise CommandRefused("ambiguous", "what is paid for is not said: name a URL or a service, one of them")
        if self.amount is not None:
            check.amount(self.amount)
        if self.asset is not None:
            check.symbol(self.asset)
        elif self.amount is not None:
            raise CommandRefused("ambiguous", f"the amount {self.amount} names no asset")
        if self.url is not None:
            check.url(self.url)
        if self.service is not None:
            check.name(self.service)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Ask what a URL costs."""

    intent: ClassVar[str] = "quote"
    url: str

    def __post_init__(self) -> None:
        check.url(self.url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Look at the wallet."""

    intent: ClassVar[str] = "balance"
    assets: tuple[str, ...] = ()
    """None: whatever there is."""

    def __post_init__(self) -> None:
        for asset in self.assets:
            check.symbol(asset)
        if len(set(self.assets)) != len(self.assets):
            raise CommandRefused("malformed", "an asset is named twice")


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Send an asset to an address."""

    intent: ClassVar[str] = "transfer"
    amount: str
    asset: str
    to: str
    """As typed; its checksum is right where it has one."""

    def __post_init__(self) -> None:
        check.amount(self.amount)
        check.symbol(self.asset)
        check.address(self.to)


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """Exchange one asset for another."""

    intent: ClassVar[str] = "swap"
    amount: str
    """Of `asset_in` where `exact` is "in", else of `asset_out`."""
    asset_in: str
    asset_out: str
    exact: Literal["in", "out"]
    venue: str | None = None
    slippage_bps: int | None = None

    def __post_init__(self) -> None:
        check.amount(self.amount)
        check.different(self.asset_in, self.asset_out)
        check.one_of(self.exact, frozenset({"in", "out"}))
        if self.venue is not None:
            check.venue(self.venue)
        if self.slippage_bps is not None:
            check.slippage(self.slippage_bps)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddLiquidity:
    """Put two assets into a pool."""

    intent: ClassVar[str] = "add_liquidity"
    amount_a: str
    asset_a: str
    amount_b: str | None = None
    """None: what the pool's ratio asks for."""
    asset_b: str

    def __post_init__(self) -> None:
        check.amount(self.amount_a)
        check.different(self.asset_a, self.asset_b)
        if self.amount_b is not None:
            check.amount(self.amount_b)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveLiquidity:
    """Take a share of one's liquidity out of a pool."""

    intent: ClassVar[str] = "remove_liquidity"
    asset_a: str
    asset_b: str
    percent: str
    """Above 0, 100 at most, without the sign."""

    def __post_init__(self) -> None:
        check.different(self.asset_a, self.asset_b)
        check.percent(self.percent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stake:
    """Put LP tokens, or the token of a farm of one, into a farm."""

    intent: ClassVar[str] = "stake"
    amount: str
    pool: str

    def __post_init__(self) -> None:
        check.amount(self.amount)
        check.pool(self.pool)


@dataclass(frozen=True, slots=True, kw_only=True)
class Harvest:
    """Take a farm's rewards."""

    intent: ClassVar[str] = "harvest"
    pool: str

    def __post_init__(self) -> None:
        check.pool(self.pool)


@dataclass(frozen=True, slots=True, kw_only=True)
class Discover:
    """Look for services."""

    intent: ClassVar[str] = "discover"
    category: str | None = None
    """Lower case."""
    max_price: str | None = None
    """In dollars, a call."""
    min_reputation: str | None = None
    mcp: bool = False

    def __post_init__(self) -> None:
        if self.category is not None:
            check.name(self.category)
            if self.category != self.category.lower():
                raise CommandRefused("malformed", "a category is in lower case")
        if self.max_price is not None:
            check.amount(self.max_price, what="a price")
        if self.min_reputation is not None:
            check.number(self.min_reputation, what="a reputation")


@dataclass(frozen=True, slots=True, kw_only=True)
class PerpOpen:
    """Open a perpetual position."""

    intent: ClassVar[str] = "perp_open"
    side: Literal["long", "short"]
    collateral: str
    asset: str
    """Of the collateral."""
    symbol: str
    leverage: int | None = None

    def __post_init__(self) -> None:
        check.one_of(self.side, frozenset({"long", "short"}))
        check.amount(self.collateral)
        check.symbol(self.asset)
        check.market(self.symbol)
        if self.leverage is not None:
            check.leverage(self.leverage)


@dataclass(frozen=True, slots=True, kw_only=True)
class PerpClose:
    """Close a perpetual position."""

    intent: ClassVar[str] = "perp_close"
    symbol: str

    def __post_init__(self) -> None:
        check.market(self.symbol)


@dataclass(frozen=True, slots=True, kw_only=True)
class StopLoss:
    """Close a position when the price has gone against it."""

    intent: ClassVar[str] = "stop_loss"
    symbol: str
    price: str
    """In dollars."""

    def __post_init__(self) -> None:
        check.market(self.symbol)
        check.amount(self.price, what="a price")


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeProfit:
    """Close a position when the price is good enough."""

    intent: ClassVar[str] = "take_profit"
    symbol: str
    price: str
    """In dollars."""

    def __post_init__(self) -> None:
        check.market(self.symbol)
        check.amount(self.price, what="a price")


@dataclass(frozen=True, slots=True, kw_only=True)
class Funding:
    """Look at a perpetual's funding rate."""

    intent: ClassVar[str] = "funding"
    symbol: str

    def __post_init__(self) -> None:
        check.market(self.symbol)


@dataclass(frozen=True, slots=True, kw_only=True)
class Predict:
    """Bet on an outcome."""

    intent: ClassVar[str] = "predict"
    market: str
    outcome: str
    amount: str
    asset: str

    def __post_init__(self) -> None:
        check.name(self.market)
        check.one_of(self.outcome, words.OUTCOMES)
        check.amount(self.amount)
        check.symbol(self.asset)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Take what predictions have won."""

    intent: ClassVar[str] = "claim"
    market: str | None = None
    """None: of whatever market."""

    def __post_init__(self) -> None:
        if self.market is not None:
            check.name(self.market)


Single = (
    Pay | Quote | Balance | Transfer | Swap | AddLiquidity | RemoveLiquidity | Stake | Harvest | Discover | PerpOpen
    | PerpClose | StopLoss | TakeProfit | Funding | Predict | Claim
)  # fmt: skip
"""A command of one step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Multi:
    """Several steps, done in order; one that fails stops the rest."""

    intent: ClassVar[str] = "multi"
    steps: tuple[Single, ...]
    """2 to 16."""

    def __post_init__(self) -> None:
        if not 2 <= len(self.steps) <= words.MOST_STEPS:
            raise CommandRefused("malformed", f"a command has {words.MOST_STEPS} steps at most, not {len(self.steps)}")


Command = Single | Multi


def as_json(command: Command) -> dict[str, JSON]:
    """Return ``{"intent": …, "slots": …}``; slots that nobody named are left out."""
    if isinstance(command, Multi):
        return {"intent": command.intent, "slots": {"steps": [as_json(step) for step in command.steps]}}
    slots: dict[str, JSON] = {}
    for field in fields(command):
        value: str | int | tuple[str, ...] | None = getattr(command, field.name)
        if value is not None and value is not False and value != ():
            slots[field.name] = list(value) if isinstance(value, tuple) else value
    return {"intent": command.intent, "slots": slots}
