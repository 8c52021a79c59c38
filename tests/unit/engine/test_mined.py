"""What nodes behind one endpoint say of a plan: a nonce is taken only where every one of them must have seen it."""

import pytest

from paygent.core.errors import AdapterError
from paygent.core.payment import Payment
from paygent.engine.mined import decide_plan, gather_plan
from paygent.ports.chain import BlockTag
from paygent.ports.transactions import TransactionReceipt
from paygent.testing.chain import MemoryChain
from paygent.testing.conformance.journal_nonces import acting, sent_with
from paygent.testing.conformance.payments import CHAIN

pytestmark = pytest.mark.anyio
LAG = 3


class Nodes:
    """Nodes that know how often an account has sent, and of receipts after so many looks."""

    node_lag = LAG

    def __init__(self, chain: MemoryChain, *, used_in: int, receipt_after: int | None = None) -> None:
        self._chain = chain
        self._used_in = used_in
        self._receipt_after = receipt_after
        self.forgotten: AdapterError | None = None
        self.looks = 0

    async def mined_nonce(self, address: str, *, at: BlockTag = "latest") -> int:
        if self.forgotten is not None:
            raise self.forgotten
        assert isinstance(at, int)
        return int(at >= self._used_in)

    async def receipt(self, transaction_hash: str) -> TransactionReceipt | None:
        self.looks += 1
        if self._receipt_after is None or self.looks <= self._receipt_after:
            return None
        return TransactionReceipt(
            transaction=transaction_hash,
            succeeded=True,
            block_number=self._used_in,
            block_hash=self._chain._mined[self._used_in].block.hash,
            gas_used=21_000,
            gas_price=1,
        )


def grown(blocks: int) -> MemoryChain:
    chain = MemoryChain(chain=CHAIN)
    for _ in range(blocks):
        chain.mine()
    return chain


async def found(chain: MemoryChain, nodes: Nodes, payment: Payment) -> tuple[bool, bool]:
    """Return whether the first step is taken, and whether it is mined."""
    plan = payment.plan
    assert plan is not None
    evidence = await gather_plan(chain, nodes, payment, plan)  # type: ignore[arg-type]  # nothing else is asked
    step = decide_plan(payment, plan, evidence).plan.steps[0]
    return step.taken, step.mined is not None


@pytest.mark.parametrize(("after", "taken"), [(0, False), (LAG - 1, False), (LAG, True)])
async def test_nonce_is_taken_once_every_node_must_have_seen_its_block(after: int, taken: bool) -> None:
    chain = grown(5 + after)
    nodes = Nodes(chain, used_in=5)

    assert (taken, False) == await found(chain, nodes, sent_with(acting(1), 0))


async def test_receipt_is_looked_for_once_more_before_a_nonce_counts_as_taken() -> None:
    chain = grown(5 + LAG)
    nodes = Nodes(chain, used_in=5, receipt_after=1)

    assert (False, True) == await found(chain, nodes, sent_with(acting(1), 0))
    assert 2 == nodes.looks


async def test_receipt_of_a_block_that_another_node_has_not_seen_waits() -> None:
    chain = grown(5)
    chain.lag = 1
    nodes = Nodes(chain, used_in=5, receipt_after=0)

    assert (False, False) == await found(chain, nodes, sent_with(acting(1), 0))


async def test_node_that_forgot_old_blocks_takes_nothing() -> None:
    chain = grown(5 + LAG)
    nodes = Nodes(chain, used_in=5)
    nodes.forgotten = AdapterError("missing trie node", retryable=False)

    assert (False, False) == await found(chain, nodes, sent_with(acting(1), 0))


async def test_node_out_of_reach_is_told() -> None:
    chain = grown(5 + LAG)
    nodes = Nodes(chain, used_in=5)
    nodes.forgotten = AdapterError("timeout", retryable=True)

    with pytest.raises(AdapterError, match="timeout"):
        await found(chain, nodes, sent_with(acting(1), 0))
