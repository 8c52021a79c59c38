"""Devnet as programs use it: synchronous, asynchronous, and gone without a trace."""

import gc
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from paygent.core.errors import AdapterError, ConfigurationError
from paygent.devnet import DevAccount, Devnet
from paygent.devnet.rpc_client import RpcClient


def test_net_tells_where_everything_is(net: Devnet) -> None:
    assert (31337, "eip155:31337", "py-evm") == (net.chain_id, net.network, net.node_name)
    assert {"127.0.0.1"} == {urlsplit(url).hostname for url in (net.rpc_url, net.seller.base_url, net.facilitator_url)}
    assert "0x7a69" == ask(net.rpc_url, "eth_chainId")


def test_token_is_described_as_it_is_on_the_chain(net: Devnet) -> None:
    token = net.token

    assert ("dUSD", 6, "Devnet USD", "1") == (token.symbol, token.decimals, token.name, token.version)
    assert f"eip155:31337/erc20:{token.address.lower()}" == str(net.asset.id)


def test_payer_has_a_thousand_dollars() -> None:
    with Devnet(anvil=False) as net:
        (funding,) = net.transfers()

        assert 1_000_000_000 == net.balance(net.payer.address) == funding.value
        assert net.payer.address == funding.recipient


def test_mint_gives_dollars(net: Devnet) -> None:
    newcomer = "0x" + "12" * 20
    net.mint(newcomer, 5)

    assert 5 == net.balance(newcomer)


def test_mine_adds_a_block(net: Devnet) -> None:
    height = net.mine()

    assert height + 1 == net.mine()


def test_increase_time_moves_the_head_ahead(net: Devnet) -> None:
    before = int(ask(net.rpc_url, "eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    assert net.increase_time(1_000) >= before + 1_000


@pytest.mark.anyio
async def test_net_works_inside_a_running_event_loop() -> None:
    async with Devnet(anvil=False) as net:
        async with httpx.AsyncClient(trust_env=False) as client:
            assert 402 == (await client.get(net.seller.url("/premium"))).status_code
        assert 1_000_000_000 == net.balance(net.payer.address)


@pytest.mark.anyio
async def test_net_works_synchronously_inside_a_running_event_loop() -> None:
    with Devnet(anvil=False) as net:
        assert 1 == len(net.transfers())


def test_nothing_is_left_when_it_is_stopped() -> None:
    threads = set(threading.enumerate())
    with Devnet(anvil=False) as net:
        httpx.get(net.seller.url("/premium"), trust_env=False)
        ports = [urlsplit(url).port for url in (net.rpc_url, net.seller.base_url, net.facilitator_url)]
    gc.collect()

    assert threads == set(threading.enumerate())
    assert [] == [port for port in ports if answers(port)]


def test_stop_does_not_wait_for_an_open_connection() -> None:
    with httpx.Client(trust_env=False) as client:
        with Devnet(anvil=False) as net:
            address = net.seller.url("/health")
            client.get(address)
            began = time.monotonic()
        took = time.monotonic() - began

        with pytest.raises(httpx.TransportError):
            client.get(address)
    assert took < 2


def test_two_nets_live_side_by_side() -> None:
    with Devnet(anvil=False) as one, Devnet(anvil=False) as other:
        one.mint(one.seller.payee, 7)

        assert (7, 0) == (one.balance(one.seller.payee), other.balance(other.seller.payee))


def test_net_is_started_again_after_a_stop() -> None:
    net = Devnet(anvil=False)
    for _ in range(2):
        with net:
            assert 1_000_000_000 == net.balance(net.payer.address)


def test_net_says_so_when_it_is_not_running() -> None:
    with pytest.raises(ConfigurationError, match="with Devnet"):
        _ = Devnet(anvil=False).rpc_url


def test_net_is_not_started_twice(net: Devnet) -> None:
    with pytest.raises(ConfigurationError, match="runs already"):
        net.start()


def test_missing_anvil_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no anvil at"):
        Devnet(anvil=tmp_path / "anvil").start()


def test_program_that_is_no_anvil_is_told_apart(tmp_path: Path) -> None:
    program = tmp_path / "anvil"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)

    with pytest.raises(AdapterError, match="anvil did not start"):
        Devnet(anvil=program).start()


def test_anvil_is_not_invented_when_it_is_not_on_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ConfigurationError, match="not on PATH"):
        Devnet(anvil=True).start()
    with Devnet() as net:
        assert "py-evm" == net.node_name


@pytest.mark.parametrize("package", ["eth", "fastapi", "uvicorn", "web3", "x402"])
def test_missing_extra_is_a_configuration_error(package: str) -> None:
    program = f"import sys; sys.modules[{package!r}] = None\nfrom paygent.devnet import Devnet"
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert "ConfigurationError" in finished.stderr.splitlines()[-1]
    assert 'pip install ".[devnet]"' in finished.stderr.splitlines()[-1]


def test_package_knows_no_other_name() -> None:
    import paygent.devnet

    with pytest.raises(AttributeError, match="Testnet"):
        _ = paygent.devnet.Testnet


def test_node_error_reaches_the_caller(net: Devnet) -> None:
    with pytest.raises(AdapterError, match="eth_unheardOf"):
        ask(net.rpc_url, "eth_unheardOf")


def test_account_hides_its_key(net: Devnet) -> None:
    assert isinstance(net.payer, DevAccount)
    assert net.payer.private_key[2:] not in repr(net.payer)


def ask(url: str, method: str, *params: object) -> Any:
    client = RpcClient(url)
    try:
        return client.call(method, *params)
    finally:
        client.close()


def answers(port: int | None) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
