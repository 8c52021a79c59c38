"""The asynchronous and the synchronous client behind one face, so that one suite tests both."""

import threading
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any, Self

import anyio.to_thread
import httpx

from paygent.adapters.httpx import AsyncPaymentTransport, PaymentTransport
from paygent.core.errors import PaygentError
from paygent.testing.engine import MemoryEngine

Handler = Callable[[httpx.Request], httpx.Response]


class Facade:
    """An httpx client of either kind over one engine and one handler, which is never entered twice at once."""

    def __init__(self, kind: str, memory: MemoryEngine, handler: Handler, **options: Any) -> None:
        self.memory = memory
        self._door = threading.Lock()
        self._handler = handler
        inner = httpx.MockTransport(self._handle)
        self._async: httpx.AsyncClient | None = None
        self._sync: httpx.Client | None = None
        if kind == "async":
            hooks = {name: [_asynchronous(hook) for hook in each] for name, each in options.pop("hooks", {}).items()}
            transport = AsyncPaymentTransport(memory.engine, inner=inner)
            self._async = httpx.AsyncClient(transport=transport, event_hooks=hooks, **options)
        else:
            hooks = options.pop("hooks", {})
            blocking = PaymentTransport(memory.engine, inner=inner)
            self._sync = httpx.Client(transport=blocking, event_hooks=hooks, **options)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._async is not None:
            await self._async.aclose()
        if self._sync is not None:
            await anyio.to_thread.run_sync(self._sync.close)

    async def send(self, method: str, url: str, **options: Any) -> httpx.Response:
        """Send a request and read the whole answer."""
        if self._async is not None:
            content = options.get("content")
            if isinstance(content, list):
                options["content"] = _chunks(content)
            return await self._async.request(method, url, **options)
        assert self._sync is not None
        content = options.get("content")
        if isinstance(content, list):
            options["content"] = iter(content)
        return await anyio.to_thread.run_sync(partial(self._sync.request, method, url, **options))

    async def get(self, url: str, **options: Any) -> httpx.Response:
        return await self.send("GET", url, **options)

    async def refused(self, url: str, **options: Any) -> PaygentError:
        """Return the error that a GET ends with."""
        try:
            response = await self.get(url, **options)
        except PaygentError as error:
            return error
        raise AssertionError(f"{url} answered {response}")

    async def glance(self, url: str, read: int) -> tuple[httpx.Response, bytes]:
        """Read so many chunks of an answer, and close it."""
        if self._async is not None:
            async with self._async.stream("GET", url) as response:
                got, chunks = b"", response.aiter_raw()
                for _ in range(read):
                    got += await anext(chunks)
                await chunks.aclose()  # type: ignore[attr-defined]
            return response, got
        return await anyio.to_thread.run_sync(self._glance, url, read)

    def _glance(self, url: str, read: int) -> tuple[httpx.Response, bytes]:
        assert self._sync is not None
        with self._sync.stream("GET", url) as response:
            chunks = response.iter_raw()
            return response, b"".join(next(chunks) for _ in range(read))

    def _handle(self, request: httpx.Request) -> httpx.Response:
        with self._door:
            return self._handler(request)


def _asynchronous(hook: Callable[[Any], None]) -> Callable[[Any], Any]:
    async def call(value: Any) -> None:
        hook(value)

    return call


async def _chunks(content: list[bytes]) -> Any:
    for chunk in content:
        yield chunk
