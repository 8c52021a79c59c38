"""Facilitator: the official Python x402 2 pieces behind three routes. Arguments: RPC_URL PRIVATE_KEY NETWORK."""

import json
import sys
from pathlib import Path

from tests.interop.peers.servers.listen import open_sockets, serve_asgi

rpc_url, private_key, network = sys.argv[1:]
FACTORY = json.loads(Path("src/paygent/evm/artifacts/AgentWalletFactory.json").read_text())["address"]
"""Whose wallets are deployed by their first payment (ERC-6492)."""
sockets = open_sockets(1)

from typing import Any  # noqa: E402

from fastapi import FastAPI  # noqa: E402
from x402 import x402FacilitatorSync  # noqa: E402
from x402.extensions.eip2612_gas_sponsoring import EIP2612_GAS_SPONSORING  # noqa: E402
from x402.mechanisms.evm import FacilitatorWeb3Signer  # noqa: E402
from x402.mechanisms.evm.exact import register_exact_evm_facilitator  # noqa: E402
from x402.mechanisms.evm.upto import UptoEvmFacilitatorScheme  # noqa: E402
from x402.schemas.helpers import parse_payment_payload, parse_payment_requirements  # noqa: E402


def build() -> x402FacilitatorSync:
    signer = FacilitatorWeb3Signer(private_key=private_key, rpc_url=rpc_url)
    facilitator = x402FacilitatorSync()
    register_exact_evm_facilitator(facilitator, signer, networks=network, eip6492_allowed_factories=[FACTORY])
    facilitator.register([network], UptoEvmFacilitatorScheme(signer))
    facilitator.register_extension(EIP2612_GAS_SPONSORING)
    return facilitator


app = FastAPI()
facilitator = build()


@app.get("/supported")
def supported() -> dict[str, Any]:
    return facilitator.get_supported().model_dump(by_alias=True, exclude_none=True)


@app.post("/verify")
def verify(body: dict[str, Any]) -> dict[str, Any]:
    payload = parse_payment_payload(body["paymentPayload"])
    requirements = parse_payment_requirements(payload.x402_version, body["paymentRequirements"])
    return facilitator.verify(payload, requirements).model_dump(by_alias=True, exclude_none=True)


@app.post("/settle")
def settle(body: dict[str, Any]) -> dict[str, Any]:
    payload = parse_payment_payload(body["paymentPayload"])
    requirements = parse_payment_requirements(payload.x402_version, body["paymentRequirements"])
    return facilitator.settle(payload, requirements).model_dump(by_alias=True, exclude_none=True)


@app.get("/health")
def health() -> dict[str, str]:
    return {"status": "ok"}


serve_asgi(sockets, [app])
