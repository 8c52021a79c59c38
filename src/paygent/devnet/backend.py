"""eth-tester's chain on py-evm, with a chain id of its own, real time, and blocks that share a second."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from eth.abc import BlockHeaderAPI
from eth.typing import AccountDetails
from eth.vm.forks.prague import PragueVM
from eth_typing import Address, BlockNumber, Hash32

from paygent.devnet.blocks import Blocks, Mined
from paygent.devnet.tester import PyEVMBackend

GAS_LIMIT = 30_000_000
"""Of every block, and of a call that names none."""
NO_ADDRESS = Address(bytes(20))


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """What an address has in the genesis block."""

    balance: int = 0
    """In wei."""
    code: bytes = b""
    """The code that runs there, not the code that would deploy it."""


class _InstantVM(PragueVM):
    """Without the rule that a block is later than its parent: blocks come with transactions, several in a second."""

    @classmethod
    def validate_header(cls, header: BlockHeaderAPI, parent_header: BlockHeaderAPI) -> None:
        """Accept the header: this chain builds all of its blocks itself."""


class DevnetBackend(PyEVMBackend):
    """eth-tester's backend: assembles the chain, executes transactions, mines, and goes back to snapshots.

    It has no accounts, so that nothing is signed in here.
    """

    def __init__(self, *, chain_id: int, genesis: Mapping[bytes, Allocation], clock: Callable[[], float]) -> None:
        parameters = self.generate_genesis_params({"gas_limit": GAS_LIMIT, "timestamp": int(clock())})
        super().__init__(parameters, _genesis_state(genesis), vm_configuration=((0, _InstantVM),))
        self.account_keys = ()
        type(self.chain).chain_id = chain_id  # its class is made anew for each chain
        self.blocks = Blocks(self.chain.get_canonical_block_by_number(BlockNumber(0)))
        """From genesis to head."""
        self.ahead_seconds = 0
        """By how much the chain's time is ahead of the clock."""
        self._clock = clock

    @property
    def present(self) -> int:
        """The time a block would have now, in unix seconds; never before the head's."""
        return max(int(self._clock()) + self.ahead_seconds, self.blocks.head.timestamp)

    def send_raw_transaction(self, raw_transaction: bytes) -> Hash32:
        """Execute a signed transaction in the block to be mined; return its hash."""
        self._tell_time()
        return super().send_raw_transaction(raw_transaction)

    def mine_blocks(self, num_blocks: int = 1, coinbase: bytes = NO_ADDRESS) -> tuple[Hash32, ...]:
        """Add blocks, the first with the transactions that were executed; return their hashes."""
        return tuple(self._mine(num_blocks, coinbase))

    def revert_to_snapshot(self, snapshot: Hash32) -> None:
        """Make the block with a hash the head again."""
        super().revert_to_snapshot(snapshot)
        self.blocks.forget_after(snapshot)

    def _mine(self, count: int, coinbase: bytes) -> Iterator[Hash32]:
        for _ in range(count):
            self._tell_time()
            (block_hash,) = super().mine_blocks(1, coinbase)
            block = self.chain.get_block_by_hash(block_hash)
            self.blocks.append(Mined(block=block, receipts=tuple(block.get_receipts(self.chain.chaindb))))
            yield block_hash

    def _tell_time(self) -> None:
        if not self.chain.get_block().transactions:  # those have seen the time of their block
            self.chain.set_header_timestamp(self.present)


def _genesis_state(genesis: Mapping[bytes, Allocation]) -> dict[Address, AccountDetails]:
    return {
        Address(address): {"balance": at.balance, "nonce": 0, "code": at.code, "storage": {}}
        for address, at in genesis.items()
    }
