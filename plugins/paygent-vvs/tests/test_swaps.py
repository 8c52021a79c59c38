"""Swaps on the real Uniswap V2 bytecode: what was quoted is what happens, or nothing happens."""

from dataclasses import replace

import pytest

from paygent.adapters.rpc import RpcChain
from paygent.plugin import Swap, TradeRefused
from tests.interop.peers.anvil import RpcError
from tests.interop.peers.chain import call_data
from tests.interop.peers.desk import Desk
from tests.interop.peers.uniswap import ETHER, Exchange, place_smart_router

pytestmark = pytest.mark.anyio


def swap(desk: Desk, text: str, give: str, get: str, exact: str = "in", **more: object) -> Swap:
    amount = desk.fund(text, give) if exact == "in" else desk.amount(text, get)
    return Swap(give=desk.asset(give), get=desk.asset(get), amount=amount, exact=exact, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("give", "get", "function"),
    [
        ("USDC", "CRO", "swapExactTokensForETH"),
        ("CRO", "USDC", "swapExactETHForTokens"),
        ("USDC", "VVS", "swapExactTokensForTokens"),
    ],
)
async def test_swap_of_an_exact_input_brings_what_was_expected(desk: Desk, give: str, get: str, function: str) -> None:
    wish = swap(desk, "100", give, get)
    quote = await desk.quote(wish)
    [action] = await desk.connector.build(quote)
    before, had = desk.has(get), desk.has(give)

    desk.make([action])

    assert function == action.calls[-1].function.partition("(")[0]
    assert quote.expected[0].atomic == desk.has(get) - before
    assert wish.amount.atomic == had - desk.has(give)
    assert -(-quote.expected[0].atomic * 9950 // 10_000) == action.receive[0].atomic


@pytest.mark.parametrize(
    ("give", "get", "function"),
    [
        ("USDC", "CRO", "swapTokensForExactETH"),
        ("CRO", "USDC", "swapETHForExactTokens"),
        ("USDC", "VVS", "swapTokensForExactTokens"),
    ],
)
async def test_swap_for_an_exact_output_brings_exactly_that(desk: Desk, give: str, get: str, function: str) -> None:
    desk.fund("5000", give)
    wish = swap(desk, "100", give, get, exact="out")
    [action] = await desk.build(wish)
    before, had = desk.has(get), desk.has(give)

    desk.make([action])

    assert function in [call.function.partition("(")[0] for call in action.calls]
    assert wish.amount.atomic == desk.has(get) - before
    assert had - desk.has(give) <= action.spend.atomic


async def test_approval_is_of_exactly_what_is_spent(desk: Desk) -> None:
    [action] = await desk.build(swap(desk, "100", "USDC", "CRO"))

    approve, traded = action.calls
    assert approve.function == "approve(address,uint256)"
    assert dict(approve.arguments) == {"spender": action.counterparty, "amount": "100000000"}
    assert traded.to == action.counterparty


async def test_left_over_approval_becomes_exact(desk: Desk) -> None:
    wish = swap(desk, "100", "USDC", "CRO")
    [earlier] = await desk.build(wish)
    unlimited = earlier.calls[0].data[:-64] + "f" * 64
    desk.exchange.send(desk.trader, earlier.calls[0].to, unlimited)

    [action] = await desk.build(wish)
    desk.make([action])

    assert ["0", "100000000"] == [dict(call.arguments)["amount"] for call in action.calls[:-1]]
    assert 0 == desk.exchange.read(
        desk.exchange.tokens["USDC"], "allowance(address,address)", desk.trader, desk.exchange.router
    )


async def test_route_goes_over_two_pools_where_that_brings_more(desk: Desk) -> None:
    quote = await desk.quote(swap(desk, "100", "USDT", "CRO"))

    assert [asset.symbol for asset in quote.route] == ["USDT", "USDC", "CRO"]


async def test_best_of_several_routes_is_taken(desk: Desk) -> None:
    """A direct pool appears, worse than the way around, then better."""
    wish = swap(desk, "100", "USDT", "CRO")
    around = (await desk.quote(wish)).expected[0]
    desk.exchange.add("CRO", 50_000 * ETHER, "USDT", 10_000 * 10**6)
    assert around == (await desk.quote(wish)).expected[0]

    desk.exchange.send(desk.exchange.owner, desk.exchange.weth, "0xd0e30db0", 600_000 * ETHER)
    pool = desk.exchange.pair(desk.exchange.weth, desk.exchange.tokens["USDT"])
    desk.exchange.send(
        desk.exchange.owner, desk.exchange.weth, call_data("transfer(address,uint256)", pool, 600_000 * ETHER)
    )
    desk.exchange.send(desk.exchange.owner, pool, call_data("sync()"))
    quote = await desk.quote(wish)

    assert around < quote.expected[0]
    assert [asset.symbol for asset in quote.route] == ["USDT", "CRO"]


async def test_given_token_is_looked_through(exchange: Exchange, chain: RpcChain) -> None:
    thin = Desk(exchange, chain, {"hubs": []})
    wish = swap(thin, "0.1", "USDC", "FOO", via=())
    with pytest.raises(TradeRefused) as refused:
        await thin.quote(wish)
    assert refused.value.code == "no_route"

    exchange.add("USDC", 10_000 * 10**6, "VVS", 4_000_000_000 * ETHER)
    quote = await thin.quote(replace(wish, via=(thin.asset("VVS"),)))

    assert [asset.symbol for asset in quote.route] == ["USDC", "VVS", "FOO"]


async def test_price_impact_above_the_limit_is_refused(desk: Desk) -> None:
    """4 % of the pool makes the price about 4 % worse."""
    with pytest.raises(TradeRefused, match="trade less") as refused:
        await desk.quote(swap(desk, "4200", "USDC", "CRO"))

    assert refused.value.code == "price_impact"


async def test_price_impact_is_told_and_its_limit_can_be_set(exchange: Exchange, chain: RpcChain) -> None:
    loose = Desk(exchange, chain, max_price_impact_bps=500)

    quote = await loose.quote(swap(loose, "4200", "USDC", "CRO"))

    assert 300 < (quote.price_impact_bps or 0) <= 500


async def test_sandwich_is_refused_and_nothing_is_lost(desk: Desk) -> None:
    """The attacker buys before us, so that we would buy dear: our transaction reverts by its minimum."""
    wish = swap(desk, "1000", "CRO", "USDC")
    [action] = await desk.build(wish)
    before = desk.has("USDC")
    desk.exchange.swap_in(desk.attacker, "USDC", 9_000 * ETHER)

    with pytest.raises(RpcError, match="INSUFFICIENT_OUTPUT_AMOUNT") as reverted:
        desk.make([action])

    refusal = desk.connector.refusal(str(reverted.value))
    assert refusal is not None
    assert refusal.code == "slippage"
    assert before == desk.has("USDC")


async def test_sandwich_within_the_slippage_costs_no_more_than_it(desk: Desk) -> None:
    wish = swap(desk, "1000", "CRO", "USDC")
    quote = await desk.quote(wish)
    [action] = await desk.connector.build(quote)
    before = desk.has("USDC")
    desk.exchange.swap_in(desk.attacker, "USDC", 2_000 * ETHER)

    desk.make([action])

    got = desk.has("USDC") - before
    assert got < quote.expected[0].atomic
    assert got * 10_000 >= quote.expected[0].atomic * 9_950


async def test_stale_quote_is_refused_when_the_pool_has_moved(desk: Desk) -> None:
    quote = await desk.quote(swap(desk, "1000", "CRO", "USDC"))
    desk.exchange.swap_in(desk.attacker, "USDC", 9_000 * ETHER)

    with pytest.raises(TradeRefused, match="quote again") as refused:
        await desk.connector.build(quote)

    assert refused.value.code == "stale_quote"


async def test_stale_quote_is_refused_when_its_time_is_over(desk: Desk) -> None:
    quote = await desk.quote(swap(desk, "1000", "CRO", "USDC"))
    desk.exchange.anvil.call("evm_increaseTime", 120)
    desk.exchange.anvil.call("evm_mine")

    with pytest.raises(TradeRefused, match="ended") as refused:
        await desk.connector.build(quote)

    assert refused.value.code == "stale_quote"


async def test_terms_follow_the_pool_where_it_has_become_better(desk: Desk) -> None:
    """Otherwise the difference would be there for the taking by whoever comes before us."""
    quote = await desk.quote(swap(desk, "100", "USDC", "CRO"))
    desk.exchange.swap_in(desk.attacker, "USDC", 9_000 * ETHER)

    [action] = await desk.connector.build(quote)

    assert quote.at_least[0] < action.receive[0]


async def test_late_transaction_reverts_by_its_deadline(desk: Desk) -> None:
    [action] = await desk.build(swap(desk, "1", "CRO", "USDC", deadline_seconds=30))
    desk.exchange.anvil.call("evm_increaseTime", 31)
    desk.exchange.anvil.call("evm_mine")

    with pytest.raises(RpcError) as reverted:
        desk.make([action])

    refusal = desk.connector.refusal(str(reverted.value))
    assert refusal is not None
    assert refusal.code == "expired"


async def test_deadline_is_twenty_minutes_where_none_is_given(desk: Desk) -> None:
    [action] = await desk.build(swap(desk, "1", "CRO", "USDC"))

    assert action.deadline - desk.exchange.anvil.timestamp() == 1_200
    assert action.slippage_bps == 50


async def test_smart_router_is_called_by_multicall_with_the_deadline(exchange: Exchange, chain: RpcChain) -> None:
    smart = place_smart_router(exchange)
    desk = Desk(exchange, chain, {"smart_router": smart, "through_smart_router": True})
    quote = await desk.quote(swap(desk, "100", "USDC", "VVS"))
    [action] = await desk.connector.build(quote)
    before = desk.has("VVS")

    desk.make([action])

    assert action.calls[-1].function == "multicall(uint256,bytes[])"
    assert quote.expected[0].atomic == desk.has("VVS") - before


async def test_smart_router_gives_what_is_asked_for(exchange: Exchange, chain: RpcChain) -> None:
    """It swaps what the exact output costs, rounded up to a whole unit, so a little more may come."""
    desk = Desk(exchange, chain, {"smart_router": place_smart_router(exchange), "through_smart_router": True})
    desk.fund("1000", "USDC")
    quote = await desk.quote(swap(desk, "100", "USDC", "VVS", exact="out"))
    [action] = await desk.connector.build(quote)
    given, got = desk.has("USDC"), desk.has("VVS")

    desk.make([action])

    assert "multicall(uint256,bytes[])" in [call.function for call in action.calls]
    assert desk.amount("100", "VVS").atomic <= desk.has("VVS") - got < desk.amount("101", "VVS").atomic
    assert 0 < given - desk.has("USDC") <= action.spend.atomic


async def test_smart_router_is_not_used_where_it_is_switched_off(exchange: Exchange, chain: RpcChain) -> None:
    desk = Desk(exchange, chain, {"smart_router": place_smart_router(exchange), "through_smart_router": False})
    [action] = await desk.build(swap(desk, "100", "USDC", "VVS"))

    assert "swapExactTokensForTokens(uint256,uint256,address[],address,uint256)" == action.calls[-1].function


async def test_smart_router_refuses_what_is_late(exchange: Exchange, chain: RpcChain) -> None:
    desk = Desk(exchange, chain, {"smart_router": place_smart_router(exchange), "through_smart_router": True})
    [action] = await desk.build(swap(desk, "100", "USDC", "VVS", deadline_seconds=30))
    exchange.anvil.call("evm_increaseTime", 31)
    exchange.anvil.call("evm_mine")

    with pytest.raises(RpcError, match="Transaction too old") as late:
        desk.make([action])

    refusal = desk.connector.refusal(str(late.value))
    assert refusal is not None
    assert refusal.code == "expired"


async def test_unknown_asset_is_refused(desk: Desk) -> None:
    stranger = replace(
        desk.asset("FOO"), id=type(desk.asset("FOO").id)(desk.asset("FOO").id.chain, "erc20:0x" + "77" * 20)
    )
    wish = Swap(give=desk.asset("CRO"), get=stranger, amount=desk.amount("1", "CRO"))

    with pytest.raises(TradeRefused) as refused:
        await desk.quote(wish)

    assert refused.value.code == "unknown_asset"


async def test_coin_is_not_swapped_for_itself_wrapped(desk: Desk) -> None:
    with pytest.raises(TradeRefused) as refused:
        await desk.quote(swap(desk, "1", "CRO", "WCRO"))

    assert refused.value.code == "no_route"
