"""A trader on the test's exchange: asks the VVS connector, and makes what it builds, without an engine between."""

from collections.abc import Mapping, Sequence

from paygent_vvs import VvsConnector

from paygent.adapters.system import SystemClock
from paygent.plugin import Action, Amount, Asset, Chain, ChainId, Tools, TradeQuote, Wish, checksum
from tests.interop.peers.uniswap import Exchange

CRONOS = ChainId("eip155:25")


class Desk:
    """A connector on the exchange, and a trader."""

    def __init__(
        self, exchange: Exchange, chain: Chain, network: Mapping[str, object] | None = None, **options: object
    ) -> None:
        described = exchange.described(
            farms=[{"pid": 0, "token": "VVS"}, {"pid": 1, "pair": ["WCRO", "USDC"]}],
            craftsman_v1=exchange.craftsmen[1],
            craftsman_v2=exchange.craftsmen[2],
        )
        configured = {"networks": {CRONOS.text: {**described, **(network or {})}}, **options}
        tools = Tools(chains={CRONOS: chain}, clock=SystemClock(), options=configured)
        self.exchange = exchange
        self.chain = chain
        self.connector = VvsConnector.open(tools)
        self.gas = 0
        """Wei that the trader's transactions have cost."""
        self.trader = checksum(exchange.anvil.call("eth_accounts")[1])
        self.attacker = checksum(exchange.anvil.call("eth_accounts")[2])

    def asset(self, symbol: str) -> Asset:
        return next(one for one in self.connector.manifest.assets if one.symbol == symbol)

    def amount(self, text: str, symbol: str) -> Amount:
        return Amount.parse(text, self.asset(symbol))

    def fund(self, text: str, symbol: str) -> Amount:
        """Give the trader some of a token."""
        amount = self.amount(text, symbol)
        if symbol != "CRO":
            self.exchange.mint(symbol, self.trader, amount.atomic)
        return amount

    async def quote(self, wish: Wish) -> TradeQuote:
        return await self.connector.quote(wish, owner=self.trader)

    async def build(self, wish: Wish) -> Sequence[Action]:
        return await self.connector.build(await self.quote(wish))

    def make(self, actions: Sequence[Action]) -> None:
        """Send every call; raises RpcError where one reverts."""
        for action in actions:
            for call in action.calls:
                sent = self.exchange.send(self.trader, call.to, call.data, call.value)
                receipt = self.exchange.anvil.call("eth_getTransactionReceipt", sent)
                self.gas += int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)

    def has(self, symbol: str) -> int:
        """Return what the trader has; of the coin, with what gas has cost."""
        had = self.exchange.balance(symbol, self.trader)
        return had + self.gas if symbol == "CRO" else had

    def units(self, asset: Asset) -> int:
        """Return what the trader has of any asset, as `has`."""
        if asset.id.native:
            return self.has("CRO")
        if self.exchange.anvil.call("eth_getCode", asset.id.address, "latest") == "0x":
            return 0  # a share of a pool that does not exist
        return int(self.exchange.read(asset.id.address, "balanceOf(address)", self.trader))
