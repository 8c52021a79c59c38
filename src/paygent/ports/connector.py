"""What trades on a chain: exchanges, farms, markets. A connector proposes; the engine judges, signs and sends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Protocol, TypeAlias, runtime_checkable

from paygent.core.action import Action
from paygent.core.caip import ChainId, is_evm_address
from paygent.core.errors import TradeRefused
from paygent.core.money import Amount, Asset
from paygent.ports.chain import Chain
from paygent.ports.clock import Clock

APPROVE = "approve(address,uint256)"
"""Lets a spender take a token; a manifest names the spender too."""
MOST_BPS = 10_000
"""Basis points of the whole."""

WishKind: TypeAlias = Literal[
    "swap", "add_liquidity", "remove_liquidity", "stake", "unstake", "harvest", "emergency_withdraw"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """Give one asset for another."""

    kind: ClassVar[WishKind] = "swap"
    give: Asset
    """What leaves the wallet."""
    get: Asset
    """What comes back."""
    amount: Amount
    """What is fixed: an amount of `give` (`exact="in"`) or of `get` (`exact="out"`)."""
    exact: Literal["in", "out"] = "in"
    slippage_bps: int | None = None
    """How much worse than quoted it may get, in basis points; None for the connector's own."""
    deadline_seconds: int | None = None
    """How long the trade may wait to be mined; None for the connector's own."""
    via: tuple[Asset, ...] = ()
    """Assets to look for routes through, besides the connector's own."""

    def __post_init__(self) -> None:
        fixed = self.give if self.exact == "in" else self.get
        if self.amount.asset != fixed:
            raise ValueError(f"exact={self.exact!r} fixes {fixed.symbol}, and the amount is {self.amount}")
        if self.give == self.get or self.give.id.chain != self.get.id.chain:
            raise ValueError(f"{self.give.id} cannot be swapped for {self.get.id}: two assets of one chain")
        _check_bps(self.slippage_bps)
        if self.deadline_seconds is not None and self.deadline_seconds < 1:
            raise ValueError(f"a trade needs at least a second to be mined, not {self.deadline_seconds}")

    @property
    def network(self) -> ChainId:
        """Where it happens."""
        return self.give.id.chain


@dataclass(frozen=True, slots=True, kw_only=True)
class AddLiquidity:
    """Put two assets into their pool, in the pool's own ratio."""

    kind: ClassVar[WishKind] = "add_liquidity"
    first: Amount
    """The most of the one asset."""
    second: Asset
    """The other asset."""
    second_most: Amount | None = None
    """The most of the other asset; None for whatever the pool's ratio asks."""
    slippage_bps: int | None = None

    def __post_init__(self) -> None:
        if self.second_most is not None and self.second_most.asset != self.second:
            raise ValueError(f"{self.second_most} is no amount of {self.second.symbol}")
        if self.first.asset == self.second or self.first.asset.id.chain != self.second.id.chain:
            raise ValueError(f"{self.first.asset.id} and {self.second.id} make no pool: two assets of one chain")
        _check_bps(self.slippage_bps)

    @property
    def network(self) -> ChainId:
        """Where it happens."""
        return self.second.id.chain


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveLiquidity:
    """Take a share of one's liquidity out of a pool."""

    kind: ClassVar[WishKind] = "remove_liquidity"
    first: Asset
    second: Asset
    share_bps: int
    """How much of it, in basis points: 1 to 10,000, which is all."""
    slippage_bps: int | None = None

    def __post_init__(self) -> None:
        if self.first == self.second or self.first.id.chain != self.second.id.chain:
            raise ValueError(f"{self.first.id} and {self.second.id} make no pool: two assets of one chain")
        if not 1 <= self.share_bps <= MOST_BPS:
            raise ValueError(f"a share is from 1 to 10,000 basis points, not {self.share_bps}")
        _check_bps(self.slippage_bps)

    @property
    def network(self) -> ChainId:
        """Where it happens."""
        return self.first.id.chain


@dataclass(frozen=True, slots=True, kw_only=True)
class Stake:
    """Put tokens into a farm."""

    kind: ClassVar[WishKind] = "stake"
    network: ChainId
    pool: str
    """`Pool.id` or `Pool.name` of the manifest."""
    amount: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Unstake:
    """Take tokens out of a farm, and the rewards with them."""

    kind: ClassVar[WishKind] = "unstake"
    network: ChainId
    pool: str
    amount: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Harvest:
    """Take the rewards of a farm."""

    kind: ClassVar[WishKind] = "harvest"
    network: ChainId
    pool: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyWithdraw:
    """Take everything out of a farm and give its rewards up, where nothing else works."""

    kind: ClassVar[WishKind] = "emergency_withdraw"
    network: ChainId
    pool: str


Wish: TypeAlias = Swap | AddLiquidity | RemoveLiquidity | Stake | Unstake | Harvest | EmergencyWithdraw


def _check_bps(slippage_bps: int | None) -> None:
    if slippage_bps is not None and not 0 <= slippage_bps < MOST_BPS:
        raise ValueError(f"slippage is from 0 to 9,999 basis points, not {slippage_bps}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PermittedCall:
    """One function of one contract that a connector may have called."""

    network: ChainId
    to: str
    """Checksummed address of the contract."""
    function: str
    """Its signature, for example ``deposit(uint256,uint256)``."""
    spender: str | None = None
    """Whom an approval may name; checksummed. An approval without one is not permitted."""

    def __post_init__(self) -> None:
        if not is_evm_address(self.to) or not self.function.endswith(")"):
            raise ValueError(f"{self.function!r} at {self.to!r} is no call: an address and a signature")
        if (self.function == APPROVE) != (self.spender is not None):
            raise ValueError("an approval names its spender, and nothing else does")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A farm, as configured."""

    id: str
    """Unlike any other pool's of the connector, for example ``v2:3``."""
    network: ChainId
    name: str
    """For people, for example ``CRO-USDC``."""
    asset: Asset
    """What is staked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a connector may do. What it builds outside of it is not passed on."""

    name: str
    """One word in lower case; `Action.venue`."""
    title: str
    """For people."""
    version: str
    networks: frozenset[ChainId]
    assets: tuple[Asset, ...]
    """What may be spent or received: tokens, coins, shares of pools."""
    wishes: frozenset[WishKind]
    calls: frozenset[PermittedCall]
    pools: tuple[Pool, ...] = ()

    def __post_init__(self) -> None:
        if not self.name.isidentifier() or self.name != self.name.lower():
            raise ValueError(f"{self.name!r} is not the name of a connector: one word in lower case")
        if not (self.title and self.version and self.networks and self.assets and self.wishes and self.calls):
            raise ValueError("a manifest says its title, version, networks, assets, wishes and calls")
        here = {asset.id.chain for asset in self.assets} | {call.network for call in self.calls}
        if strangers := here - self.networks:
            raise ValueError(f"its networks leave out {', '.join(sorted(map(str, strangers)))}")

    def pool(self, network: ChainId, name: str) -> Pool | None:
        """Return the pool of an id, or of a name that only one has on this network."""
        here = [pool for pool in self.pools if pool.network == network]
        named = [pool for pool in here if pool.name.lower() == name.lower()]
        return next((pool for pool in here if pool.id == name), named[0] if len(named) == 1 else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeQuote:
    """What a wish would cost and bring by the chain as it was read; nothing is promised but `at_least`."""

    wish: Wish
    venue: str
    """`Manifest.name`."""
    owner: str
    """Checksummed address whose money it is."""
    spend: tuple[Amount, ...]
    """The most that leaves the wallet, gas not counted."""
    expected: tuple[Amount, ...]
    """What comes back if nothing changes."""
    at_least: tuple[Amount, ...]
    """What comes back, or nothing happens."""
    route: tuple[Asset, ...] = ()
    """The assets it goes through, ends included."""
    price_impact_bps: int | None = None
    """How much worse the trade's own size makes the price, fees apart; rounded up."""
    block_number: int
    """Read after this block."""
    valid_until: int
    """Unix seconds by block time; after it, ask again."""
    notes: tuple[str, ...] = ()
    """What a person should know, such as a farm that has ended."""

    def __str__(self) -> str:
        gives = " and ".join(map(str, self.spend)) or "nothing"
        gets = " and ".join(f"{likely} (at least {least})" for likely, least in self._pairs()) or "nothing"
        path = f" by {' > '.join(asset.symbol for asset in self.route)}" if len(self.route) > 2 else ""
        return f"{self.venue}: {gives} for {gets}{path}"

    def _pairs(self) -> list[tuple[Amount, Amount]]:
        return list(zip(self.expected, self.at_least, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What an account has at a venue."""

    venue: str
    network: ChainId
    kind: Literal["liquidity", "farm"]
    name: str
    """For people: the pool's name."""
    pool: str
    """`Pool.id` of a farm; the pool's address for liquidity."""
    holds: Amount
    """The share, or what is staked."""
    worth: tuple[Amount, ...] = ()
    """What a share would bring if it were taken out now."""
    pending: tuple[Amount, ...] = ()
    """Rewards that can be harvested now."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """All that a plugin gets: no key, no HTTP client, and nothing that can send."""

    chains: Mapping[ChainId, Chain]
    """Read-only views, by chain."""
    clock: Clock
    options: Mapping[str, object] = field(default_factory=dict[str, object])
    """What the settings say under the plugin's name."""


@runtime_checkable
class Connector(Protocol):
    """**Protocol:** a venue.

    It reads chains and proposes; whatever it builds meets policy, simulation and approval before anything is signed.

    Raises, all of them: TradeRefused: it may or can not be done. AdapterError: the chain does not answer.
    ConfigurationError: something is missing, or not what it was configured to be.
    """

    @property
    def manifest(self) -> Manifest:
        """What it may do; known without asking anybody."""
        ...

    async def quote(self, wish: Wish, *, owner: str) -> TradeQuote:
        """Return what a wish of `owner` (checksummed address) would cost and bring now."""
        ...

    async def build(self, quote: TradeQuote) -> Sequence[Action]:
        """Return the unsigned calls of a quote, one action for each asset that is spent, in the order to make them.

        It reads the chain again, and refuses where the quote's own terms do not hold any more. The terms of what it
        returns are never worse for the owner than those of the quote.
        """
        ...

    async def positions(self, owner: str) -> Sequence[Position]:
        """Return what an account has here."""
        ...

    def refusal(self, revert: str) -> TradeRefused | None:
        """Return what a revert of one of its calls means, by its text; None where it is not one it knows."""
        ...
