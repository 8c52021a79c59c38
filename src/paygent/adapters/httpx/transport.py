"""The asynchronous payment transport.

httpx enters a transport again after a digest challenge or a redirect. What is being bought travels in
`request.extensions`, so the same purchase is never paid twice, and the payment header goes to the inner transport only:
it follows no redirect.
"""

import logging
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Self

import httpx

from paygent.adapters.httpx.bodies import discard, patience, peek, with_stream
from paygent.adapters.httpx.broken import became_of
from paygent.adapters.httpx.purchase import PAYMENT, QUOTE, RECEIPT, Purchase
from paygent.core.payment import SignedPayload
from paygent.engine.background import Background
from paygent.engine.handle import PaymentHandle
from paygent.engine.order import Answer, Paid, Unsent
from paygent.engine.pay import Engine
from paygent.engine.quote import Quote
from paygent.ports.entropy import Entropy
from paygent.x402.codec import needs_body
from paygent.x402.exchange import Authorize, Deliver, Exchange

PAYMENT_REQUIRED = 402
MAX_REQUIRED_BYTES = 1024 * 1024
"""How much of a 402 answer's body is read to find out what the seller wants."""
PAID_TIMEOUT_SECONDS = 90.0
"""How long a paid send waits for its answer, unless the client waits longer."""
_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""What a connection fails with before a byte of the request is written."""
_BROKEN = (httpx.TransportError, httpx.StreamError, OSError)
_log = logging.getLogger("paygent")


class AsyncPaymentTransport(httpx.AsyncBaseTransport):
    """Pays the 402 answers that the inner transport brings, through one engine.

    An answer to a paid request has `paygent.payment` (a `PaymentHandle`) and `paygent.receipt` (a `Receipt`, a claim
    until it is proven) in its `extensions`. It counts as delivered once its body has been read to the end.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        inner: httpx.AsyncBaseTransport | None = None,
        entropy: Entropy | None = None,
        paid_timeout_seconds: float = PAID_TIMEOUT_SECONDS,
    ) -> None:
        self._engine = engine
        self._entropy = engine.entropy if entropy is None else entropy
        self._inner = httpx.AsyncHTTPTransport() if inner is None else inner
        self._paid_timeout_seconds = paid_timeout_seconds
        self._background = Background()

    async def __aenter__(self) -> Self:
        await self._inner.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self._background.aclose()
        await self._inner.__aexit__(exc_type, exc_value, traceback)

    async def aclose(self) -> None:
        """Stop looking for proofs and close the inner transport."""
        await self._background.aclose()
        await self._inner.aclose()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; where the answer is an x402 offer, pay it and send the request again.

        Raises: PaygentError: see `paygent.core.errors`. What has nothing to do with payment raises httpx's own errors.
        """
        purchase = await Purchase.of(request, self._entropy)
        if purchase.paid is not None and not purchase.only_quote:
            return await self._enter_again(purchase, purchase.paid)
        return await self.pay(purchase, await self._inner.handle_async_request(request))

    async def pay(self, purchase: Purchase, response: httpx.Response) -> httpx.Response:
        """Return the answer to the purchase, given the answer to its first, unpaid request."""
        if response.status_code != PAYMENT_REQUIRED:
            return response
        body: bytes | None = None
        if needs_body(response.headers):
            body, response = await peek(response, MAX_REQUIRED_BYTES, patience(purchase.request))
        exchange = Exchange()
        exchange.start()
        step = exchange.received(response.status_code, response.headers, body)
        required = step.required if isinstance(step, Authorize) else step.refused
        if required is None:
            return response
        try:
            order = purchase.order(required, self._engine.context)
            if purchase.only_quote:
                response.extensions[QUOTE] = Quote.of(purchase.url, await self._engine.quote(order))
                return response
            if purchase.only_asks:
                await self._engine.ask(order)
                return response
        except BaseException:
            await response.aclose()  # nobody gets it
            raise
        await discard(response, MAX_REQUIRED_BYTES, patience(purchase.request))
        return self._deliver(purchase, await self._engine.pay(order, lambda payload: self._send(purchase, payload)))

    async def _enter_again(self, purchase: Purchase, paid: PaymentHandle) -> httpx.Response:
        """Go on with a purchase that has a payment: send the same bytes, or the request without any."""
        if not purchase.may_repeat:
            try:
                response = await self._inner.handle_async_request(purchase.request)
            except _BROKEN as error:
                if (told := await became_of(self._engine, paid.id, error)) is None:
                    raise
                raise told from error
            _name_payment(response, paid)
            return response
        again = await self._engine.send_again(
            paid.id, lambda payload: self._send(purchase, payload), repeatable=purchase.repeatable
        )
        return self._deliver(purchase, again)

    async def _send(self, purchase: Purchase, payload: SignedPayload) -> Answer[httpx.Response] | Unsent:
        exchange = Exchange()
        send = exchange.start(payload)
        request = purchase.paid_request(send.headers, self._paid_timeout_seconds)
        try:
            response = await self._inner.handle_async_request(request)
        except _UNSENT as error:
            return Unsent(error)
        body: bytes | None = None
        if response.status_code == PAYMENT_REQUIRED and needs_body(response.headers):
            body, response = await peek(response, MAX_REQUIRED_BYTES, patience(request))
        step = exchange.received(response.status_code, response.headers, body)
        assert isinstance(step, Deliver)  # noqa: S101  nothing is authorized after a paid send
        return Answer(
            response=response,
            status=response.status_code,
            settlement=step.settlement,
            delivered=step.delivered,
            discard=lambda: _let_go(response),
        )

    def _deliver(self, purchase: Purchase, paid: Paid[httpx.Response]) -> httpx.Response:
        handle = PaymentHandle(self._engine, paid.payment, paid.answer.settlement)
        purchase.paid_by(handle)
        response = paid.answer.response
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101  the inner transport is asynchronous
        finished = self._prove if paid.answer.delivered else None
        response = with_stream(response, _WatchedStream(response.stream, self._engine, handle, finished))
        if not paid.answer.delivered:
            self._prove(handle)
        _name_payment(response, handle)
        return response

    def _prove(self, handle: PaymentHandle) -> None:
        if self._engine.can_prove(handle.payment):
            self._background.start(handle.prove)


class _WatchedStream(httpx.AsyncByteStream):
    """The body of an answer to a paid request: only when all of it was read is the purchase delivered.

    `finished` is called once then, or when the body is given up; None where the answer's head delivers nothing.
    """

    def __init__(
        self,
        inner: httpx.AsyncByteStream,
        engine: Engine,
        handle: PaymentHandle,
        finished: Callable[[PaymentHandle], None] | None,
    ) -> None:
        self._inner = inner
        self._chunks = aiter(inner)
        self._engine = engine
        self._handle = handle
        self._finished = finished
        self._open = True

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._chunks)
        except StopAsyncIteration:
            await self._finish(complete=True)
            raise
        except _BROKEN as error:
            await self._finish(complete=False)
            raise await self._engine.lost(self._handle.payment, error) from error

    async def aclose(self) -> None:
        """Close the connection; what was not read to its end was not delivered."""
        try:
            await _let_go(self._inner)
        finally:
            await self._finish(complete=False)

    async def _finish(self, *, complete: bool) -> None:
        if self._open and self._finished is not None:
            self._open = False
            await self._handle.finish(complete=complete)
            self._finished(self._handle)


def _name_payment(response: httpx.Response, handle: PaymentHandle) -> None:
    """Say with an answer what was paid for it."""
    extensions = response.extensions
    extensions[PAYMENT], extensions[RECEIPT] = handle, handle.receipt
    handle.on_proof(lambda receipt: extensions.__setitem__(RECEIPT, receipt))


async def _let_go(answer: httpx.Response | httpx.AsyncByteStream) -> None:
    """Close an answer to a paid request; that this fails says nothing about the money or about what was read."""
    try:
        await answer.aclose()
    except _BROKEN as error:
        _log.debug("closing the answer to a paid request failed: %s", type(error).__name__)
