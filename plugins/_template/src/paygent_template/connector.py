"""One venue: the coin of a chain for one token. It reads and proposes; it signs and sends nothing."""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files

from paygent.plugin import (
    Abi,
    Action,
    AdapterError,
    Amount,
    Asset,
    Chain,
    ChainId,
    ConfigurationError,
    Manifest,
    PermittedCall,
    Position,
    Swap,
    Tools,
    TradeQuote,
    TradeRefused,
    Wish,
    checksum,
    erc20,
    native,
)

_BPS = 10_000
_SLIPPAGE_BPS = 50
_QUOTE_SECONDS = 60
_DEADLINE_SECONDS = 20 * 60


@lru_cache(maxsize=1)
def _router() -> Abi:
    return Abi(json.loads(files("paygent_template").joinpath("abi", "router.json").read_text("utf-8")))


class TemplateConnector:
    """Swaps exact amounts of the coin for the token that the options name."""

    def __init__(self, tools: Tools) -> None:
        # 4. Read your options here, and complain here: a ConfigurationError says what to write.
        self._tools = tools
        self._network = ChainId(_text(tools.options, "network"))
        self._address = checksum(_text(tools.options, "router"))
        self._coin = Asset(id=native(self._network), symbol=_text(tools.options, "coin"), decimals=18)
        token = erc20(self._network, _text(tools.options, "token"))
        self._token = Asset(
            id=token, symbol=_text(tools.options, "symbol"), decimals=_number(tools.options, "decimals")
        )
        # 5. Say everything that you may do. What is built outside of it is not passed on.
        trade = _router().function("swapExactETHForTokens").signature
        self._manifest = Manifest(
            name="template",
            title="The template's venue",
            version="0.1.0",
            networks=frozenset({self._network}),
            assets=(self._coin, self._token),
            wishes=frozenset({"swap"}),
            calls=frozenset({PermittedCall(network=self._network, to=self._address, function=trade)}),
        )

    @property
    def manifest(self) -> Manifest:
        """What it may do."""
        return self._manifest

    async def quote(self, wish: Wish, *, owner: str) -> TradeQuote:
        """Return what the wish would bring; refuse what cannot be done, with a word and a sentence."""
        if not isinstance(wish, Swap) or (wish.give, wish.get) != (self._coin, self._token) or wish.exact != "in":
            raise TradeRefused("unknown_asset", f"only exact amounts of {self._coin.symbol} are swapped here")
        block = await self._chain.block("latest")
        brought = await self._brought(wish.amount.atomic, at=block.number)
        slippage = _SLIPPAGE_BPS if wish.slippage_bps is None else wish.slippage_bps
        return TradeQuote(
            wish=wish,
            venue=self._manifest.name,
            owner=checksum(owner),
            spend=(wish.amount,),
            expected=(Amount(brought, self._token),),
            at_least=(Amount(-(-brought * (_BPS - slippage) // _BPS), self._token),),
            route=(wish.give, wish.get),
            block_number=block.number,
            valid_until=block.timestamp + _QUOTE_SECONDS,
        )

    async def build(self, quote: TradeQuote) -> Sequence[Action]:
        """Return the unsigned call, if what was quoted can still be had."""
        block = await self._chain.block("latest")
        spend, least = quote.spend[0], quote.at_least[0]
        brought = await self._brought(spend.atomic, at=block.number)
        if block.timestamp > quote.valid_until or brought < least.atomic:
            raise TradeRefused("stale_quote", "the price has moved, or the quote is too old; quote again")
        deadline = block.timestamp + _DEADLINE_SECONDS
        path = (await self._wrapped(), self._token.id.address)
        trade = ("swapExactETHForTokens", least.atomic, path, quote.owner, deadline)
        # 6. Spend a token instead of the coin? Approve exactly that, first: abi.call(token, "approve", router, atomic).
        return (
            Action(
                purpose="swap",
                network=self._network,
                venue=quote.venue,
                spend=spend,
                receive=(least,),
                counterparty=self._address,
                calls=(_router().call(self._address, *trade, value=spend.atomic),),
                deadline=deadline,
                summary=f"Swap {spend} for at least {least} on {self._manifest.title}",
                slippage_bps=_SLIPPAGE_BPS,
            ),
        )

    async def positions(self, owner: str) -> Sequence[Position]:
        """Return what an account has here: a swap leaves nothing."""
        return ()

    def refusal(self, revert: str) -> TradeRefused | None:
        """Return what a revert means, by the end of its text."""
        # 7. Your contract's reasons.
        if ": INSUFFICIENT_OUTPUT_AMOUNT" in revert:
            return TradeRefused("slippage", "less would come back than was agreed; quote again")
        return None

    @property
    def _chain(self) -> Chain:
        try:
            return self._tools.chains[self._network]
        except KeyError:
            raise ConfigurationError(f"template: there is no endpoint of {self._network}; set PAYGENT_RPC") from None

    async def _wrapped(self) -> str:
        return await _router().address(self._chain, self._address, "WETH")

    async def _brought(self, atomic: int, *, at: int) -> int:
        path = (await self._wrapped(), self._token.id.address)
        (amounts,) = await _router().read(self._chain, self._address, "getAmountsOut", atomic, path, at=at)
        if not isinstance(amounts, tuple | list) or not isinstance(amounts[-1], int):
            raise AdapterError("the router answered no amounts", retryable=False)
        return amounts[-1]


def _text(options: Mapping[str, object], name: str) -> str:
    value = options.get(name)
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"template: {name} is missing; write it under [plugins.template]")
    return value


def _number(options: Mapping[str, object], name: str) -> int:
    value = options.get(name)
    if type(value) is not int:
        raise ConfigurationError(f"template: {name} is a whole number; write it under [plugins.template]")
    return value
