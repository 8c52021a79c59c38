"""What a command means: one frozen value for each intent. Numbers are decimal strings as typed, symbols upper case."""

from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

from paygent.core.errors import CommandRefused
from paygent.core.fields import JSON
from paygent.orchestrator.commands import check, words


class _Slots:
    """The slots of a command, each checked by its name."""

    __slots__ = ()

    def __post_init__(self) -> None:
        check.slots(_named(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pay(_Slots):
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
        if self.amount is not None and self.asset is None:
            check.amount(self.amount)
            raise CommandRefused("ambiguous", f"the amount {self.amount} names no asset")
        _Slots.__post_init__(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote(_Slots):
    """Ask what a URL costs."""

    intent: ClassVar[str] = "quote"
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance(_Slots):
    """Look at the wallet."""

    intent: ClassVar[str] = "balance"
    assets: tuple[str, ...] = ()
    """None: whatever there is."""

    def __post_init__(self) -> None:
        _Slots.__post_init__(self)
        if len(set(self.assets)) != len(self.assets):
            raise CommandRefused("malformed", "an asset is named twice")


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(_Slots):
    """Send an asset to an address."""

    intent: ClassVar[str] = "transfer"
    amount: str
    asset: str
    to: str
    """As typed; its checksum is right where it has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap(_Slots):
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
        _Slots.__post_init__(self)
        check.different(self.asset_in, self.asset_out)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddLiquidity(_Slots):
    """Put two assets into a pool."""

    intent: ClassVar[str] = "add_liquidity"
    amount_a: str
    asset_a: str
    amount_b: str | None = None
    """None: what the pool's ratio asks for."""
    asset_b: str

    def __post_init__(self) -> None:
        _Slots.__post_init__(self)
        check.different(self.asset_a, self.asset_b)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveLiquidity(_Slots):
    """Take a share of one's liquidity out of a pool."""

    intent: ClassVar[str] = "remove_liquidity"
    asset_a: str
    asset_b: str
    percent: str
    """Above 0, 100 at most, without the sign."""

    def __post_init__(self) -> None:
        _Slots.__post_init__(self)
        check.different(self.asset_a, self.asset_b)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stake(_Slots):
    """Put LP tokens, or the token of a farm of one, into a farm."""

    intent: ClassVar[str] = "stake"
    amount: str
    pool: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Harvest(_Slots):
    """Take a farm's rewards."""

    intent: ClassVar[str] = "harvest"
    pool: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Discover(_Slots):
    """Look for services."""

    intent: ClassVar[str] = "discover"
    category: str | None = None
    """Lower case."""
    max_price: str | None = None
    """In dollars, a call."""
    min_reputation: str | None = None
    mcp: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PerpOpen(_Slots):
    """Open a perpetual position."""

    intent: ClassVar[str] = "perp_open"
    side: Literal["long", "short"]
    collateral: str
    asset: str
    """Of the collateral."""
    symbol: str
    leverage: int | None = None

    def __post_init__(self) -> None:
        _Slots.__post_init__(self)
        if self.symbol in words.STABLE:
            check.different(self.asset, self.symbol)


@dataclass(frozen=True, slots=True, kw_only=True)
class PerpClose(_Slots):
    """Close a perpetual position."""

    intent: ClassVar[str] = "perp_close"
    symbol: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StopLoss(_Slots):
    """Close a position when the price has gone against it."""

    intent: ClassVar[str] = "stop_loss"
    symbol: str
    price: str
    """In dollars."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeProfit(_Slots):
    """Close a position when the price is good enough."""

    intent: ClassVar[str] = "take_profit"
    symbol: str
    price: str
    """In dollars."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Funding(_Slots):
    """Look at a perpetual's funding rate."""

    intent: ClassVar[str] = "funding"
    symbol: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Predict(_Slots):
    """Bet on an outcome."""

    intent: ClassVar[str] = "predict"
    market: str
    outcome: str
    amount: str
    asset: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim(_Slots):
    """Take what predictions have won."""

    intent: ClassVar[str] = "claim"
    market: str | None = None
    """None: of whatever market."""


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
    for name, value in _named(command).items():
        if value is not None and value is not False and value != ():
            slots[name] = list(value) if isinstance(value, tuple) else value
    return {"intent": command.intent, "slots": slots}


def _named(command: Any) -> dict[str, str | int | tuple[str, ...] | None]:
    return {field.name: getattr(command, field.name) for field in fields(command)}
