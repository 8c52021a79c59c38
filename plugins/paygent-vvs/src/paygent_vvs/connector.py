"""VVS Finance as a connector: it reads, quotes and builds; it signs and sends nothing."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import cast

from paygent.plugin import (
    APPROVE,
    Action,
    AddLiquidity,
    Asset,
    Chain,
    ChainId,
    Clock,
    ConfigurationError,
    Manifest,
    PermittedCall,
    Pool,
    Position,
    RemoveLiquidity,
    Swap,
    Tools,
    TradeQuote,
    TradeRefused,
    Wish,
    checksum,
)
from paygent_vvs import farms, liquidity, reverts, swaps
from paygent_vvs.market import Market, verify
from paygent_vvs.networks import Farm, Venue, abi, builtin, venue
from paygent_vvs.terms import Terms

_KNOWN = frozenset({"name", "networks", "slippage_bps", "deadline_seconds", "max_price_impact_bps"})
_DELEGATED = "0xef0100"
"""What the code of an ordinary account begins with that lends itself code.  Source: EIP-7702."""
_ROUTER = """swapExactTokensForTokens swapTokensForExactTokens swapExactETHForTokens swapETHForExactTokens
swapExactTokensForETH swapTokensForExactETH addLiquidity addLiquidityETH removeLiquidity removeLiquidityETH""".split()


class VvsConnector:
    """One exchange with farms on the networks that are configured."""

    def __init__(
        self,
        *,
        chains: Mapping[ChainId, Chain],
        clock: Clock,
        venues: Sequence[Venue],
        terms: Terms,
        name: str = "vvs",
    ) -> None:
        self._chains = chains
        self._clock = clock
        self._venues = {one.network: one for one in venues}
        self._terms = terms
        self._verified: set[ChainId] = set()
        self._manifest = _manifest(name, venues)

    @classmethod
    def open(cls, tools: Tools) -> "VvsConnector":
        """Return the connector of some settings.

        Raises: ConfigurationError: an option is unknown or wrong.
        """
        options = tools.options
        for option in options:
            if option not in _KNOWN:
                raise ConfigurationError(f"vvs: {option!r} is no option; there are {', '.join(sorted(_KNOWN))}")
        networks, name = options.get("networks", builtin()), options.get("name", "vvs")
        if not isinstance(networks, Mapping) or not networks or not isinstance(name, str):
            raise ConfigurationError("vvs: networks is a table by CAIP-2 id, and name is a word")
        described = cast("Mapping[str, object]", networks)
        return cls(
            chains=tools.chains,
            clock=tools.clock,
            venues=[venue(network, row) for network, row in described.items()],
            terms=Terms.read(options),
            name=name,
        )

    @property
    def manifest(self) -> Manifest:
        """What it may do."""
        return self._manifest

    async def quote(self, wish: Wish, *, owner: str) -> TradeQuote:
        """Return what a wish would cost and bring now."""
        owner = checksum(owner)
        self._check_assets(wish)
        market, name = await self._market(wish.network), self._manifest.name
        await self._refuse_contract(wish.network, owner)
        match wish:
            case Swap():
                return await swaps.quote(market, wish, owner, self._terms, name)
            case AddLiquidity():
                return await liquidity.quote_adding(market, wish, owner, self._terms, name)
            case RemoveLiquidity():
                return await liquidity.quote_removing(market, wish, owner, self._terms, name)
            case _:
                return await farms.quote(market, wish, self._farm(market.venue, wish.pool), owner, name)

    async def build(self, quote: TradeQuote) -> Sequence[Action]:
        """Return the actions of a quote, if its terms still hold."""
        wish = quote.wish
        market = await self._market(wish.network)
        if market.block.timestamp > quote.valid_until:
            late = market.block.timestamp - quote.valid_until
            raise TradeRefused("stale_quote", f"the quote ended {late} seconds ago; quote again")
        match wish:
            case Swap():
                return await swaps.build(market, quote, wish, self._terms)
            case AddLiquidity():
                return await liquidity.build_adding(market, quote, wish, self._terms)
            case RemoveLiquidity():
                return await liquidity.build_removing(market, quote, wish, self._terms)
            case _:
                return await farms.build(market, quote, wish, self._farm(market.venue, wish.pool), self._terms)

    async def positions(self, owner: str) -> Sequence[Position]:
        """Return shares of pools and stakes, on every network that has an endpoint."""
        found: list[Position] = []
        for network in self._venues:
            if network in self._chains:
                market, name = await self._market(network), self._manifest.name
                found += await liquidity.positions(market, checksum(owner), name)
                found += await farms.positions(market, checksum(owner), name)
        return found

    def refusal(self, revert: str) -> TradeRefused | None:
        """Return what a revert of the router, a pool or a farm means."""
        return reverts.refusal(revert)

    async def _market(self, network: ChainId) -> Market:
        if network not in self._venues:
            known = ", ".join(sorted(map(str, self._venues)))
            raise TradeRefused("unknown_network", f"{self._manifest.title} is on {known}, not on {network}")
        if network not in self._chains:
            raise ConfigurationError(f"vvs: there is no endpoint of {network}; set PAYGENT_RPC")
        where, chain = self._venues[network], self._chains[network]
        if network not in self._verified:
            await verify(where, chain)
            self._verified.add(network)
        return await Market.now(where, chain, self._clock)

    async def _refuse_contract(self, network: ChainId, owner: str) -> None:
        """Refuse a trade for an AgentWallet: its key would pay, and what comes back would go to the contract."""
        code = (await self._chains[network].code(owner)).lower()
        if code != "0x" and not code.startswith(_DELEGATED):
            raise TradeRefused(
                "contract_wallet",
                f"{owner} is a contract, and a contract wallet such as an AgentWallet cannot trade yet: trade from the "
                "account of a key",
            )

    def _check_assets(self, wish: Wish) -> None:
        known = {asset.id for asset in self._manifest.assets}
        for asset in _assets(wish):
            if asset.id not in known:
                raise TradeRefused("unknown_asset", f"{asset.id} is not configured for {self._manifest.title}")

    def _farm(self, where: Venue, name: str) -> Farm:
        pool = self._manifest.pool(where.network, name)
        if pool is None:
            known = ", ".join(f"{farm.name} ({farm.id})" for farm in where.farms) or "none"
            raise TradeRefused("unknown_pool", f"{name!r} is no farm of {where.title}; there are {known}")
        return next(farm for farm in where.farms if farm.id == pool.id)


def _assets(wish: Wish) -> tuple[Asset, ...]:
    match wish:
        case Swap():
            return (wish.give, wish.get, *wish.via)
        case AddLiquidity():
            return (wish.first.asset, wish.second)
        case RemoveLiquidity():
            return (wish.first, wish.second)
        case _:
            return ()


def _manifest(name: str, venues: Sequence[Venue]) -> Manifest:
    farmed = any(where.farms for where in venues)
    farming = ("stake", "unstake", "harvest", "emergency_withdraw") if farmed else ()
    return Manifest(
        name=name,
        title=venues[0].title,
        version=version("paygent-vvs"),
        networks=frozenset(where.network for where in venues),
        assets=tuple(asset for where in venues for asset in _known(where)),
        wishes=frozenset(("swap", "add_liquidity", "remove_liquidity", *farming)),
        calls=frozenset(one for where in venues for one in _calls(where)),
        pools=tuple(
            Pool(id=farm.id, network=where.network, name=farm.name, asset=farm.asset)
            for where in venues
            for farm in where.farms
        ),
    )


def _known(where: Venue) -> tuple[Asset, ...]:
    shares = (where.share_of(first, second) for first, second in where.pairs())
    return (where.coin, *where.tokens, *shares)


def _calls(where: Venue) -> list[PermittedCall]:
    """Return everything that may be called: the router, the farms, and approvals for these alone."""
    spenders = {where.router, *(farm.craftsman for farm in where.farms)}
    made = [(where.router, abi("router").function(name).signature) for name in _ROUTER]
    if where.smart_router is not None:
        spenders.add(where.smart_router)
        made.append((where.smart_router, abi("smart_router").function("multicall").signature))
    for farm in where.farms:
        book, single = abi(f"craftsman_v{farm.version}"), farm.version == 1 and farm.pid == 0
        names = ("enterStaking", "leaveStaking") if single else ("deposit", "withdraw")
        made += [(farm.craftsman, book.function(name).signature) for name in (*names, "emergencyWithdraw")]
    approving = [
        PermittedCall(network=where.network, to=checksum(token.id.address), function=APPROVE, spender=spender)
        for token in _known(where)[1:]
        for spender in spenders
    ]
    return [*approving, *(PermittedCall(network=where.network, to=to, function=name) for to, name in made)]
