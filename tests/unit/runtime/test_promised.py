"""A quote that takes more than was wished for, or brings something else, is not passed on."""

from dataclasses import replace
from typing import Any

import pytest

from paygent.core.errors import PluginError
from paygent.core.money import Amount, Asset
from paygent.plugin import (
    AddLiquidity,
    EmergencyWithdraw,
    Harvest,
    RemoveLiquidity,
    Stake,
    Swap,
    TradeQuote,
    Unstake,
    erc20,
)
from paygent.runtime.contained import ContainedConnector
from paygent.runtime.promised import departure
from paygent.testing.venue import CHAIN, COIN, TOKEN, MemoryVenue, VenueStage

SHARE = Asset(id=erc20(CHAIN, f"0x{'5a' * 20}"), symbol="LP", decimals=18)
IN = Swap(give=COIN, get=TOKEN, amount=Amount(100, COIN), slippage_bps=50)
OUT = Swap(give=COIN, get=TOKEN, amount=Amount(100, TOKEN), exact="out")


class Greedy(MemoryVenue):
    async def quote(self, wish: Any, *, owner: str) -> TradeQuote:
        quote = await super().quote(wish, owner=owner)
        return replace(quote, spend=(Amount(quote.spend[0].atomic + 1, quote.spend[0].asset),))


def quoted(wish: Any, spend: tuple[Amount, ...], least: tuple[Amount, ...], expected: int = 0) -> TradeQuote:
    return TradeQuote(
        wish=wish,
        venue="memory",
        owner=VenueStage().owner,
        spend=spend,
        expected=tuple(Amount(expected or each.atomic, each.asset) for each in least),
        at_least=least,
        block_number=1,
        valid_until=2,
    )


@pytest.mark.anyio
async def test_connector_that_quotes_more_than_was_wished_for_is_stopped() -> None:
    with pytest.raises(PluginError, match="was wished for"):
        await ContainedConnector("bad", Greedy()).quote(VenueStage().wishes[0], owner=VenueStage().owner)


@pytest.mark.parametrize(
    ("wish", "spend", "least", "expected"),
    [
        (IN, (Amount(101, COIN),), (Amount(9, TOKEN),), 9),
        (IN, (Amount(99, COIN),), (Amount(9, TOKEN),), 9),
        (IN, (Amount(100, TOKEN),), (Amount(9, TOKEN),), 9),
        (IN, (Amount(100, COIN),), (Amount(9, SHARE),), 9),
        (IN, (Amount(100, COIN),), (), 9),
        (IN, (Amount(100, COIN),), (Amount(9_949, TOKEN),), 10_000),
        (OUT, (Amount(7, COIN),), (Amount(99, TOKEN),), 99),
        (OUT, (Amount(7, SHARE),), (Amount(100, TOKEN),), 100),
        (AddLiquidity(first=Amount(5, COIN), second=TOKEN), (Amount(6, COIN), Amount(1, TOKEN)), (), 0),
        (AddLiquidity(first=Amount(5, COIN), second=TOKEN), (Amount(5, COIN), Amount(1, SHARE)), (), 0),
        (
            AddLiquidity(first=Amount(5, COIN), second=TOKEN, second_most=Amount(2, TOKEN)),
            (Amount(5, COIN), Amount(3, TOKEN)),
            (),
            0,
        ),
        (
            RemoveLiquidity(first=COIN, second=TOKEN, share_bps=1),
            (Amount(5, TOKEN),),
            (Amount(1, COIN), Amount(1, TOKEN)),
            1,
        ),
        (RemoveLiquidity(first=COIN, second=TOKEN, share_bps=1), (Amount(5, SHARE),), (Amount(1, COIN),), 1),
        (Stake(network=CHAIN, pool="p", amount=Amount(5, SHARE)), (Amount(6, SHARE),), (), 0),
        (Unstake(network=CHAIN, pool="p", amount=Amount(5, SHARE)), (Amount(1, COIN),), (), 0),
        (Harvest(network=CHAIN, pool="p"), (Amount(1, COIN),), (), 0),
        (EmergencyWithdraw(network=CHAIN, pool="p"), (Amount(1, COIN),), (), 0),
    ],
)
def test_departure_is_told(wish: Any, spend: tuple[Amount, ...], least: tuple[Amount, ...], expected: int) -> None:
    assert departure(quoted(wish, spend, least, expected)) is not None


@pytest.mark.parametrize(
    ("wish", "spend", "least", "expected"),
    [
        (IN, (Amount(100, COIN),), (Amount(9_950, TOKEN),), 10_000),
        (OUT, (Amount(7, COIN),), (Amount(100, TOKEN),), 100),
        (
            AddLiquidity(first=Amount(5, COIN), second=TOKEN),
            (Amount(4, COIN), Amount(9, TOKEN)),
            (Amount(1, SHARE),),
            1,
        ),
        (
            RemoveLiquidity(first=COIN, second=TOKEN, share_bps=1),
            (Amount(5, SHARE),),
            (Amount(1, TOKEN), Amount(1, COIN)),
            1,
        ),
        (Stake(network=CHAIN, pool="p", amount=Amount(5, SHARE)), (Amount(5, SHARE),), (), 0),
        (Unstake(network=CHAIN, pool="p", amount=Amount(5, SHARE)), (), (Amount(5, SHARE),), 5),
        (Harvest(network=CHAIN, pool="p"), (Amount(0, COIN),), (), 0),
    ],
)
def test_quote_of_the_wish_is_none(
    wish: Any, spend: tuple[Amount, ...], least: tuple[Amount, ...], expected: int
) -> None:
    assert departure(quoted(wish, spend, least, expected)) is None
