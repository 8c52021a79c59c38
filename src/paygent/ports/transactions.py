"""Sending transactions of one's own."""

from dataclasses import dataclass
from typing import Protocol

from paygent.ports.chain import BlockTag, Log


@dataclass(frozen=True, slots=True, kw_only=True)
class Fees:
    """What a place in the next block costs, in wei for each gas.  Source: EIP-1559."""

    base_fee: int
    """Of the newest block; it can change by an eighth from block to block. The gas price of a `legacy` chain."""
    tip: int
    """The priority fee that is usual; 0 where it buys nothing."""
    legacy: bool = False
    """The chain has no base fee: transactions name one gas price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What a call would do now."""

    succeeded: bool
    data: str
    """0x and hexadecimal digits: the outputs, or why it reverted; `0x` where the node does not say."""
    message: str = ""
    """The node's own words where it reverted, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionReceipt:
    """What became of a mined transaction."""

    transaction: str
    """0x hash, lower case."""
    succeeded: bool
    """It did not revert."""
    block_number: int
    block_hash: str
    """0x and 64 hexadecimal digits; the block may have been reorganised away since."""
    gas_used: int
    gas_price: int
    """What each gas cost, in wei."""
    logs: tuple[Log, ...] = ()
    """Its events, in order."""

    @property
    def fee(self) -> int:
        """What its gas cost, in wei."""
        return self.gas_used * self.gas_price


class Transactions(Protocol):
    """**Protocol:** the writing side of one EVM chain. It signs nothing.

    Every method raises AdapterError where the chain cannot answer; an answer is never made up.
    """

    @property
    def node_lag(self) -> int:
        """How many blocks one of the nodes behind the endpoint may be behind another."""
        ...

    async def chain_number(self) -> int:
        """Return the EIP-155 chain number that the endpoint says it serves."""
        ...

    async def next_nonce(self, address: str) -> int:
        """Return how many transactions an account has sent, those that wait included."""
        ...

    async def mined_nonce(self, address: str, *, at: BlockTag = "latest") -> int:
        """Return how many transactions of an account are in blocks up to `at`."""
        ...

    async def balance(self, address: str, *, at: BlockTag = "latest") -> int:
        """Return what an account has of the chain's coin, in wei."""
        ...

    async def fees(self) -> Fees:
        """Return what a place in the next block costs."""
        ...

    async def simulate(self, sender: str, to: str, data: str, *, value: int = 0, at: BlockTag = "latest") -> Simulation:
        """Return what a call would do after a block (`eth_call`); a revert is an answer, no error."""
        ...

    async def estimate_gas(self, sender: str, to: str, data: str, *, value: int = 0) -> int:
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
