"""A connector of one's own, loaded as Paygent loads it, and a trade that the wallet carries out under a policy."""

import sys
import tempfile
from importlib.metadata import EntryPoint
from pathlib import Path

import anyio

from paygent import Amount, Payment, Policy, Token, usd
from paygent.adapters.rpc import RpcChain
from paygent.adapters.system import SystemClock
from paygent.devnet import DevExchange, Devnet
from paygent.plugin import Connector, Swap
from paygent.runtime.fields import PluginChoice
from paygent.runtime.plugins import Announced, Plugins, tokens_of_connectors
from paygent.wallet import Wallet

TEMPLATE = Path(__file__).parents[2] / "plugins" / "_template" / "src"


def connector_on(exchange: DevExchange, chain: RpcChain) -> Connector:
    """Load the template's plugin by its name, with the options of [plugins.template]."""
    sys.path.insert(0, str(TEMPLATE))  # an installed plugin needs neither this nor the next line
    there = [Announced(name="template", entry_point=EntryPoint("template", "paygent_template.plugin", "paygent"))]
    options = {
        "network": exchange.network.text,
        "router": exchange.router,
        "coin": exchange.coin.symbol,
        "token": exchange.dollar.id.address,
        "symbol": exchange.dollar.symbol,
        "decimals": exchange.dollar.decimals,
    }
    plugins = Plugins.load([PluginChoice("template", options)], installed=there)
    return plugins.connectors(chains={exchange.network: chain}, clock=SystemClock())["template"]


async def trade(connector: Connector, wallet: Wallet, wish: Swap) -> Payment:
    """Quote, build and execute; the wallet judges, simulates and signs."""
    quote = await connector.quote(wish, owner=wallet.address)
    print(quote)
    [action] = await connector.build(quote)
    for call in action.calls:
        print(f"  {call}")
    return await wallet.execute(action)


async def run(net: Devnet, folder: str) -> bool:
    """Trade one coin for dollars; return whether the chain agrees with the receipt."""
    exchange, before = net.exchange(), net.balance(net.payer.address)
    coins = Amount(10 * 10**18, exchange.coin)
    async with RpcChain(net.rpc_url, chain=exchange.network, instant_finality=True) as chain:
        connector = connector_on(exchange, chain)
        dollar = Token(asset=exchange.dollar, name=net.token.name, versions=(net.token.version,), usd=True)
        async with Wallet.open(
            private_key=net.payer.private_key,
            rpc=net.rpc_url,
            storage=f"{folder}/payments.db",
            tokens=[*tokens_of_connectors([connector]), dollar],
            policy=Policy(
                max_per_payment=(usd("20"), coins),
                per_day=(usd("50"), coins),
                approve_above=None,
                venues=frozenset({"template"}),
                gas_per_transaction=Amount(10**17, exchange.coin),
                gas_per_day=Amount(10**18, exchange.coin),
            ),
        ) as wallet:
            one = Amount(10**18, exchange.coin)
            payment = await trade(connector, wallet, Swap(give=exchange.coin, get=exchange.dollar, amount=one))
    brought = net.balance(net.payer.address) - before
    print(f"{payment.state}: {Amount(brought, exchange.dollar)} came in")
    return payment.receipt is not None and [brought] == [amount.atomic for amount in payment.receipt.received]


def main() -> int:
    """Run the story; return 0 if the chain agrees."""
    with Devnet() as net, tempfile.TemporaryDirectory() as folder:
        return 0 if anyio.run(run, net, folder) else 1


if __name__ == "__main__":
    sys.exit(main())
