"""One HTTP exchange with a service of the user's choice: bounded, typed errors, and a URL that stays private.

The one module that other adapters may import.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from ssl import SSLContext
from typing import TypeVar

import anyio
import httpx
import idna

from paygent.core.errors import AdapterError, ConfigurationError

_T = TypeVar("_T")
_ATTEMPTS = 4
_SAFE_TO_SAY = 240
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


class _PrivateURL(httpx.URL):
    """Shows its host only. URLs of chain endpoints hold API keys, and httpx logs each URL it sends to."""

    def __str__(self) -> str:
        return f"{self.scheme}://{_host(self)}/..."

    def __repr__(self) -> str:
        return f"URL({str(self)!r})"


class _Whole(httpx.AsyncByteStream):
    """A body in one piece. httpx's own is a generator, which a cancelled send leaves open; trio complains of that."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _Once(self._body)


class _Once(AsyncIterator[bytes]):
    def __init__(self, body: bytes) -> None:
        self._left = [body]

    async def __anext__(self) -> bytes:
        if not self._left:
            raise StopAsyncIteration
        return self._left.pop()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever the status."""

    status: int
    body: bytes = field(repr=False)
    location: str | None = None
    """The host a redirect leads to; redirects are never followed."""

    @property
    def transient(self) -> bool:
        """The status says that the same request may be answered later."""
        return self.status == 429 or self.status >= 500


class Endpoint:
    """A base URL, and the client that speaks to it. A client that was given stays the giver's to close.

    Its own client reads no environment: behind a proxy, give one.
    """

    def __init__(
        self,
        url: str,
        *,
        noun: str,
        client: httpx.AsyncClient | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float,
        max_bytes: int = 8 * 1024 * 1024,
    ) -> None:
        self._url = _parse(url, noun)
        self._headers = {"Accept": "application/json", "Accept-Encoding": "identity", **(headers or {})}
        self._timeout_seconds = timeout_seconds
        self._max_bytes = max_bytes
        self._given = client
        self._own: httpx.AsyncClient | None = None
        self._closed = False
        self.name = f"{noun} {_host(self._url)}"
        """What errors call it."""

    def __repr__(self) -> str:
        return f"<{self.name}>"

    async def exchange(
        self, method: str, path: str = "", *, body: bytes | None = None, query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None, read: bool = True,
    ) -> Answer:  # fmt: skip
        """Send one request and return the whole answer. `read` says that sending it twice does no harm.

        Raises: AdapterError: no whole answer came; retryable for a read, and where nothing can have been sent.
        """
        request = self._request(method, path, body, query, headers)
        try:
            with anyio.fail_after(self._timeout_seconds):
                return await self._send(request)
        except TimeoutError as late:
            raise AdapterError(f"{self.name} did not answer in {self._timeout_seconds} s", retryable=read) from late
        except (httpx.HTTPError, httpx.InvalidURL, idna.IDNAError) as broken:  # the last of a place it leads to
            raise AdapterError(
                f"{self.name} could not be reached ({type(broken).__name__}: {self.scrub(str(broken))})",
                retryable=read or isinstance(broken, _NEVER_SENT),
            ) from broken

    async def retried(self, ask: Callable[[], Awaitable[_T]]) -> _T:
        """Return what `ask` returns; while it raises a retryable AdapterError, ask again a few times, ever later.

        The whole takes at most three times the timeout. Tenacity is imported when something fails, not before.
        """
        try:
            return await ask()
        except AdapterError as error:
            if not error.retryable:
                raise
        return await _again(ask, self._timeout_seconds)

    def scrub(self, text: str) -> str:
        """Return the beginning of `text`, on one line, without any part of the URL but the host."""
        for secret in _secrets(self._url):
            text = text.replace(secret, "...")
        return "".join(char if char.isprintable() else " " for char in text[:_SAFE_TO_SAY])

    async def aclose(self) -> None:
        """Close the connections, unless the client was given. Safe to call twice."""
        self._closed = True
        if self._own is not None:
            await self._own.aclose()

    def _request(
        self,
        method: str,
        path: str,
        body: bytes | None,
        query: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
    ) -> httpx.Request:
        url = self._url
        if path:
            url = url.copy_with(raw_path=url.raw_path.partition(b"?")[0].rstrip(b"/") + path.encode())
        if query:
            url = url.copy_merge_params(query)
        sent = {**self._headers, **(headers or {})}
        if body is not None:
            sent["Content-Type"] = "application/json"
        request = self._client().build_request(
            method, url, content=body, headers=sent, timeout=httpx.Timeout(self._timeout_seconds)
        )
        request.url = _PrivateURL(request.url)
        if body is not None:
            request.stream = _Whole(body)
        return request

    async def _send(self, request: httpx.Request) -> Answer:
        response = await self._client().send(request, stream=True, follow_redirects=False)
        try:
            return Answer(response.status_code, await self._body(response), _redirect(response))
        finally:
            await response.aclose()

    async def _body(self, response: httpx.Response) -> bytes:
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise AdapterError(f"{self.name} answered compressed, which it was asked not to", retryable=False)
        read = bytearray()
        async for chunk in response.aiter_bytes():
            read += chunk
            if len(read) > self._max_bytes:
                raise AdapterError(f"{self.name} answered with more than {self._max_bytes} bytes", retryable=False)
        return bytes(read)

    def _client(self) -> httpx.AsyncClient:
        if self._closed:
            raise AdapterError(f"{self.name} was closed; open it again", retryable=False)
        if self._given is not None:
            return self._given
        if self._own is None:
            self._own = httpx.AsyncClient(verify=_trust(), trust_env=False)
        return self._own


@cache
def _trust() -> SSLContext:
    """Return one TLS context for the process: building it takes 20 ms."""
    return httpx.create_ssl_context(trust_env=False)


async def _again(ask: Callable[[], Awaitable[_T]], timeout_seconds: float) -> _T:
    from tenacity import (
        AsyncRetrying,
        retry_if_exception,
        stop_after_attempt,
        stop_before_delay,
        wait_random_exponential,
    )

    await anyio.sleep(0.05)
    retrying = AsyncRetrying(
        sleep=anyio.sleep,
        stop=stop_after_attempt(_ATTEMPTS - 1) | stop_before_delay(timeout_seconds),
        wait=wait_random_exponential(multiplier=0.1, max=2, min=0.05),
        retry=retry_if_exception(lambda error: isinstance(error, AdapterError) and error.retryable),
        reraise=True,
    )
    return await retrying(ask)


def _parse(url: str, noun: str) -> httpx.URL:
    if (parsed := _whole(url)) is None:
        raise ConfigurationError(f"the URL of the {noun} must be like https://host/path; the one given is not")
    return parsed


def _whole(url: str) -> httpx.URL | None:
    try:
        parsed = httpx.URL(url)
        fine = parsed.scheme in ("http", "https") and parsed.host and 0 < (parsed.port or 1) < 2**16
        return parsed if fine else None
    except (httpx.InvalidURL, TypeError, ValueError):
        return None


def _host(url: httpx.URL) -> str:
    return url.netloc.decode("ascii")


def _redirect(response: httpx.Response) -> str | None:
    request = response.next_request
    return None if request is None else _host(request.url)


def _secrets(url: httpx.URL) -> list[str]:
    """Return the parts of the URL that may be keys, longest first."""
    parts = [url.username, url.password, *re.split(r"[/?&=]", url.raw_path.decode("ascii")), *url.params.values()]
    return sorted({part for part in parts if len(part) >= 6}, key=len, reverse=True)
