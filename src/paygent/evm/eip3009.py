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


def authorization_state_call(authorizer: str, nonce: str) -> str:
    """Return the call that asks a token whether a nonce was used or cancelled; the answer is a word, 0 or 1.

    Raises: ValueError: not an address, or not a nonce of 0x and 64 hexadecimal digits.
    """
    return word.calldata("authorizationState(address,bytes32)", word.address(authorizer), word.bytes32(nonce))
