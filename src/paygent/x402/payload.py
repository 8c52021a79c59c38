"""The header that pays: a signed authorization, and the seller's offer echoed value for value."""

import json
from binascii import b2a_base64
from collections.abc import Mapping

from pydantic_core import to_json

from paygent.core.errors import LocalProtocolError
from paygent.core.payment import SignedPayload
from paygent.core.requirements import Authorization, Dialect, PaymentRequired, PaymentRequirements
from paygent.evm.address import checksum

_CONTRACTS_OWN = 192
"""The least bytes of an AgentWallet's signature: facilitators take 65 bytes for a key's."""
_escape = json.JSONEncoder(separators=(",", ":"), check_circular=False, allow_nan=False).encode


def write_payload(
    required: PaymentRequired,
    requirements: PaymentRequirements,
    authorization: Authorization,
    signature: bytes,
    *,
    extensions: Mapping[str, object] | None = None,
) -> SignedPayload:
    """Return the header that pays `requirements`, which is one of `required`.

    `extensions` is what to answer to the advertised ones (`extensions.py`); None echoes them unchanged.

    Raises: LocalProtocolError: the authorization is not for this offer, or the seller's dialect cannot say it.
    """
    message = payment_message(required, requirements, authorization, signature, extensions=extensions)
    header = "PAYMENT-SIGNATURE" if required.dialect is Dialect.V2 else "X-PAYMENT"
    return SignedPayload(header=header, value=b2a_base64(_encode(message), newline=False).decode("ascii"))


def _encode(message: dict[str, object]) -> bytes:
    """Return JSON in ASCII, which every reader of base64 takes; nearly always it is without an escape, and sooner."""
    plain = to_json(message)
    return plain if plain.isascii() else _escape(message).encode("ascii")


def payment_message(
    required: PaymentRequired,
    requirements: PaymentRequirements,
    authorization: Authorization,
    signature: bytes,
    *,
    extensions: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """Return what `write_payload` encodes, for transports without headers. It is a secret, as the header is.

    Raises: LocalProtocolError: as `write_payload`.
    """
    _check(requirements, authorization, signature)
    if required.dialect is Dialect.V2:
        answered = required.extensions if extensions is None else extensions
        return _version2(required, requirements, _scheme_payload(authorization, signature), answered)
    if authorization.method != "eip3009":
        raise LocalProtocolError(f"{required.dialect.value} cannot carry a {authorization.method} authorization")
    flat = required.dialect is Dialect.CRONOS
    payload = _cronos_payload(authorization, signature) if flat else _eip3009(authorization, signature)
    raw = requirements.raw
    return {"x402Version": 1, "scheme": raw["scheme"], "network": raw["network"], "payload": payload}


def _version2(
    required: PaymentRequired,
    requirements: PaymentRequirements,
    payload: dict[str, object],
    extensions: Mapping[str, object],
) -> dict[str, object]:
    message: dict[str, object] = {"x402Version": 2, "payload": payload, "accepted": dict(requirements.raw)}
    if required.resource is not None:
        message["resource"] = dict(required.resource)
    if extensions:
        message["extensions"] = dict(extensions)
    return message


def _scheme_payload(authorization: Authorization, signature: bytes) -> dict[str, object]:
    return (_eip3009 if authorization.method == "eip3009" else _permit2)(authorization, signature)


def _eip3009(authorization: Authorization, signature: bytes) -> dict[str, object]:
    return {
        "signature": f"0x{signature.hex()}",
        "authorization": {
            "from": checksum(authorization.payer),
            "to": checksum(authorization.payee),
            "value": str(authorization.amount.atomic),
            "validAfter": str(authorization.valid_after),
            "validBefore": str(authorization.valid_before),
            "nonce": authorization.nonce,
        },
    }


def _permit2(authorization: Authorization, signature: bytes) -> dict[str, object]:
    if authorization.spender is None:
        raise LocalProtocolError("a Permit2 authorization names its spender")
    return {
        "signature": f"0x{signature.hex()}",
        "permit2Authorization": {
            "from": checksum(authorization.payer),
            "permitted": {
                "token": checksum(authorization.amount.asset.id.address),
                "amount": str(authorization.amount.atomic),
            },
            "spender": checksum(authorization.spender),
            "nonce": str(int(authorization.nonce, 16)),
            "deadline": str(authorization.permit2_deadline),
            "witness": _witness(authorization),
        },
    }


def _witness(authorization: Authorization) -> dict[str, str]:
    witness = {"to": checksum(authorization.payee)}
    if authorization.facilitator is not None:
        witness["facilitator"] = checksum(authorization.facilitator)
    return witness | {"validAfter": str(authorization.valid_after)}


def _cronos_payload(authorization: Authorization, signature: bytes) -> dict[str, object]:
    return {
        "from": checksum(authorization.payer),
        "to": checksum(authorization.payee),
        "value": str(authorization.amount.atomic),
        "validAfter": authorization.valid_after,
        "validBefore": authorization.valid_before,
        "nonce": authorization.nonce,
        "signature": f"0x{signature.hex()}",
        "asset": checksum(authorization.amount.asset.id.address),
    }


def _check(requirements: PaymentRequirements, authorization: Authorization, signature: bytes) -> None:
    """Refuse to send an authorization for something else than the offer it is sent with."""
    if (
        authorization.amount.atomic != requirements.amount
        or authorization.amount.asset.id != requirements.asset
        or authorization.payee.lower() != requirements.pay_to.lower()
        or authorization.scheme != requirements.scheme
        or authorization.method != requirements.transfer_method
        or (authorization.facilitator is None) != (authorization.scheme == "exact")
    ):
        raise LocalProtocolError(f"the authorization is not for offer {requirements.index}")
    of_contract = len(signature) >= _CONTRACTS_OWN and len(signature) % 32 == 0  # ERC-1271, ERC-6492
    if not of_contract and (len(signature) != 65 or signature[64] not in {27, 28}):
        raise LocalProtocolError("a signature is 65 bytes and ends with 27 or 28, or a contract's own and longer")
