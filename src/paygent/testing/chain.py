"""A chain in memory that keeps the promises of a real one."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from operator import attrgetter

from paygent.core.caip import ChainId, is_evm_address
from paygent.core.errors import AdapterError
from paygent.core.requirements import Authorization, Token
from paygent.evm import word
from paygent.evm.deployments import PERMIT2
from paygent.ports.chain import Block, BlockTag, Log, NextBlock, Transaction
from paygent.ports.clock import Clock
from paygent.testing.contracts import Contracts, Execution, TransactionReverts
from paygent.testing.ledger import Ledger

__all__ = ["MemoryChain", "TransactionReverts"]

_SOME_CODE = "0xfe"
_HEIGHT = attrgetter("block_number")


@dataclass(frozen=True, slots=True)
class _Mined:
    block: Block
    logs: tuple[Log, ...] = ()


class MemoryChain:
    """A `Chain` without a node, for tests and benchmarks, moved by `mint`, `approve`, `settle`, `cancel` and `mine`.

    Each of them mines one block at once. Block time follows `clock`, or goes on by `block_seconds` a block where there
    is none. The newest `confirmations` blocks are not final and can be reorganised away.
    """

    def __init__(
        self,
        *,
        chain: ChainId,
        tokens: Sequence[Token] = (),
        timestamp: int = 1_800_000_000,
        block_seconds: int = 1,
        clock: Clock | None = None,
        confirmations: int = 0,
        max_log_range: int = 2_000,
    ) -> None:
        self.confirmations = confirmations
        """How many of the newest blocks are not final."""
        self.lag = 0
        """How many of the newest blocks this node has not seen yet; they are on the chain all the same."""
        self.reads = 0
        """How many reads there were, failed ones included."""
        self._number = chain.evm_number
        self._block_seconds = block_seconds
        self._clock = clock
        self._max_log_range = max_log_range
        self._ledger = Ledger()
        self._contracts = Contracts(tokens, chain_number=self._number, ledger=self._ledger)
        self._transactions: dict[str, tuple[Transaction, int]] = {}
        self._failing = 0
        self._retryable = True
        self._salt = 0
        self._mined: list[_Mined] = []
        self._heights: dict[str, int] = {}
        self._logs: defaultdict[tuple[int, str], list[Log]] = defaultdict(list)
        """Logs by the place and the text of each topic, in order, so that a search reads only what may match."""
        self._append(timestamp if clock is None else clock.now(), None)

    # moving the chain

    @property
    def head(self) -> Block:
        """The newest block, whatever this node has seen."""
        return self._mined[-1].block

    def mine(self, seconds: int | None = None) -> Block:
        """Add an empty block, so many seconds after the newest one."""
        self._append(self._next_time() if seconds is None else self.head.timestamp + seconds, None)
        return self.head

    def mint(self, token: Token, owner: str, amount: int) -> str:
        """Create atomic units for `owner`; return the transaction's hash."""
        return self._mine(self._contracts.mint(token, owner, amount, self._next))

    def approve(self, token: Token, owner: str, amount: int, *, spender: str = PERMIT2) -> str:
        """Let `spender` take so many atomic units of `owner`; return the transaction's hash."""
        return self._mine(self._contracts.approve(token, owner, spender, amount, self._next))

    def settle(self, authorization: Authorization, *, amount: int | None = None, signature: bytes | None = None) -> str:
        """Move the money; return the transaction's hash. `amount` is what an `upto` payment is charged.

        A signature is checked where there is one; without, whoever holds the authorization may settle it.

        Raises: TransactionReverts: out of its time, used, cancelled, too much, not covered, or another's signature.
        """
        return self._mine(self._contracts.settle(authorization, amount, signature, self._next, self._next_time()))

    def cancel(self, authorization: Authorization) -> str:
        """Make the authorization unusable, as its payer can; return the transaction's hash.

        Raises: TransactionReverts: it is used or cancelled already.
        """
        return self._mine(self._contracts.cancel(authorization, self._next))

    def reorganise(self, depth: int) -> None:
        """Replace the newest `depth` blocks by as many empty ones of the same times.

        Raises: ValueError: one of them is final.
        """
        if not 0 < depth <= min(self.confirmations, self.head.number):
            raise ValueError(f"{depth} blocks cannot be reorganised away; {self.confirmations} are not final")
        gone = self._mined[-depth:]
        del self._mined[-depth:]
        for mined in gone:
            del self._heights[mined.block.hash]
            for log in mined.logs:
                for place, topic in enumerate(log.topics):
                    self._logs[place, topic].pop()
        self._ledger.forget_above(self.head.number)
        self._transactions = {name: entry for name, entry in self._transactions.items() if entry[1] <= self.head.number}
        self._salt += 1
        for mined in gone:
            self._append(mined.block.timestamp, None)

    def fail_next(self, reads: int, *, retryable: bool = True) -> None:
        """Let the next reads fail, as those of a node out of reach do."""
        self._failing = reads
        self._retryable = retryable

    def balance(self, token: Token, owner: str) -> int:
        """Return the newest balance in atomic units."""
        return self._contracts.balance(token.asset.id.address, owner, self.head.number)

    # the port

    @property
    def max_log_range(self) -> int:
        """How many blocks one `logs` call may span."""
        return self._max_log_range

    async def chain_number(self) -> int:
        """Return the EIP-155 chain number."""
        self._seen()
        return self._number

    async def next_block(self) -> NextBlock:
        """Return the height and the time of the block that comes after the newest this node has seen."""
        newest = self._seen()
        timestamp = self._next_time() if newest is self.head else newest.timestamp
        return NextBlock(number=newest.number + 1, timestamp=timestamp)

    async def block(self, tag: BlockTag) -> Block:
        """Return the header of a block."""
        return self._at(tag, self._seen())

    async def call(self, to: str, data: str, *, at: str | BlockTag = "latest") -> str:
        """Return what a token or Permit2 answers; `0x` where there is no contract."""
        newest = self._seen()
        block = self._by_hash(at, newest) if isinstance(at, str) and len(at) == 66 else self._at(at, newest)
        answer = self._contracts.call(_address(to), word.raw(data), block.number)
        if answer is None:
            raise AdapterError("the contract reverted on eth_call", retryable=False)
        return f"0x{answer.hex()}"

    async def code(self, address: str) -> str:
        """Return some code where there is a contract, `0x` where there is none."""
        self._seen()
        return _SOME_CODE if self._contracts.exists(_address(address)) else "0x"

    async def logs(
        self, *, address: str, topics: Sequence[str | None], from_block: int, to_block: int
    ) -> Sequence[Log]:
        """Return the matching logs in order.

        Raises: ValueError: the range holds more than `max_log_range` blocks.
        """
        if to_block - from_block >= self._max_log_range:
            raise ValueError(f"blocks {from_block} to {to_block} are more than {self._max_log_range}; ask in pieces")
        if from_block < 0 or to_block < 0:
            raise ValueError(f"{min(from_block, to_block)} names no block")
        newest, contract = self._seen(), _address(address)
        asked = [(place, topic.lower()) for place, topic in enumerate(topics) if topic is not None]
        seen = self._between(from_block, min(to_block, newest.number), asked)
        return tuple([log for log in seen if log.address == contract and _matches(log.topics, asked, len(topics))])

    async def transaction(self, transaction_hash: str) -> Transaction | None:
        """Return a mined transaction, or None where the node does not know it."""
        newest = self._seen()
        word.bytes32(transaction_hash)
        found = self._transactions.get(transaction_hash.lower())
        return None if found is None or found[1] > newest.number else found[0]

    # blocks

    def _between(self, first: int, last: int, asked: Sequence[tuple[int, str]]) -> Sequence[Log]:
        """Return the logs of some blocks: all of one block, and of many those with the rarest topic asked for."""
        if first == last or not asked:
            return [log for mined in self._mined[first : last + 1] for log in mined.logs]
        logs = min([self._logs.get(topic, ()) for topic in asked], key=len)
        return logs[bisect_left(logs, first, key=_HEIGHT) : bisect_right(logs, last, key=_HEIGHT)]

    @property
    def _next(self) -> int:
        return self.head.number + 1

    def _next_time(self) -> int:
        if self._clock is None:
            return self.head.timestamp + self._block_seconds
        return max(self.head.timestamp, self._clock.now())

    def _mine(self, execution: Execution) -> str:
        return self._append(self._next_time(), execution)

    def _append(self, timestamp: int, execution: Execution | None) -> str:
        """Add a block; return the hash of its transaction, or its own."""
        number = len(self._mined)
        block = Block(number=number, hash=self._hash("block", number), timestamp=timestamp)
        name = block.hash if execution is None else self._hash("transaction", number)
        logs: tuple[Log, ...] = ()
        if execution is not None:
            self._transactions[name] = (Transaction(hash=name, to=execution.to, input=execution.input), number)
            logs = tuple(
                Log(
                    address=event.address,
                    topics=event.topics,
                    data=event.data,
                    block_number=number,
                    block_hash=block.hash,
                    transaction=name,
                )
                for event in execution.events
            )
        self._mined.append(_Mined(block, logs))
        for log in logs:
            for place, topic in enumerate(log.topics):
                self._logs[place, topic].append(log)
        self._heights[block.hash] = number
        return name

    def _hash(self, kind: str, number: int) -> str:
        return f"0x{sha256(f'{kind} {self._number} {self._salt} {number}'.encode()).hexdigest()}"

    def _seen(self) -> Block:
        """Return the newest block this node has seen, if it answers at all."""
        self.reads += 1
        if self._failing:
            self._failing -= 1
            raise AdapterError("the chain endpoint could not be reached", retryable=self._retryable)
        return self._mined[max(0, len(self._mined) - 1 - self.lag) if self.lag else -1].block

    def _at(self, tag: str | BlockTag, newest: Block) -> Block:
        if tag == "latest":
            return newest
        if tag == "finalized":
            return self._mined[min(max(0, self.head.number - self.confirmations), newest.number)].block
        if not isinstance(tag, int) or isinstance(tag, bool) or tag < 0:
            raise ValueError(f"{tag!r} names no block: give a height, 'latest', 'finalized', or a hash to call at")
        if tag > newest.number:
            raise AdapterError(f"the chain endpoint does not have block {tag} (yet)", retryable=True)
        return self._mined[tag].block

    def _by_hash(self, block_hash: str, newest: Block) -> Block:
        height = self._heights.get(block_hash.lower())
        if height is None or height > newest.number:
            raise AdapterError(f"the chain endpoint does not have block {block_hash} (yet)", retryable=True)
        return self._mined[height].block


@lru_cache(maxsize=256)
def _address(text: str) -> str:
    if not is_evm_address(text):
        raise ValueError(f"{text!r} is not an EVM address")
    return text.lower()


def _matches(topics: tuple[str, ...], asked: Sequence[tuple[int, str]], length: int) -> bool:
    """Tell whether a log has at least so many topics and each that is asked for at its place."""
    if len(topics) < length:
        return False
    for place, topic in asked:  # noqa: SIM110  a generator takes longer than what it looks at
        if topics[place] != topic:
            return False
    return True
