"""Why a contract reverted, in words.  Source: Solidity documentation, "Error handling: Assert, Require, Revert"."""

from collections.abc import Iterable
from typing import Final

from paygent.evm import abi, word
from paygent.evm.keccak import keccak256

_ERROR: Final = "0x08c379a0"
_PANIC: Final = "0x4e487b71"
_PANICS: Final = {
    0x00: "a panic of the compiler",
    0x01: "an assertion failed",
    0x11: "arithmetic overflow or underflow",
    0x12: "division by zero",
    0x21: "a number that is no value of its enum",
    0x22: "a storage byte array is wrongly encoded",
    0x31: "pop of an empty array",
    0x32: "an index outside its array",
    0x41: "too much memory",
    0x51: "a call of an uninitialised function",
}
_LONGEST: Final = 300
STANDARD: Final = (
    "ERC20InsufficientBalance(address,uint256,uint256)",
    "ERC20InvalidSender(address)",
    "ERC20InvalidReceiver(address)",
    "ERC20InsufficientAllowance(address,uint256,uint256)",
    "ERC20InvalidApprover(address)",
    "ERC20InvalidSpender(address)",
    "SafeERC20FailedOperation(address)",
    "OwnableUnauthorizedAccount(address)",
    "AccessControlUnauthorizedAccount(address,bytes32)",
    "EnforcedPause()",
    "ReentrancyGuardReentrantCall()",
    "FailedCall()",
    "InsufficientBalance(uint256,uint256)",
)
"""Custom errors that many contracts have.  Source: ERC-6093; OpenZeppelin Contracts 5."""


def reason(data: str, errors: Iterable[str] = ()) -> str:
    """Return why a call reverted, as its revert data says it; never more than 300 characters.

    Args:
        data: 0x and hexadecimal digits.
        errors: custom errors by signature, such as ``TooLittle(uint256,uint256)``, besides the `STANDARD` ones.
    """
    return _printable(_decoded(data.lower(), errors))


def custom_error(data: str, errors: Iterable[str] = ()) -> tuple[str, tuple[object, ...]]:
    """Return the name and the values of a contract's own error; an empty name where it is none that is known.

    Args: as of `reason`.
    """
    for signature in (*errors, *STANDARD):
        if data[:10].lower() == selector_of(signature):
            try:
                return signature.partition("(")[0], abi.decode(abi.types_of(signature), data[10:])
            except ValueError:
                break
    return "", ()


def _decoded(data: str, errors: Iterable[str]) -> str:
    selector, content = data[:10], data[10:]
    try:
        if selector == _ERROR:
            return str(abi.decode(("string",), content)[0])
        if selector == _PANIC:
            code = int(content[:64], 16)
            return f"panic {code:#04x}: {_PANICS.get(code, 'unknown')}"
    except ValueError:
        pass
    name, values = custom_error(data, errors)
    if name:
        return f"{name}({', '.join(map(str, values))})"
    return "it gave no reason" if data == "0x" else f"an error it does not explain, {word.excerpt(data)}"


def selector_of(signature: str) -> str:
    """Return 0x and the first eight hexadecimal digits of a function's or an error's hash."""
    return f"0x{keccak256(signature.encode())[:4].hex()}"


def _printable(text: str) -> str:
    said = "".join(char if char.isprintable() else "?" for char in text)
    return said if len(said) <= _LONGEST else f"{said[: _LONGEST - 1]}…"
