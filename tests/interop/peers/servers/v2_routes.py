"""What the Python v2 sellers sell."""

from typing import Any

from x402.extensions.eip2612_gas_sponsoring import declare_eip2612_gas_sponsoring_extension
from x402.http.types import PaymentOption, RouteConfig
from x402.schemas import AssetAmount

from tests.interop.peers.servers.listen import SellerPlan

UPTO_CHARGE = "1700"


def routes(plan: SellerPlan) -> dict[str, RouteConfig]:
    """Return the routes; `/paid` is priced in dollars, so that the SDK picks its own default asset."""
    return {
        "GET /paid": RouteConfig(accepts=_exact(plan, "$0.001"), description="a paid GET"),
        "POST /paid": RouteConfig(accepts=_exact(plan, "$0.002"), description="a paid POST"),
        "GET /permit2": RouteConfig(accepts=_permit2(plan, "exact", "3000"), extensions=_sponsoring()),
        "GET /upto": RouteConfig(accepts=_permit2(plan, "upto", "5000"), extensions=_sponsoring()),
    }


def _exact(plan: SellerPlan, price: str) -> PaymentOption:
    return PaymentOption(scheme="exact", pay_to=plan.payee, price=price, network=plan.network)


def _permit2(plan: SellerPlan, scheme: str, amount: str) -> PaymentOption:
    extra = {"name": plan.token_name, "version": plan.token_version, "assetTransferMethod": "permit2"}
    price = AssetAmount(amount=amount, asset=plan.token, extra=extra)
    return PaymentOption(scheme=scheme, pay_to=plan.payee, price=price, network=plan.network)


def _sponsoring() -> dict[str, Any]:
    return declare_eip2612_gas_sponsoring_extension()
