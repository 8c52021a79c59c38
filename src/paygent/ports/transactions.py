"""Sending transactions of one's own."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Fees:
    """What a place in the next block costs, in wei for each gas.  Source: EIP-1559."""

    base_fee: int
    """Of the newest block; it can change by an eighth from block to block."""
    tip: int
    """The priority fee that is usual; 0 where it buys nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionReceipt:
    """What became of a mined transaction."""

    transaction: str
    """0x hash, lower case."""
    succeeded: bool
    """It did not revert."""
    block_number: int


class Transactions(Protocol):
    """**Protocol:** the writing side of one EVM chain. It signs nothing.

    Every method raises AdapterError where the chain cannot answer; an answer is never made up.
    """

    async def chain_number(self) -> int:
        """Return the EIP-155 chain number that the endpoint says it serves."""
        ...

    async def next_nonce(self, address: str) -> int:
        """Return how many transactions an account has sent, those that wait included."""
        ...

    async def fees(self) -> Fees:
        """Return what a place in the next block costs."""
        ...

    async def estimate_gas(self, sender: str, to: str, data: str) -> int:
        """Return the gas that a call takes now. A revert is an AdapterError that is not retryable."""
        ...

    async def send_raw(self, raw: bytes) -> None:
        """Hand a signed transaction to the node; one that the node has already is taken as handed over.

        Raises: AdapterError: the node refused it, or it is unknown whether the node has it.
        """
        ...

    async def receipt(self, transaction_hash: str) -> TransactionReceipt | None:
        """Return what became of a transaction once it is mined, or None."""
        ...
