"""eth-tester's chain and its interface, with the types of what is used here: eth-tester ships none."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eth.abc import MiningChainAPI, VirtualMachineAPI
    from eth.typing import AccountDetails
    from eth_typing import Address, Hash32

    class PyEVMBackend:
        """Where eth-tester keeps its chain."""

        chain: MiningChainAPI
        account_keys: tuple[object, ...]

        def __init__(
            self,
            genesis_parameters: Mapping[str, Any],
            genesis_state: Mapping[Address, AccountDetails],
            vm_configuration: tuple[tuple[int, type[VirtualMachineAPI]], ...],
        ) -> None: ...
        @classmethod
        def generate_genesis_params(cls, overrides: Mapping[str, Any]) -> Mapping[str, Any]: ...
        def send_raw_transaction(self, raw_transaction: bytes) -> Hash32: ...
        def mine_blocks(self, num_blocks: int = 1, coinbase: bytes = b"") -> tuple[Hash32, ...]: ...
        def revert_to_snapshot(self, snapshot: Hash32) -> None: ...

    class EthereumTester:
        """eth-tester's interface to a backend; mines each transaction at once."""

        def __init__(self, backend: PyEVMBackend) -> None: ...
        def send_raw_transaction(self, raw_transaction_hex: str) -> str: ...
        def mine_block(self) -> str: ...
        def take_snapshot(self) -> int: ...
        def revert_to_snapshot(self, snapshot_id: int) -> None: ...

else:
    from eth_tester import EthereumTester, PyEVMBackend

__all__ = ["EthereumTester", "PyEVMBackend"]
