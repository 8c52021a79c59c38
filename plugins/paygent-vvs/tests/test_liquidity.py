"""Liquidity on the real Uniswap V2 bytecode: the pool's own ratio, and shares that bring what they are worth."""

from dataclasses import replace

import pytest

from paygent.plugin import AddLiquidity, RemoveLiquidity, TradeRefused
from tests.interop.peers.anvil import RpcError
from tests.interop.peers.desk import Desk
from tests.interop.peers.uniswap import ETHER

pytestmark = pytest.mark.anyio


def adding(desk: Desk, text: str = "100", first: str = "USDC", second: str = "CRO") -> AddLiquidity:
    return AddLiquidity(first=desk.fund(text, first), second=desk.asset(second))


@pytest.mark.parametrize(("first", "second"), [("USDC", "CRO"), ("CRO", "USDC"), ("USDC", "USDT")])
async def test_adding_takes_both_in_the_pools_ratio_and_gives_the_share(desk: Desk, first: str, second: str) -> None:
    desk.fund("1000", "USDT")
    desk.fund("1000", "USDC")
    quote = await desk.quote(adding(desk, "100", first, second))
    before = desk.has(first), desk.has(second)

    desk.make(await desk.connector.build(quote))

    assert quote.expected[0].atomic == desk.units(quote.expected[0].asset)
    taken = before[0] - desk.has(first), before[1] - desk.has(second)
    assert tuple(amount.atomic for amount in quote.spend) == taken


async def test_each_asset_is_spent_by_an_action_of_its_own(desk: Desk) -> None:
    allow, add = await desk.build(adding(desk))

    assert ["approve(address,uint256)"] == [call.function for call in allow.calls]
    assert ("USDC", "CRO") == (allow.spend.asset.symbol, add.spend.asset.symbol)
    assert "addLiquidityETH" == add.calls[-1].function.partition("(")[0]
    assert add.calls[-1].value == add.spend.atomic


async def test_limit_of_the_second_asset_lowers_the_first(desk: Desk) -> None:
    """The pool has ten coins for a dollar."""
    wish = replace(adding(desk), second_most=desk.amount("500", "CRO"))

    quote = await desk.quote(wish)

    assert ("50.00 USDC", "500.00 CRO") == tuple(map(str, quote.spend))


async def test_adding_after_the_ratio_has_moved_is_refused(desk: Desk) -> None:
    quote = await desk.quote(adding(desk))
    desk.exchange.swap_in(desk.attacker, "USDC", 9_000 * ETHER)

    with pytest.raises(TradeRefused) as refused:
        await desk.connector.build(quote)

    assert "stale_quote" == refused.value.code


async def test_adding_between_two_trades_of_an_attacker_fails_whole(desk: Desk) -> None:
    allow, add = await desk.build(adding(desk))
    desk.make([allow])
    before = desk.has("USDC"), desk.has("CRO")
    desk.exchange.swap_in(desk.attacker, "USDC", 9_000 * ETHER)

    with pytest.raises(RpcError) as reverted:
        desk.make([add])

    refusal = desk.connector.refusal(str(reverted.value))
    assert refusal is not None
    assert "slippage" == refusal.code
    assert before == (desk.has("USDC"), desk.has("CRO"))


async def test_no_pool_is_made(desk: Desk) -> None:
    """Whoever makes a pool sets its price; that is no part of adding liquidity."""
    with pytest.raises(TradeRefused) as refused:
        await desk.quote(adding(desk, "1", "FOO", "USDT"))

    assert "no_pool" == refused.value.code


async def test_position_is_worth_what_taking_it_out_brings(desk: Desk) -> None:
    desk.make(await desk.build(adding(desk)))
    [position] = await desk.connector.positions(desk.trader)
    before = desk.has("USDC"), desk.has("CRO")
    wish = RemoveLiquidity(first=desk.asset("USDC"), second=desk.asset("CRO"), share_bps=10_000)
    quote = await desk.quote(wish)

    desk.make(await desk.connector.build(quote))

    worth = {amount.asset.symbol: amount.atomic for amount in position.worth}
    brought = {"USDC": desk.has("USDC") - before[0], "WCRO": desk.has("CRO") - before[1]}
    assert worth == brought
    assert [amount.atomic for amount in quote.expected] == [brought["USDC"], brought["WCRO"]]
    assert [] == list(await desk.connector.positions(desk.trader))


@pytest.mark.parametrize("second", ["CRO", "WCRO"])
async def test_part_of_a_share_is_taken_out(desk: Desk, second: str) -> None:
    desk.make(await desk.build(adding(desk)))
    wish = RemoveLiquidity(first=desk.asset("USDC"), second=desk.asset(second), share_bps=2_500)
    [action] = await desk.build(wish)
    before = desk.units(action.spend.asset), desk.has("USDC")

    desk.make([action])

    assert before[0] - action.spend.atomic == desk.units(action.spend.asset)
    assert before[0] // 4 == action.spend.atomic
    assert desk.has("USDC") - before[1] >= action.receive[0].atomic
    name = "removeLiquidityETH" if second == "CRO" else "removeLiquidity"
    assert name == action.calls[-1].function.partition("(")[0]


async def test_taking_out_at_worse_terms_is_refused(desk: Desk) -> None:
    desk.make(await desk.build(adding(desk)))
    quote = await desk.quote(RemoveLiquidity(first=desk.asset("USDC"), second=desk.asset("CRO"), share_bps=10_000))
    desk.exchange.swap_in(desk.attacker, "USDC", 9_000 * ETHER)

    with pytest.raises(TradeRefused, match="quote again"):
        await desk.connector.build(quote)


async def test_nothing_is_taken_out_where_nothing_is(desk: Desk) -> None:
    with pytest.raises(TradeRefused) as refused:
        await desk.quote(RemoveLiquidity(first=desk.asset("USDC"), second=desk.asset("CRO"), share_bps=1))

    assert "insufficient_balance" == refused.value.code
