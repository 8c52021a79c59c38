"""An EIP-712 message as a value.  Source: EIP-712."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

Fields: TypeAlias = tuple[tuple[str, str], ...]
"""(name, type) of each member of a struct, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """Which contract, on which chain, a signature is for."""

    name: str
    """As the contract says it."""
    version: str | None
    """None where the contract's domain has no version (Permit2)."""
    chain_id: int
    """EIP-155 chain number."""
    verifying_contract: str
    """0x address, compared without case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedData:
    """What a signer is asked to sign."""

    domain: Domain
    """The contract that will check the signature."""
    primary_type: str
    """The name of the struct that is signed."""
    types: Mapping[str, Fields]
    """Members of the primary type and of every struct it contains, without EIP712Domain."""
    message: Mapping[str, object]
    """Member values: int for integers, 0x text for addresses and bytes, mappings for structs."""
