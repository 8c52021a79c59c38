"""Transactions as bytes: what is signed, and what is sent.  Source: RLP (Yellow Paper, B), EIP-155, EIP-1559."""

from typing import TypeAlias

from paygent.core.transaction import UnsignedTransaction
from paygent.evm.keccak import keccak256

_Item: TypeAlias = "bytes | list[_Item]"
_DYNAMIC_FEE = b"\x02"


def signing_digest(transaction: UnsignedTransaction) -> bytes:
    """Return the 32 bytes that the account's key signs."""
    if transaction.tip is None:
        return keccak256(_rlp([*_legacy(transaction), _number(transaction.chain_number), b"", b""]))
    return keccak256(_DYNAMIC_FEE + _rlp(_dynamic(transaction, transaction.tip)))


def signed(transaction: UnsignedTransaction, signature: bytes) -> bytes:
    """Return the bytes that are sent.

    Args: signature: 65 bytes, r, s (low), v (27 or 28).

    Raises: ValueError: it is no such signature.
    """
    if len(signature) != 65 or signature[64] not in (27, 28):
        raise ValueError("a signature is 65 bytes and ends with 27 or 28")
    parity = signature[64] - 27
    r, s = (int.from_bytes(signature[start : start + 32]) for start in (0, 32))
    if transaction.tip is None:
        v = 35 + 2 * transaction.chain_number + parity
        return _rlp([*_legacy(transaction), _number(v), _number(r), _number(s)])
    return _DYNAMIC_FEE + _rlp([*_dynamic(transaction, transaction.tip), _number(parity), _number(r), _number(s)])


def transaction_hash(raw: bytes) -> str:
    """Return the name that a chain gives to signed bytes: 0x and 64 hexadecimal digits."""
    return f"0x{keccak256(raw).hex()}"


def _legacy(transaction: UnsignedTransaction) -> list[_Item]:
    numbers = (transaction.nonce, transaction.max_fee, transaction.gas_limit)
    return [*map(_number, numbers), *_call(transaction)]


def _dynamic(transaction: UnsignedTransaction, tip: int) -> list[_Item]:
    numbers = (transaction.chain_number, transaction.nonce, tip, transaction.max_fee, transaction.gas_limit)
    return [*map(_number, numbers), *_call(transaction), []]


def _call(transaction: UnsignedTransaction) -> list[_Item]:
    return [bytes.fromhex(transaction.to[2:]), _number(transaction.value), bytes.fromhex(transaction.data[2:])]


def _number(number: int) -> bytes:
    """Return an integer without leading zeros; 0 is empty."""
    return number.to_bytes((number.bit_length() + 7) // 8)


def _rlp(item: _Item) -> bytes:
    if isinstance(item, list):
        content = b"".join(map(_rlp, item))
        return _length(len(content), 0xC0) + content
    if len(item) == 1 and item[0] < 0x80:
        return item
    return _length(len(item), 0x80) + item


def _length(size: int, offset: int) -> bytes:
    if size < 56:
        return bytes((offset + size,))
    digits = _number(size)
    return bytes((offset + 55 + len(digits),)) + digits
