"""The local chains behave like the chains they stand for."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from eth_abi.abi import encode
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak

from tests.interop.install import ROOT, Installed
from tests.interop.peers.anvil import RpcError, dev_account
from tests.interop.peers.chain import (
    EXACT_PERMIT2_PROXY,
    MULTICALL3,
    PERMIT2,
    UPTO_PERMIT2_PROXY,
    TokenChain,
    call_data,
)
from tests.interop.peers.market import Market

ANY_STRUCT = {"Any": [{"name": "value", "type": "uint256"}]}


@pytest.fixture(params=["base", "cronos"])
def chain(market: Market, request: pytest.FixtureRequest) -> TokenChain:
    return market.base if request.param == "base" else market.cronos


def test_token_separates_by_the_domain_that_sellers_offer(chain: TokenChain) -> None:
    domain = {
        "name": chain.token_name,
        "version": chain.token_version,
        "chainId": chain.anvil.chain_id,
        "verifyingContract": chain.token,
    }

    assert "0x" + encode_typed_data(domain, ANY_STRUCT, {"value": 1}).header.hex() == chain.domain_separator()


def test_permit2_separates_by_its_own_domain(market: Market) -> None:
    domain = {"name": "Permit2", "chainId": market.base.anvil.chain_id, "verifyingContract": PERMIT2}
    expected = encode_typed_data(domain, ANY_STRUCT, {"value": 1}).header

    assert expected == market.base.read("DOMAIN_SEPARATOR()", to=PERMIT2)


def test_multicall_knows_the_chain(market: Market) -> None:
    assert market.base.anvil.chain_id == int.from_bytes(market.base.read("getChainId()", to=MULTICALL3))


@pytest.mark.parametrize(
    ("kind", "contract", "address"),
    [("exact", "ExactPermit2Proxy", EXACT_PERMIT2_PROXY), ("upto", "UptoPermit2Proxy", UPTO_PERMIT2_PROXY)],
)
def test_proxy_has_the_functions_that_the_official_sdk_calls(
    installed: Installed, kind: str, contract: str, address: str
) -> None:
    """The published interface, as @x402/evm ships it, and ours name the same functions with the same inputs."""
    script = f"""
      const evm = require({json.dumps(str(installed.npm / "node_modules/@x402/evm"))});
      const {{ toFunctionSelector }} = require({json.dumps(str(installed.npm / "node_modules/viem"))});
      const selectors = (abi) => abi.filter((item) => item.type === "function" && item.stateMutability === "nonpayable")
        .map((item) => toFunctionSelector(item)).sort();
      const names = (abi) => abi.filter((item) => item.type === "error").map((item) => item.name);
      const ours = require({json.dumps(str(installed.contracts))})[{json.dumps(contract)}].abi;
      const published = evm[{json.dumps(f"x402{kind.capitalize()}Permit2ProxyABI")}];
      const address = evm[{json.dumps(f"x402{kind.capitalize()}Permit2ProxyAddress")}];
      console.log(JSON.stringify([selectors(ours), selectors(published), names(ours), names(published), address]));
    """
    ran = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
    ours, published, our_errors, published_errors, published_address = json.loads(ran.stdout)

    assert published == ours
    assert set(our_errors) <= set(published_errors)
    assert published_address == address


@pytest.mark.parametrize(
    ("sender", "amount", "error"),
    [(5, 1, "UnauthorizedFacilitator()"), (6, 11, "AmountExceedsPermitted()")],
)
def test_upto_proxy_refuses_when_the_signed_terms_are_broken(
    market: Market, sender: int, amount: int, error: str
) -> None:
    """Account 6 is the facilitator that the payer named, and 10 is the maximum."""
    owner, to, facilitator = (dev_account(index).address for index in (7, 8, 6))
    types = "(((address,uint256),uint256,uint256),uint256,address,(address,address,uint256),bytes)"
    permit = ((market.base.token, 10), 1, 2**64)
    arguments = encode([types], [(permit, amount, owner, (to, facilitator, 0), bytes(65))])[32:]
    data = "0x" + (keccak(text="settle" + types)[:4] + arguments).hex()

    with pytest.raises(RpcError, match=keccak(text=error)[:4].hex()):
        market.base.anvil.call(
            "eth_call", {"from": dev_account(sender).address, "to": UPTO_PERMIT2_PROXY, "data": data}, "latest"
        )


def test_transaction_stays_pending_while_mining_is_paused(market: Market) -> None:
    anvil, sender = market.cronos.anvil, dev_account(9).address
    with anvil.paused_mining():
        transaction = anvil.call("eth_sendTransaction", {"from": sender, "to": sender})
        assert anvil.call("eth_getTransactionReceipt", transaction) is None

    assert anvil.call("eth_getTransactionReceipt", transaction)["status"] == "0x1"


def test_chain_forgets_when_it_is_reverted(market: Market) -> None:
    """On a chain where no facilitator settles in the meantime."""
    payer, chain = dev_account(9).address, market.cronos
    snapshot = chain.anvil.snapshot()
    chain.mint(payer, 5)
    chain.anvil.revert(snapshot)

    assert chain.balance_of(payer) == 0


def test_revert_is_refused_when_the_snapshot_is_unknown(market: Market) -> None:
    with pytest.raises(RpcError):
        market.cronos.anvil.revert("0xffff")


def test_transaction_raises_when_it_reverts(chain: TokenChain) -> None:
    poor = dev_account(9).address
    with pytest.raises(RpcError):
        chain.anvil.send(poor, chain.token, call_data("transfer(address,uint256)", dev_account(8).address, 10**12))


def test_child_ends_when_the_tests_are_killed(tmp_path: Path) -> None:
    """A killed test run leaves no server behind, although nobody could clean up."""
    program = """
import pathlib, sys, time
from tests.interop.install import find_installed
from tests.interop.peers.anvil import running_anvil
with running_anvil(find_installed(), chain_id=1, log_dir=pathlib.Path(sys.argv[1])) as anvil:
    print(anvil.url, flush=True)
    time.sleep(60)
"""
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        port = int(parent.stdout.readline().rsplit(":", 1)[1])
        os.kill(parent.pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while _listens(port) and time.monotonic() < deadline:
        time.sleep(0.02)

    assert not _listens(port)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
