"""A plan's steps, each looked at as if those before it were done."""

import pytest

from paygent.core.budget import Hold
from paygent.core.caip import AssetId
from paygent.core.money import Amount, Asset, usd
from paygent.orchestrator.foresight import Foresight
from paygent.orchestrator.funds import Funds
from paygent.orchestrator.tools import Price
from paygent.testing.chain import MemoryChain
from paygent.testing.clock import VirtualClock
from paygent.testing.engine import NETWORK, TOKEN
from paygent.testing.journal import MemoryJournal
from paygent.testing.keys import dev_accounts

pytestmark = pytest.mark.anyio
MUCH = Amount(5_000_000, TOKEN.asset)
OTHER = AssetId.parse("eip155:338/slip44:60")
OTHER_ASSET = Asset(id=OTHER, symbol="TCRO", decimals=18)


RICH = 1_000_000
"""What the wallet has at the start, in atomic units of the token."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def foresight() -> Foresight:
    chain = MemoryChain(chain=NETWORK, tokens=[TOKEN], clock=VirtualClock())
    chain.mint(TOKEN, dev_accounts()[0].address, RICH)
    tokens = {TOKEN.asset.id: TOKEN}
    funds = Funds(dev_accounts()[0].address, chains={NETWORK: chain}, tokens=tokens, coins={})
    return Foresight(MemoryJournal(), funds)


def hold(dollars: str, *, limit: str = "1", window: str = "day:1", gas: bool = False) -> Hold:
    return Hold(scope="wallet:0x1", window=window, amount=usd(dollars), limit=usd(limit), gas=gas)


def price(*holds: Hold, brings: tuple[Amount, ...] = (), spends: int = 0) -> Price:
    spent = (Amount(spends, TOKEN.asset),) if spends else ()
    return Price(text="", acceptable=True, holds=holds, spends=spent, brings=brings)


def lacking(asset: AssetId, *holds: Hold) -> Price:
    return Price(text="", acceptable=False, why="too poor", lacks=frozenset({asset}), holds=holds)


async def said(*prices: Price | None) -> list[bool | None]:
    return [None if each is None else each.acceptable for each in await foresight().foreseen(prices)]


async def test_step_finds_the_room_that_those_before_it_leave() -> None:
    assert [True, True, False] == await said(price(hold("0.6")), price(hold("0.4")), price(hold("0.000001")))


async def test_step_without_a_price_changes_nothing() -> None:
    assert [True, None, False] == await said(price(hold("0.6")), None, price(hold("0.6")))


async def test_other_windows_and_the_gas_of_earlier_steps_leave_the_room_as_it_is() -> None:
    steps = [price(hold("0.9")), price(hold("0.9", window="day:2"))]

    assert [True, True] == await said(*steps)
    assert [True, True] == await said(price(hold("0.9", gas=True)), price(hold("0.9")))
    assert [False] == await said(price(hold("1.1", gas=True)))


async def test_what_a_step_brings_in_can_be_spent_by_those_after_it() -> None:
    brings, poor = price(brings=(MUCH,)), lacking(TOKEN.asset.id)

    assert [True, True] == await said(brings, poor)
    assert [False, True] == await said(poor, brings)
    assert [True, False] == await said(brings, lacking(OTHER))


async def test_funds_that_come_do_not_raise_a_limit() -> None:
    _, found = await foresight().foreseen([price(brings=(MUCH,)), lacking(TOKEN.asset.id, hold("1.1"))])

    assert found is not None
    assert not found.acceptable
    assert "has 1.00 USD left, not 1.10 USD" in found.why


async def test_step_finds_the_money_that_those_before_it_leave() -> None:
    assert [True, True] == await said(price(spends=600_000), price(spends=400_000))
    assert [True, False] == await said(price(spends=600_000), price(spends=400_001))
    assert [False] == await said(price(spends=RICH + 1))


async def test_how_much_comes_in_is_not_guessed() -> None:
    reward = Amount(0, TOKEN.asset)

    assert [True, True] == await said(price(spends=RICH, brings=(reward,)), price(spends=RICH))
    assert [True, True] == await said(price(brings=(Amount(0, OTHER_ASSET),)), price(spends=RICH + 1))


async def test_money_of_another_asset_does_not_help() -> None:
    assert [True, False] == await said(price(spends=1, brings=(Amount(9, OTHER_ASSET),)), price(spends=RICH))
