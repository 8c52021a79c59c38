"""The template keeps the promises of a connector, on the devnet's exchange."""

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest
from paygent_template.connector import TemplateConnector

from paygent.adapters.rpc import RpcChain
from paygent.adapters.system import SystemClock
from paygent.devnet import DevExchange, Devnet
from paygent.devnet.contracts import calldata
from paygent.devnet.keys import DevAccount, dev_accounts
from paygent.devnet.rpc_client import RpcClient
from paygent.plugin import Action, Amount, Asset, ConfigurationError, Swap, Tools, Wish
from paygent.testing.conformance import ConnectorContract


class Stage:
    """The devnet, as the kit wants it."""

    def __init__(self, net: Devnet, chain: RpcChain, rpc: RpcClient) -> None:
        self.net = net
        self.rpc = rpc
        self.exchange: DevExchange = net.exchange()
        self.connector = TemplateConnector(
            Tools(chains={self.exchange.network: chain}, clock=SystemClock(), options=options(self.exchange))
        )
        self.owner = net.payer.address
        self.wishes: Sequence[Wish] = (
            Swap(give=self.exchange.coin, get=self.exchange.dollar, amount=Amount(10**18, self.exchange.coin)),
        )
        self._gas = 0

    async def now(self) -> int:
        return int(self.rpc.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    async def has(self, asset: Asset) -> int:
        if asset.id.native:
            return int(self.rpc.call("eth_getBalance", self.owner, "latest"), 16) + self._gas
        return self.net.balance(self.owner)

    async def make(self, action: Action) -> None:
        for call in action.calls:
            message = {"from": self.owner, "to": call.to, "data": call.data, "value": hex(call.value)}
            self.rpc.call("eth_call", message, "latest")
            receipt = self.rpc.send(self.net.payer, to=call.to, data=call.data, value=call.value)
            self._gas += int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)

    async def worsen(self, wish: Wish) -> None:
        attacker: DevAccount = dev_accounts()[4]
        path = [self.exchange.wrapped, self.exchange.dollar.id.address]
        function = "swapExactETHForTokens(uint256,address[],address,uint256)"
        data = calldata(function, 0, path, attacker.address, 2**40)
        self.rpc.send(attacker, to=self.exchange.router, data=data, value=100 * 10**18)


def options(exchange: DevExchange) -> dict[str, object]:
    return {
        "network": exchange.network.text,
        "router": exchange.router,
        "coin": exchange.coin.symbol,
        "token": exchange.dollar.id.address,
        "symbol": exchange.dollar.symbol,
        "decimals": exchange.dollar.decimals,
    }


@pytest.fixture(scope="module")
def net() -> Iterator[Devnet]:
    with Devnet(anvil=False) as net:
        yield net


class TestTemplateConnector(ConnectorContract):
    @pytest.fixture
    async def stage(self, net: Devnet) -> AsyncIterator[Stage]:
        rpc = RpcClient(net.rpc_url)
        async with RpcChain(net.rpc_url, chain=net.exchange().network, instant_finality=True) as chain:
            yield Stage(net, chain, rpc)
        rpc.close()


@pytest.mark.parametrize("missing", ["network", "router", "decimals"])
def test_missing_option_is_named(net: Devnet, missing: str) -> None:
    given = {name: value for name, value in options(net.exchange()).items() if name != missing}

    with pytest.raises(ConfigurationError, match=missing):
        TemplateConnector(Tools(chains={}, clock=SystemClock(), options=given))


def test_template_is_a_package_that_builds_into_a_plugin(tmp_path: Path) -> None:
    """What is copied works: its entry point is announced by the wheel that the folder builds."""
    folder = Path(__file__).parents[1]
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    finished = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)

    assert finished.returncode == 0, finished.stderr
    [wheel] = tmp_path.glob("*.whl")
    assert "paygent_template-0.1.0" in wheel.name
