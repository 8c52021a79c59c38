"""A seller built on the official x402 server packages: FastAPI routes that answer 402 until paid (v2, ``exact``)."""

import threading
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from fastapi import FastAPI
from x402 import AssetAmount, x402ResourceServer
from x402.http import FacilitatorConfig, HTTPFacilitatorClient, PaymentOption, RouteConfig
from x402.http.middleware.fastapi import payment_middleware
from x402.interfaces import SchemeNetworkServer
from x402.mechanisms.evm.exact import ExactEvmServerScheme  # pyright: ignore[reportMissingTypeStubs]  # inline types, no py.typed there

from paygent.devnet.serving import HANG_UP, Application, LocalServer, Receive, Scope, Send

PREMIUM_PRICE = 100_000
"""Of /premium, in atomic units: 0.10 dUSD."""
REPORT_PRICE = 250_000
"""Of /report, in atomic units: 0.25 dUSD."""

_SETTLED_HEADER = b"payment-response"
_OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """The devnet's stable token."""

    address: str
    """With EIP-55 checksum."""
    symbol: str = "dUSD"
    """For people."""
    decimals: int = 6
    """How many decimal places one whole unit has."""
    name: str = "Devnet USD"
    """The token's name, also that of its EIP-712 domain."""
    version: str = "1"
    """The version of its EIP-712 domain."""


class Seller:
    """The devnet's seller: ``/premium`` for 0.10 dUSD, ``/report`` for 0.25 dUSD, ``/health`` for nothing."""

    def __init__(self, *, facilitator_url: str, network: str, token: Token, payee: str) -> None:
        self.payee = payee
        """The address that is paid."""
        self.prices: Mapping[str, int] = {"/premium": PREMIUM_PRICE, "/report": REPORT_PRICE}
        """Path to price in atomic units."""
        self._faults = _ReplyFaults(_shop(self.prices, facilitator_url, network, token, payee))
        self._server = LocalServer(self._faults, name="seller", lifespan=True)

    @property
    def base_url(self) -> str:
        """Scheme, address and port, without a path."""
        return self._server.url

    def url(self, path: str) -> str:
        """Return the address of a resource such as ``/premium``."""
        return self.base_url + path

    def drop_next_reply(self) -> None:
        """Close the connection instead of sending the next answer whose payment has been settled; once."""
        self._faults.arm()

    @property
    def dropped_replies(self) -> int:
        """How many paid answers were not sent."""
        return self._faults.dropped

    def start(self) -> None:
        """Return when the port answers."""
        self._server.start()

    def request_stop(self) -> None:
        """Begin to stop without waiting."""
        self._server.request_stop()

    def stop(self) -> None:
        """Stop and wait for it."""
        self._server.stop()


def _shop(prices: Mapping[str, int], facilitator_url: str, network: str, token: Token, payee: str) -> FastAPI:
    facilitator = HTTPFacilitatorClient(FacilitatorConfig(url=facilitator_url))
    # The official class is what the official server wants, but its annotations do not say so.
    scheme = cast(SchemeNetworkServer, ExactEvmServerScheme())  # type: ignore[no-untyped-call]
    server = x402ResourceServer(facilitator).register(network, scheme)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        async with facilitator:
            yield

    app = FastAPI(lifespan=lifespan, openapi_url=None)
    routes = {f"GET {path}": _paid_route(path, price, network, token, payee) for path, price in prices.items()}
    app.middleware("http")(payment_middleware(routes, server))

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/premium")
    async def premium() -> dict[str, Any]:
        return {"resource": "premium", "forecast": "sunny", "degrees_celsius": 21}

    @app.get("/report")
    async def report() -> dict[str, Any]:
        return {"resource": "report", "title": "Blocks and how they are made", "pages": 3}

    return app


def _paid_route(path: str, price: int, network: str, token: Token, payee: str) -> RouteConfig:
    domain = {"name": token.name, "version": token.version}
    amount = AssetAmount(amount=str(price), asset=token.address, extra=domain)
    option = PaymentOption(scheme="exact", pay_to=payee, price=amount, network=network)
    return RouteConfig(accepts=option, description=f"The devnet's {path.strip('/')}", mime_type="application/json")


class _ReplyFaults:
    """Pass answers through, except that an armed fault closes the connection in place of a settled one."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._lock = threading.Lock()
        self._armed = False
        self.dropped = 0

    def arm(self) -> None:
        with self._lock:
            self._armed = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        closed = False

        async def send_or_hang_up(message: Any) -> None:
            nonlocal closed
            if message["type"] == "http.response.start" and _is_settled(message) and self._take():
                closed = True
                scope[HANG_UP]()
            if not closed:
                await send(message)

        await self._application(scope, receive, send_or_hang_up)
        if closed:
            await _until_disconnected(receive)

    def _take(self) -> bool:
        with self._lock:
            taken, self._armed = self._armed, False
            self.dropped += taken
            return taken


def _is_settled(start: Mapping[str, Any]) -> bool:
    # The official middleware adds the header after the facilitator has settled, and only to an answer it lets through.
    return start["status"] == _OK and any(name.lower() == _SETTLED_HEADER for name, _ in start["headers"])


async def _until_disconnected(receive: Receive) -> None:
    # uvicorn answers 500 for an application that ends before the connection's loss reached it.
    while (await receive())["type"] != "http.disconnect":
        pass
