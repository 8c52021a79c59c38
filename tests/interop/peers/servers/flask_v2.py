"""Seller: official Python x402 2 on Flask."""

import sys

from tests.interop.peers.servers.listen import SellerPlan, open_sockets, seller_plan, serve_wsgi

plan = seller_plan(sys.argv[1:])
sockets = open_sockets(len(plan.facilitators))

from flask import Flask, Response, jsonify, request  # noqa: E402
from x402 import x402ResourceServerSync  # noqa: E402
from x402.http import FacilitatorConfig, HTTPFacilitatorClientSync  # noqa: E402
from x402.http.middleware.flask import PaymentMiddleware, set_settlement_overrides  # noqa: E402
from x402.mechanisms.evm.exact import ExactEvmServerScheme  # noqa: E402
from x402.mechanisms.evm.upto import UptoEvmServerScheme  # noqa: E402

from tests.interop.peers.servers.v2_routes import UPTO_CHARGE, routes  # noqa: E402


def application(plan: SellerPlan, facilitator: str) -> Flask:
    server = x402ResourceServerSync(HTTPFacilitatorClientSync(FacilitatorConfig(url=facilitator)))
    server.register(plan.network, ExactEvmServerScheme())
    server.register(plan.network, UptoEvmServerScheme())
    app = Flask(__name__)
    PaymentMiddleware(app, routes(plan), server)

    @app.get("/paid")
    def paid() -> dict[str, str]:
        return {"bought": "get"}

    @app.post("/paid")
    def paid_post() -> dict[str, str]:
        return {"bought": "post", "body": request.get_data(as_text=True)}

    @app.get("/permit2")
    def permit2() -> dict[str, str]:
        return {"bought": "permit2"}

    @app.get("/upto")
    def upto() -> Response:
        response = jsonify({"bought": "upto"})
        set_settlement_overrides(response, {"amount": UPTO_CHARGE})
        return response

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    return app


serve_wsgi(sockets, [application(plan, facilitator) for facilitator in plan.facilitators])
