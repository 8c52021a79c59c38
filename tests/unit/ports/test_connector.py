"""Wishes, manifests and quotes refuse what makes no sense."""

from dataclasses import replace
from typing import Any

import pytest

from paygent.core.caip import ChainId, erc20, native
from paygent.core.money import Amount, Asset
from paygent.ports.connector import AddLiquidity, Manifest, PermittedCall, Pool, RemoveLiquidity, Swap
from paygent.testing.venue import CHAIN, COIN, COUNTER, TOKEN, MemoryVenue, VenueStage

ELSEWHERE = Asset(id=native(ChainId.evm(5)), symbol="ETH", decimals=18)
ONE = Amount(1, COIN)
POOL = Pool(id="v2:3", network=CHAIN, name="DEV-TOK", asset=TOKEN)


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": Amount(1, TOKEN)},
        {"exact": "out"},
        {"get": COIN},
        {"get": ELSEWHERE},
        {"slippage_bps": -1},
        {"slippage_bps": 10_000},
        {"deadline_seconds": 0},
    ],
)
def test_swap_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    swap = Swap(give=COIN, get=TOKEN, amount=ONE, slippage_bps=0, deadline_seconds=1)

    with pytest.raises(ValueError, match=r"\w"):
        replace(swap, **wrong)
    assert (CHAIN, "swap") == (swap.network, swap.kind)


@pytest.mark.parametrize(
    "wrong", [{"second": COIN, "second_most": None}, {"second": ELSEWHERE}, {"second_most": ONE}, {"slippage_bps": -1}]
)
def test_liquidity_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    adding = AddLiquidity(first=ONE, second=TOKEN, second_most=Amount(1, TOKEN))

    with pytest.raises(ValueError, match=r"\w"):
        replace(adding, **wrong)
    assert CHAIN == adding.network


@pytest.mark.parametrize("wrong", [{"second": COIN}, {"share_bps": 0}, {"share_bps": 10_001}, {"slippage_bps": -1}])
def test_share_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    removing = RemoveLiquidity(first=COIN, second=TOKEN, share_bps=10_000)

    with pytest.raises(ValueError, match=r"\w"):
        replace(removing, **wrong)
    assert CHAIN == removing.network


@pytest.mark.parametrize(
    "wrong",
    [
        {"to": "0x12"},
        {"function": "trade"},
        {"function": "approve(address,uint256)"},
        {"spender": COUNTER},
    ],
)
def test_call_that_is_none_is_not_permitted(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        replace(PermittedCall(network=CHAIN, to=COUNTER, function="trade()"), **wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "V V S"},
        {"name": "Vvs"},
        {"title": ""},
        {"assets": ()},
        {"calls": frozenset()},
        {"assets": (ELSEWHERE,)},
    ],
)
def test_manifest_that_says_too_little_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        replace(MemoryVenue().manifest, **wrong)


def test_pool_is_found_by_id_and_by_a_name_that_only_one_has() -> None:
    manifest: Manifest = replace(
        MemoryVenue().manifest, pools=(POOL, replace(POOL, id="v1:3"), replace(POOL, id="9", name="X"))
    )

    assert POOL == manifest.pool(CHAIN, "v2:3")
    assert manifest.pool(CHAIN, "dev-tok") is None
    assert "9" == (manifest.pool(CHAIN, "x") or POOL).id
    assert manifest.pool(ChainId.evm(5), "9") is None


@pytest.mark.anyio
async def test_quote_says_what_goes_and_comes() -> None:
    stage = VenueStage()
    quote = await stage.connector.quote(stage.wishes[0], owner=stage.owner)
    third = Asset(id=erc20(CHAIN, f"0x{'88' * 20}"), symbol="MID", decimals=18)

    assert "memory: 1.00 DEV for 2.00 TOK (at least 1.99 TOK)" == str(quote)
    assert " by DEV > MID > TOK" in str(replace(quote, route=(COIN, third, TOKEN)))
    assert "memory: nothing for nothing" == str(replace(quote, spend=(), expected=(), at_least=()))
