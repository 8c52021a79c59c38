"""The contract through which others are deployed to the same address on every chain.  Source: EIP-1014."""

from typing import Final

from paygent.core.action import Call
from paygent.evm import word
from paygent.evm.address import checksum
from paygent.evm.deployments import DEPLOYMENTS
from paygent.evm.keccak import keccak256

CREATE2_DEPLOYER: Final = DEPLOYMENTS["create2_deployer"]
"""Takes a salt of 32 bytes and creation code, without a selector; its code is the same wherever it is."""
CREATE2_CODE_HASH: Final = "0x2fa86add0aed31f33a762c9d88e807c475bd51d0f52bd0955754b2608f7e4989"
"""Keccak-256 of the deployer's code."""
FUNCTION: Final = "create2(bytes32,bytes)"
"""What people are told is called; the deployer has one function, and no name for it."""
_SALT: Final = bytes(32)


def create2_call(creation: bytes) -> Call:
    """Return the call that deploys code with the salt zero."""
    said = (("salt", "0"), ("code", f"{len(creation)} bytes, keccak-256 0x{keccak256(creation).hex()}"))
    data = f"0x{(_SALT + creation).hex()}"
    return Call(to=CREATE2_DEPLOYER, data=data, function=FUNCTION, arguments=said)


def is_create2(call: Call) -> bool:
    """Tell whether a call deploys code, and says so."""
    return call.to == CREATE2_DEPLOYER and call.function == FUNCTION and call.data.startswith(f"0x{_SALT.hex()}")


def create2_address(creation: bytes) -> str:
    """Return where code is deployed with the salt zero."""
    deployer = word.address(CREATE2_DEPLOYER)[12:]
    return checksum(f"0x{keccak256(bytes((0xFF,)) + deployer + _SALT + keccak256(creation))[12:].hex()}")
