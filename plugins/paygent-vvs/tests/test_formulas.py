"""The formula equals the router's, whatever the reserves; limits never give away more than the slippage."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from paygent_vvs import formulas
from paygent_vvs.formulas import Hop

from paygent.plugin import TradeRefused
from tests.interop.peers.anvil import RpcError
from tests.interop.peers.chain import call_data
from tests.interop.peers.uniswap import Exchange

RESERVES = st.integers(1, 2**112 - 1)
AMOUNTS = st.integers(1, 2**112 - 1)
HOPS = st.builds(Hop, RESERVES, RESERVES)
SLIPPAGE = st.integers(0, 9_999)


@given(amount=AMOUNTS, hop=HOPS)
@settings(max_examples=60)
def test_amounts_equal_the_routers_for_generated_reserves(standing: Exchange, amount: int, hop: Hop) -> None:
    """`getAmountOut` and `getAmountIn` of the real bytecode, called with the same numbers."""
    out = "getAmountOut(uint256,uint256,uint256)"
    into = "getAmountIn(uint256,uint256,uint256)"
    theirs = standing.read(standing.router, out, amount, hop.reserve_in, hop.reserve_out)

    assert theirs == formulas.amount_out(amount, hop)
    if amount < hop.reserve_out:
        assert standing.read(standing.router, into, amount, hop.reserve_in, hop.reserve_out) == formulas.amount_in(
            amount, hop
        )


def test_amounts_along_a_path_equal_getAmountsOut_and_getAmountsIn(standing: Exchange) -> None:  # noqa: N802
    path = [standing.tokens["USDT"], standing.tokens["USDC"], standing.weth]
    hops = [Hop(10**12, 10**12), Hop(100_000 * 10**6, 10**24)]
    for amount in (1_000, 10**6, 123_456_789, 10**11):
        data = standing.read(standing.router, "getAmountsOut(uint256,address[])", amount, path, returns="uint256[]")
        assert data[-1] == formulas.along(amount, hops)
        data = standing.read(standing.router, "getAmountsIn(uint256,address[])", amount, path, returns="uint256[]")
        assert data[0] == formulas.back(amount, hops)


@given(amount=AMOUNTS, hop=HOPS)
def test_input_for_an_output_is_enough_and_not_a_unit_too_much(amount: int, hop: Hop) -> None:
    assume(amount < hop.reserve_out)
    needed = formulas.amount_in(amount, hop)

    assert formulas.amount_out(needed, hop) >= amount
    assert needed == 1 or formulas.amount_out(needed - 2 or 1, hop) <= amount


@given(amount=AMOUNTS, hop=HOPS)
def test_product_of_the_reserves_never_falls(amount: int, hop: Hop) -> None:
    out = formulas.amount_out(amount, hop)

    assert out < hop.reserve_out
    assert (hop.reserve_in + amount) * (hop.reserve_out - out) >= hop.reserve_in * hop.reserve_out


@given(amount=AMOUNTS, hops=st.lists(HOPS, min_size=1, max_size=3))
def test_price_impact_is_from_nothing_to_everything_and_never_rounded_down(amount: int, hops: list[Hop]) -> None:
    try:
        out = formulas.along(amount, hops)
    except TradeRefused:
        return
    impact = formulas.price_impact_bps(amount, out, hops)

    best, divisor = amount, 1
    for hop in hops:
        best, divisor = best * 997 * hop.reserve_out, divisor * 1000 * hop.reserve_in
    assert 0 <= impact <= 10_000
    assert out * divisor * 10_000 >= best * (10_000 - impact)


@pytest.mark.parametrize(("put", "impact"), [(100_000_000, 99), (1_000_000_000, 907), (10_000_000_000, 4993)])
def test_price_impact_of_a_deep_pool_is_the_part_of_the_pool(put: int, impact: int) -> None:
    hop = Hop(10**10, 10**10)

    assert impact == formulas.price_impact_bps(put, formulas.amount_out(put, hop), [hop])


@given(expected=st.integers(0, 2**200), slippage=SLIPPAGE)
def test_limits_are_within_the_slippage_and_as_near_as_whole_units_get(expected: int, slippage: int) -> None:
    least, most = formulas.least(expected, slippage), formulas.most(expected, slippage)

    assert least * 10_000 >= expected * (10_000 - slippage) > (least - 1) * 10_000
    assert most * 10_000 <= expected * (10_000 + slippage) < (most + 1) * 10_000


@pytest.mark.parametrize("hop", [Hop(0, 5), Hop(5, 0)])
def test_empty_pool_is_refused(hop: Hop) -> None:
    with pytest.raises(TradeRefused):
        formulas.amount_out(1, hop)
    with pytest.raises(TradeRefused):
        formulas.amount_in(5, hop)


def test_router_reverts_where_we_refuse(standing: Exchange) -> None:
    with pytest.raises(RpcError, match="INSUFFICIENT_LIQUIDITY"):
        standing.anvil.call(
            "eth_call",
            {"to": standing.router, "data": call_data("getAmountOut(uint256,uint256,uint256)", 1, 0, 5)},
            "latest",
        )
