"""Reading a token: calls, their answers, and the transfer event.  Source: ERC-20, EIP-712."""

from functools import lru_cache
from typing import Final

from paygent.core.money import Asset
from paygent.evm import word

TRANSFER: Final = word.topic("Transfer(address,address,uint256)")
"""Topic of the transfer event; the next topics are payer and payee, the data is the amount."""


@lru_cache(maxsize=256)
def balance_of(owner: str) -> str:
    """Return the call for a balance in atomic units; `uint` reads the answer."""
    return word.calldata("balanceOf(address)", word.address(owner))


def allowance(owner: str, spender: str) -> str:
    """Return the call for what `spender` may still take from `owner`; `uint` reads the answer."""
    return word.calldata("allowance(address,address)", word.address(owner), word.address(spender))


def decimals() -> str:
    """Return the call for the number of decimal places; `uint` reads the answer."""
    return word.calldata("decimals()")


def name() -> str:
    """Return the call for the token's name; `text` reads the answer."""
    return word.calldata("name()")


def version() -> str:
    """Return the call for the version of the EIP-712 domain; `text` reads the answer."""
    return word.calldata("version()")


def symbol() -> str:
    """Return the call for the ticker; `text` reads the answer."""
    return word.calldata("symbol()")


def domain_separator() -> str:
    """Return the call for the hash of the EIP-712 domain; the answer is a word."""
    return word.calldata("DOMAIN_SEPARATOR()")


def uint(result_hex: str) -> int:
    """Read an answer of one unsigned integer.

    Raises: ValueError: the answer is not exactly one word (`0x`: there is no such contract or function).
    """
    if len(content := word.raw(result_hex)) != 32:
        raise ValueError(f"expected one word of 32 bytes, the contract answered {len(content)} bytes")
    return int.from_bytes(content)


def text(result_hex: str) -> str:
    """Read an answer of one string, or of one bytes32 as the oldest tokens have it.

    Raises: ValueError: the answer is neither, or it is not UTF-8.
    """
    content = word.raw(result_hex)
    if len(content) == 32:
        return content.rstrip(b"\0").decode()
    start = int.from_bytes(content[:32]) + 32
    size = int.from_bytes(content[start - 32 : start])
    if len(content) < 64 or len(content) < start + size:
        raise ValueError(f"expected a string, the contract answered {len(content)} bytes that are none")
    return content[start : start + size].decode()


@lru_cache(maxsize=1024)
def topic_address(address: str) -> str:
    """Return an address as a log topic: 0x and 64 hexadecimal digits, lower case.

    Raises: ValueError: not an address.
    """
    return f"0x{word.address(address).hex()}"


def oddity(asset: Asset, *, balance: int | None, places: int | None) -> str:
    """Return why a contract is not the token that it is taken for, for people; nothing where it may be.

    Args: balance, places: what it answers to `balance_of` and `decimals`; None where that is no number.
    """
    if balance is None:
        return "it has no balanceOf() that answers a number: is this the address of a token?"
    if places is None:
        return "it has no decimals(), so nobody knows what a whole unit is"
    if places != asset.decimals:
        return f"it counts {places} decimal places, and was expected to count {asset.decimals}"
    return ""
