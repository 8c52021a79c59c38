"""Commands made in Python keep the rules of those that are read."""

from collections.abc import Callable

import pytest

from paygent.core.errors import CommandRefused
from paygent.orchestrator.commands import (
    AddLiquidity,
    Balance,
    Claim,
    Command,
    Discover,
    Multi,
    Pay,
    PerpOpen,
    Predict,
    Quote,
    RemoveLiquidity,
    Stake,
    Swap,
    Transfer,
    as_json,
)

URL = "https://api.example.com/x"
ADDRESS = "0x" + "11" * 20

IMPOSSIBLE: list[Callable[[], Command]] = [
    Pay,
    lambda: Pay(url=URL, service="weather"),
    lambda: Pay(url=URL, amount="1"),
    lambda: Pay(url=URL, amount="0", asset="USDC"),
    lambda: Pay(url=URL, amount="1", asset="usdc"),
    lambda: Pay(service=" weather"),
    lambda: Pay(service='the "weather"'),
    lambda: Pay(service="do not pay"),
    lambda: Pay(service="x" * 201),
    lambda: Quote(url="https://user:pw@api.example.com/"),
    lambda: Balance(assets=("CRO", "CRO")),
    lambda: Transfer(amount="1", asset="USDC", to="0x12"),
    lambda: Transfer(amount="1", asset="USDC", to="alice"),
    lambda: Swap(amount="1", asset_in="CRO", asset_out="CRO", exact="in"),
    lambda: Swap(amount="1e3", asset_in="CRO", asset_out="USDC", exact="in"),
    lambda: Swap(amount="1", asset_in="CRO", asset_out="USDC", exact="both"),  # type: ignore[arg-type]
    lambda: Swap(amount="1", asset_in="CRO", asset_out="USDC", exact="in", venue="VVS"),
    lambda: Swap(amount="1", asset_in="CRO", asset_out="USDC", exact="in", venue="cronos"),
    lambda: Swap(amount="1", asset_in="CRO", asset_out="USDC", exact="in", slippage_bps=5_001),
    lambda: AddLiquidity(amount_a="1", asset_a="CRO", amount_b="-1", asset_b="USDC"),
    lambda: RemoveLiquidity(asset_a="CRO", asset_b="USDC", percent="100.1"),
    lambda: Stake(amount="1", pool="CRO-USDC-VVS"),
    lambda: Discover(category="Weather"),
    lambda: Discover(min_reputation="high"),
    lambda: PerpOpen(side="long", collateral="1", asset="USDC", symbol="BTC", leverage=0),
    lambda: Predict(market="BTC", outcome="sideways", amount="1", asset="USDC"),
    lambda: Multi(steps=(Claim(),)),
    lambda: Multi(steps=(Claim(),) * 17),
]


@pytest.mark.parametrize("make", IMPOSSIBLE)
def test_value_that_cannot_be_is_refused(make: Callable[[], Command]) -> None:
    with pytest.raises(CommandRefused):
        make()


def test_json_leaves_out_what_nobody_named() -> None:
    assert {"intent": "pay", "slots": {"url": URL}} == as_json(Pay(url=URL))
    assert {"intent": "discover", "slots": {}} == as_json(Discover())
    assert {"intent": "discover", "slots": {"mcp": True}} == as_json(Discover(mcp=True))


def test_json_keeps_a_slippage_of_nothing() -> None:
    swap = Swap(amount="1", asset_in="CRO", asset_out="USDC", exact="out", slippage_bps=0)

    assert 0 == as_json(swap)["slots"]["slippage_bps"]  # type: ignore[index,call-overload]
