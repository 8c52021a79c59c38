"""The peers are real: the official Python client buys from every official seller through both official facilitators."""

import base64
import json

import anyio
import httpx
import pytest
from eth_account.signers.local import LocalAccount
from x402 import x402Client
from x402.http.clients import x402HttpxClient
from x402.mechanisms.evm import EthAccountSignerWithRPC
from x402.mechanisms.evm.exact.register import register_exact_evm_client
from x402.mechanisms.evm.upto import UptoEvmClientScheme

from tests.interop.peers.chain import PERMIT2
from tests.interop.peers.market import Deal, Market, official_deals
from tests.interop.peers.sellers import PERMIT2_PAID, Route, Seller

DEALS = official_deals()
PERMIT2_DEALS = [deal for deal in DEALS if deal.route is PERMIT2_PAID]


def official_client(payer: LocalAccount, rpc_url: str) -> x402Client:
    signer = EthAccountSignerWithRPC(payer, rpc_url)
    client = register_exact_evm_client(x402Client(), signer)
    return client.register("eip155:*", UptoEvmClientScheme(signer))


def buy(client: x402Client, seller: Seller, route: Route) -> httpx.Response:
    async def request() -> httpx.Response:
        async with x402HttpxClient(client, timeout=60) as http:
            body = b"an order" if route.method == "POST" else None
            response: httpx.Response = await http.request(route.method, seller.url_of(route), content=body)
            await response.aread()
            return response

    return anyio.run(request)


def receipt_of(response: httpx.Response) -> dict[str, object]:
    header = response.headers.get("PAYMENT-RESPONSE") or response.headers["X-PAYMENT-RESPONSE"]
    decoded: dict[str, object] = json.loads(base64.b64decode(header))
    return decoded


@pytest.mark.parametrize("deal", DEALS, ids=str)
def test_official_client_pays_exactly_the_price(market: Market, deal: Deal) -> None:
    """The payee gains what the route charges, the payer loses it, and the receipt names the transaction."""
    seller, chain = market.seller(deal), market.base
    payer = chain.new_payer()
    payee_before, payer_before = chain.balance_of(seller.payee), chain.balance_of(payer.address)

    response = buy(official_client(payer, chain.anvil.url), seller, deal.route)

    assert response.status_code == 200, response.text
    assert receipt_of(response)["success"] is True
    assert deal.route.charged == chain.balance_of(seller.payee) - payee_before
    assert deal.route.charged == payer_before - chain.balance_of(payer.address)
    assert receipt_of(response)["transaction"] == chain.transfers_to(seller.payee)[-1]["transactionHash"]
    sender = chain.anvil.call("eth_getTransactionByHash", receipt_of(response)["transaction"])["from"]
    assert market.facilitators[deal.facilitator].address.lower() == sender


@pytest.mark.parametrize("deal", PERMIT2_DEALS, ids=str)
def test_permit2_pays_without_a_permit_when_the_payer_has_approved(market: Market, deal: Deal) -> None:
    seller, chain = market.seller(deal), market.base
    payer = chain.new_payer()
    chain.approve_permit2(payer.address, deal.route.offered)
    before = chain.balance_of(seller.payee)

    response = buy(official_client(payer, chain.anvil.url), seller, deal.route)

    assert response.status_code == 200, response.text
    assert deal.route.charged == chain.balance_of(seller.payee) - before
    assert chain.allowance(payer.address, PERMIT2) == 0


@pytest.mark.parametrize("deal", DEALS, ids=str)
def test_seller_refuses_when_nothing_is_paid(market: Market, deal: Deal) -> None:
    response = httpx.request(deal.route.method, market.seller(deal).url_of(deal.route), trust_env=False)

    assert response.status_code == 402
