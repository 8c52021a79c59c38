"""A devnet with an exchange, and what an orchestrator on it is opened with."""

from pathlib import Path
from typing import Any

from paygent.core.caip import chain_id
from paygent.core.money import Amount, usd
from paygent.core.requirements import Token
from paygent.devnet import Devnet
from paygent.policy.policy import Policy
from paygent.runtime.fields import PluginChoice
from paygent.runtime.settings import Secret, Settings


def settings_of(net: Devnet, storage: str) -> Settings:
    """Return settings for the devnet's payer, with a connector for the devnet's own pool."""
    token = Token(asset=net.asset, name=net.token.name, versions=(net.token.version,), usd=True, test=True)
    return Settings(
        private_key=Secret(net.payer.private_key),
        rpc={net.network: net.rpc_url},
        storage=storage,
        tokens=(token,),
        plugins=(PluginChoice(name="vvs", options=net.exchange().options),),
    )


def policy_of(net: Devnet, **changes: Any) -> Policy:
    """Return a policy that lets a hundred dollars be traded."""
    coin = net.exchange().coin
    given: dict[str, Any] = {
        "max_per_payment": usd("10"),
        "per_day": usd("1000"),
        "max_per_trade": usd("100"),
        "trade_per_day": usd("1000"),
        "gas_per_transaction": Amount.parse("1", coin),
        "gas_per_day": Amount.parse("100", coin),
        "approve_above": None,
        "networks": frozenset({chain_id(net.network)}),
        **changes,
    }
    return Policy(**given)


def storage_in(folder: Path) -> str:
    return str(folder / "pay.db")
