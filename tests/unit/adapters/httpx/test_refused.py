"""A paid send whose connection is refused, by real sockets: the same bytes go out again once somebody listens."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest

from paygent.adapters.httpx import PAYMENT, AsyncPaymentTransport
from paygent.core.errors import PaymentOutcomeUnknown
from paygent.core.halt import Halt
from paygent.core.lifecycle import Event, State
from paygent.engine import pay
from paygent.testing.engine import MemoryEngine, memory_engine
from paygent.testing.seller import MemorySeller

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pay, "RESEND_DELAY_SECONDS", 0)


class Shop:
    """A seller on 127.0.0.1 that stops listening as soon as it has said what it wants."""

    def __init__(self, seller: MemorySeller) -> None:
        self.seller = seller
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._server: HTTPServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/paid"

    def listen(self) -> None:
        class Handler(_Handler):
            shop = self

        self._server = HTTPServer(("127.0.0.1", self.port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.005})
        self._thread.start()

    def stop(self) -> None:
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server = None


class _Handler(BaseHTTPRequestHandler):
    shop: Shop

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = dict(self.headers.items())
        asked = httpx.Request("POST", self.shop.url, headers=headers, content=content)
        answer = self.shop.seller(asked)
        self.send_response(answer.status_code)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(answer.read())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  its name there
        return


@contextmanager
def opened(memory: MemoryEngine) -> Iterator[Shop]:
    shop = Shop(memory.seller())
    shop.listen()
    try:
        yield shop
    finally:
        shop.stop()


class Refusing(httpx.AsyncBaseTransport):
    """Real connections; the shop listens again once it has refused so many."""

    def __init__(self, shop: Shop, refusals: int) -> None:
        self._shop = shop
        self._inner = httpx.AsyncHTTPTransport()
        self._refusals = refusals
        self.refused = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            response = await self._inner.handle_async_request(request)
        except httpx.ConnectError:
            self.refused += 1
            if self.refused == self._refusals:
                self._shop.listen()
            raise
        if response.status_code == 402 and not self.refused:
            await response.aread()
            self._shop.stop()
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


async def buy(memory: MemoryEngine, shop: Shop, inner: Refusing) -> httpx.Response:
    transport = AsyncPaymentTransport(memory.engine, inner=inner)
    async with httpx.AsyncClient(transport=transport) as client:
        return await client.post(shop.url, content=b"an order")


async def test_post_whose_connection_is_refused_goes_out_again_with_the_same_bytes() -> None:
    memory = memory_engine()
    with opened(memory) as shop:
        inner = Refusing(shop, refusals=2)
        response = await buy(memory, shop, inner)

    payment = response.extensions[PAYMENT].payment
    assert (200, 2, 1) == (response.status_code, inner.refused, memory.transfers())
    assert [b"an order"] * 2 == [request.content for request in shop.seller.requests]
    assert 1 == len(memory.signer.signed)
    events = [line.event for line in payment.history if line.event in (Event.SEND_BEGUN, Event.OUTCOME_LOST)]
    assert [Event.SEND_BEGUN, Event.OUTCOME_LOST] * 2 + [Event.SEND_BEGUN] == events


async def test_post_whose_connections_are_all_refused_is_unknown() -> None:
    """The signed bytes are durable, and only the chain frees the budget."""
    memory = memory_engine()
    with opened(memory) as shop:
        inner = Refusing(shop, refusals=0)
        with pytest.raises(PaymentOutcomeUnknown, match="ConnectError"):
            await buy(memory, shop, inner)

    assert (pay.RESENDS + 1, 0) == (inner.refused, memory.transfers())
    assert {State.OUTCOME_UNKNOWN: 1} == dict(await memory.states())
    assert (1_000, 0) == memory.held()


async def test_halt_stops_what_was_refused_a_connection() -> None:
    memory = memory_engine()

    class Halting(Refusing):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            try:
                return await super().handle_async_request(request)
            except httpx.ConnectError:
                halt = Halt(scope="everything", by="ann", reason="test", at=memory.clock.now())
                await memory.journal.halt(halt)
                raise

    with opened(memory) as shop:
        inner = Halting(shop, refusals=1)
        with pytest.raises(PaymentOutcomeUnknown, match="halted"):
            await buy(memory, shop, inner)

    assert (1, 0) == (inner.refused, memory.transfers())
