"""The official x402 client, as a buyer to measure the devnet with."""

import base64
from typing import Any

from eth_account import Account
from x402 import PaymentRequired, x402Client
from x402.http.clients.httpx import x402HttpxClient
from x402.mechanisms.evm.exact import register_exact_evm_client

from paygent.devnet import DevAccount


def official_client(payer: DevAccount) -> x402HttpxClient:
    return x402HttpxClient(_client(payer))


async def signed_header(payer: DevAccount, required: Any) -> str:
    """Return the PAYMENT-SIGNATURE for a seller's decoded PAYMENT-REQUIRED."""
    payload = await _client(payer).create_payment_payload(PaymentRequired.model_validate(required))
    return base64.b64encode(payload.model_dump_json(by_alias=True, exclude_none=True).encode()).decode()


def _client(payer: DevAccount) -> x402Client:
    client = x402Client()
    register_exact_evm_client(client, Account.from_key(payer.private_key))
    client.set_spend_controls({"allowed_assets": True})
    return client
