"""What is found beside the use of a nonce: only a transfer of that very transaction proves the payment."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from paygent.core.lifecycle import State
from paygent.evm import erc20
from paygent.ports.chain import Log
from paygent.testing.chain import MemoryChain
from paygent.testing.engine import memory_engine

pytestmark = pytest.mark.anyio
ANOTHER = f"0x{'ee' * 32}"


class OfAnotherTransaction(MemoryChain):
    """A chain on which the transfer is beside the use of the nonce, and not of its transaction."""

    async def logs(
        self, *, address: str, topics: Sequence[str | None], from_block: int, to_block: int
    ) -> Sequence[Log]:
        found = await super().logs(address=address, topics=topics, from_block=from_block, to_block=to_block)
        return [self._beside(log) if topics[0] == erc20.TRANSFER else log for log in found]

    def _beside(self, log: Log) -> Log:
        return replace(log, transaction=ANOTHER)


class OfAnotherBlock(OfAnotherTransaction):
    """A chain whose node answers the second query from a block of another fork."""

    def _beside(self, log: Log) -> Log:
        return replace(log, block_hash=ANOTHER)


@pytest.mark.parametrize("kind", [OfAnotherTransaction, OfAnotherBlock])
async def test_transfer_that_is_not_of_the_transaction_that_used_the_nonce_proves_nothing(
    kind: type[MemoryChain],
) -> None:
    memory = memory_engine()
    payment, authorization = await memory.sent()
    memory.chain.settle(authorization)
    memory.chain.__class__ = kind

    after = await memory.engine.reconciler.reconcile(payment.id)

    assert State.OUTCOME_UNKNOWN is after.state
    assert after.alarm is not None
    assert "without the transfer that was authorized" in after.alarm
    assert (1_000, 0) == memory.held()
