"""The devnet's exchange: a connector for the Uniswap V2 family trades on it, and its contracts keep their limits."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from paygent_vvs import VvsConnector

from paygent.adapters.rpc import RpcChain
from paygent.adapters.system import SystemClock
from paygent.core.action import Action
from paygent.core.caip import ChainId
from paygent.core.errors import AdapterError, ConfigurationError
from paygent.core.money import Amount, Asset
from paygent.devnet import DevExchange, Devnet
from paygent.devnet.contracts import calldata
from paygent.devnet.rpc_client import RpcClient
from paygent.ports.connector import AddLiquidity, Connector, RemoveLiquidity, Swap, Tools

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def trading() -> Iterator[Devnet]:
    with Devnet(anvil=False) as net:
        net.exchange()
        yield net


@pytest.fixture
def trade(trading: Devnet) -> Iterator["Trade"]:
    rpc = RpcClient(trading.rpc_url)
    yield Trade(trading, rpc)
    rpc.close()


class Trade:
    def __init__(self, net: Devnet, rpc: RpcClient) -> None:
        self.net = net
        self.rpc = rpc
        self.exchange: DevExchange = net.exchange()
        self.owner = net.payer.address

    def make(self, actions: list[Action]) -> None:
        for action in actions:
            for call in action.calls:
                self.rpc.send(self.net.payer, to=call.to, data=call.data, value=call.value)

    def coins(self) -> int:
        return int(self.rpc.call("eth_getBalance", self.owner, "latest"), 16)

    async def quoted(self, connector: Connector, wish: Swap | AddLiquidity | RemoveLiquidity) -> list[Action]:
        return list(await connector.build(await connector.quote(wish, owner=self.owner)))


def swap(give: Asset, get: Asset, amount: int, exact: str = "in") -> Swap:
    return Swap(give=give, get=get, amount=Amount(amount, give if exact == "in" else get), exact=exact)  # type: ignore[arg-type]


def connector(trade: Trade, chain: RpcChain) -> VvsConnector:
    network = ChainId(trade.net.network)
    return VvsConnector.open(Tools(chains={network: chain}, clock=SystemClock(), options=trade.exchange.options))


async def test_connector_trades_on_the_devnet(trade: Trade) -> None:
    dollar, coin = trade.exchange.dollar, trade.exchange.coin
    async with RpcChain(trade.net.rpc_url, chain=trade.exchange.network, instant_finality=True) as chain:
        desk = connector(trade, chain)
        before, had = trade.net.balance(trade.owner), trade.coins()
        quote = await desk.quote(swap(dollar, coin, 100_000_000), owner=trade.owner)
        trade.make(list(await desk.build(quote)))

    assert "devnet" == quote.venue
    assert ("on the devnet's own pool",) == quote.notes
    assert 100_000_000 == before - trade.net.balance(trade.owner)
    assert trade.coins() - had > quote.at_least[0].atomic - 10**16  # gas is paid too


@pytest.mark.parametrize("exact", ["in", "out"])
@pytest.mark.parametrize("direction", [("coin", "dollar"), ("dollar", "coin"), ("wrapped_coin", "dollar")])
async def test_every_kind_of_swap_brings_what_is_quoted(trade: Trade, direction: tuple[str, str], exact: str) -> None:
    assets = {"coin": trade.exchange.coin, "dollar": trade.exchange.dollar, "wrapped_coin": trade.exchange.wrapped_coin}
    give, get = (assets[name] for name in direction)
    amount = {"coin": 10**18, "wrapped_coin": 10**18, "dollar": 10**7}[direction[0 if exact == "in" else 1]]
    trade.rpc.send(trade.net.payer, to=trade.exchange.wrapped, data=calldata("deposit()"), value=2 * 10**18)
    async with RpcChain(trade.net.rpc_url, chain=trade.exchange.network, instant_finality=True) as chain:
        desk = connector(trade, chain)
        quote = await desk.quote(swap(give, get, amount, exact), owner=trade.owner)
        before = trade.net.balance(trade.owner)
        trade.make(list(await desk.build(quote)))

    moved = abs(trade.net.balance(trade.owner) - before)
    expected = quote.expected[0].atomic if get == trade.exchange.dollar else quote.spend[0].atomic
    assert moved <= expected
    assert moved * 10_000 >= expected * 9_940


async def test_liquidity_is_added_and_taken_out(trade: Trade) -> None:
    dollar, coin = trade.exchange.dollar, trade.exchange.coin
    async with RpcChain(trade.net.rpc_url, chain=trade.exchange.network, instant_finality=True) as chain:
        desk = connector(trade, chain)
        adding = AddLiquidity(first=Amount(10_000_000, dollar), second=coin)
        trade.make(await trade.quoted(desk, adding))
        [position] = await desk.positions(trade.owner)
        trade.make(await trade.quoted(desk, RemoveLiquidity(first=dollar, second=coin, share_bps=10_000)))
        left = await desk.positions(trade.owner)

    worth = {amount.asset.symbol: amount.atomic for amount in position.worth}
    assert 9_990_000 < worth["dUSD"] <= 10_000_000
    assert [] == left


async def test_router_keeps_limits_and_deadlines(trade: Trade) -> None:
    path = [trade.exchange.wrapped, trade.exchange.dollar.id.address]
    function = "swapExactETHForTokens(uint256,address[],address,uint256)"
    for least, deadline, said in ((10**12, 2**40, "INSUFFICIENT_OUTPUT_AMOUNT"), (0, 1, "EXPIRED")):
        data = calldata(function, least, path, trade.owner, deadline)
        message = {"from": trade.owner, "to": trade.exchange.router, "data": data, "value": hex(10**18)}
        with pytest.raises(AdapterError, match=said):
            trade.rpc.call("eth_call", message, "latest")


async def test_pool_gives_nothing_for_nothing(trade: Trade) -> None:
    """Who calls a pool without the router gets nothing out that was not paid for."""
    pool = _pool(trade)
    for out, said in ((1, "INSUFFICIENT_INPUT_AMOUNT"), (10**40, "INSUFFICIENT_LIQUIDITY"), (0, "INSUFFICIENT_OUTPUT")):
        data = calldata("swap(uint256,uint256,address,bytes)", out, 0, trade.owner, b"")
        with pytest.raises(AdapterError, match=said):
            trade.rpc.call("eth_call", {"from": trade.owner, "to": pool, "data": data}, "latest")


async def test_connector_refuses_the_devnet_by_another_hash(trade: Trade) -> None:
    wrong = replace(trade.exchange, pair_code_hash="0x" + "12" * 32)
    async with RpcChain(trade.net.rpc_url, chain=wrong.network, instant_finality=True) as chain:
        tools = Tools(chains={wrong.network: chain}, clock=SystemClock(), options=wrong.options)
        with pytest.raises(ConfigurationError, match="one of them is wrong"):
            await VvsConnector.open(tools).quote(swap(wrong.coin, wrong.dollar, 10**15), owner=trade.owner)


def _pool(trade: Trade) -> str:
    data = calldata("getPair(address,address)", trade.exchange.wrapped, trade.exchange.dollar.id.address)
    return "0x" + str(trade.rpc.call("eth_call", {"to": trade.exchange.factory, "data": data}, "latest"))[-40:]
