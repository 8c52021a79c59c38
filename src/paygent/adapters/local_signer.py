"""A private key in this process's memory."""

import re
from typing import NoReturn, final

from coincurve import PrivateKey

from paygent.core.errors import ConfigurationError, SigningFailed
from paygent.core.transaction import UnsignedTransaction
from paygent.core.typed_data import TypedData
from paygent.evm.address import checksum
from paygent.evm.eip712 import digest
from paygent.evm.keccak import keccak256
from paygent.evm.transaction import signing_digest

_KEY = re.compile(r"(?:0x)?([0-9a-fA-F]{64})")


@final
class LocalSigner:
    """Signs with a key that it holds; prints as its address and cannot be pickled or copied."""

    __slots__ = ("_address", "_key")

    def __init__(self, private_key: bytes | str) -> None:
        """Take 32 bytes, or 64 hexadecimal digits with or without 0x.

        Raises: ConfigurationError: that is no secp256k1 private key; the message does not show it.
        """
        self._key = _key(private_key)
        self._address = checksum("0x" + keccak256(self._key.public_key.format(compressed=False)[1:])[12:].hex())

    @property
    def address(self) -> str:
        """The EIP-55 checksummed address that signs."""
        return self._address

    async def sign_typed_data(self, data: TypedData) -> bytes:
        """Return 65 bytes: r, s (low), v (27 or 28).

        Raises: SigningFailed: the message is not of its types.
        """
        try:
            return self._signature(digest(data))
        except ValueError as error:
            raise SigningFailed(f"cannot sign a {data.primary_type}: {error}") from error

    async def sign_transaction(self, transaction: UnsignedTransaction) -> bytes:
        """Return 65 bytes: r, s (low), v (27 or 28)."""
        return self._signature(signing_digest(transaction))

    def _signature(self, hashed: bytes) -> bytes:
        # The ignored type is of an argument that is not passed here; coincurve leaves it open.
        signed = self._key.sign_recoverable(hashed, hasher=None)  # pyright: ignore[reportUnknownMemberType]
        return signed[:64] + bytes((signed[64] + 27,))

    def __repr__(self) -> str:
        return f"LocalSigner({self._address})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a LocalSigner holds a private key and is never pickled or copied; make a new one from its key")

    def __getstate__(self) -> NoReturn:
        self.__reduce__()


def _key(private_key: object) -> PrivateKey:
    try:
        return PrivateKey(_bytes(private_key))
    except ValueError:
        raise ConfigurationError("the private key is zero or not below the order of secp256k1") from None


def _bytes(private_key: object) -> bytes:
    if isinstance(private_key, bytes) and len(private_key) == 32:
        return private_key
    if isinstance(private_key, str) and (digits := _KEY.fullmatch(private_key)):
        return bytes.fromhex(digits[1])
    raise ConfigurationError(
        f"a private key is 32 bytes, or 0x and 64 hexadecimal digits; this is {type(private_key).__name__}"
        f"{f' of length {len(private_key)}' if isinstance(private_key, bytes | str) else ''}"
    )
