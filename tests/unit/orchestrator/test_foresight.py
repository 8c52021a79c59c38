"""A plan's steps, each looked at as if those before it were done."""

import pytest

from paygent.core.budget import Hold
from paygent.core.caip import AssetId
from paygent.core.money import USD, Amount, usd
from paygent.orchestrator.foresight import foreseen
from paygent.orchestrator.tools import Price
from paygent.testing.engine import TOKEN
from paygent.testing.journal import MemoryJournal

pytestmark = pytest.mark.anyio
MUCH = Amount(5_000_000, TOKEN.asset)
OTHER = AssetId.parse("eip155:338/slip44:60")


def hold(dollars: str, *, limit: str = "1", window: str = "day:1", gas: bool = False) -> Hold:
    return Hold(scope="wallet:0x1", window=window, amount=usd(dollars), limit=usd(limit), gas=gas)


def price(*holds: Hold, brings: tuple[Amount, ...] = ()) -> Price:
    return Price(text="", acceptable=True, holds=holds, brings=brings)


def lacking(asset: AssetId, *holds: Hold) -> Price:
    return Price(text="", acceptable=False, why="too poor", lacks=frozenset({asset}), holds=holds)


async def said(*prices: Price | None) -> list[bool | None]:
    return [None if each is None else each.acceptable for each in await foreseen(prices, MemoryJournal())]


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
    _, found = await foreseen([price(brings=(MUCH,)), lacking(TOKEN.asset.id, hold("1.1"))], MemoryJournal())

    assert found is not None
    assert not found.acceptable
    assert "has 1.00 USD left, not 1.10 USD" in found.why
    assert USD == hold("1").limit.asset
