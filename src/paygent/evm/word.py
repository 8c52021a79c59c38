"""32-byte words: the plain values that contracts take and answer.  Source: Solidity ABI specification."""

from functools import lru_cache

from paygent.core.caip import is_evm_address
from paygent.evm.keccak import keccak256


def raw(text: object) -> bytes:
    """Read 0x and pairs of hexadecimal digits.

    Raises: ValueError: it is anything else.
    """
    if isinstance(text, str) and text.startswith("0x"):
        try:
            found = bytes.fromhex(text[2:])
        except ValueError:
            found = None
        if found is not None and len(text) == 2 + 2 * len(found):  # `fromhex` skips blanks
            return found
    raise ValueError(f"{excerpt(text)} is not 0x and pairs of hexadecimal digits")


def address(text: object) -> bytes:
    """Return an address, whatever its case, as a word.

    Raises: ValueError: it is not 0x and 40 hexadecimal digits.
    """
    if not isinstance(text, str) or (found := _address(text)) is None:
        raise ValueError(f"{excerpt(text)} is not an EVM address")
    return found


@lru_cache(maxsize=1024)
def _address(text: str) -> bytes | None:
    return bytes.fromhex("000000000000000000000000" + text[2:]) if is_evm_address(text) else None


def uint256(number: object) -> bytes:
    """Return an unsigned integer as a word.

    Raises: ValueError: it is no integer from 0 to 2**256 - 1 (a bool is none).
    """
    if type(number) is int:
        try:
            return number.to_bytes(32, "big")
        except OverflowError:
            pass
    raise ValueError(f"{excerpt(number)} is not an integer from 0 to 2**256 - 1")


def bytes32(text: object) -> bytes:
    """Return 0x and 64 hexadecimal digits as a word.

    Raises: ValueError: it is anything else.
    """
    if not isinstance(text, str) or len(text) != 66:
        raise ValueError(f"{excerpt(text)} is not 0x and 64 hexadecimal digits")
    return raw(text)


def topic(signature: str) -> str:
    """Return the first topic of an event such as ``Transfer(address,address,uint256)``, in lower case."""
    return f"0x{keccak256(signature.encode()).hex()}"


def calldata(signature: str, *words: bytes) -> str:
    """Return the call of a function such as ``balanceOf(address)``: 0x and hexadecimal digits, lower case."""
    return f"0x{_selector(signature)}{b''.join(words).hex()}"


@lru_cache(maxsize=256)
def _selector(signature: str) -> str:
    return keccak256(signature.encode())[:4].hex()


def excerpt(value: object) -> str:
    """Return the beginning of a value for an error message."""
    said = repr(value)
    return said if len(said) <= 90 else f"{said[:87]}..."
