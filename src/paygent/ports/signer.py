"""Who holds the key."""

from typing import Protocol

from paygent.core.transaction import UnsignedTransaction
from paygent.core.typed_data import TypedData


class Signer(Protocol):
    """**Protocol:** something that signs EIP-712 messages for one address. It never gives the key away.

    The engine only ever calls it through the signing firewall. It may be slow (a key service, a person).
    """

    @property
    def address(self) -> str:
        """The EIP-55 checksummed address that signs."""
        ...

    async def sign_typed_data(self, data: TypedData) -> bytes:
        """Return 65 bytes: r, s (low), v (27 or 28).

        Raises: SigningFailed: it refused or could not.
        """
        ...


class TransactionSigner(Protocol):
    """**Protocol:** something that signs transactions of one account. It never gives the key away.

    The engine only ever calls it through the signing firewall, and puts the sent bytes together itself.
    """

    @property
    def address(self) -> str:
        """The EIP-55 checksummed address that signs."""
        ...

    async def sign_transaction(self, transaction: UnsignedTransaction) -> bytes:
        """Return 65 bytes: r, s (low), v (27 or 28), over `evm.transaction.signing_digest`.

        Raises: SigningFailed: it refused or could not.
        """
        ...
