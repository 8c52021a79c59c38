"""An EVM in this process: eth-tester on py-evm, with instant mining, waiting transactions, calls and snapshots.

It answers in values of py-evm; `paygent.devnet.rpc` turns them into JSON-RPC. Nothing here is safe for threads: the
node serves it from one event loop.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

from eth.abc import ComputationAPI, MiningChainAPI, SignedTransactionAPI, StateAPI
from eth.estimators.gas import (
    binary_gas_search_1000_tolerance,  # pyright: ignore[reportUnknownVariableType]  # curried, untyped
)
from eth.exceptions import PyEVMError, VMError
from eth.vm.chain_context import ChainContext
from eth.vm.spoof import SpoofTransaction
from eth_keys.exceptions import BadSignature
from eth_typing import Address
from eth_utils.exceptions import ValidationError
from rlp.exceptions import RLPException  # type: ignore[import-untyped]  # rlp ships no type information

from paygent.devnet.backend import GAS_LIMIT, NO_ADDRESS, Allocation, DevnetBackend
from paygent.devnet.blocks import Blocks, Mined
from paygent.devnet.tester import EthereumTester

_BLOB = 3
_least_gas = cast(Callable[[StateAPI, SignedTransactionAPI], int], binary_gas_search_1000_tolerance)
_MALFORMED = (ValidationError, ValueError, TypeError, LookupError, PyEVMError, BadSignature, RLPException)
"""What py-evm's decoders raise on bytes that are no transaction."""
_REFUSED = (ValidationError, VMError)
"""What py-evm raises for a transaction that it does not begin; the second where it would create too much code."""


class TransactionRefused(ValueError):
    """The node does not take the transaction; nothing changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A message to execute without a signature."""

    sender: bytes = NO_ADDRESS
    to: bytes = b""
    """Empty to create a contract."""
    data: bytes = b""
    value: int = 0
    gas: int = GAS_LIMIT


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
        self._backend = DevnetBackend(chain_id=chain_id, genesis=genesis, clock=clock)
        self._tester = EthereumTester(backend=self._backend)
        self._heartbeat_seconds = heartbeat_seconds
        self._waiting: dict[tuple[bytes, int], SignedTransactionAPI] = {}
        self._snapshots: dict[int, int] = {}

    # reading

    @property
    def blocks(self) -> Blocks:
        """What was mined."""
        return self._backend.blocks

    @property
    def head(self) -> Mined:
        """The newest block."""
        return self.blocks.head

    def waiting(self, transaction_hash: bytes) -> SignedTransactionAPI | None:
        """Return the transaction if it waits for a lower nonce of its sender."""
        return next((tx for tx in self._waiting.values() if tx.hash == transaction_hash), None)

    def state(self, mined: Mined) -> StateAPI:
        """Return the accounts as they are after a block."""
        return self._py_evm.get_vm(mined.block.header).state

    # executing without a transaction

    def call(self, call: Call, mined: Mined) -> ComputationAPI:
        """Execute after a block and forget the changes. After the head the block's time is the present.

        Raises: TransactionRefused: the sender cannot pay `value`, the gas is not enough to begin, or it would create a
            contract with more code than may be.
        """
        try:
            return self._free_state(mined).apply_transaction(self._spoof(call, mined))
        except _REFUSED as refusal:
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
            header = self._py_evm.header.copy(timestamp=self._backend.present)
        vm = self._py_evm.get_vm(header)
        free = header.copy(base_fee_per_gas=0)
        return vm.build_state(self._py_evm.chaindb.db, free, ChainContext(self.chain_id), vm.previous_hashes or ())

    def _spoof(self, call: Call, mined: Mined) -> SignedTransactionAPI:
        unsigned = self._py_evm.create_unsigned_transaction(
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
        if self.blocks.of_transaction(tx.hash) is not None:
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
        self._tester.mine_block()
        return self.head

    def beat(self) -> None:
        """Add an empty block if the head is older than the heartbeat, as the blocks of a live chain would.

        Without this a devnet left alone for an hour would still claim the time of its last transaction.
        """
        if self._heartbeat_seconds and self._backend.present - self.head.timestamp >= self._heartbeat_seconds:
            self.mine()

    def increase_time(self, seconds: int) -> int:
        """Let the chain's clock run ahead by so much more; return by how much it is ahead in all."""
        self._backend.ahead_seconds += seconds
        return self._backend.ahead_seconds

    def snapshot(self) -> int:
        """Remember the present head; return the number to `revert` to."""
        identifier = self._tester.take_snapshot()
        self._snapshots[identifier] = self._backend.ahead_seconds
        return identifier

    def revert(self, identifier: int) -> bool:
        """Go back to a snapshot and forget it and the later ones; tell whether it existed."""
        if identifier not in self._snapshots:
            return False
        self._tester.revert_to_snapshot(identifier)
        self._backend.ahead_seconds = self._snapshots[identifier]
        self._snapshots = {known: ahead for known, ahead in self._snapshots.items() if known < identifier}
        self._waiting.clear()
        return True

    def _decode(self, raw: bytes) -> SignedTransactionAPI:
        try:
            tx = self._py_evm.get_vm().get_transaction_builder().decode(raw)
            tx.check_signature_validity()
        except _MALFORMED as malformed:
            raise TransactionRefused(f"malformed transaction: {malformed}") from malformed
        if tx.chain_id is not None and tx.chain_id != self.chain_id:
            raise TransactionRefused(f"invalid chain id: have {tx.chain_id}, want {self.chain_id}")
        if tx.max_priority_fee_per_gas > tx.max_fee_per_gas:
            raise TransactionRefused("max priority fee per gas higher than max fee per gas")
        if raw[0] == _BLOB:
            raise TransactionRefused("blob transactions are not served by the embedded chain")
        return tx

    def _mine_transaction(self, tx: SignedTransactionAPI) -> None:
        try:
            self._tester.send_raw_transaction("0x" + tx.encode().hex())
        except _REFUSED as refusal:
            raise TransactionRefused(str(refusal)) from refusal

    def _mine_waiting(self, sender: bytes) -> None:
        while tx := self._waiting.pop((sender, self.state(self.head).get_nonce(Address(sender))), None):
            with suppress(TransactionRefused):  # a node drops what it can no longer execute
                self._mine_transaction(tx)

    @property
    def _py_evm(self) -> MiningChainAPI:
        return self._backend.chain
