"""A payment is found by the request that it was made for, as its caller wrote it."""

import anyio.to_thread
import httpx
import pytest

from paygent.client import SyncX402Client, X402Client
from paygent.core.payment import Payment
from paygent.engine.portal import Portal
from paygent.testing.engine import memory_engine

pytestmark = pytest.mark.anyio
URLS = [
    "http://seller.test",
    "http://Seller.test:80/thing",
    "HTTP://seller.test/a b?c=d e#part",
    "http://bücher.test/ü?q=é",
    "http://me:pass@seller.test/thing",
    "http://seller.test/a/../%7Eb?c=[1]",
]


@pytest.mark.parametrize("url", URLS)
async def test_payment_is_found_by_the_url_as_it_was_asked_for(url: str) -> None:
    memory = memory_engine()
    async with X402Client(memory.engine, transport=httpx.MockTransport(memory.seller())) as client:
        await client.post(url, content=b"question")

        assert await client.payment_of("post", url, content=b"question") is not None
        assert await client.payment_of("POST", url) is None


async def test_payment_is_found_by_a_path_of_the_base_url() -> None:
    memory, own = memory_engine(), {"key": "1"}
    transport = httpx.MockTransport(memory.seller())
    async with X402Client(memory.engine, transport=transport, base_url="http://seller.test/api", params=own) as client:
        await client.get("/thing")
        await client.get("/thing", params={"page": "2"})

        places = ["/thing", "http://seller.test/api/thing", "http://seller.test/api/thing?key=1&page=2"]
        found = [await client.payment_of("GET", url) for url in places]

    resources = ["http://seller.test/api/thing?key=1"] * 2 + ["http://seller.test/api/thing?key=1&page=2"]
    assert resources == [payment.intent.resource for payment in found if payment is not None]


async def test_synchronous_client_finds_it_too() -> None:
    memory = memory_engine()
    found: list[Payment | None] = []

    def buy() -> None:
        wire = httpx.MockTransport(memory.seller())
        with Portal() as portal, SyncX402Client(memory.engine, portal=portal, transport=wire) as client:
            client.get(URLS[2])
            found.append(client.payment_of("GET", URLS[2]))

    await anyio.to_thread.run_sync(buy)

    assert [False] == [payment is None for payment in found]
