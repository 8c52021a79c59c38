"""Request bodies that can be sent again, and answers that are looked into without being lost."""

import math
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from functools import cache
from time import monotonic

import httpx

_WBITS = {"gzip": (zlib.MAX_WBITS | 16,), "deflate": (zlib.MAX_WBITS, -zlib.MAX_WBITS)}
"""What zlib calls the codings that it reads; some servers send deflate without its header."""
MAX_CODINGS = 4
"""How many codings inside each other are unpacked."""
_STEP = 16
"""Bytes that are unpacked at once where nothing bounds what they hold: a few megabytes in the worst coding."""


class Rejoined(httpx.AsyncByteStream):
    """Chunks that were read already, then the rest of the stream they came from."""

    def __init__(self, chunks: Sequence[bytes], rest: AsyncIterator[bytes], source: httpx.AsyncByteStream) -> None:
        self._chunks = chunks
        self._rest = rest
        self._source = source

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk
        async for chunk in self._rest:
            yield chunk

    async def aclose(self) -> None:
        """Close the stream the rest comes from."""
        await _close(self._rest)
        await self._source.aclose()


async def replayable(request: httpx.Request, limit: int) -> bytes | None:
    """Return the request's body, kept so that it can be sent again, or None where it is longer than `limit` bytes."""
    stream = request.stream
    if isinstance(stream, httpx.ByteStream):
        return await request.aread()
    if not isinstance(stream, httpx.AsyncByteStream) or _announced(request) > limit:
        return None
    chunks, rest = await _read(stream, limit)
    if rest is not None:
        request.stream = Rejoined(chunks, rest, stream)
        return None
    body = b"".join(chunks)
    request.stream = httpx.ByteStream(body)
    return body


def patience(request: httpx.Request) -> float:
    """Return how many seconds a client waits for the answer to a request, and for all of an offer's body."""
    seconds: float | None = request.extensions.get("timeout", {}).get("read")
    return math.inf if seconds is None else seconds


async def peek(response: httpx.Response, most: int, seconds: float) -> tuple[bytes | None, httpx.Response]:
    """Return the answer's decoded body, and an answer that still has it.

    None where the body is longer than `most` bytes, coded or decoded, or in a coding that is not `readable`.

    Raises: httpx.ReadTimeout: the body comes drop by drop, and has no end after `seconds`.
    """
    stream = response.stream
    assert isinstance(stream, httpx.AsyncByteStream)  # noqa: S101  only asynchronous transports come here
    try:
        chunks, rest = await _read(stream, most, seconds)
    except httpx.ReadTimeout:
        await stream.aclose()
        raise
    if rest is not None:
        return None, with_stream(response, Rejoined(chunks, rest, stream))
    await stream.aclose()
    raw = b"".join(chunks)
    return _decoded(raw, response.headers.get("content-encoding", ""), most), with_stream(
        response, httpx.ByteStream(raw)
    )


async def discard(response: httpx.Response, most: int, seconds: float) -> None:
    """Let go of an answer, read first so that its connection can be used again; one above `most` bytes is cut off.

    Raises: httpx.ReadTimeout: as `peek`.
    """
    stream = response.stream
    assert isinstance(stream, httpx.AsyncByteStream)  # noqa: S101  only asynchronous transports come here
    if isinstance(stream, httpx.ByteStream) or response.is_stream_consumed:
        return  # what an inner transport has read is not there to be read again
    try:
        _, rest = await _read(stream, most, seconds)
        if rest is not None:
            await _close(rest)
    finally:
        await stream.aclose()


def with_stream(response: httpx.Response, stream: httpx.AsyncByteStream | httpx.SyncByteStream) -> httpx.Response:
    """Return the answer with another body stream: the same object, or, where its own body is read, one that is not.

    Both share one `extensions`, where a proof may come later.
    """
    if not response.is_stream_consumed:
        response.stream = stream
        return response
    same = httpx.Response(response.status_code, headers=response.headers, stream=stream)
    same.extensions = response.extensions
    return same


async def _read(
    stream: httpx.AsyncByteStream, most: int, seconds: float = math.inf
) -> tuple[list[bytes], AsyncIterator[bytes] | None]:
    """Read to the end, or to the first chunk above `most` bytes; then the rest is returned too."""
    chunks: list[bytes] = []
    size, until = 0, monotonic() + seconds
    rest = stream.__aiter__()
    async for chunk in rest:
        chunks.append(chunk)
        size += len(chunk)
        if size > most:
            return chunks, rest
        if monotonic() > until:
            await _close(rest)
            raise httpx.ReadTimeout(f"the answer has no end after {seconds} seconds")
    return chunks, None


async def _close(chunks: AsyncIterator[bytes]) -> None:
    """Close what is left half way, of which trio warns."""
    if isinstance(chunks, AsyncGenerator):
        await chunks.aclose()  # pyright: ignore[reportUnknownMemberType]  # what it could be sent is unknown


def _decoded(raw: bytes, encoding: str, limit: int) -> bytes | None:
    """Unpack one coding after the other, each to `limit` bytes: a bomb in a bomb holds more by a thousand a layer."""
    codings = [word for each in encoding.split(",") if (word := each.strip().lower()) not in {"", "identity"}]
    body: bytes | None = raw if len(codings) <= MAX_CODINGS else None
    while codings and body is not None:
        body = _uncoded(body, codings.pop(), limit)
    return body


def _uncoded(body: bytes, coding: str, limit: int) -> bytes | None:
    if coding in _WBITS:
        tries = (_inflated(body, wbits, limit) for wbits in _WBITS[coding])
        return next((found for found in tries if found is not None), None)
    return _unpacked(body, coding, limit) if coding in readable() else None


@cache
def readable() -> frozenset[str]:
    """Return the content codings that httpx reads here, which its clients offer: brotli and zstd where installed."""
    with httpx.Client(transport=httpx.BaseTransport(), trust_env=False) as client:
        return frozenset(word.strip() for word in client.headers["accept-encoding"].split(","))


def _inflated(raw: bytes, wbits: int, limit: int) -> bytes | None:
    inflate = zlib.decompressobj(wbits=wbits)
    try:
        body = inflate.decompress(raw, limit + 1)
    except zlib.error:
        return None
    return None if len(body) > limit else body


def _unpacked(raw: bytes, coding: str, limit: int) -> bytes | None:
    """Return what httpx's decoder reads, some bytes at a time: it knows no limit."""
    pieces = (raw[at : at + _STEP] for at in range(0, len(raw), _STEP))
    coded = httpx.Response(200, headers={"content-encoding": coding}, content=pieces)
    body = bytearray()
    try:
        for chunk in coded.iter_bytes():
            body += chunk
            if len(body) > limit:
                return None
    except httpx.DecodingError:
        return None
    return bytes(body)


def _announced(request: httpx.Request) -> int:
    length = request.headers.get("content-length", "0")
    return int(length) if length.isascii() and length.isdigit() else 0
