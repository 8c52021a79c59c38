"""The asynchronous client."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Self, Unpack

import httpx

from paygent.client.downgrade import Attempt
from paygent.client.options import (
    PAID_TIMEOUT_SECONDS,
    ClientOptions,
    asked,
    meant,
    parsed,
    paying,
    quoted,
    quoting,
    resuming,
    split,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
    from types import TracebackType

    from paygent.adapters.httpx import AsyncPaymentTransport
    from paygent.client.options import RequestOptions
    from paygent.core.history import PaymentFilter, Total
    from paygent.core.ids import PaymentId
    from paygent.core.payment import Payment
    from paygent.engine.pay import Engine
    from paygent.engine.quote import Quote
    from paygent.ports.storage import PaymentPage
    from paygent.runtime.assemble import Wiring


class X402Client:
    """An asynchronous HTTP client that pays for what costs money. Works under asyncio and trio."""

    def __init__(
        self,
        engine: Engine,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        mounts: Mapping[str, httpx.AsyncBaseTransport | None] | None = None,
        paid_timeout_seconds: float = PAID_TIMEOUT_SECONDS,
        **options: Unpack[ClientOptions],
    ) -> None:
        """Take an engine; `open` makes one from settings.

        Args:
            transport, mounts: inner transports; the payment layer is put on top of each.
            paid_timeout_seconds: how long a paid send waits for its answer, unless `timeout` is longer.

        Raises: ConfigurationError: `options` say how to connect, and `transport` does too.
        """
        from paygent.adapters.httpx import AsyncPaymentTransport
        from paygent.adapters.httpx.clients import AsyncClient

        connection, rest = split(options, transport)
        mounted = dict(mounts or {})
        if (proxy := connection.pop("proxy", None)) is not None:  # as in httpx: what is mounted as None goes without
            mounted = {"all://": httpx.AsyncHTTPTransport(**connection, proxy=proxy), **mounted}

        def paying(inner: httpx.AsyncBaseTransport) -> AsyncPaymentTransport:
            return AsyncPaymentTransport(engine, inner=inner, paid_timeout_seconds=paid_timeout_seconds)

        self._engine = engine
        self._http = AsyncClient(
            transport=paying(httpx.AsyncHTTPTransport(**connection) if transport is None else transport),
            mounts={at: None if inner is None else paying(inner) for at, inner in mounted.items()},
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
        paid_timeout_seconds: float = PAID_TIMEOUT_SECONDS,
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

        Where the policy downgrades it and `downgrade` says how to ask for the alternative, that is asked for and judged
        anew; the answer's `paygent.downgraded` then has the alternatives that were taken.

        Raises: PaygentError: see `paygent.core.errors`; httpx's own errors where nothing was paid.
        """
        if options.get("downgrade") is None:
            return await self._send(method, parsed(url), paying(options))
        first = Attempt(method=method, url=url, options=options, context=self._engine.context)
        return await _following(first, lambda a: self._send(a.method, a.url, paying(a.options)))

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

        Raises: as `request`; the error of httpx that reading a paid answer ends with becomes one of ours where it
            leaves the block. What your own code raises in the block passes as it is.
        """
        first = Attempt(method=method, url=url, options=options, context=self._engine.context)
        async with AsyncExitStack() as opened:

            async def send(attempt: Attempt) -> httpx.Response:
                stream = self._http.stream(attempt.method, attempt.url, **paying(attempt.options))
                return await self._answer(opened.enter_async_context(stream))

            response = await _following(first, send)
            try:
                yield response
            except httpx.RequestError as broken:
                await response.aclose()
                await self._tell(broken, read=response)
                raise

    async def quote(self, url: httpx.URL | str, *, method: str = "GET", **options: Unpack[RequestOptions]) -> Quote:
        """Ask what a request costs; nothing is signed. The request itself is sent, unpaid.

        Raises: httpx's own errors; AdapterError: the chain could not be read.
        """
        response = await self._http.request(method, url, **quoting(options))
        return quoted(response)

    async def resume(self, payment_id: PaymentId, **options: Unpack[RequestOptions]) -> httpx.Response:
        """Go on with a payment that waited for approval: send its request again, and pay if people have agreed.

        The body, if the request had one, has to be supplied again (`content=`): it is only known by its digest. The
        policy judges once more; a changed offer is asked about anew.

        Raises:
            ConfigurationError: there is no such payment. IdempotencyConflict: the request is not the one that waits.
            ApprovalPending, ApprovalRefused, ApprovalLapsed: people have not agreed, do not, or did not in time.
        """
        method, url, resumed = resuming(await self.payment(payment_id), payment_id, options)
        return await self._send(method, url, resumed)

    async def payments(
        self, wanted: PaymentFilter | None = None, *, after: str | None = None, limit: int = 50
    ) -> PaymentPage:
        """Return payments of this wallet's journal, newest first, without what was signed; all where nothing is wanted.

        Cursors stay valid while payments are added and moved: none comes twice, none is left out.

        Raises: LocalProtocolError: no such cursor, or not even one payment a page.
        """
        return await self._engine.journal.history(meant(wanted), after=after, limit=limit)

    async def statistics(self, wanted: PaymentFilter | None = None) -> Sequence[Total]:
        """Return counts and exact sums by asset, service and state; what has no payments is left out."""
        return await self._engine.journal.statistics(meant(wanted))

    async def payment(self, payment_id: PaymentId) -> Payment | None:
        """Return a payment, or None."""
        return await self._engine.journal.get(payment_id)

    async def payment_of(self, method: str, url: httpx.URL | str, *, content: bytes = b"") -> Payment | None:
        """Return the newest payment for a request, or None: how to find it when its answer or exception was lost.

        Args: url: as it was requested, with `params` as its query; a path is of `base_url`.
        """
        return await self._engine.payment_of(method, asked(self._http, url), content)

    async def reconcile(self, payment_id: PaymentId) -> Payment:
        """Settle an unknown outcome by what the chain proves; return the payment as it is then.

        Raises: ConfigurationError: no such payment, or no endpoint for its chain. AdapterError: no answer.
        """
        return await self._engine.reconciler.reconcile(payment_id)

    async def _send(self, method: str, url: httpx.URL | str, options: Mapping[str, Any]) -> httpx.Response:
        return await self._answer(self._http.request(method, url, **options))

    async def _answer(self, sending: Awaitable[httpx.Response]) -> httpx.Response:
        """Return the answer, or tell what became of the payment of a request that httpx broke on after it."""
        try:
            return await sending
        except httpx.RequestError as broken:
            await self._tell(broken)
            raise

    async def _tell(self, broken: httpx.RequestError, *, read: httpx.Response | None = None) -> None:
        """Raise what became of the payment of a request that httpx broke on; return where it has none."""
        from paygent.adapters.httpx import after_paying

        told = await after_paying(self._engine, broken, read=read)
        if told is not None:
            raise told from broken


async def _following(attempt: Attempt, send: Callable[[Attempt], Awaitable[httpx.Response]]) -> httpx.Response:
    """Send a request, and the ones that downgrades lead to."""
    from paygent.core.errors import PolicyDenied

    while True:
        try:
            return attempt.told(await send(attempt))
        except PolicyDenied as denied:
            cheaper = attempt.after(denied)
            if cheaper is None:
                raise
            attempt = cheaper
