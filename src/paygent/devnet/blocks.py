"""The blocks of the embedded chain with what came of their transactions."""

from collections.abc import Sequence
from dataclasses import dataclass

from eth.abc import BlockAPI, ReceiptAPI


@dataclass(frozen=True, slots=True, kw_only=True)
class Mined:
    """A block of the chain with the receipts of its transactions."""

    block: BlockAPI
    receipts: Sequence[ReceiptAPI] = ()

    @property
    def number(self) -> int:
        """The block's height."""
        return int(self.block.number)

    @property
    def timestamp(self) -> int:
        """The block's time in unix seconds."""
        return int(self.block.header.timestamp)


class Blocks:
    """The blocks from genesis to head, found by height, by hash and by transaction."""

    def __init__(self, genesis: BlockAPI) -> None:
        self._mined = [Mined(block=genesis)]
        self._numbers = {bytes(genesis.hash): 0}
        self._of_transactions: dict[bytes, int] = {}

    @property
    def head(self) -> Mined:
        """The newest block."""
        return self._mined[-1]

    def at(self, number: int) -> Mined | None:
        """Return the block at a height, None above the head."""
        return self._mined[number] if 0 <= number < len(self._mined) else None

    def by_hash(self, block_hash: bytes) -> Mined | None:
        """Return the block with a hash, None if it is not in the chain."""
        number = self._numbers.get(block_hash)
        return None if number is None else self._mined[number]

    def of_transaction(self, transaction_hash: bytes) -> Mined | None:
        """Return the block that holds a transaction, None if none does."""
        number = self._of_transactions.get(transaction_hash)
        return None if number is None else self._mined[number]

    def append(self, mined: Mined) -> None:
        """Make a block the head."""
        self._mined.append(mined)
        self._numbers[bytes(mined.block.hash)] = mined.number
        self._of_transactions.update({bytes(tx.hash): mined.number for tx in mined.block.transactions})

    def forget_after(self, block_hash: bytes) -> None:
        """Make the block with a hash the head."""
        while bytes(self.head.block.hash) != block_hash:
            forgotten = self._mined.pop()
            del self._numbers[bytes(forgotten.block.hash)]
            for tx in forgotten.block.transactions:
                del self._of_transactions[bytes(tx.hash)]
