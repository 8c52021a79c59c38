"""Many reads in one call.  Source: Multicall3 (`aggregate3`, `getEthBalance`)."""

from collections.abc import Sequence
from dataclasses import dataclass

from paygent.evm import word
from paygent.evm.keccak import keccak256

AGGREGATE = "aggregate3((address,bool,bytes)[])"
_SELECTOR = keccak256(AGGREGATE.encode())[:4].hex()


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One call among many."""

    to: str
    """Address of the contract."""
    data: str
    """0x and hexadecimal digits."""


def coin_balance(owner: str) -> str:
    """Return the call that asks Multicall3 for an account's balance of the chain's coin."""
    return word.calldata("getEthBalance(address)", word.address(owner))


def aggregate(reads: Sequence[Read]) -> str:
    """Return the call that makes all reads, each of which may fail by itself.

    Raises: ValueError: an address or data is none.
    """
    tuples = [_tuple(read) for read in reads]
    offsets: list[bytes] = []
    place = 32 * len(tuples)
    for packed in tuples:
        offsets.append(word.uint256(place))
        place += len(packed)
    body = word.uint256(32) + word.uint256(len(tuples)) + b"".join(offsets) + b"".join(tuples)
    return f"0x{_SELECTOR}{body.hex()}"


def answers(result_hex: str, count: int) -> list[str | None]:
    """Return what each read answered, 0x and hexadecimal digits; None where it failed.

    Raises: ValueError: it is not the answer of Multicall3 to so many reads.
    """
    content = word.raw(result_hex)
    start = _number(content, 0, len(content)) + 32
    if _number(content, start - 32, len(content)) != count:
        raise ValueError(f"expected {count} answers of Multicall3")
    return [_answer(content, start + _number(content, start + 32 * place, len(content))) for place in range(count)]


def _tuple(read: Read) -> bytes:
    data = word.raw(read.data)
    padding = bytes(-len(data) % 32)
    return word.address(read.to) + word.uint256(1) + word.uint256(96) + word.uint256(len(data)) + data + padding


def _answer(content: bytes, start: int) -> str | None:
    succeeded = _number(content, start, 2)
    at = start + _number(content, start + 32, len(content))
    size = _number(content, at, len(content))
    data = content[at + 32 : at + 32 + size]
    if succeeded > 1 or len(data) != size:
        raise ValueError("an answer of Multicall3 is cut short")
    return f"0x{data.hex()}" if succeeded else None


def _number(content: bytes, start: int, below: int) -> int:
    """Return the word at `start`, which has to be smaller than a bound, so that no offset leads far away."""
    found = content[start : start + 32]
    if len(found) != 32 or (number := int.from_bytes(found)) > below:
        raise ValueError("an answer of Multicall3 is no encoding")
    return number
