"""The devnet's seller and facilitator are paid by the official client over real HTTP."""

import asyncio
import base64
import json
from typing import Any

import httpx
import pytest

from paygent.devnet import Devnet
from tests.unit.devnet.official import official_client, signed_header


def get(net: Devnet, path: str) -> httpx.Response:
    async def fetch() -> httpx.Response:
        async with official_client(net.payer) as client:
            return await client.get(net.seller.url(path))

    return asyncio.run(fetch())


def header(response: httpx.Response, name: str) -> Any:
    return json.loads(base64.b64decode(response.headers[name]))


def test_health_is_free(net: Devnet) -> None:
    before = net.balance(net.payer.address)

    assert {"status": "ok"} == get(net, "/health").json()
    assert before == net.balance(net.payer.address)


def test_unpaid_request_is_answered_with_the_price(net: Devnet) -> None:
    response = httpx.get(net.seller.url("/premium"), trust_env=False)
    required = header(response, "payment-required")
    (offer,) = required["accepts"]

    assert (402, 2) == (response.status_code, required["x402Version"])
    assert ("exact", net.network, "100000") == (offer["scheme"], offer["network"], offer["amount"])
    assert (net.token.address, net.seller.payee) == (offer["asset"], offer["payTo"])
    assert {"name": net.token.name, "version": net.token.version} == offer["extra"]


@pytest.mark.parametrize("path", ["/premium", "/report"])
def test_payment_moves_exactly_the_price(net: Devnet, path: str) -> None:
    payer, payee = net.balance(net.payer.address), net.balance(net.seller.payee)
    response = get(net, path)

    assert 200 == response.status_code
    assert path == "/" + response.json()["resource"]
    assert net.seller.prices[path] == payer - net.balance(net.payer.address)
    assert net.seller.prices[path] == net.balance(net.seller.payee) - payee


def test_receipt_names_the_transfer(net: Devnet) -> None:
    settled = header(get(net, "/premium"), "payment-response")
    last = net.transfers()[-1]

    assert (True, last.transaction) == (settled["success"], settled["transaction"])
    assert (net.payer.address, net.seller.payee, 100_000) == (last.sender, last.recipient, last.value)


def test_same_payment_settles_once(net: Devnet) -> None:
    count, address = len(net.transfers()), net.seller.url("/premium")
    required = header(httpx.get(address, trust_env=False), "payment-required")
    signed = {"payment-signature": asyncio.run(signed_header(net.payer, required))}
    first, again = (httpx.get(address, headers=signed, trust_env=False) for _ in range(2))

    assert (200, 402) == (first.status_code, again.status_code)
    assert "invalid_exact_evm_nonce_already_used" == header(again, "payment-required")["error"]
    assert count + 1 == len(net.transfers())


def test_dropped_reply_is_lost_after_the_settlement_and_only_once(net: Devnet) -> None:
    dropped, count = net.seller.dropped_replies, len(net.transfers())
    net.seller.drop_next_reply()

    assert 402 == httpx.get(net.seller.url("/premium"), trust_env=False).status_code
    with pytest.raises(Exception, match="Failed to handle payment") as lost:
        get(net, "/premium")
    assert isinstance(lost.value.__cause__, httpx.RemoteProtocolError)
    assert (dropped + 1, count + 1) == (net.seller.dropped_replies, len(net.transfers()))
    assert 200 == get(net, "/premium").status_code


def test_facilitator_names_what_it_settles(net: Devnet) -> None:
    supported = httpx.get(f"{net.facilitator_url}/supported", trust_env=False).json()

    assert [(2, "exact", net.network)] == [
        (kind["x402Version"], kind["scheme"], kind["network"]) for kind in supported["kinds"]
    ]


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b'{"paymentPayload": {}, "paymentRequirements": {}}'])
def test_facilitator_refuses_what_is_no_payment(net: Devnet, body: bytes) -> None:
    response = httpx.post(f"{net.facilitator_url}/settle", content=body, trust_env=False)

    assert 400 == response.status_code


def test_payments_at_the_same_time_all_settle(net: Devnet) -> None:
    before = net.balance(net.seller.payee)

    async def crowd() -> list[int]:
        async with official_client(net.payer) as client:
            replies = await asyncio.gather(*(client.get(net.seller.url("/premium")) for _ in range(8)))
            return [reply.status_code for reply in replies]

    assert [200] * 8 == asyncio.run(crowd())
    assert 800_000 == net.balance(net.seller.payee) - before
