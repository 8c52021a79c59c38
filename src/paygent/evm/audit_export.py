"""What a wallet signs to seal an exported audit log, and who signed it."""

from types import MappingProxyType
from typing import Final

from paygent.core.typed_data import Domain, Fields, TypedData
from paygent.evm.address import checksum
from paygent.evm.eip712 import digest
from paygent.evm.keccak import keccak256

PRIMARY_TYPE: Final = "AuditExport"
TYPES: Final[MappingProxyType[str, Fields]] = MappingProxyType(
    {PRIMARY_TYPE: (("head", "bytes32"), ("count", "uint256"), ("exportedAt", "uint256"))}
)
"""The struct that is signed."""
DOMAIN: Final = Domain(name="Paygent audit log", version="1", chain_id=0, verifying_contract=f"0x{'0' * 40}")
"""No chain has number 0 and nobody is at this address: no contract ever takes the signature for something else."""
_HALF_ORDER: Final = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
"""Half the order of secp256k1."""


def typed_data(*, head: str, count: int, exported_at: int) -> TypedData:
    """Return what is signed about a log of `count` rows whose last hash is `head` (64 hexadecimal digits)."""
    message: dict[str, object] = {"head": f"0x{head}", "count": count, "exportedAt": exported_at}
    return TypedData(domain=DOMAIN, primary_type=PRIMARY_TYPE, types=TYPES, message=message)


def signer_of(data: TypedData, signature: bytes) -> str:
    """Return the checksummed address whose key signed.

    Raises: ValueError: not 65 bytes r, low s, v of 27 or 28, no key fits, or the message is not of its types.
    """
    if len(signature) != 65 or signature[64] not in {27, 28} or int.from_bytes(signature[32:64]) > _HALF_ORDER:
        raise ValueError("a signature is 65 bytes: r, s (low), v (27 or 28)")
    from coincurve import PublicKey

    recoverable = signature[:64] + bytes((signature[64] - 27,))
    key = PublicKey.from_signature_and_message(recoverable, digest(data), hasher=None)
    return checksum("0x" + keccak256(key.format(compressed=False)[1:])[12:].hex())
