"""The seller in memory takes nothing but a payment that fits its offer, and settles it once."""

import base64
import json
from typing import Any

import httpx
import pytest

from paygent.adapters.httpx import AsyncPaymentTransport
from paygent.core.requirements import Dialect
from paygent.testing.engine import MemoryEngine, memory_engine
from paygent.testing.seller import MemorySeller

pytestmark = pytest.mark.anyio
URL = "http://seller.test/thing"


async def bought(memory: MemoryEngine, seller: MemorySeller) -> httpx.Request:
    """Return a request that paid."""
    transport = AsyncPaymentTransport(memory.engine, inner=httpx.MockTransport(seller))
    async with httpx.AsyncClient(transport=transport) as client:
        assert 200 == (await client.get(URL)).status_code
    return seller.paid_requests[0]


def changed(request: httpx.Request, name: str, change: Any) -> httpx.Request:
    message = json.loads(base64.b64decode(request.headers[name]))
    change(message)
    return httpx.Request("GET", URL, headers={name: base64.b64encode(json.dumps(message).encode()).decode()})


@pytest.mark.parametrize("dialect", list(Dialect))
async def test_same_bytes_again_are_answered_without_a_second_transfer(dialect: Dialect) -> None:
    memory = memory_engine()
    seller = memory.seller(dialect=dialect)
    request = await bought(memory, seller)

    assert 200 == seller(request).status_code
    assert 1 == memory.transfers()


async def test_payment_that_was_tampered_with_is_refused() -> None:
    """Another offer, another amount, another payee, another signature: 402, and no money moves."""
    memory = memory_engine()
    seller = memory.seller()
    request = await bought(memory, seller)
    changes = [
        lambda message: message["accepted"].update(amount="1"),
        lambda message: message["payload"]["authorization"].update(value="999", nonce=f"0x{'01' * 32}"),
        lambda message: message["payload"]["authorization"].update(to=memory.payer, nonce=f"0x{'02' * 32}"),
        lambda message: message["payload"].update(signature=f"0x{'11' * 64}1b"),
    ]

    fresh = memory.seller()
    answers = [fresh(changed(request, "payment-signature", change)) for change in changes]

    assert [402] * 4 == [answer.status_code for answer in answers]
    assert 1 == memory.transfers()


async def test_v1_payment_for_another_network_is_refused() -> None:
    memory = memory_engine()
    seller = memory.seller(dialect=Dialect.V1)
    request = await bought(memory, seller)

    answer = seller(changed(request, "x-payment", lambda message: message.update(network="base")))

    assert 402 == answer.status_code
    assert 1 == memory.transfers()
