"""Clients that pay: httpx clients whose 402 answers are settled under a policy and a journal.

Everything an httpx client takes works here: base_url, auth, headers, cookies, event hooks, redirects, `proxy=` and
`mounts=`. Proxies from the environment are not used; pass `proxy=`.

What pays is loaded when the first client is made: whoever only imports a client waits for httpx and nothing else.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Self, TypedDict, Unpack

import httpx

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
    from types import TracebackType

    from paygent.adapters.httpx import AsyncPaymentTransport, PaymentTransport
    from paygent.core.ids import PaymentId
    from paygent.core.lifecycle import State
    from paygent.core.money import Amount
    from paygent.core.payment import Payment, Receipt
    from paygent.engine.handle import PaymentHandle
    from paygent.engine.pay import Engine
    from paygent.engine.portal import Portal
    from paygent.engine.quote import Quote
    from paygent.ports.storage import PaymentPage
    from paygent.runtime.assemble import Wiring

_PAID_TIMEOUT_SECONDS = 90.0  # that of `adapters.httpx`, without loading it


class ConnectionOptions(TypedDict, total=False):
    """How httpx connects; the payment layer goes on top of every transport that comes of it."""

    verify: Any
    cert: Any
    http1: bool
    http2: bool
    limits: httpx.Limits
    proxy: httpx.Proxy | httpx.URL | str | None


class ClientOptions(ConnectionOptions, total=False):
    """What an httpx client takes."""

    auth: Any
    params: Any
    headers: Any
    cookies: Any
    timeout: Any
    follow_redirects: bool
    max_redirects: int
    event_hooks: Mapping[str, Sequence[Any]]
    base_url: httpx.URL | str
    default_encoding: Any


class RequestOptions(TypedDict, total=False):
    """What a request takes; the first three lines are about paying for it, the rest is httpx's."""

    idempotency_key: str | None
    """The caller's own name for the purchase: the same key and request is paid once, and fetched again by it."""
    new_purchase: bool
    """Buy even where the same request has a payment that is unknown or undelivered."""
    max_amount: Amount | str | None
    """The most this request may cost, in place of the policy's `max_per_payment`; text is in units of the token."""
    content: Any
    data: Any
    files: Any
    json: Any
    params: Any
    headers: Any
    cookies: Any
    auth: Any
    follow_redirects: Any
    timeout: Any
    extensions: Mapping[str, Any]


_CONNECTION = frozenset(ConnectionOptions.__annotations__)


class X402Client:
    """An asynchronous HTTP client that pays for what costs money. Works under asyncio and trio."""

    def __init__(
        self,
        engine: Engine,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        mounts: Mapping[str, httpx.AsyncBaseTransport | None] | None = None,
        paid_timeout_seconds: float = _PAID_TIMEOUT_SECONDS,
        **options: Unpack[ClientOptions],
    ) -> None:
        """Take an engine; `open` makes one from settings.

        Args:
            transport, mounts: inner transports; the payment layer is put on top of each.
            paid_timeout_seconds: how long a paid send waits for its answer, unless `timeout` is longer.
        """
        from paygent.adapters.httpx import AsyncPaymentTransport

        connection, rest = _split(options)

        def paying(inner: httpx.AsyncBaseTransport) -> AsyncPaymentTransport:
            return AsyncPaymentTransport(engine, inner=inner, paid_timeout_seconds=paid_timeout_seconds)

        self._engine = engine
        self._http = httpx.AsyncClient(
            transport=paying(httpx.AsyncHTTPTransport(**connection) if transport is None else transport),
            mounts={at: None if inner is None else paying(inner) for at, inner in (mounts or {}).items()},
            trust_env=False,
            **rest,
        )

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        mounts: Mapping[str, httpx.AsyncBaseTransport | None] | None = None,
        paid_timeout_seconds: float = _PAID_TIMEOUT_SECONDS,
        options: ClientOptions | None = None,
        **wiring: Unpack[Wiring],
    ) -> AsyncGenerator[Self]:
        """Make a client, with its signer, journal and chains from arguments, else from settings; close all at the end.

        Args: options: what the httpx client takes. wiring: see `runtime.assemble.Wiring`.

        Raises: ConfigurationError: something is missing or wrong; the message says how to configure it.
        """
        from paygent.runtime.assemble import assemble

        async with assemble(**wiring) as engine:
            client = cls(
                engine,
                transport=transport,
                mounts=mounts,
                paid_timeout_seconds=paid_timeout_seconds,
                **(options or ClientOptions()),
            )
            async with client:
                yield client

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self._http.__aexit__(exc_type, exc_value, traceback)

    async def aclose(self) -> None:
        """Close the connections; the engine stays open."""
        await self._http.aclose()

    @property
    def address(self) -> str:
        """The wallet that pays, an EIP-55 checksummed address."""
        return self._engine.address

    @property
    def engine(self) -> Engine:
        """What pays."""
        return self._engine

    async def request(self, method: str, url: httpx.URL | str, **options: Unpack[RequestOptions]) -> httpx.Response:
        """Send a request and pay if the policy agrees; the answer has `paygent.payment` and `paygent.receipt`.

        Raises: PaygentError: see `paygent.core.errors`; httpx's own errors where nothing was paid.
        """
        return await self._http.request(method, url, **_paying(options))

    async def get(self, url: httpx.URL | str, **options: Unpack[RequestOptions]) -> httpx.Response:
        """Send a GET request; see `request`."""
        return await self.request("GET", url, **options)

    async def post(self, url: httpx.URL | str, **options: Unpack[RequestOptions]) -> httpx.Response:
        """Send a POST request; see `request`."""
        return await self.request("POST", url, **options)

    @asynccontextmanager
    async def stream(
        self, method: str, url: httpx.URL | str, **options: Unpack[RequestOptions]
    ) -> AsyncGenerator[httpx.Response]:
        """Send a request and read the answer as it comes; it counts as delivered once it was read to its end.

        Raises: as `request`.
        """
        async with self._http.stream(method, url, **_paying(options)) as response:
            yield response

    async def quote(self, url: httpx.URL | str, *, method: str = "GET", **options: Unpack[RequestOptions]) -> Quote:
        """Ask what a request costs; nothing is signed. The request itself is sent, unpaid.

        Raises: httpx's own errors; AdapterError: the chain could not be read.
        """
        response = await self._http.request(method, url, **_quoting(options))
        return _quoted(response)

    async def payments(self, *, states: Sequence[State] = (), after: str | None = None, limit: int = 50) -> PaymentPage:
        """Return what this wallet's journal knows, newest first."""
        return await self._engine.journal.page(states=states, after=after, limit=limit)

    async def payment(self, payment_id: PaymentId) -> Payment | None:
        """Return a payment, or None."""
        return await self._engine.journal.get(payment_id)

    async def payment_of(self, method: str, url: httpx.URL | str, *, content: bytes = b"") -> Payment | None:
        """Return the newest payment for a request, or None: how to find it when its answer or exception was lost."""
        return await self._engine.payment_of(method, str(url), content)

    async def reconcile(self, payment_id: PaymentId) -> Payment:
        """Settle an unknown outcome by what the chain proves; return the payment as it is then.

        Raises: ConfigurationError: no such payment, or no endpoint for its chain. AdapterError: no answer.
        """
        return await self._engine.reconciler.reconcile(payment_id)


class SyncX402Client:
    """A synchronous HTTP client that pays for what costs money. Works where an event loop runs, as in Jupyter."""

    def __init__(
        self,
        engine: Engine,
        *,
        portal: Portal,
        transport: httpx.BaseTransport | None = None,
        mounts: Mapping[str, httpx.BaseTransport | None] | None = None,
        paid_timeout_seconds: float = _PAID_TIMEOUT_SECONDS,
        **options: Unpack[ClientOptions],
    ) -> None:
        """Take an engine that lives in `portal`; `open` makes both."""
        from paygent.adapters.httpx import PaymentTransport

        connection, rest = _split(options)

        def paying(inner: httpx.BaseTransport) -> PaymentTransport:
            return PaymentTransport(engine, inner=inner, portal=portal, paid_timeout_seconds=paid_timeout_seconds)

        self._engine = engine
        self._portal = portal
        self._http = httpx.Client(
            transport=paying(httpx.HTTPTransport(**connection) if transport is None else transport),
            mounts={at: None if inner is None else paying(inner) for at, inner in (mounts or {}).items()},
            trust_env=False,
            **rest,
        )

    @classmethod
    @contextmanager
    def open(
        cls,
        *,
        transport: httpx.BaseTransport | None = None,
        mounts: Mapping[str, httpx.BaseTransport | None] | None = None,
        paid_timeout_seconds: float = _PAID_TIMEOUT_SECONDS,
        options: ClientOptions | None = None,
        **wiring: Unpack[Wiring],
    ) -> Generator[Self]:
        """Make a client as `X402Client.open` does.

        Raises: ConfigurationError: something is missing or wrong; the message says how to configure it.
        """
        from paygent.engine.portal import Portal
        from paygent.runtime.assemble import assemble

        with Portal() as portal, portal.within(assemble(**wiring)) as engine:
            client = cls(
                engine,
                portal=portal,
                transport=transport,
                mounts=mounts,
                paid_timeout_seconds=paid_timeout_seconds,
                **(options or ClientOptions()),
            )
            with client:
                yield client

    def __enter__(self) -> Self:
        self._http.__enter__()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self._http.__exit__(exc_type, exc_value, traceback)

    def close(self) -> None:
        """Close the connections; the engine stays open."""
        self._http.close()

    @property
    def address(self) -> str:
        """The wallet that pays, an EIP-55 checksummed address."""
        return self._engine.address

    @property
    def engine(self) -> Engine:
        """What pays; its coroutines run in the client's portal."""
        return self._engine

    def request(self, method: str, url: httpx.URL | str, **options: Unpack[RequestOptions]) -> httpx.Response:
        """Send a request and pay if the policy agrees; see `X402Client.request`."""
        return self._http.request(method, url, **_paying(options))

    def get(self, url: httpx.URL | str, **options: Unpack[RequestOptions]) -> httpx.Response:
        """Send a GET request; see `request`."""
        return self.request("GET", url, **options)

    def post(self, url: httpx.URL | str, **options: Unpack[RequestOptions]) -> httpx.Response:
        """Send a POST request; see `request`."""
        return self.request("POST", url, **options)

    @contextmanager
    def stream(self, method: str, url: httpx.URL | str, **options: Unpack[RequestOptions]) -> Generator[httpx.Response]:
        """Send a request and read the answer as it comes; see `X402Client.stream`."""
        with self._http.stream(method, url, **_paying(options)) as response:
            yield response

    def quote(self, url: httpx.URL | str, *, method: str = "GET", **options: Unpack[RequestOptions]) -> Quote:
        """Ask what a request costs; see `X402Client.quote`."""
        return _quoted(self._http.request(method, url, **_quoting(options)))

    def payments(self, *, states: Sequence[State] = (), after: str | None = None, limit: int = 50) -> PaymentPage:
        """Return what this wallet's journal knows, newest first."""
        return self._portal.call(lambda: self._engine.journal.page(states=states, after=after, limit=limit))

    def payment(self, payment_id: PaymentId) -> Payment | None:
        """Return a payment, or None."""
        return self._portal.call(lambda: self._engine.journal.get(payment_id))

    def payment_of(self, method: str, url: httpx.URL | str, *, content: bytes = b"") -> Payment | None:
        """Return the newest payment for a request, or None; see `X402Client.payment_of`."""
        return self._portal.call(lambda: self._engine.payment_of(method, str(url), content))

    def reconcile(self, payment_id: PaymentId) -> Payment:
        """Settle an unknown outcome by what the chain proves; see `X402Client.reconcile`."""
        return self._portal.call(lambda: self._engine.reconciler.reconcile(payment_id))

    def settled(self, response: httpx.Response, *, timeout_seconds: float | None = None) -> Receipt:
        """Wait until the chain proves what became of the payment of `response`; see `PaymentHandle.settled`.

        Raises: ConfigurationError: the response was not paid for; and as `PaymentHandle.settled`.
        """
        from paygent.adapters.httpx import PAYMENT
        from paygent.core.errors import ConfigurationError

        handle: PaymentHandle | None = response.extensions.get(PAYMENT)
        if handle is None:
            raise ConfigurationError(f"{response!r} was not paid for")
        return self._portal.call(lambda: handle.settled(timeout_seconds=timeout_seconds))


def _split(options: ClientOptions) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the inner transport takes, and what the client takes."""
    connection = {name: value for name, value in options.items() if name in _CONNECTION}
    return connection, {name: value for name, value in options.items() if name not in _CONNECTION}


def _paying(options: RequestOptions) -> dict[str, Any]:
    """Return the options as httpx takes them: how to pay goes into the extensions."""
    from paygent.adapters.httpx import KEY, MAX_AMOUNT, NEW_PURCHASE

    names = {"idempotency_key": KEY, "new_purchase": NEW_PURCHASE, "max_amount": MAX_AMOUNT}
    rest = {name: value for name, value in options.items() if name not in names}
    wishes = {names[name]: value for name, value in options.items() if name in names and value is not None}
    if wishes:
        rest["extensions"] = {**options.get("extensions", {}), **wishes}
    return rest


def _quoting(options: RequestOptions) -> dict[str, Any]:
    from paygent.adapters.httpx import QUOTE

    rest = _paying(options)
    return {**rest, "extensions": {**rest.get("extensions", {}), QUOTE: True}}


def _quoted(response: httpx.Response) -> Quote:
    from paygent.adapters.httpx import QUOTE
    from paygent.engine.quote import Quote

    quote: Quote | None = response.extensions.get(QUOTE)
    if quote is not None:
        return quote
    url = response.request.url.copy_with(username=None, password=None)
    return Quote(url=str(url), free=response.is_success, status=response.status_code)
