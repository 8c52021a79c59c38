"""The end-to-end client keeps the contract of the official ones, run as they are run: as a program of its own."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.interop.e2e_client import main
from tests.interop.hostile.answers import sells, status
from tests.interop.hostile.shop import Shop, offering
from tests.interop.install import ROOT
from tests.interop.peers.chain import TokenChain
from tests.interop.peers.market import Deal, Market, cronos_deals, official_deals
from tests.interop.peers.sellers import GET_PAID, PERMIT2_PAID
from tests.interop.wallet import transfers_from

DEALS = [
    deal
    for deal in [*official_deals(), *cronos_deals()]
    if deal.facilitator.label in ("typescript", "cronos") and deal.route in (GET_PAID, PERMIT2_PAID)
]


def run(**environment: str) -> tuple[int, dict[str, Any]]:
    """Run the program with these variables; return its exit code and the last line."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("EVM_", "PAYGENT_"))}
    program = [sys.executable, "tests/interop/e2e_client.py"]
    ran = subprocess.run(
        program, env=ours | environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert ran.stdout, ran.stderr
    result: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return ran.returncode, result


def key_of(payer: Any) -> str:
    return "0x" + bytes(payer.key).hex()


@pytest.mark.parametrize("deal", DEALS, ids=str)
def test_client_buys_and_prints_what_the_seller_said(market: Market, deal: Deal) -> None:
    chain, seller = market.chain(deal), market.seller(deal)
    payer = chain.new_payer()

    code, result = run(
        EVM_PRIVATE_KEY=key_of(payer),
        RESOURCE_SERVER_URL=seller.url,
        ENDPOINT_PATH=deal.route.path,
        EVM_NETWORK=chain.network,
        EVM_RPC_URL=chain.anvil.url,
    )

    assert (0, True, 200) == (code, result["success"], result["status_code"]), result
    (transfer,) = transfers_from(chain, payer.address)
    assert deal.route.charged == int(transfer["data"], 16)
    if deal in cronos_deals():
        assert result["payment_response"] is None
        assert transfer["transactionHash"] == result["data"]["payment"]["txHash"]
    else:
        assert transfer["transactionHash"] == result["payment_response"]["transaction"]
        assert "bought" in result["data"]


def test_client_needs_no_endpoint(hostile_chain: TokenChain) -> None:
    """As the official ones do for EIP-3009; the clock of this machine is then the only one."""
    payer = hostile_chain.new_payer()
    with Shop(chain=hostile_chain, paid=status(200, b'"bought"')) as shop:
        code, result = run(EVM_PRIVATE_KEY=key_of(payer), RESOURCE_SERVER_URL=shop.url(""), ENDPOINT_PATH="/paid")

    assert (0, {"success": True, "data": "bought", "status_code": 200, "payment_response": None}) == (code, result)
    assert 1 == len(shop.payments)


def test_client_trusts_an_unknown_token_of_a_test_network(hostile_chain: TokenChain) -> None:
    """It signs for the domain that the seller named; the table of the library does not know this token."""
    payer, token = hostile_chain.new_payer(), "0x" + "5a" * 20
    asks = offering(asset=token, extra={"name": "Play Money", "version": "7"})
    with Shop(chain=hostile_chain, paid=status(200, b"{}"), unpaid=asks) as shop:
        code, _ = run(EVM_PRIVATE_KEY=key_of(payer), RESOURCE_SERVER_URL=shop.url(""), ENDPOINT_PATH="/paid")

    assert 0 == code
    assert 1 == len(shop.payments)


def test_client_says_what_it_refused(hostile_chain: TokenChain) -> None:
    payer = hostile_chain.new_payer()
    with Shop(chain=hostile_chain, paid=sells) as shop:
        code, result = run(
            EVM_PRIVATE_KEY=key_of(payer),
            RESOURCE_SERVER_URL=shop.url(""),
            ENDPOINT_PATH="/paid",
            EVM_NETWORK="eip155:338",
        )

    assert (1, False) == (code, result["success"])
    assert "PolicyDenied" in result["error"]
    assert [] == shop.payments


def test_client_names_what_is_missing() -> None:
    code, result = run(EVM_PRIVATE_KEY="0x" + "11" * 32)

    assert (1, False) == (code, result["success"])
    assert "RESOURCE_SERVER_URL, ENDPOINT_PATH" in result["error"]


@pytest.mark.parametrize(
    ("url", "network"), [("http://127.0.0.1:9", "nowhere"), ("http://[::1", "eip155:1"), ("127.0.0.1:9", "eip155:1")]
)
def test_client_says_in_json_that_it_is_called_wrongly(
    url: str, network: str, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = {"RESOURCE_SERVER_URL": url, "ENDPOINT_PATH": "/paid", "EVM_NETWORK": network}

    code = main({"EVM_PRIVATE_KEY": "0x" + "11" * 32, **wrong})

    assert (1, False) == (code, json.loads(capsys.readouterr().out.splitlines()[-1])["success"])
