"""The writing side of a chain, and a signer of transactions, whose calls pass a plan of faults."""

from paygent.core.errors import AdapterError, SigningFailed
from paygent.core.transaction import UnsignedTransaction
from paygent.ports.chain import BlockTag, Chain
from paygent.ports.signer import TransactionSigner
from paygent.ports.transactions import Fees, Simulation, TransactionReceipt, Transactions
from paygent.testing.faults import FaultPlan


class FaultyTransactions:
    """A `Transactions` whose calls pass a plan."""

    def __init__(self, inner: Transactions, plan: FaultPlan) -> None:
        self._inner = inner
        self._plan = plan

    @property
    def node_lag(self) -> int:
        return self._inner.node_lag

    async def chain_number(self) -> int:
        return await self._plan.around("transactions.chain_number", self._inner.chain_number, _out_of_reach)

    async def next_nonce(self, address: str) -> int:
        return await self._plan.around(
            "transactions.next_nonce", lambda: self._inner.next_nonce(address), _out_of_reach
        )

    async def mined_nonce(self, address: str, *, at: BlockTag = "latest") -> int:
        return await self._plan.around(
            "transactions.mined_nonce", lambda: self._inner.mined_nonce(address, at=at), _out_of_reach
        )

    async def balance(self, address: str, *, at: BlockTag = "latest") -> int:
        return await self._plan.around(
            "transactions.balance", lambda: self._inner.balance(address, at=at), _out_of_reach
        )

    async def fees(self) -> Fees:
        return await self._plan.around("transactions.fees", self._inner.fees, _out_of_reach)

    async def simulate(self, sender: str, to: str, data: str, *, value: int = 0, at: BlockTag = "latest") -> Simulation:
        return await self._plan.around(
            "transactions.simulate", lambda: self._inner.simulate(sender, to, data, value=value, at=at), _out_of_reach
        )

    async def estimate_gas(self, sender: str, to: str, data: str, *, value: int = 0) -> int:
        return await self._plan.around(
            "transactions.estimate_gas", lambda: self._inner.estimate_gas(sender, to, data, value=value), _out_of_reach
        )

    async def send_raw(self, raw: bytes) -> None:
        await self._plan.around("transactions.send_raw", lambda: self._inner.send_raw(raw), _out_of_reach)

    async def receipt(self, transaction_hash: str) -> TransactionReceipt | None:
        return await self._plan.around(
            "transactions.receipt", lambda: self._inner.receipt(transaction_hash), _out_of_reach
        )


class LaggingTransactions(FaultyTransactions):
    """An endpoint with several nodes behind it: the one that is asked for receipts has not seen the newest blocks."""

    def __init__(self, inner: Transactions, chain: Chain, *, behind: int) -> None:
        """Args: chain: says what the newest block is. behind: how many blocks that node has not seen."""
        super().__init__(inner, FaultPlan())
        self._chain = chain
        self._behind = behind

    async def receipt(self, transaction_hash: str) -> TransactionReceipt | None:
        found = await super().receipt(transaction_hash)
        seen = (await self._chain.block("latest")).number - self._behind
        return None if found is None or found.block_number > seen else found


class FaultyTransactionSigner:
    """A `TransactionSigner` whose calls pass a plan."""

    def __init__(self, inner: TransactionSigner, plan: FaultPlan) -> None:
        self._inner = inner
        self._plan = plan

    @property
    def address(self) -> str:
        return self._inner.address

    async def sign_transaction(self, transaction: UnsignedTransaction) -> bytes:
        return await self._plan.around(
            "signer.sign_transaction", lambda: self._inner.sign_transaction(transaction), SigningFailed
        )


def _out_of_reach(said: str) -> AdapterError:
    return AdapterError(said, retryable=True)
