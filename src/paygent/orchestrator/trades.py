"""Tools of connectors: swaps, liquidity and farms. A connector proposes; the engine judges, signs and sends."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, Literal, TypeVar

from pydantic import Field

from paygent.core.action import Action
from paygent.core.caip import ChainId
from paygent.core.errors import TradeRefused
from paygent.core.fields import JSON
from paygent.core.payment import Payment
from paygent.core.run_errors import ToolRefused
from paygent.orchestrator.actions import AMOUNT, Actor, done, part
from paygent.orchestrator.assets import AssetBook, amount_of
from paygent.orchestrator.held import Held
from paygent.orchestrator.payments import amount_as_json
from paygent.orchestrator.tools import AnyTool, Arguments, Call, Price, Tool, ToolOutcome
from paygent.ports.chain import Chain
from paygent.ports.connector import (
    AddLiquidity,
    Connector,
    Harvest,
    Pool,
    RemoveLiquidity,
    Stake,
    Swap,
    TradeQuote,
    Unstake,
    Wish,
    WishKind,
)

TRADER = "trader"
_DELEGATED = "0xef0100"
"""What the code of an ordinary account begins with that lends itself code.  Source: EIP-7702."""
_SYMBOL = Field(description="symbol, such as USDC", max_length=32)
_WHOLE = Field(description="in whole units, such as 0.10", pattern=AMOUNT)
A = TypeVar("A", bound=Arguments)


class SwapArguments(Arguments):
    """What to give for what."""

    amount: str = _WHOLE
    asset_in: str = _SYMBOL
    asset_out: str = _SYMBOL
    exact: Literal["in", "out"] = Field(default="in", description="which side the amount is of")
    venue: str | None = Field(default=None, description="where to trade, such as vvs", max_length=64)
    slippage_bps: int | None = Field(default=None, description="hundredths of a percent, 0 to 5000", ge=0, le=5000)


class AddLiquidityArguments(Arguments):
    """What to put into a pool."""

    amount_a: str = _WHOLE
    asset_a: str = _SYMBOL
    asset_b: str = _SYMBOL
    amount_b: str | None = Field(default=None, description="the most of the other asset", pattern=AMOUNT)


class RemoveLiquidityArguments(Arguments):
    """What to take out of a pool."""

    asset_a: str = _SYMBOL
    asset_b: str = _SYMBOL
    percent: str = Field(description="how much of one's share, above 0, at most 100", pattern=AMOUNT)


class StakeArguments(Arguments):
    """What to put into a farm, or take out of it."""

    amount: str = _WHOLE
    pool: str = Field(description="the farm, such as CRO-USDC", max_length=64)


class HarvestArguments(Arguments):
    """Whose rewards to take."""

    pool: str = Field(description="the farm, such as CRO-USDC", max_length=64)


class PositionsArguments(Arguments):
    """Nothing: all positions are told."""


class Trades:
    """Trades at the venues of some connectors."""

    def __init__(self, actor: Actor, connectors: Mapping[str, Connector], chains: Mapping[ChainId, Chain]) -> None:
        self._actor = actor
        self._connectors = connectors
        self._chains = chains
        self._book = AssetBook(asset for each in connectors.values() for asset in each.manifest.assets)
        self._held: Held[tuple[TradeQuote, Sequence[Action]]] = Held()

    @property
    def tools(self) -> Sequence[AnyTool]:
        """A tool for each kind of wish that some connector serves, and one that tells positions."""
        wishes = {kind for each in self._connectors.values() for kind in each.manifest.wishes}
        made = [self._tool(*each) for each in self._table() if each[0] in wishes]
        return [*made, self._positions()] if made else []

    def _table(self) -> "list[tuple[WishKind, str, type[Any], Callable[[Any], tuple[Connector, Wish]]]]":
        return [
            ("swap", "Swap one asset for another.", SwapArguments, self._swap),
            ("add_liquidity", "Put two assets into their pool.", AddLiquidityArguments, self._add),
            ("remove_liquidity", "Take a share of liquidity out of a pool.", RemoveLiquidityArguments, self._remove),
            ("stake", "Put tokens into a farm.", StakeArguments, self._stake),
            ("unstake", "Take tokens out of a farm, with the rewards.", StakeArguments, self._unstake),
            ("harvest", "Take the rewards of a farm.", HarvestArguments, self._harvest),
        ]

    def _tool(self, name: str, about: str, arguments: type[A], wish: Callable[[A], tuple[Connector, Wish]]) -> Tool[A]:
        async def run(asked: A, call: Call) -> ToolOutcome:
            return await self._trade(call, lambda: wish(asked))

        async def judge(asked: A, call: Call) -> None:
            await self._judge(call, lambda: wish(asked))

        async def price(asked: A, call: Call) -> Price | None:
            quote, actions = await self._built(*wish(asked))
            return await self._actor.price(str(quote), call, actions, brings=quote.at_least)

        return Tool(
            name=name,
            description=about,
            arguments=arguments,
            run=run,
            price=price,
            judge=judge,
            spends=True,
            title=lambda asked: _title(name, asked, self._book),
            agent=TRADER,
        )

    def _positions(self) -> Tool[PositionsArguments]:
        async def run(asked: PositionsArguments, call: Call) -> ToolOutcome:
            found = [each for one in self._connectors.values() for each in await one.positions(self._actor.address)]
            told: list[JSON] = [
                {
                    "venue": each.venue,
                    "kind": each.kind,
                    "name": each.name,
                    "pool": each.pool,
                    "holds": amount_as_json(each.holds),
                    "worth": [amount_as_json(amount) for amount in each.worth],
                    "pending": [amount_as_json(amount) for amount in each.pending],
                    "notes": list(each.notes),
                }
                for each in found
            ]
            text = "; ".join(f"{each.holds} in {each.name} on {each.venue}" for each in found) or "no positions"
            return ToolOutcome(text=text, data={"positions": told})

        return Tool(
            name="positions",
            description="Tell what the wallet has in pools and farms.",
            arguments=PositionsArguments,
            run=run,
            title=lambda _: "Look up positions",
        )

    # --- one trade --------------------------------------------------------------------------------------------------

    async def _judge(self, call: Call, wish: Callable[[], tuple[Connector, Wish]]) -> None:
        """Quote, build, and meet the policy with the first action, the one that is known; `_trade` does the same."""
        connector, wanted = wish()
        await self._refuse_contract_wallet(wanted.network)
        if begun := await self._begun(call, wanted):
            for each, _ in begun:
                await self._actor.judge(each, _never)
            return
        quote, actions = await self._built(connector, wanted)
        self._held.put(call.key, (quote, actions))
        if actions:
            await self._actor.judge(call, partial(_same, actions[0]))

    async def _trade(self, call: Call, wish: Callable[[], tuple[Connector, Wish]]) -> ToolOutcome:
        """Quote, build, and do each action once; what the same call began before is gone on with."""
        connector, wanted = wish()
        held = self._held.take(call.key)
        if held is None:
            await self._refuse_contract_wallet(wanted.network)
        if begun := await self._begun(call, wanted):
            settled = [await self._actor.do(each, _never) for each, _ in begun]
            return done(_summary([earlier for _, earlier in begun]), settled)
        quote, actions = held or await self._built(connector, wanted)
        payments: list[Payment] = []
        for number, action in enumerate(actions):
            payments.append(await self._actor.do(part(call, number), partial(_same, action)))
        return done(f"{_summary(payments)} ({_told(quote)})", payments)

    async def _begun(self, call: Call, wanted: Wish) -> Sequence[tuple[Call, Payment]]:
        """Return the actions of a trade all of which were begun before, with their payments; else none.

        Such a trade is not quoted again: what it did, such as taking all of a stake, cannot be quoted a second time.
        """
        begun: list[tuple[Call, Payment]] = []
        for number in range(2 if isinstance(wanted, AddLiquidity) else 1):  # one action for each asset that is spent
            each = part(call, number)
            if (earlier := await self._actor.earlier(each)) is None:
                return ()
            begun.append((each, earlier))
        return begun

    async def _built(self, connector: Connector, wanted: Wish) -> tuple[TradeQuote, Sequence[Action]]:
        quote = await connector.quote(wanted, owner=self._actor.address)
        return quote, await connector.build(quote)

    async def _refuse_contract_wallet(self, network: ChainId) -> None:
        """Raises: TradeRefused: the wallet is a contract, such as an AgentWallet, which cannot trade yet."""
        chain = self._chains.get(network)
        if chain is None:
            return
        code = (await chain.code(self._actor.address)).lower()
        if code != "0x" and not code.startswith(_DELEGATED):
            raise TradeRefused(
                "contract_wallet",
                "a contract wallet such as an AgentWallet cannot trade yet: trade from an account's key",
            )

    # --- wishes -----------------------------------------------------------------------------------------------------

    def _connector(self, kind: WishKind, venue: str | None = None) -> Connector:
        able = {name: each for name, each in self._connectors.items() if kind in each.manifest.wishes}
        if venue is not None:
            if venue not in able:
                raise ToolRefused(kind, f"no venue {venue!r}; there are: {', '.join(able)}", code="no_venue")
            return able[venue]
        if len(able) > 1:
            raise ToolRefused(kind, f"say where: {', '.join(able)}", code="ambiguous")
        return next(iter(able.values()))

    def _assets(self, connector: Connector) -> AssetBook:
        manifest = connector.manifest
        every = AssetBook([*manifest.assets])
        return every.on(manifest.networks & self._chains.keys())

    def _swap(self, asked: SwapArguments) -> tuple[Connector, Wish]:
        connector = self._connector("swap", asked.venue)
        give, get = self._assets(connector).pair("swap", asked.asset_in, asked.asset_out)
        amount = amount_of("swap", asked.amount, give if asked.exact == "in" else get)
        wish = _wish(
            "swap", lambda: Swap(give=give, get=get, amount=amount, exact=asked.exact, slippage_bps=asked.slippage_bps)
        )
        return connector, wish

    def _add(self, asked: AddLiquidityArguments) -> tuple[Connector, Wish]:
        connector = self._connector("add_liquidity")
        first, second = self._assets(connector).pair("add_liquidity", asked.asset_a, asked.asset_b)
        most = None if asked.amount_b is None else amount_of("add_liquidity", asked.amount_b, second)
        amount = amount_of("add_liquidity", asked.amount_a, first)
        return connector, _wish("add_liquidity", lambda: AddLiquidity(first=amount, second=second, second_most=most))

    def _remove(self, asked: RemoveLiquidityArguments) -> tuple[Connector, Wish]:
        connector = self._connector("remove_liquidity")
        first, second = self._assets(connector).pair("remove_liquidity", asked.asset_a, asked.asset_b)
        share = Decimal(asked.percent) * 100
        if share != int(share) or not 1 <= share <= 10_000:
            raise ToolRefused("remove_liquidity", "a percentage has at most two decimal places", code="bad_arguments")
        return connector, RemoveLiquidity(first=first, second=second, share_bps=int(share))

    def _stake(self, asked: StakeArguments) -> tuple[Connector, Wish]:
        connector, pool = self._pool("stake", asked.pool)
        amount = amount_of("stake", asked.amount, pool.asset)
        return connector, Stake(network=pool.network, pool=pool.id, amount=amount)

    def _unstake(self, asked: StakeArguments) -> tuple[Connector, Wish]:
        connector, pool = self._pool("unstake", asked.pool)
        amount = amount_of("unstake", asked.amount, pool.asset)
        return connector, Unstake(network=pool.network, pool=pool.id, amount=amount)

    def _harvest(self, asked: HarvestArguments) -> tuple[Connector, Wish]:
        connector, pool = self._pool("harvest", asked.pool)
        return connector, Harvest(network=pool.network, pool=pool.id)

    def _pool(self, kind: WishKind, name: str) -> tuple[Connector, Pool]:
        connector = self._connector(kind)
        manifest = connector.manifest
        found = [pool for network in manifest.networks & self._chains.keys() if (pool := manifest.pool(network, name))]
        if len(found) != 1:
            known = ", ".join(sorted({pool.name for pool in manifest.pools})) or "none"
            code = "ambiguous" if found else "no_pool"
            raise ToolRefused(kind, f"no one farm is called {name!r}; there are: {known}", code=code)
        return connector, found[0]


def _wish(tool: str, make: Callable[[], Wish]) -> Wish:
    try:
        return make()
    except ValueError as wrong:
        raise ToolRefused(tool, str(wrong), code="bad_arguments") from None


def _same(action: Action) -> Action:
    return action


def _never() -> Any:
    raise TradeRefused("changed", "what the trade had begun is over meanwhile; give the command again")


def _summary(payments: Sequence[Payment]) -> str:
    return "; ".join(each.plan.action.summary for each in payments if each.plan is not None)


def _told(quote: TradeQuote) -> str:
    return str(quote)


def _title(name: str, asked: Arguments, book: AssetBook) -> str:
    if isinstance(asked, SwapArguments):
        give, get = book.spelled(asked.asset_in), book.spelled(asked.asset_out)
        fixed = f"{asked.amount} {give if asked.exact == 'in' else get}"
        give, get = (fixed, get) if asked.exact == "in" else (give, fixed)
        return f"Swap {give} for {get}{'' if asked.venue is None else f' on {asked.venue}'}"
    given = asked.model_dump(exclude_none=True).items()
    said = ", ".join(
        f"{key.replace('_', ' ')} {book.spelled(value) if key.startswith('asset') else value}" for key, value in given
    )
    return f"{name.replace('_', ' ').capitalize()}: {said}"


__all__ = ["TRADER", "Trades"]
