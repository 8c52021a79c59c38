"""Seller: official Python x402 2 on FastAPI."""

import sys

from tests.interop.peers.servers.listen import SellerPlan, open_sockets, seller_plan, serve_asgi

plan = seller_plan(sys.argv[1:])
sockets = open_sockets(len(plan.facilitators))

from fastapi import FastAPI, Request, Response  # noqa: E402
from x402 import x402ResourceServer  # noqa: E402
from x402.http import FacilitatorConfig, HTTPFacilitatorClient  # noqa: E402
from x402.http.middleware.fastapi import PaymentMiddlewareASGI, set_settlement_overrides  # noqa: E402
from x402.mechanisms.evm.exact import ExactEvmServerScheme  # noqa: E402
from x402.mechanisms.evm.upto import UptoEvmServerScheme  # noqa: E402

from tests.interop.peers.servers.v2_routes import UPTO_CHARGE, routes  # noqa: E402


def application(plan: SellerPlan, facilitator: str) -> FastAPI:
    server = x402ResourceServer(HTTPFacilitatorClient(FacilitatorConfig(url=facilitator)))
    server.register(plan.network, ExactEvmServerScheme())
    server.register(plan.network, UptoEvmServerScheme())
    app = FastAPI()
    app.add_middleware(PaymentMiddlewareASGI, routes=routes(plan), server=server)

    @app.get("/paid")
    async def paid() -> dict[str, str]:
        return {"bought": "get"}

    @app.post("/paid")
    async def paid_post(request: Request) -> dict[str, str]:
        return {"bought": "post", "body": (await request.body()).decode()}

    @app.get("/permit2")
    async def permit2() -> dict[str, str]:
        return {"bought": "permit2"}

    @app.get("/upto")
    async def upto(response: Response) -> dict[str, str]:
        set_settlement_overrides(response, {"amount": UPTO_CHARGE})
        return {"bought": "upto"}

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    return app


serve_asgi(sockets, [application(plan, facilitator) for facilitator in plan.facilitators])
