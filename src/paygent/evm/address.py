"""The mixed-case form of an EVM address.  Source: ERC-55."""

from functools import lru_cache

from paygent.core.caip import is_evm_address
from paygent.evm.keccak import keccak256


@lru_cache(maxsize=4096)
def checksum(address: str) -> str:
    """Return the address with ERC-55 upper and lower case; the case it came in is not judged.

    Raises: ValueError: it is not 0x and 40 hexadecimal digits.
    """
    if not is_evm_address(address):
        raise ValueError(f"{address[:90]!r} is not an EVM address: 0x and 40 hexadecimal digits")
    digits = address[2:].lower()
    marks = keccak256(digits.encode()).hex()
    return "0x" + "".join(
        digit.upper() if mark in "89abcdef" else digit for digit, mark in zip(digits, marks, strict=False)
    )
