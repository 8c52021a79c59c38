"""Evidence and reconciliation against a chain: every state, finality, reorganisations, lagging nodes, liars."""

from dataclasses import replace

import anyio
import httpx
import pytest

from paygent.adapters.httpx import PAYMENT, AsyncPaymentTransport
from paygent.core.errors import AdapterError, ConfigurationError
from paygent.core.lifecycle import FREED, State
from paygent.core.payment import Payment
from paygent.core.requirements import Authorization
from paygent.engine import evidence
from paygent.ports.chain import Transaction
from paygent.testing.chain import MemoryChain, TransactionReverts
from paygent.testing.engine import TOKEN, MemoryEngine, memory_engine
from paygent.testing.faults import FaultPlan
from paygent.testing.keys import dev_accounts
from paygent.testing.seller import Reply

pytestmark = pytest.mark.anyio
FACILITATOR = dev_accounts()[2].address
VALIDITY = 300
METHODS = ["eip3009", "permit2"]


async def reconciled(memory: MemoryEngine, payment: Payment) -> Payment:
    return await memory.engine.reconciler.reconcile(payment.id)


async def upto(memory: MemoryEngine) -> tuple[Payment, Authorization]:
    return await memory.sent(scheme="upto", method="permit2", facilitator=FACILITATOR)


@pytest.mark.parametrize("method", METHODS)
async def test_reconcile_settles_when_somebody_else_settles_later(method: str) -> None:
    """A failed settlement proves nothing: the same bytes can still be settled by anyone."""
    memory = memory_engine()
    payment, authorization = await memory.sent(method=method)
    assert State.OUTCOME_UNKNOWN == (await reconciled(memory, payment)).state
    transaction = memory.chain.settle(authorization)

    after = await reconciled(memory, payment)

    assert State.SETTLED == after.state
    assert after.receipt is not None
    assert (transaction, True) == (after.receipt.transaction, after.receipt.final)
    assert (0, 1_000) == memory.held()


@pytest.mark.parametrize("method", METHODS)
async def test_reconcile_expires_only_when_nobody_can_settle_any_more(method: str) -> None:
    """At every second around the end: what is called EXPIRED can never move money afterwards."""
    for late in range(-2, 3):
        memory = memory_engine()
        payment, authorization = await memory.sent(method=method, max_timeout_seconds=VALIDITY)
        memory.clock.advance(authorization.valid_before + late - memory.clock.now())
        memory.chain.mine()

        after = await reconciled(memory, payment)
        try:
            memory.chain.settle(authorization)
            moved = True
        except TransactionReverts:
            moved = False

        assert (State.OUTCOME_UNKNOWN if moved else State.EXPIRED) == after.state
        assert ((1_000, 0) if moved else (0, 0)) == memory.held()


@pytest.mark.parametrize("method", METHODS)
async def test_reconcile_cancels_when_the_nonce_was_cancelled_in_a_final_block(method: str) -> None:
    """A used-up nonce alone is no settlement."""
    memory = memory_engine(confirmations=2)
    payment, authorization = await memory.sent(method=method)
    memory.chain.cancel(authorization)
    assert State.OUTCOME_UNKNOWN == (await reconciled(memory, payment)).state
    memory.clock.advance(VALIDITY + 1)
    for _ in range(3):
        memory.chain.mine()

    after = await reconciled(memory, payment)

    assert State.CANCELLED == after.state
    assert (0, 0) == memory.held()


async def test_reconcile_commits_what_was_charged_when_the_scheme_is_upto() -> None:
    """The rest of the maximum is free again."""
    memory = memory_engine()
    payment, authorization = await upto(memory)
    memory.chain.settle(authorization, amount=300)

    after = await reconciled(memory, payment)

    assert after.receipt is not None
    assert 300 == after.receipt.amount.atomic
    assert (0, 300) == memory.held()


async def test_reconcile_never_counts_less_than_what_moved_when_two_payments_share_a_payee() -> None:
    """Each payment is found by its own nonce, whatever else went to the same payee."""
    memory = memory_engine()
    first, one = await upto(memory)
    second, two = await upto(memory)
    memory.chain.settle(one, amount=700)
    memory.chain.settle(two, amount=1)

    amounts = [(await reconciled(memory, payment)).receipt for payment in (first, second)]

    assert [700, 1] == [receipt.amount.atomic for receipt in amounts if receipt is not None]
    assert memory.moved() == memory.held()[1]


class HidingChain(MemoryChain):
    """A chain on which facilitators settle through a contract that hides its arguments."""

    async def transaction(self, transaction_hash: str) -> Transaction | None:
        found = await super().transaction(transaction_hash)
        return None if found is None else replace(found, input="0x00")


async def test_reconcile_frees_nothing_when_a_facilitator_hides_the_nonce_it_used() -> None:
    """Money that moved must not be called cancelled because the call data does not show the nonce."""
    memory = memory_engine()
    memory.chain.__class__ = HidingChain
    payment, authorization = await memory.sent(method="permit2")
    memory.chain.settle(authorization)
    memory.clock.advance(VALIDITY + 1)
    memory.chain.mine()

    after = await reconciled(memory, payment)

    assert State.OUTCOME_UNKNOWN == after.state
    assert after.alarm is not None
    assert (1_000, 0) == memory.held()


async def test_reconcile_cancels_when_other_payments_to_the_payee_went_through() -> None:
    """Only a transfer in the very block in which the nonce was used up is suspect."""
    memory = memory_engine()
    payment, authorization = await memory.sent(method="permit2")
    _, other = await memory.sent(method="permit2")
    memory.chain.cancel(authorization)
    memory.chain.settle(other)
    memory.clock.advance(VALIDITY + 1)
    memory.chain.mine()

    assert State.CANCELLED == (await reconciled(memory, payment)).state


@pytest.mark.parametrize("method", METHODS)
async def test_reconcile_goes_back_to_unknown_when_the_settlement_is_reorganised_away(method: str) -> None:
    """Until its block is final a settlement can vanish; the budget is held again, and the same bytes settle once."""
    memory = memory_engine(confirmations=3)
    payment, authorization = await memory.sent(method=method)
    memory.chain.settle(authorization)
    first = await reconciled(memory, payment)
    assert (State.SETTLED, False) == (first.state, first.over)
    memory.chain.reorganise(1)

    assert State.OUTCOME_UNKNOWN == (await reconciled(memory, payment)).state
    assert (1_000, 0) == memory.held()

    memory.chain.settle(authorization)
    for _ in range(3):
        memory.chain.mine()
    last = await reconciled(memory, payment)
    assert (State.SETTLED, True) == (last.state, last.over)
    assert (0, 1_000) == memory.held()
    assert 1 == memory.transfers()


async def test_reconcile_learns_that_the_block_is_final() -> None:
    """The same proof in a final block ends the payment."""
    memory = memory_engine(confirmations=1)
    payment, authorization = await memory.sent()
    memory.chain.settle(authorization)
    first = await reconciled(memory, payment)
    same = await reconciled(memory, payment)
    memory.chain.mine()

    last = await reconciled(memory, payment)

    assert first == same
    assert last.over
    assert last == await reconciled(memory, payment)


async def test_reconcile_changes_nothing_when_the_node_lags() -> None:
    """A node that has not seen the block of the proof does not disprove it; one that lags proves no expiry."""
    memory = memory_engine(confirmations=2)
    payment, authorization = await memory.sent()
    memory.chain.settle(authorization)
    settled = await reconciled(memory, payment)
    memory.chain.lag = 2

    assert settled == await reconciled(memory, payment)

    other, _ = await memory.sent()
    memory.clock.advance(VALIDITY + 1)
    for _ in range(2):
        memory.chain.mine()
    memory.chain.lag = 3
    assert State.OUTCOME_UNKNOWN == (await reconciled(memory, other)).state


async def test_reconcile_finds_a_settlement_below_the_height_at_signing() -> None:
    """After a reorganisation the chain may be shorter than when the payment was signed."""
    memory = memory_engine()
    payment, authorization = await memory.sent()
    memory.chain.settle(authorization)
    higher = replace(payment, from_block=memory.chain.head.number + 20)

    found = await evidence.gather(memory.chain, higher, authorization)

    assert found.used is not None


@pytest.mark.parametrize("with_height", [True, False])
@pytest.mark.parametrize("method", METHODS)
async def test_search_finds_the_settlement_in_pieces_and_stops_at_the_end(method: str, with_height: bool) -> None:
    """No query spans more than the node allows; blocks after the end are not searched; the start may be unknown."""
    memory = memory_engine(max_log_range=7)
    for _ in range(200):
        memory.clock.advance(60)
        memory.chain.mine()
    payment, authorization = await memory.sent(method=method)
    for _ in range(40):
        memory.chain.mine(5)
    memory.chain.settle(authorization)
    for _ in range(400):
        memory.chain.mine(5)
    known = payment if with_height else replace(payment, from_block=None)
    before = memory.chain.reads

    found = await evidence.gather(memory.chain, known, authorization)
    assert found.used is not None
    assert memory.chain.reads - before < 150

    unused, never = await memory.sent(method=method)
    memory.clock.advance(10_000)
    for _ in range(1_000):
        memory.chain.mine(5)
    before = memory.chain.reads
    nothing = await evidence.gather(memory.chain, unused, never)
    assert (None, False) == (nothing.used, nothing.spent_at_final)
    assert memory.chain.reads - before < 150


async def test_reconcile_raises_the_alarm_when_success_was_a_lie() -> None:
    """An invented transaction is remembered against the seller once the chain has disproved it."""
    memory = memory_engine()
    seller = memory.seller()
    seller.replies.append(Reply(settle=False, claim="invented"))
    transport = AsyncPaymentTransport(memory.engine, inner=httpx.MockTransport(seller))
    async with httpx.AsyncClient(transport=transport) as client:
        response = await client.get("http://seller.test/lie")
        assert not response.extensions["paygent.receipt"].proven
        payment = response.extensions[PAYMENT].payment
    later = await memory.end()

    after = await reconciled(later, payment)

    assert State.EXPIRED == after.state
    assert after.alarm is not None
    assert "expired unused" in after.alarm


async def test_reconcile_raises_the_alarm_once_when_the_nonce_is_used_without_transfer() -> None:
    """A contradiction is written down once; the money stays reserved."""
    memory = memory_engine()
    payment, authorization = await memory.sent()
    memory.chain.settle(authorization)
    memory.clock.advance(VALIDITY)
    memory.chain.mine()
    lost = replace(authorization, payee=f"0x{'99' * 20}")
    wrong = replace(payment, authorization=lost)
    found = await evidence.gather(memory.chain, wrong, lost)
    assert found.used is not None
    assert () == found.transfers
    reconciler = memory.engine.reconciler

    from paygent.engine.proof import Unproven

    first = reconciler._moved(wrong, Unproven(why="odd", alarm=True), 0)
    assert first is not None
    assert "odd" == first.alarm
    assert reconciler._moved(first, Unproven(why="odd", alarm=True), 0) is None


async def test_reconcile_voids_a_reservation_only_when_its_lease_is_over() -> None:
    """While the lease runs, whoever reserved may still sign."""
    plan = FaultPlan(at=5, kind="crash before")  # type: ignore[arg-type]
    memory = memory_engine(plan=plan)
    with pytest.raises(Exception, match=r"signer|append"):
        await memory.sent()
    later = memory.restarted()
    payment = (await later.payments())[0]
    assert State.RESERVED == (await reconciled(later, payment)).state
    memory.clock.advance(120)

    assert State.VOIDED == (await reconciled(later, payment)).state
    assert (0, 0) == memory.held()


async def test_reconcile_leaves_what_is_over_alone() -> None:
    """A terminal payment is read and given back, without a look at the chain."""
    memory = memory_engine()
    payment, _ = await memory.sent()
    later = await memory.end()
    over = await reconciled(later, payment)
    assert over.state in FREED
    reads = memory.chain.reads

    assert over == await reconciled(later, payment)
    assert reads == memory.chain.reads


async def test_reconcilers_agree_when_several_run_at_once() -> None:
    """Many processes, one truth: every payment moves once."""
    memory = memory_engine(confirmations=1)
    settled, unused = [], []
    for number in range(6):
        payment, authorization = await memory.sent()
        if number % 2:
            memory.chain.settle(authorization)
            settled.append(payment.id)
        else:
            unused.append(payment.id)
    memory.clock.advance(VALIDITY)
    for _ in range(2):
        memory.chain.mine()

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(memory.restarted().engine.reconciler.run)

    states = {payment.id: payment.state for payment in await memory.payments()}
    assert dict.fromkeys(settled, State.SETTLED) | dict.fromkeys(unused, State.EXPIRED) == states
    assert (0, 3_000) == memory.held()


async def test_run_reports_errors_and_goes_on_when_a_chain_does_not_answer() -> None:
    """One payment that cannot be looked at does not hold the others back."""
    memory = memory_engine()
    for _ in range(3):
        await memory.sent()
    memory.clock.advance(VALIDITY)
    memory.chain.mine()
    memory.chain.fail_next(1)

    seen, failed = await memory.engine.reconciler.run()

    assert 3 == len(seen)
    assert 1 == len(failed)
    assert isinstance(failed[0], AdapterError)
    assert {State.EXPIRED: 2, State.OUTCOME_UNKNOWN: 1} == await memory.states()


async def test_run_walks_every_page() -> None:
    """More payments than a page holds are all looked at."""
    memory = memory_engine()
    for _ in range(103):
        await memory.sent(price=1)

    seen, failed = await memory.engine.reconciler.run()

    assert (103, []) == (len({payment.id for payment in seen}), failed)


async def test_reconcile_needs_an_endpoint_of_the_chain() -> None:
    """Without one the error says how to configure it."""
    memory = memory_engine(with_chain=False)
    payment, _ = await memory.sent()

    with pytest.raises(ConfigurationError, match=f"no endpoint for {TOKEN.asset.id.chain}"):
        await reconciled(memory, payment)
