"""Permit2 transfers through the x402 proxies.  Source: Permit2 SignatureTransfer, x402 schemes exact and upto."""

from types import MappingProxyType
from typing import Final

from paygent.core.requirements import Authorization
from paygent.core.typed_data import Domain, Fields, TypedData
from paygent.evm import erc20, word
from paygent.evm.address import checksum
from paygent.evm.deployments import EXACT_PROXY, PERMIT2, UPTO_PROXY

__all__ = [
    "EXACT_PROXY",
    "EXACT_TYPES",
    "PERMIT2",
    "PRIMARY_TYPE",
    "UPTO_PROXY",
    "UPTO_TYPES",
    "domain",
    "nonce_bitmap_call",
    "nonce_used",
    "typed_data",
]

PRIMARY_TYPE: Final = "PermitWitnessTransferFrom"
_PERMIT: Final[dict[str, Fields]] = {
    PRIMARY_TYPE: (
        ("permitted", "TokenPermissions"),
        ("spender", "address"),
        ("nonce", "uint256"),
        ("deadline", "uint256"),
        ("witness", "Witness"),
    ),
    "TokenPermissions": (("token", "address"), ("amount", "uint256")),
}
EXACT_TYPES: Final[MappingProxyType[str, Fields]] = MappingProxyType(
    _PERMIT | {"Witness": (("to", "address"), ("validAfter", "uint256"))}
)
"""The structs that are signed for `exact`."""
UPTO_TYPES: Final[MappingProxyType[str, Fields]] = MappingProxyType(
    _PERMIT | {"Witness": (("to", "address"), ("facilitator", "address"), ("validAfter", "uint256"))}
)
"""The structs that are signed for `upto`."""


def domain(chain_number: int) -> Domain:
    """Return Permit2's own domain, which has no version."""
    return Domain(name="Permit2", version=None, chain_id=chain_number, verifying_contract=PERMIT2)


def typed_data(authorization: Authorization, chain_number: int) -> TypedData:
    """Return what the payer signs; the spender is the x402 proxy of the scheme.

    Raises: ValueError: another way to pay, another spender, or an `upto` without a facilitator.
    """
    proxy = EXACT_PROXY if authorization.scheme == "exact" else UPTO_PROXY
    if authorization.method != "permit2":
        raise ValueError(f"{authorization.scheme}/{authorization.method} is not paid by Permit2")
    if authorization.spender is None or checksum(authorization.spender) != proxy:
        raise ValueError(f"the spender of {authorization.scheme} is {proxy}, not {authorization.spender!r}")
    message: dict[str, object] = {
        "permitted": {
            "token": checksum(authorization.amount.asset.id.address),
            "amount": authorization.amount.atomic,
        },
        "spender": proxy,
        "nonce": int.from_bytes(word.bytes32(authorization.nonce)),
        "deadline": authorization.permit2_deadline,
        "witness": _witness(authorization),
    }
    types = EXACT_TYPES if authorization.scheme == "exact" else UPTO_TYPES
    return TypedData(domain=domain(chain_number), primary_type=PRIMARY_TYPE, types=types, message=message)


def _witness(authorization: Authorization) -> dict[str, object]:
    if authorization.scheme == "exact":
        return {"to": authorization.payee, "validAfter": authorization.valid_after}
    if authorization.facilitator is None:
        raise ValueError("an upto payment names the only facilitator that may settle it")
    return {
        "to": authorization.payee,
        "facilitator": authorization.facilitator,
        "validAfter": authorization.valid_after,
    }


def nonce_bitmap_call(owner: str, nonce: str) -> str:
    """Return the call that asks Permit2 for the 256 bits among which the nonce has its own.

    Raises: ValueError: not an address, or not a nonce of 0x and 64 hexadecimal digits.
    """
    position = word.uint256(int.from_bytes(word.bytes32(nonce)) >> 8)
    return word.calldata("nonceBitmap(address,uint256)", word.address(owner), position)


def nonce_used(result_hex: str, nonce: str) -> bool:
    """Tell from the answer to `nonce_bitmap_call` whether the nonce was used or invalidated.

    Raises: ValueError: the answer is not a word, or the nonce not 0x and 64 hexadecimal digits.
    """
    return bool(erc20.uint(result_hex) >> word.bytes32(nonce)[31] & 1)
