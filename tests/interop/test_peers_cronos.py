"""The Cronos peers keep to the documented shapes; no official client exists that works, so the test signs by hand."""

import base64
import json
import secrets
from typing import Any

import httpx
import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount

from tests.interop.peers.chain import TokenChain
from tests.interop.peers.eip3009 import TRANSFER_TYPES
from tests.interop.peers.market import Deal, Market, cronos_deals

GET_DEAL = cronos_deals()[0]


def payment_header(payer: LocalAccount, offer: dict[str, Any], chain: TokenChain, **changes: Any) -> str:
    message = {
        "from": payer.address,
        "to": offer["payTo"],
        "value": int(offer["maxAmountRequired"]),
        "validAfter": 0,
        "validBefore": chain.anvil.timestamp() + offer["maxTimeoutSeconds"],
        "nonce": "0x" + secrets.token_hex(32),
    }
    domain = {
        "name": chain.token_name,
        "version": chain.token_version,
        "chainId": chain.anvil.chain_id,
        "verifyingContract": chain.token,
    }
    signed = Account.sign_typed_data(payer.key, domain, TRANSFER_TYPES, message | changes.pop("signed", {}))
    signature = "0x" + bytes(signed.signature).hex()
    payload = message | {"value": str(message["value"]), "signature": signature, "asset": chain.token} | changes
    header = {"x402Version": 1, "scheme": "exact", "network": "cronos-testnet", "payload": payload}
    return base64.b64encode(json.dumps(header).encode()).decode()


def request(market: Market, deal: Deal, header: str | None = None) -> httpx.Response:
    headers = {} if header is None else {"X-PAYMENT": header}
    return httpx.request(
        deal.route.method, market.seller(deal).url_of(deal.route), headers=headers, trust_env=False, timeout=30
    )


def offer_of(market: Market, deal: Deal) -> dict[str, Any]:
    body = request(market, deal).json()
    assert {"error", "x402Version", "paymentRequirements"} == body.keys()
    offer: dict[str, Any] = body["paymentRequirements"]
    return offer


@pytest.mark.parametrize("deal", cronos_deals(), ids=str)
def test_cronos_seller_is_paid_exactly_the_price(market: Market, deal: Deal) -> None:
    """The receipt is in the body and names the transaction that moved the money."""
    chain, payee = market.cronos, market.seller(deal).payee
    payer, before = chain.new_payer(), chain.balance_of(payee)

    response = request(market, deal, payment_header(payer, offer_of(market, deal), chain))

    assert response.status_code == 200
    assert "x-payment-response" not in response.headers
    assert response.json()["payment"]["txHash"] == chain.transfers_to(payee)[-1]["transactionHash"]
    assert deal.route.charged == chain.balance_of(payee) - before


def test_cronos_seller_refuses_when_the_authorization_was_used(market: Market) -> None:
    chain = market.cronos
    header = payment_header(chain.new_payer(), offer_of(market, GET_DEAL), chain)
    request(market, GET_DEAL, header)

    again = request(market, GET_DEAL, header)

    assert again.status_code == 402
    assert "Authorization already used" == again.json()["error"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"value": "999"}, "Invalid amount: 999"),
        ({"to": "0x" + "11" * 20}, "Recipient does not match payTo address"),
        ({"asset": "0x" + "22" * 20}, "Unsupported asset: 0x" + "22" * 20),
        ({"validAfter": "0"}, "Invalid paymentHeader payload"),
        ({"signed": {"value": 1}}, "Invalid EIP-3009 signature"),
    ],
)
def test_cronos_seller_refuses_when_the_payment_differs(market: Market, changes: dict[str, Any], reason: str) -> None:
    chain = market.cronos
    header = payment_header(chain.new_payer(), offer_of(market, GET_DEAL), chain, **changes)

    refused = request(market, GET_DEAL, header)

    assert refused.status_code == 402
    assert reason == refused.json()["error"]


def test_cronos_facilitator_lists_its_network(market: Market) -> None:
    url = market.facilitators[GET_DEAL.facilitator].url + "/v2/x402/supported"

    assert "cronos-testnet" == httpx.get(url, trust_env=False).json()["kinds"][0]["network"]
