"""Permit: an ERC-20 allowance given by a signature.  Source: EIP-2612."""

from types import MappingProxyType
from typing import Final

from paygent.core.typed_data import Domain, Fields, TypedData
from paygent.evm import word

PRIMARY_TYPE: Final = "Permit"
TYPES: Final[MappingProxyType[str, Fields]] = MappingProxyType(
    {
        PRIMARY_TYPE: (
            ("owner", "address"),
            ("spender", "address"),
            ("value", "uint256"),
            ("nonce", "uint256"),
            ("deadline", "uint256"),
        )
    }
)
"""The struct that is signed."""


def typed_data(*, owner: str, spender: str, value: int, nonce: int, deadline: int, domain: Domain) -> TypedData:
    """Return what the owner signs so that `spender` may take `value` atomic units until `deadline`, inclusive."""
    message: dict[str, object] = {
        "owner": owner,
        "spender": spender,
        "value": value,
        "nonce": nonce,
        "deadline": deadline,
    }
    return TypedData(domain=domain, primary_type=PRIMARY_TYPE, types=TYPES, message=message)


def nonces_call(owner: str) -> str:
    """Return the call that asks a token for the nonce of the owner's next permit.

    Raises: ValueError: not an address.
    """
    return word.calldata("nonces(address)", word.address(owner))
