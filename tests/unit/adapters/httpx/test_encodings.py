"""Whatever coding is offered to a seller, its 402 answer is read in it, and no bomb is."""

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import anyio.to_thread
import httpx
import pytest
import zstandard

from paygent.adapters.httpx import PAYMENT, AsyncPaymentTransport, PaymentTransport
from paygent.adapters.httpx.bodies import MAX_CODINGS, peek, readable
from paygent.client import SyncX402Client, X402Client
from paygent.core.requirements import Dialect
from paygent.engine.portal import Portal
from paygent.testing.engine import memory_engine

pytestmark = pytest.mark.anyio
URL = "http://seller.test/paid"


def raw_deflate(body: bytes) -> bytes:
    packed = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packed.compress(body) + packed.flush()


CODINGS: dict[str, list[Callable[[bytes], bytes]]] = {
    "gzip": [gzip.compress],
    "deflate": [zlib.compress, raw_deflate],
    "zstd": [zstandard.ZstdCompressor().compress],
    "deflate, gzip": [lambda body: gzip.compress(zlib.compress(body))],
    "identity, gzip": [gzip.compress],
    " ZSTD ": [zstandard.ZstdCompressor().compress],
}
CASES = [(name, code) for name, codes in CODINGS.items() for code in codes]


def answer(coding: str, body: bytes) -> httpx.Response:
    return httpx.Response(402, headers={"content-encoding": coding}, stream=httpx.ByteStream(body))


@pytest.mark.parametrize(("coding", "code"), CASES, ids=[name for name, _ in CASES])
async def test_offer_in_a_coding_is_read_and_paid(coding: str, code: Callable[[bytes], bytes]) -> None:
    memory = memory_engine()
    seller = memory.seller(dialect=Dialect.V1)

    def serve(request: httpx.Request) -> httpx.Response:
        said = seller(request)
        return answer(coding, code(said.read())) if said.status_code == 402 else said

    transport = AsyncPaymentTransport(memory.engine, inner=httpx.MockTransport(serve))
    async with httpx.AsyncClient(transport=transport) as client:
        response = await client.get(URL)

    assert (200, 1) == (response.status_code, memory.transfers())
    assert PAYMENT in response.extensions


@pytest.mark.parametrize("kind", [AsyncPaymentTransport, PaymentTransport, X402Client, SyncX402Client])
async def test_no_coding_is_offered_that_is_not_read(kind: type) -> None:
    memory, asked = memory_engine(), list[str]()

    def serve(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers["accept-encoding"])
        return httpx.Response(200)

    inner = httpx.MockTransport(serve)
    if kind is AsyncPaymentTransport:
        async with httpx.AsyncClient(transport=AsyncPaymentTransport(memory.engine, inner=inner)) as client:
            await client.get(URL)
    elif kind is PaymentTransport:
        with httpx.Client(transport=PaymentTransport(memory.engine, inner=inner)) as blocking:
            await anyio.to_thread.run_sync(blocking.get, URL)
    elif kind is X402Client:
        async with X402Client(memory.engine, transport=inner) as paying:
            await paying.get(URL)
    else:
        with Portal() as portal, SyncX402Client(memory.engine, portal=portal, transport=inner) as waiting:
            waiting.get(URL)

    (offered,) = asked
    assert {"gzip", "deflate", "zstd"} <= readable()
    assert set(offered.split(", ")) <= readable()


@pytest.mark.parametrize("coding", ["zstd", "deflate"])
async def test_bomb_is_not_read(coding: str) -> None:
    """A gigabyte of zeros in some kilobytes: as soon as it is above the limit, nothing more is unpacked."""
    unpacked = bytes(8 << 20)
    bomb = CODINGS[coding][0](unpacked)
    body, same = await peek(answer(coding, bomb), 1 << 20, 5)

    assert body is None
    assert bomb == b"".join([chunk async for chunk in same.stream])  # type: ignore[union-attr]  # asynchronous here


@pytest.mark.parametrize("layers", [2, 3, 4])
async def test_bomb_in_a_bomb_is_not_read(layers: int) -> None:
    """A byte of the outermost can hold a gigabyte of the innermost."""
    coded = bytes(16 << 20)
    for _ in range(layers):
        coded = gzip.compress(coded, 1)
    tracemalloc.start()
    body, _ = await peek(answer(", ".join(["gzip"] * layers), coded), 1 << 20, 5)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert body is None
    assert most < 4 << 20


async def test_more_codings_than_anybody_needs_are_not_read() -> None:
    """Thousands of them, each cheap to say, would take hours."""
    coded = b"{}"
    for _ in range(MAX_CODINGS + 1):
        coded = gzip.compress(coded)
    body, _ = await peek(answer(",".join(["gzip"] * (MAX_CODINGS + 1)), coded), 1 << 20, 5)

    assert body is None


@pytest.mark.parametrize("coding", ["br, unheard-of", "unheard-of", "zstd", "deflate"])
async def test_what_cannot_be_read_is_none(coding: str) -> None:
    body, _ = await peek(answer(coding, b"\xffnot in that coding"), 1 << 20, 5)

    assert body is None
