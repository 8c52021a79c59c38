"""What `judge` found out a moment ago, for the `act` that follows it in the same process: so nobody is asked twice."""

from collections.abc import Hashable
from time import monotonic_ns
from typing import Final, Generic, TypeVar

import httpx

from paygent.adapters.httpx.bodies import patience, peek
from paygent.adapters.httpx.transport import PAYMENT_REQUIRED

T = TypeVar("T")
HELD_SECONDS: Final = 2
"""How old what is held may be; offers and quotes move."""
_MOST: Final = 256
_MOST_BYTES: Final = 1024 * 1024
HOLD: Final = "paygent.orchestrator.hold"
"""In a request's `extensions`: the name under which its unpaid answer is held."""
_CODING: Final = (b"content-encoding", b"content-length", b"transfer-encoding")


class Held(Generic[T]):
    """Values by name, for a moment, and not too many."""

    def __init__(self, seconds: int = HELD_SECONDS) -> None:
        self._nanoseconds = seconds * 10**9
        self._values: dict[Hashable, tuple[int, T]] = {}

    def put(self, name: Hashable, value: T) -> None:
        """Hold a value from now on, in place of an earlier one."""
        self._values[name] = (monotonic_ns() + self._nanoseconds, value)
        if len(self._values) > _MOST:
            del self._values[next(iter(self._values))]

    def get(self, name: Hashable) -> T | None:
        """Return a value that is not too old, or None."""
        until, value = self._values.get(name, (0, None))
        return value if monotonic_ns() < until else None

    def take(self, name: Hashable) -> T | None:
        """Return a value as `get` does, and hold it no longer."""
        value = self.get(name)
        self._values.pop(name, None)
        return value


class HeldAnswers(httpx.AsyncBaseTransport):
    """Gives a request with `HOLD` the answer that the same URL gave under that name a moment ago, without sending it.

    Below the payment layer, which copies a request's extensions to the paid one: the name is taken out here, so that a
    payment is always sent.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self._answers: Held[tuple[int, httpx.Headers, bytes]] = Held()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer from what is held, or send the request. Raises: httpx's own errors."""
        name = request.extensions.pop(HOLD, None)
        if name is None:
            return await self._inner.handle_async_request(request)
        place = (name, request.method, request.url)
        held = self._answers.get(place)
        if held is not None:
            status, headers, body = held
            return httpx.Response(status, headers=headers, stream=httpx.ByteStream(body))
        response = await self._inner.handle_async_request(request)
        if response.is_success or response.status_code == PAYMENT_REQUIRED:
            response = await self._hold(place, response, patience(request))
        return response

    async def aclose(self) -> None:
        """Close the inner transport."""
        await self._inner.aclose()

    async def _hold(self, place: Hashable, response: httpx.Response, seconds: float) -> httpx.Response:
        body, response = await peek(response, _MOST_BYTES, seconds)
        if body is not None:
            headers = httpx.Headers([each for each in response.headers.raw if each[0].lower() not in _CODING])
            self._answers.put(place, (response.status_code, headers, body))
        return response
