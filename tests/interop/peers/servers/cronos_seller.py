"""Seller in the shape Cronos documents: one `paymentRequirements` in the 402 body, the receipt in the body too.

Arguments: PAYEE TOKEN TOKEN_NAME TOKEN_VERSION NETWORK FACILITATOR.
"""

import sys
from typing import Any

from tests.interop.peers.servers.listen import open_sockets, seller_plan, serve_asgi

plan = seller_plan(sys.argv[1:])
sockets = open_sockets(len(plan.facilitators))

import httpx  # noqa: E402
from fastapi import FastAPI, Request  # noqa: E402
from fastapi.responses import JSONResponse  # noqa: E402

PRICES = {"GET": "1000", "POST": "2000"}


def requirements(amount: str) -> dict[str, Any]:
    return {
        "scheme": "exact",
        "network": plan.network,
        "payTo": plan.payee,
        "asset": plan.token,
        "description": "a paid request",
        "mimeType": "application/json",
        "maxAmountRequired": amount,
        "maxTimeoutSeconds": 300,
    }


def refuse(error: str, offer: dict[str, Any]) -> JSONResponse:
    return JSONResponse({"error": error, "x402Version": 1, "paymentRequirements": offer}, status_code=402)


def application(facilitator: str) -> FastAPI:
    app = FastAPI()
    http = httpx.AsyncClient(base_url=facilitator, trust_env=False, timeout=30, headers={"X402-Version": "1"})

    async def ask(action: str, header: str, offer: dict[str, Any]) -> dict[str, Any]:
        body = {"x402Version": 1, "paymentHeader": header, "paymentRequirements": offer}
        answer = await http.post(f"/v2/x402/{action}", json=body)
        result: dict[str, Any] = answer.raise_for_status().json()
        return result

    @app.api_route("/paid", methods=["GET", "POST"])
    async def paid(request: Request) -> JSONResponse:
        offer = requirements(PRICES[request.method])
        header = request.headers.get("x-payment")
        if header is None:
            return refuse("Payment Required", offer)
        verified = await ask("verify", header, offer)
        if not verified["isValid"]:
            return refuse(verified["invalidReason"], offer)
        settled = await ask("settle", header, offer)
        if settled["event"] != "payment.settled":
            return refuse(settled["error"], offer)
        receipt = {key: settled[key] for key in ("txHash", "from", "to", "value", "blockNumber", "timestamp")}
        bought = {"bought": request.method.lower(), "body": (await request.body()).decode()}
        return JSONResponse({"data": bought, "payment": receipt})

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    return app


serve_asgi(sockets, [application(facilitator) for facilitator in plan.facilitators])
