"""An EVM in this process: py-evm's chain with instant mining, a clock that follows real time, and snapshots.

It answers in values of py-evm; `paygent.devnet.rpc` turns them into JSON-RPC. Nothing here is safe for threads: the
node serves it from one event loop.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from eth.abc import BlockAPI, BlockHeaderAPI, ComputationAPI, ReceiptAPI, SignedTransactionAPI, StateAPI
from eth.chains.base import MiningChain
from eth.constants import BLANK_ROOT_HASH
from eth.db.atomic import AtomicDB
from eth.estimators.gas import (
    binary_gas_search_1000_tolerance,  # pyright: ignore[reportUnknownVariableType]  # curried, untyped
)
from eth.exceptions import PyEVMError
from eth.typing import AccountDetails, HeaderParams
from eth.vm.chain_context import ChainContext
from eth.vm.forks.prague import PragueVM
from eth.vm.spoof import SpoofTransaction
from eth_keys.exceptions import BadSignature
from eth_typing import Address, BlockNumber, Hash32
from eth_utils.exceptions import ValidationError
from rlp.exceptions import RLPException  # type: ignore[import-untyped]  # rlp ships no type information

GAS_LIMIT = 30_000_000
"""Of every block, and of a call that names none."""

_NO_ADDRESS = Address(bytes(20))
_BLOB = 3
_least_gas = cast(Callable[[StateAPI, SignedTransactionAPI], int], binary_gas_search_1000_tolerance)
_MALFORMED = (ValidationError, ValueError, TypeError, LookupError, PyEVMError, BadSignature, RLPException)
"""What py-evm's decoders raise on bytes that are no transaction."""


class TransactionRefused(ValueError):
    """The node does not take the transaction; nothing changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """What an address has in the genesis block."""

    balance: int = 0
    """In wei."""
    code: bytes = b""
    """The code that runs there, not the code that would deploy it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A message to execute without a signature."""

    sender: bytes = _NO_ADDRESS
    to: bytes = b""
    """Empty to create a contract."""
    data: bytes = b""
    value: int = 0
    gas: int = GAS_LIMIT


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


class _InstantVM(PragueVM):
    """Without the rule that a block is later than its parent: blocks come with transactions, several in a second."""

    @classmethod
    def validate_header(cls, header: BlockHeaderAPI, parent_header: BlockHeaderAPI) -> None:
        """Accept the header: this chain builds all of its blocks itself."""


class _InstantChain(MiningChain):
    def create_header_from_parent(self, parent_header: BlockHeaderAPI, **header_params: HeaderParams) -> BlockHeaderAPI:
        return super().create_header_from_parent(parent_header, **{**header_params, "gas_limit": GAS_LIMIT})


class EmbeddedChain:
    """A chain of one node. Every accepted transaction gets a block of its own at once, and every block is final."""

    def __init__(
        self,
        *,
        chain_id: int,
        genesis: Mapping[bytes, Allocation],
        clock: Callable[[], float],
        heartbeat_seconds: int,
    ) -> None:
        self.chain_id = chain_id
        self._clock = clock
        self._heartbeat_seconds = heartbeat_seconds
        self._offset_seconds = 0
        machines = ((BlockNumber(0), _InstantVM),)
        chain_class = _InstantChain.configure("DevnetChain", chain_id=chain_id, vm_configuration=machines)
        params = _genesis_params(int(clock()))
        self._chain = cast(MiningChain, chain_class.from_genesis(AtomicDB(), params, _genesis_state(genesis)))
        first = self._chain.get_canonical_block_by_number(BlockNumber(0))
        self._mined = [Mined(block=first)]
        self._block_numbers = {bytes(first.hash): 0}
        self._transaction_blocks: dict[bytes, int] = {}
        self._waiting: dict[tuple[bytes, int], SignedTransactionAPI] = {}
        self._snapshots: dict[int, tuple[int, int]] = {}

    # reading

    @property
    def head(self) -> Mined:
        """The newest block."""
        return self._mined[-1]

    def block(self, number: int) -> Mined | None:
        """Return the block at a height, None above the head."""
        return self._mined[number] if 0 <= number < len(self._mined) else None

    def block_by_hash(self, block_hash: bytes) -> Mined | None:
        """Return the block with a hash, None if it is not in the chain."""
        number = self._block_numbers.get(block_hash)
        return None if number is None else self._mined[number]

    def block_of_transaction(self, transaction_hash: bytes) -> Mined | None:
        """Return the block that holds a transaction, None if none does."""
        number = self._transaction_blocks.get(transaction_hash)
        return None if number is None else self._mined[number]

    def waiting(self, transaction_hash: bytes) -> SignedTransactionAPI | None:
        """Return the transaction if it waits for a lower nonce of its sender."""
        return next((tx for tx in self._waiting.values() if tx.hash == transaction_hash), None)

    def state(self, mined: Mined) -> StateAPI:
        """Return the accounts as they are after a block."""
        return self._chain.get_vm(mined.block.header).state

    # executing without a transaction

    def call(self, call: Call, mined: Mined) -> ComputationAPI:
        """Execute after a block and forget the changes. After the head the block's time is the present.

        Raises: TransactionRefused: the sender cannot pay `value`, or the gas is not enough to begin.
        """
        try:
            return self._free_state(mined).apply_transaction(self._spoof(call, mined))
        except ValidationError as refusal:
            raise TransactionRefused(str(refusal)) from refusal

    def estimate_gas(self, call: Call, mined: Mined) -> int:
        """Return a gas limit, at most 1,000 above the least, under which the call succeeds.

        Raises: eth.exceptions.VMError: the call fails whatever the limit. TransactionRefused: as `call`.
        """
        try:
            return _least_gas(self._free_state(mined), self._spoof(call, mined))
        except ValidationError as refusal:
            raise TransactionRefused(str(refusal)) from refusal

    def _free_state(self, mined: Mined) -> StateAPI:
        header = mined.block.header
        if mined is self.head:
            header = self._chain.header.copy(timestamp=self._present())
        vm = self._chain.get_vm(header)
        free = header.copy(base_fee_per_gas=0)
        return vm.build_state(self._chain.chaindb.db, free, ChainContext(self.chain_id), vm.previous_hashes or ())

    def _spoof(self, call: Call, mined: Mined) -> SignedTransactionAPI:
        unsigned = self._chain.create_unsigned_transaction(
            nonce=self.state(mined).get_nonce(Address(call.sender)),
            gas_price=0,
            gas=min(call.gas, GAS_LIMIT),
            to=Address(call.to),
            value=call.value,
            data=call.data,
        )
        spoof: SignedTransactionAPI = SpoofTransaction(unsigned, from_=call.sender)  # type: ignore[assignment]  # duck-typed there
        return spoof

    # moving the chain

    def submit(self, raw: bytes) -> bytes:
        """Take a signed transaction and mine it, or keep it until its sender's lower nonces are there; return its hash.

        Raises: TransactionRefused: malformed, for another chain, a nonce already used, or it cannot be paid for.
        """
        tx = self._decode(raw)
        expected = self.state(self.head).get_nonce(tx.sender)
        if tx.hash in self._transaction_blocks:
            raise TransactionRefused("already known")
        if tx.nonce < expected:
            raise TransactionRefused(f"nonce too low: next nonce {expected}, tx nonce {tx.nonce}")
        if tx.nonce > expected:
            self._waiting[tx.sender, tx.nonce] = tx
        else:
            self._mine_transaction(tx)
            self._mine_waiting(tx.sender)
        return bytes(tx.hash)

    def mine(self) -> Mined:
        """Add a block without transactions."""
        self._chain.set_header_timestamp(self._present())
        return self._seal(())

    def beat(self) -> None:
        """Add an empty block if the head is older than the heartbeat, as the blocks of a live chain would.

        Without this a devnet left alone for an hour would still claim the time of its last transaction.
        """
        if self._heartbeat_seconds and self._present() - self.head.timestamp >= self._heartbeat_seconds:
            self.mine()

    def increase_time(self, seconds: int) -> int:
        """Let the chain's clock run ahead by so much more; return by how much it is ahead in all."""
        self._offset_seconds += seconds
        return self._offset_seconds

    def snapshot(self) -> int:
        """Remember the present head; return the number to `revert` to."""
        identifier = max(self._snapshots, default=0) + 1
        self._snapshots[identifier] = (self.head.number, self._offset_seconds)
        return identifier

    def revert(self, identifier: int) -> bool:
        """Go back to a snapshot and forget it and the later ones; tell whether it existed."""
        if identifier not in self._snapshots:
            return False
        number, self._offset_seconds = self._snapshots[identifier]
        self._snapshots = {known: kept for known, kept in self._snapshots.items() if known < identifier}
        for mined in self._mined[number + 1 :]:
            del self._block_numbers[bytes(mined.block.hash)]
            for tx in mined.block.transactions:
                del self._transaction_blocks[bytes(tx.hash)]
        del self._mined[number + 1 :]
        self._waiting.clear()
        self._chain.header = self._chain.create_header_from_parent(self.head.block.header)
        return True

    def _present(self) -> int:
        return max(int(self._clock()) + self._offset_seconds, self.head.timestamp)

    def _decode(self, raw: bytes) -> SignedTransactionAPI:
        try:
            tx = self._chain.get_vm().get_transaction_builder().decode(raw)
            tx.check_signature_validity()
        except _MALFORMED as malformed:
            raise TransactionRefused(f"malformed transaction: {malformed}") from malformed
        if tx.chain_id is not None and tx.chain_id != self.chain_id:
            raise TransactionRefused(f"invalid chain id: have {tx.chain_id}, want {self.chain_id}")
        if raw[0] == _BLOB:
            raise TransactionRefused("blob transactions are not served by the embedded chain")
        return tx

    def _mine_transaction(self, tx: SignedTransactionAPI) -> None:
        self._chain.set_header_timestamp(self._present())
        try:
            _, receipt, _ = self._chain.apply_transaction(tx)
        except ValidationError as refusal:
            raise TransactionRefused(str(refusal)) from refusal
        self._seal((receipt,))
        self._transaction_blocks[bytes(tx.hash)] = self.head.number

    def _mine_waiting(self, sender: bytes) -> None:
        while tx := self._waiting.pop((sender, self.state(self.head).get_nonce(Address(sender))), None):
            self._mine_transaction(tx)

    def _seal(self, receipts: Sequence[ReceiptAPI]) -> Mined:
        block = self._chain.mine_block(coinbase=_NO_ADDRESS, mix_hash=Hash32(os.urandom(32)), blob_gas_used=0)
        self._mined.append(Mined(block=block, receipts=tuple(receipts)))
        self._block_numbers[bytes(block.hash)] = self.head.number
        return self.head


def _genesis_params(timestamp: int) -> dict[str, HeaderParams]:
    return {
        "coinbase": _NO_ADDRESS,
        "difficulty": 0,
        "extra_data": b"",
        "gas_limit": GAS_LIMIT,
        "mix_hash": bytes(32),
        "nonce": bytes(8),
        "receipt_root": BLANK_ROOT_HASH,
        "timestamp": timestamp,
        "transaction_root": BLANK_ROOT_HASH,
    }


def _genesis_state(genesis: Mapping[bytes, Allocation]) -> dict[Address, AccountDetails]:
    return {
        Address(address): {"balance": at.balance, "nonce": 0, "code": at.code, "storage": {}}
        for address, at in genesis.items()
    }
