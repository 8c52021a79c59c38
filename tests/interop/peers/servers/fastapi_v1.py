"""Seller: Python x402 1.0.0 on FastAPI, in its own environment because its package name is the same as version 2's."""

import importlib
import sys
from typing import Any

from tests.interop.peers.servers.listen import SellerPlan, open_sockets, seller_plan, serve_asgi

plan = seller_plan(sys.argv[1:])
sockets = open_sockets(len(plan.facilitators))

from fastapi import FastAPI, Request  # noqa: E402

V1_NETWORK = "base-sepolia"


def application(plan: SellerPlan, facilitator: str) -> FastAPI:
    # Imported by name: the type checker sees the other x402.
    require_payment: Any = importlib.import_module("x402.fastapi.middleware").require_payment
    app = FastAPI()
    app.middleware("http")(
        require_payment(
            price="$0.001",
            pay_to_address=plan.payee,
            path="/paid",
            network=V1_NETWORK,
            description="a paid request",
            facilitator_config={"url": facilitator},
        )
    )

    @app.get("/paid")
    async def paid() -> dict[str, str]:
        return {"bought": "get"}

    @app.post("/paid")
    async def paid_post(request: Request) -> dict[str, str]:
        return {"bought": "post", "body": (await request.body()).decode()}

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    return app


serve_asgi(sockets, [application(plan, facilitator) for facilitator in plan.facilitators])
