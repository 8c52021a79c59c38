"""The tool `balance`: what the wallet has, read from the chains."""

import asyncio
from collections.abc import Mapping, Sequence

from pydantic import Field

from paygent.core.caip import AssetId, ChainId
from paygent.core.errors import AdapterError, ConfigurationError
from paygent.core.fields import JSON
from paygent.core.money import Amount, Asset
from paygent.core.requirements import Token
from paygent.core.run_errors import ToolRefused
from paygent.evm import erc20
from paygent.evm.networks import NETWORKS
from paygent.orchestrator.assets import AssetBook
from paygent.orchestrator.payments import amount_as_json
from paygent.orchestrator.tools import Arguments, Call, Tool, ToolOutcome
from paygent.ports.chain import Chain
from paygent.ports.transactions import Transactions


class BalanceArguments(Arguments):
    """What to count."""

    assets: list[str] | None = Field(
        default=None, description="symbols such as USDC; left out: everything that is known", max_length=50
    )


class Funds:
    """Reads the balances of one wallet."""

    def __init__(
        self,
        address: str,
        *,
        chains: Mapping[ChainId, Chain],
        tokens: Mapping[AssetId, Token],
        coins: Mapping[ChainId, tuple[Asset, Transactions]],
    ) -> None:
        self._address = address
        self._chains = chains
        self._tokens = tokens
        self._coins = coins

    @property
    def tool(self) -> Tool[BalanceArguments]:
        """The tool."""
        return Tool(
            name="balance",
            description="Tell what the wallet has on every configured network.",
            arguments=BalanceArguments,
            run=self.balance,
            title=self._title,
        )

    def _title(self, asked: BalanceArguments) -> str:
        named = ", ".join(map(AssetBook(self.assets).spelled, asked.assets or ()))
        return f"Look up the balance of {named}" if named else "Look up the balance"

    async def balance(self, asked: BalanceArguments, call: Call) -> ToolOutcome:
        """Return the balances. Raises: ToolRefused: no configured network has such an asset. AdapterError."""
        wanted = None if asked.assets is None else {symbol.upper() for symbol in asked.assets}
        assets = [asset for asset in self.assets if wanted is None or asset.symbol.upper() in wanted]
        self._check(wanted, assets)
        amounts = await asyncio.gather(*(self._amount(asset) for asset in assets))
        shown = [amount for amount in amounts if wanted is not None or amount.atomic]
        text = ", ".join(f"{amount} on {_network(amount.asset)}" for amount in shown) or "nothing"
        data: dict[str, JSON] = {"address": self._address, "balances": [amount_as_json(each) for each in shown]}
        return ToolOutcome(text=f"{self._address} has {text}", data=data)

    async def has(self, asset: Asset) -> Amount | None:
        """Return what the wallet has of an asset, None where that is not counted here. Raises: AdapterError."""
        return await self._amount(asset) if asset in self.assets else None

    @property
    def assets(self) -> Sequence[Asset]:
        """Every asset that can be counted: coins and known tokens of configured networks."""
        coins = [coin for coin, _ in self._coins.values()]
        return [*coins, *(token.asset for token in self._tokens.values() if token.asset.id.chain in self._chains)]

    async def _amount(self, asset: Asset) -> Amount:
        network = asset.id.chain
        coin = self._coins.get(network)
        if coin is not None and coin[0] == asset:
            return Amount(await coin[1].balance(self._address), asset)
        said = await self._chains[network].call(asset.id.address, erc20.balance_of(self._address))
        try:
            return Amount(erc20.uint(said), asset)
        except ValueError as exc:
            raise AdapterError(f"{asset.id} tells no balance: {exc}", retryable=False) from exc

    def _check(self, wanted: set[str] | None, assets: Sequence[Asset]) -> None:
        if not self._chains:
            raise ConfigurationError("no endpoint to read balances from: set PAYGENT_RPC, or pass rpc= or chains=")
        missing = sorted((wanted or set()) - {asset.symbol.upper() for asset in assets})
        if missing:
            known = ", ".join(sorted({asset.symbol for asset in self.assets})) or "none"
            raise ToolRefused("balance", f"no {', '.join(missing)} here; known are: {known}", code="unknown_asset")


def _network(asset: Asset) -> str:
    known = NETWORKS.get(asset.id.chain)
    return str(asset.id.chain) if known is None else known.name
