"""The synchronous client: the same engine, in a portal thread."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Self, Unpack

import httpx

from paygent.client.downgrade import Attempt
from paygent.client.options import (
    PAID_TIMEOUT_SECONDS,
    ClientOptions,
    asked,
    meant,
    paying,
    quoted,
    quoting,
    resuming,
    split,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence
    from types import TracebackType

    from paygent.adapters.httpx import PaymentTransport
    from paygent.client.options import RequestOptions
    from paygent.core.history import PaymentFilter, Total
    from paygent.core.ids import PaymentId
    from paygent.core.payment import Payment
    from paygent.core.receipt import Receipt
    from paygent.engine.handle import PaymentHandle
    from paygent.engine.pay import Engine
    from paygent.engine.portal import Portal
    from paygent.engine.quote import Quote
    from paygent.ports.storage import PaymentPage
    from paygent.runtime.assemble import Wiring


class SyncX402Client:
    """A synchronous HTTP client that pays for what costs money. Works where an event loop runs, as in Jupyter."""

    def __init__(
        self,
        engine: Engine,
        *,
        portal: Portal,
        transport: httpx.BaseTransport | None = None,
        mounts: Mapping[str, httpx.BaseTransport | None] | None = None,
        paid_timeout_seconds: float = PAID_TIMEOUT_SECONDS,
        **options: Unpack[ClientOptions],
    ) -> None:
        """Take an engine that lives in `portal`; `open` makes both. Raises: as `X402Client`."""
        from paygent.adapters.httpx import PaymentTransport
        from paygent.adapters.httpx.clients import Client

        connection, rest = split(options, transport)
        mounted = dict(mounts or {})
        if (proxy := connection.pop("proxy", None)) is not None:  # as in httpx: what is mounted as None goes without
            mounted = {"all://": httpx.HTTPTransport(**connection, proxy=proxy), **mounted}

        def paying(inner: httpx.BaseTransport) -> PaymentTransport:
            return PaymentTransport(engine, inner=inner, portal=portal, paid_timeout_seconds=paid_timeout_seconds)

        self._engine = engine
        self._portal = portal
        self._http = Client(
            transport=paying(httpx.HTTPTransport(**connection) if transport is None else transport),
            mounts={at: None if inner is None else paying(inner) for at, inner in mounted.items()},
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
        paid_timeout_seconds: float = PAID_TIMEOUT_SECONDS,
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
        if options.get("downgrade") is None:
            return self._send(method, url, paying(options))
        first = Attempt(method=method, url=url, options=options, context=self._engine.context)
        return _following(first, lambda a: self._send(a.method, a.url, paying(a.options)))

    def get(self, url: httpx.URL | str, **options: Unpack[RequestOptions]) -> httpx.Response:
        """Send a GET request; see `request`."""
        return self.request("GET", url, **options)

    def post(self, url: httpx.URL | str, **options: Unpack[RequestOptions]) -> httpx.Response:
        """Send a POST request; see `request`."""
        return self.request("POST", url, **options)

    @contextmanager
    def stream(self, method: str, url: httpx.URL | str, **options: Unpack[RequestOptions]) -> Generator[httpx.Response]:
        """Send a request and read the answer as it comes; see `X402Client.stream`."""
        first = Attempt(method=method, url=url, options=options, context=self._engine.context)
        with ExitStack() as opened:

            def send(attempt: Attempt) -> httpx.Response:
                stream = self._http.stream(attempt.method, attempt.url, **paying(attempt.options))
                return self._answer(lambda: opened.enter_context(stream))

            response = _following(first, send)
            try:
                yield response
            except httpx.RequestError as broken:
                response.close()
                self._tell(broken, read=response)
                raise

    def quote(self, url: httpx.URL | str, *, method: str = "GET", **options: Unpack[RequestOptions]) -> Quote:
        """Ask what a request costs; see `X402Client.quote`."""
        return quoted(self._http.request(method, url, **quoting(options)))

    def resume(self, payment_id: PaymentId, **options: Unpack[RequestOptions]) -> httpx.Response:
        """Go on with a payment that waited for approval; see `X402Client.resume`."""
        method, url, resumed = resuming(self.payment(payment_id), payment_id, options)
        return self._send(method, url, resumed)

    def payments(
        self, wanted: PaymentFilter | None = None, *, after: str | None = None, limit: int = 50
    ) -> PaymentPage:
        """Return payments of this wallet's journal, newest first; see `X402Client.payments`."""
        return self._portal.call(lambda: self._engine.journal.history(meant(wanted), after=after, limit=limit))

    def statistics(self, wanted: PaymentFilter | None = None) -> Sequence[Total]:
        """Return counts and exact sums; see `X402Client.statistics`."""
        return self._portal.call(lambda: self._engine.journal.statistics(meant(wanted)))

    def payment(self, payment_id: PaymentId) -> Payment | None:
        """Return a payment, or None."""
        return self._portal.call(lambda: self._engine.journal.get(payment_id))

    def payment_of(self, method: str, url: httpx.URL | str, *, content: bytes = b"") -> Payment | None:
        """Return the newest payment for a request, or None; see `X402Client.payment_of`."""
        found = asked(self._http, url)
        return self._portal.call(lambda: self._engine.payment_of(method, found, content))

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

    def _send(self, method: str, url: httpx.URL | str, options: Mapping[str, Any]) -> httpx.Response:
        return self._answer(lambda: self._http.request(method, url, **options))

    def _answer(self, send: Callable[[], httpx.Response]) -> httpx.Response:
        """Return the answer, or tell what became of the payment of a request that httpx broke on after it."""
        try:
            return send()
        except httpx.RequestError as broken:
            self._tell(broken)
            raise

    def _tell(self, broken: httpx.RequestError, *, read: httpx.Response | None = None) -> None:
        """Raise what became of the payment of a request that httpx broke on; return where it has none."""
        from paygent.adapters.httpx import after_paying

        told = self._portal.call(lambda: after_paying(self._engine, broken, read=read))
        if told is not None:
            raise told from broken


def _following(attempt: Attempt, send: Callable[[Attempt], httpx.Response]) -> httpx.Response:
    """Send a request, and the ones that downgrades lead to."""
    from paygent.core.errors import PolicyDenied

    while True:
        try:
            return attempt.told(send(attempt))
        except PolicyDenied as denied:
            cheaper = attempt.after(denied)
            if cheaper is None:
                raise
            attempt = cheaper
