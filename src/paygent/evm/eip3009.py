"""Transfer with authorization: tokens that move by a signature.  Source: EIP-3009."""

from types import MappingProxyType
from typing import Final

from paygent.core.requirements import Authorization
from paygent.core.typed_data import Domain, Fields, TypedData
from paygent.evm import word

AUTHORIZATION_USED: Final = word.topic("AuthorizationUsed(address,bytes32)")
"""Topic of the event of a used authorization; the next topics are the authorizer and the nonce."""
AUTHORIZATION_CANCELED: Final = word.topic("AuthorizationCanceled(address,bytes32)")
"""Topic of the event of a cancelled authorization; the next topics are the authorizer and the nonce."""

PRIMARY_TYPE: Final = "TransferWithAuthorization"
TYPES: Final[MappingProxyType[str, Fields]] = MappingProxyType(
    {
        PRIMARY_TYPE: (
            ("from", "address"),
            ("to", "address"),
            ("value", "uint256"),
            ("validAfter", "uint256"),
            ("validBefore", "uint256"),
            ("nonce", "bytes32"),
        )
    }
)
"""The struct that is signed."""
CANCEL_PRIMARY_TYPE: Final = "CancelAuthorization"
CANCEL_TYPES: Final[MappingProxyType[str, Fields]] = MappingProxyType(
    {CANCEL_PRIMARY_TYPE: (("authorizer", "address"), ("nonce", "bytes32"))}
)
"""The struct that cancels."""


def typed_data(authorization: Authorization, domain: Domain) -> TypedData:
    """Return what the payer signs for the token of `domain`.

    Raises: ValueError: the authorization is for another way to pay.
    """
    if authorization.method != "eip3009" or authorization.scheme != "exact":
        raise ValueError(f"{authorization.scheme}/{authorization.method} is not paid by EIP-3009")
    message: dict[str, object] = {
        "from": authorization.payer,
        "to": authorization.payee,
        "value": authorization.amount.atomic,
        "validAfter": authorization.valid_after,
        "validBefore": authorization.valid_before,
        "nonce": authorization.nonce,
    }
    return TypedData(domain=domain, primary_type=PRIMARY_TYPE, types=TYPES, message=message)


def cancel_typed_data(authorizer: str, nonce: str, domain: Domain) -> TypedData:
    """Return what the payer signs to make an unused authorization worthless; anybody may submit it."""
    message: dict[str, object] = {"authorizer": authorizer, "nonce": nonce}
    return TypedData(domain=domain, primary_type=CANCEL_PRIMARY_TYPE, types=CANCEL_TYPES, message=message)


def cancel_call(authorizer: str, nonce: str, signature: bytes) -> str:
    """Return the call that cancels, by the signature of `cancel_typed_data`. It reverts once the nonce is used.

    Raises: ValueError: not an address, not a nonce, or not 65 bytes r, s, v.
    """
    if len(signature) != 65:
        raise ValueError(f"a signature has 65 bytes, not {len(signature)}")
    return word.calldata(
        "cancelAuthorization(address,bytes32,uint8,bytes32,bytes32)",
        word.address(authorizer),
        word.bytes32(nonce),
        word.uint256(signature[64]),
        signature[:32],
        signature[32:64],
    )


def authorization_state_call(authorizer: str, nonce: str) -> str:
    """Return the call that asks a token whether a nonce was used or cancelled; the answer is a word, 0 or 1.

    Raises: ValueError: not an address, or not a nonce of 0x and 64 hexadecimal digits.
    """
    return word.calldata("authorizationState(address,bytes32)", word.address(authorizer), word.bytes32(nonce))
