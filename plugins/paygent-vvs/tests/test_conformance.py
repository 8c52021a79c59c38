"""The connector keeps the promises of its port, on the real Uniswap V2 bytecode."""

from collections.abc import Sequence

import pytest
from paygent_vvs import VvsConnector

from paygent.plugin import Action, AddLiquidity, Asset, Stake, Swap, Wish
from paygent.testing.conformance import ConnectorContract
from tests.interop.peers.desk import CRONOS, Desk
from tests.interop.peers.uniswap import ETHER


class Stage:
    """The desk, as the kit wants it."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.owner = desk.trader

    @property
    def connector(self) -> VvsConnector:
        return self.desk.connector

    @property
    def wishes(self) -> Sequence[Wish]:
        desk = self.desk
        coin, usdc, vvs = (desk.asset(symbol) for symbol in ("CRO", "USDC", "VVS"))
        return (
            Swap(give=coin, get=usdc, amount=desk.amount("1000", "CRO")),
            Swap(give=usdc, get=vvs, amount=desk.amount("50", "USDC")),
            AddLiquidity(first=desk.amount("10", "USDC"), second=coin),
            Stake(network=CRONOS, pool="VVS", amount=desk.amount("5", "VVS")),
        )

    async def now(self) -> int:
        return self.desk.exchange.anvil.timestamp()

    async def has(self, asset: Asset) -> int:
        return self.desk.units(asset)

    async def make(self, action: Action) -> None:
        self.desk.make([action])

    async def worsen(self, wish: Wish) -> None:
        self.desk.exchange.swap_in(self.desk.attacker, "USDC", 9_000 * ETHER)


class TestVvsConnector(ConnectorContract):
    @pytest.fixture
    async def stage(self, desk: Desk) -> Stage:
        desk.fund("1000", "USDC")
        desk.fund("1000", "VVS")
        return Stage(desk)
