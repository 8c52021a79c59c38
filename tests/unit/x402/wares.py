"""402 answers as sellers write them, and what is needed to pay them."""

import base64
import json
from collections.abc import Callable

from paygent.core.caip import ChainId, erc20
from paygent.core.money import Asset
from paygent.core.requirements import Authorization, PaymentRequired, Refusal, Token
from paygent.evm.tokens import TOKENS
from paygent.x402 import Offer, authorization, read_offers, read_payment_required

PAYER = "0x857b06519E91e3A54538791bDbb0E22373e36b66"
PAYEE = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
FACILITATOR = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
USDC = "0x036CbD53842c5426634e7929541eC2318f3dCF7e"
DEV_USDC = "0xc01efAaF7C5C61bEbFAeb358E1161b537b8bC0e0"
BASE_SEPOLIA = ChainId("eip155:84532")
URL = "https://api.example.com/premium"
SIGNATURE = bytes(range(64)) + b"\x1b"
NONCE = bytes(range(32))
TRANSACTION = "0x" + "ab" * 32

Json = dict[str, object]


def entry2(**changes: object) -> Json:
    entry: Json = {
        "scheme": "exact",
        "network": "eip155:84532",
        "asset": USDC,
        "amount": "1000",
        "payTo": PAYEE,
        "maxTimeoutSeconds": 300,
        "extra": {"name": "USDC", "version": "2"},
    }
    return entry | changes


def upto(**changes: object) -> Json:
    return entry2(scheme="upto", extra={"facilitatorAddress": FACILITATOR}) | changes


def permit2(**changes: object) -> Json:
    return entry2(extra={"assetTransferMethod": "permit2"}) | changes


def required2(*entries: object, **changes: object) -> Json:
    answer: Json = {
        "x402Version": 2,
        "error": "Payment required",
        "resource": {"url": URL, "description": "Premium data", "mimeType": "application/json"},
        "accepts": list(entries) or [entry2()],
        "extensions": {},
    }
    return answer | changes


def entry1(**changes: object) -> Json:
    entry: Json = {
        "scheme": "exact",
        "network": "base-sepolia",
        "maxAmountRequired": "1000",
        "asset": USDC,
        "payTo": PAYEE,
        "resource": URL,
        "description": "Premium data",
        "mimeType": "application/json",
        "outputSchema": None,
        "maxTimeoutSeconds": 60,
        "extra": {"name": "USDC", "version": "2"},
    }
    return entry | changes


def required1(*entries: object, **changes: object) -> Json:
    answer: Json = {
        "x402Version": 1,
        "error": "X-PAYMENT header is required",
        "accepts": list(entries) or [entry1()],
    }
    return answer | changes


def cronos_required(**changes: object) -> Json:
    entry: Json = {
        "scheme": "exact",
        "network": "cronos-testnet",
        "payTo": PAYEE,
        "asset": DEV_USDC,
        "description": "Premium data",
        "mimeType": "application/json",
        "maxAmountRequired": "1000000",
        "maxTimeoutSeconds": 300,
    }
    return {"error": "Payment Required", "x402Version": 1, "paymentRequirements": entry | changes}


def header(value: object) -> str:
    return base64.b64encode(value if isinstance(value, bytes) else json.dumps(value).encode()).decode()


def by_header(value: object) -> PaymentRequired:
    read = read_payment_required(headers={"payment-required": header(value)}, body=None)
    assert read is not None
    return read


def by_body(value: object) -> PaymentRequired:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    read = read_payment_required(headers={}, body=body)
    assert read is not None
    return read


def whole_refusal(required: PaymentRequired) -> Refusal:
    """Return the refusal of an answer that has nothing to offer but that."""
    (refusal,) = required.refusals
    assert required.requirements == ()
    assert refusal.index == -1
    return refusal


def only_offer(required: PaymentRequired) -> Offer:
    ((offer,), refusals) = read_offers(required, TOKENS)
    assert refusals == ()
    return offer


def authorized(offer: Offer) -> Authorization:
    return authorization(offer, payer=PAYER, nonce=NONCE, valid_after=5, valid_before=2_000_000_000)


def token(address: str = USDC, *, chain: ChainId = BASE_SEPOLIA, decimals: int = 6, usd: bool = True) -> Token:
    asset = Asset(id=erc20(chain, address), symbol="TOK", decimals=decimals)
    return Token(asset=asset, name="Token", versions=("1",), usd=usd)


Reader = Callable[[object], PaymentRequired]
