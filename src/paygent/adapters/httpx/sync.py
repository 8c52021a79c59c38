"""The synchronous payment transport: the same decisions, in the portal's loop.

The asynchronous transport runs in the portal, and calls the synchronous inner transport in worker threads.
"""

from collections.abc import AsyncIterator, Iterator
from types import TracebackType
from typing import Self

import anyio.from_thread
import anyio.to_thread
import httpx

from paygent.adapters.httpx.bodies import with_stream
from paygent.adapters.httpx.transport import PAID_TIMEOUT_SECONDS, AsyncPaymentTransport
from paygent.engine.pay import Engine
from paygent.engine.portal import Portal
from paygent.ports.entropy import Entropy


class PaymentTransport(httpx.BaseTransport):
    """Pays the 402 answers that the inner transport brings, through one engine that lives in `portal`."""

    def __init__(
        self,
        engine: Engine,
        *,
        inner: httpx.BaseTransport | None = None,
        portal: Portal | None = None,
        entropy: Entropy | None = None,
        paid_timeout_seconds: float = PAID_TIMEOUT_SECONDS,
    ) -> None:
        self._inner = httpx.HTTPTransport() if inner is None else inner
        self._own_portal = portal is None
        self._closed = False
        self._portal = Portal() if portal is None else portal
        self._transport = AsyncPaymentTransport(
            engine,
            inner=_Threaded(self._inner),
            entropy=entropy,
            paid_timeout_seconds=paid_timeout_seconds,
        )

    def __enter__(self) -> Self:
        self._inner.__enter__()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End looking for proofs, the inner transport, and the portal if it is our own. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        self._portal.call(self._transport.aclose)
        if self._own_portal:
            self._portal.close()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; where the answer is an x402 offer, pay it and send the request again.

        Raises: PaygentError: see `paygent.core.errors`. What has nothing to do with payment raises httpx's own errors.
        """
        asynchronous = _asynchronous(request)
        try:
            response = self._portal.call(lambda: self._transport.handle_async_request(asynchronous))
        finally:  # httpx, or who tries again, may bring the request once more
            request.extensions = asynchronous.extensions
            if isinstance(asynchronous.stream, httpx.ByteStream):
                request.stream = asynchronous.stream
        stream = response.stream
        if isinstance(stream, httpx.ByteStream):
            return response
        assert isinstance(stream, httpx.AsyncByteStream)  # noqa: S101  the asynchronous transport returned it
        return with_stream(response, _Blocking(stream, self._portal))


class _Threaded(httpx.AsyncBaseTransport):
    """A synchronous transport as an asynchronous one, by worker threads."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        stream = request.stream
        if isinstance(stream, _AsyncBody):
            request.stream = stream.body
        elif not isinstance(stream, httpx.SyncByteStream):
            assert isinstance(stream, httpx.AsyncByteStream)  # noqa: S101  httpx has no third kind
            request.stream = _FromThread(stream)
        response = await anyio.to_thread.run_sync(self._inner.handle_request, request, abandon_on_cancel=True)
        assert isinstance(response.stream, httpx.SyncByteStream)  # noqa: S101  the inner transport is synchronous
        return with_stream(response, _AsyncBody(response.stream))

    async def aclose(self) -> None:
        await anyio.to_thread.run_sync(self._inner.close)


class _AsyncBody(httpx.AsyncByteStream):
    """A synchronous stream, read in worker threads."""

    def __init__(self, body: httpx.SyncByteStream) -> None:
        self.body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = iter(self.body)
        while (chunk := await anyio.to_thread.run_sync(next, chunks, None)) is not None:
            yield chunk

    async def aclose(self) -> None:
        await anyio.to_thread.run_sync(self.body.close)


class _FromThread(httpx.SyncByteStream):
    """An asynchronous body, read from one of the loop's worker threads."""

    def __init__(self, body: httpx.AsyncByteStream) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        chunks = self._body.__aiter__()
        while (chunk := anyio.from_thread.run(_next, chunks)) is not None:
            yield chunk

    def close(self) -> None:
        anyio.from_thread.run(self._body.aclose)


class _Blocking(httpx.SyncByteStream):
    """An asynchronous stream, read through the portal."""

    def __init__(self, body: httpx.AsyncByteStream, portal: Portal) -> None:
        self._body = body
        self._portal = portal

    def __iter__(self) -> Iterator[bytes]:
        chunks = self._body.__aiter__()
        while (chunk := self._portal.call(lambda: anext(chunks, None))) is not None:
            yield chunk

    def close(self) -> None:
        self._portal.call(self._body.aclose)


async def _next(chunks: AsyncIterator[bytes]) -> bytes | None:
    return await anext(chunks, None)


def _asynchronous(request: httpx.Request) -> httpx.Request:
    """Return the request with a body that the asynchronous transport can read."""
    stream = request.stream
    if isinstance(stream, httpx.SyncByteStream) and not isinstance(stream, httpx.ByteStream):
        stream = _AsyncBody(stream)
    return httpx.Request(
        request.method, request.url, headers=request.headers, stream=stream, extensions=request.extensions
    )
