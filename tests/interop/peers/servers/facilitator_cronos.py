"""Facilitator in the shape Cronos documents, settling on a local chain.

Arguments: RPC_URL SENDER TOKEN TOKEN_NAME TOKEN_VERSION.
"""

import sys

from tests.interop.peers.servers.listen import open_sockets, serve_asgi

rpc_url, sender, token, token_name, token_version = sys.argv[1:]
sockets = open_sockets(1)

import base64  # noqa: E402
import binascii  # noqa: E402
import json  # noqa: E402
from dataclasses import dataclass  # noqa: E402
from datetime import UTC, datetime  # noqa: E402
from typing import Any  # noqa: E402

import httpx  # noqa: E402
from eth_account import Account  # noqa: E402
from eth_account.messages import encode_typed_data  # noqa: E402
from fastapi import FastAPI  # noqa: E402

from tests.interop.peers.anvil import Anvil, RpcError  # noqa: E402
from tests.interop.peers.chain import call_data  # noqa: E402
from tests.interop.peers.eip3009 import TRANSFER_TYPES  # noqa: E402

CHAIN_ID = 338
NETWORK = "cronos-testnet"
UINTS = ("value", "validAfter", "validBefore")
TRANSFER = "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)"
REVERTS = (
    "Authorization already used",
    "Authorization expired",
    "Authorization not yet valid",
    "ERC20: transfer amount exceeds balance",
    "Invalid signature",
)

anvil = Anvil(url=rpc_url, chain_id=CHAIN_ID, http=httpx.Client(trust_env=False, timeout=30))
app = FastAPI()


class Refused(Exception):
    """The payment is not acceptable; the text is the reason that the documents give."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    flat: dict[str, Any]

    @property
    def message(self) -> dict[str, Any]:
        numbers = {key: int(self.flat[key]) for key in UINTS}
        return {key: self.flat[key] for key in ("from", "to", "nonce")} | numbers

    @property
    def signature(self) -> bytes:
        return bytes.fromhex(self.flat["signature"].removeprefix("0x"))

    def transfer(self) -> str:
        message, signature = self.message, self.signature
        return call_data(
            TRANSFER,
            *(message["from"], message["to"], *(message[key] for key in UINTS), bytes.fromhex(message["nonce"][2:])),
            *(signature[64], signature[:32], signature[32:64]),
        )


def read(body: dict[str, Any]) -> Payment:
    """Check everything that does not need the chain."""
    offer = body["paymentRequirements"]
    try:
        header = json.loads(base64.b64decode(body["paymentHeader"], validate=True))
    except (binascii.Error, ValueError) as error:
        raise Refused("Invalid Base64 paymentHeader") from error
    flat = header["payload"]
    if not all(isinstance(flat[key], int) for key in ("validAfter", "validBefore")) or not isinstance(
        flat["value"], str
    ):
        raise Refused("Invalid paymentHeader payload")
    if header["scheme"] != "exact" or offer["scheme"] != "exact":
        raise Refused(f"Unsupported scheme: {header['scheme']}")
    if header["network"] != NETWORK or offer["network"] != NETWORK:
        raise Refused(f"Unsupported network: {header['network']}")
    if flat["asset"].lower() != token.lower() or offer["asset"].lower() != token.lower():
        raise Refused(f"Unsupported asset: {flat['asset']}")
    if flat["to"].lower() != offer["payTo"].lower():
        raise Refused("Recipient does not match payTo address")
    if int(flat["value"]) != int(offer["maxAmountRequired"]):
        raise Refused(f"Invalid amount: {flat['value']}")
    payment = Payment(flat=flat)
    if recover(payment) != flat["from"]:
        raise Refused("Invalid EIP-3009 signature")
    return payment


def recover(payment: Payment) -> str:
    domain = {"name": token_name, "version": token_version, "chainId": CHAIN_ID, "verifyingContract": token}
    signer: str = Account.recover_message(
        encode_typed_data(domain, TRANSFER_TYPES, payment.message), signature=payment.signature
    )
    return signer


def block_time() -> str:
    return datetime.fromtimestamp(anvil.timestamp(), UTC).isoformat()


@app.get("/healthcheck")
def healthcheck() -> dict[str, Any]:
    return {"status": "success", "results": {"isSuccess": True, "message": "OK"}}


@app.get("/v2/x402/supported")
def supported() -> dict[str, Any]:
    return {"kinds": [{"x402Version": 1, "scheme": "exact", "network": NETWORK, "extra": None}]}


@app.post("/v2/x402/verify")
def verify(body: dict[str, Any]) -> dict[str, Any]:
    try:
        read(body)
    except Refused as refused:
        return {"isValid": False, "invalidReason": str(refused)}
    return {"isValid": True, "invalidReason": None}


@app.post("/v2/x402/settle")
def settle(body: dict[str, Any]) -> dict[str, Any]:
    answer = {"x402Version": 1, "network": NETWORK, "timestamp": block_time()}
    try:
        payment = read(body)
        anvil.call("eth_call", {"from": sender, "to": token, "data": payment.transfer()}, "latest")
        transaction = anvil.send(sender, token, payment.transfer())
    except Refused as refused:
        return answer | {"event": "payment.failed", "error": str(refused)}
    except RpcError as failed:
        known = [reason for reason in REVERTS if reason in str(failed)]
        return answer | {"event": "payment.failed", "error": known[0] if known else "Transaction failed on-chain"}
    block = int(anvil.call("eth_getTransactionReceipt", transaction)["blockNumber"], 16)
    parties = {key: payment.flat[key] for key in ("from", "to", "value")}
    return answer | {"event": "payment.settled", "txHash": transaction, "blockNumber": block} | parties


serve_asgi(sockets, [app])
