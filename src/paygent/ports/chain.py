"""What is read from a chain."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

BlockTag: TypeAlias = int | Literal["latest", "finalized"]
"""A height, or a tag. `finalized` is the newest block that cannot be reorganised away on this chain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block's header."""

    number: int
    hash: str
    """0x and 64 hexadecimal digits."""
    timestamp: int
    """Unix seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NextBlock:
    """The block that is not mined yet."""

    number: int
    """Nothing sent from now on is mined below this height."""
    timestamp: int
    """Unix seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """An event that a contract wrote in a mined transaction that succeeded."""

    address: str
    """The contract, lower case."""
    topics: tuple[str, ...]
    """0x and 64 hexadecimal digits each, lower case."""
    data: str
    """0x and hexadecimal digits, lower case."""
    block_number: int
    block_hash: str
    transaction: str
    """0x hash, lower case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """A mined transaction's call."""

    hash: str
    to: str | None
    """Lower case; None for a deployment."""
    input: str
    """0x and hexadecimal digits, lower case."""


class Chain(Protocol):
    """**Protocol:** a read-only view of one EVM chain.

    Every method raises AdapterError where the chain cannot answer; an answer is never made up.
    """

    @property
    def max_log_range(self) -> int:
        """How many blocks one `logs` call may span."""
        ...

    async def chain_number(self) -> int:
        """Return the EIP-155 chain number that the endpoint says it serves."""
        ...

    async def next_block(self) -> NextBlock:
        """Return what the next block would be, by the chain's own clock: its height and its time.

        Where the node has no pending block, the newest block's height and time: never later than the truth.
        """
        ...

    async def block(self, tag: BlockTag) -> Block:
        """Return the header of a block."""
        ...

    async def call(self, to: str, data: str, *, at: str | BlockTag = "latest") -> str:
        """Return the 0x result of an `eth_call`; `at` may be a block hash. A revert is an AdapterError too."""
        ...

    async def code(self, address: str) -> str:
        """Return the 0x runtime code at an address, `0x` where there is none."""
        ...

    async def logs(
        self, *, address: str, topics: Sequence[str | None], from_block: int, to_block: int
    ) -> Sequence[Log]:
        """Return the matching logs in order; None matches any topic.

        The range is inclusive and at most `max_log_range` blocks long.
        """
        ...

    async def transaction(self, transaction_hash: str) -> Transaction | None:
        """Return a mined transaction, or None where the chain does not know it."""
        ...
