"""Account nonces on a real EVM: stuck, dropped, replaced, reorganised and missing transactions, two processes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import anyio
import pytest

from paygent.adapters.local_signer import LocalSigner
from paygent.adapters.rpc import RpcChain
from paygent.adapters.sql import open_journal, upgrade
from paygent.core.caip import chain_id
from paygent.core.errors import AuthorizationCancelled, ConfigurationError, Halted, PaymentOutcomeUnknown, SigningFailed
from paygent.core.halt import Halt
from paygent.core.ids import PaymentId, intent_id
from paygent.core.lifecycle import State
from paygent.core.money import Amount
from paygent.core.payment import Payment
from paygent.core.transaction import UnsignedTransaction
from paygent.core.transaction_errors import NonceTaken
from paygent.engine.order import ActionOrder
from paygent.evm.address import checksum
from paygent.testing.transactions import LaggingTransactions
from paygent.wallet import Wallet
from paygent.wallet.wallet import transfer_action
from tests.interop.acting import PATIENCE, Actor, new_actor
from tests.interop.payers import Job, Payers
from tests.interop.peers.chain import TokenChain
from tests.postgres import server

pytestmark = pytest.mark.anyio
PAYEE = checksum(f"0x{'cd' * 20}")
BUMPS = replace(PATIENCE, bump_seconds=0.15, resend_seconds=0.05)
NODE_LAG = 12
"""Of an endpoint of which nothing else is said."""
SHORT = replace(PATIENCE, timeout_seconds=0.2, resend_seconds=60)


@pytest.fixture
def actor(acting_chain: TokenChain) -> Actor:
    return new_actor(acting_chain)


@contextmanager
def paused(actor: Actor) -> Iterator[None]:
    with actor.chain.anvil.paused_mining():
        yield


async def stored(actor: Actor, payment_id: PaymentId | None) -> Payment:
    payment = None if payment_id is None else await actor.journal.get(payment_id)
    assert payment is not None
    assert payment.plan is not None
    return payment


async def unmined(actor: Actor, wallet: Wallet, amount: int = 5, **options: Any) -> PaymentId:
    """Transfer while nothing is mined; return the payment, whose outcome is unknown then."""
    with pytest.raises(PaymentOutcomeUnknown) as raised:
        await wallet.transfer(Amount(amount, actor.token), PAYEE, **options)
    return raised.value.payment_id


async def test_transfer_that_is_not_mined_in_time_is_unknown_and_goes_on_with_the_same_bytes(actor: Actor) -> None:
    async with actor.wallet(patience=SHORT) as wallet:
        with paused(actor):
            payment_id = await unmined(actor, wallet)
            before = await stored(actor, payment_id)
        settled = await wallet.go_on(payment_id)

    assert before.state is State.OUTCOME_UNKNOWN
    assert settled.plan is not None
    assert before.plan is not None
    assert before.plan.attempts == settled.plan.attempts
    assert (State.SETTLED, 1) == (settled.state, actor.sent)


async def test_transaction_that_is_stuck_is_replaced_by_a_dearer_one_of_the_same_nonce(actor: Actor) -> None:
    async with actor.wallet(patience=replace(BUMPS, timeout_seconds=0.5)) as wallet:
        with paused(actor):
            payment_id = await unmined(actor, wallet)
        settled = await wallet.go_on(payment_id)

    assert settled.plan is not None
    attempts = settled.plan.attempts
    assert len(attempts) > 1
    assert 1 == len({attempt.nonce for attempt in attempts})
    assert all(later.max_fee * 10 >= earlier.max_fee * 11 for earlier, later in pairwise(attempts))
    assert (State.SETTLED, 1) == (settled.state, actor.sent)


async def test_fee_is_never_raised_above_the_policy(actor: Actor) -> None:
    async with actor.wallet() as wallet:
        payment = await wallet.transfer(Amount(5, actor.token), PAYEE)
    assert payment.plan is not None
    cap = Amount(payment.plan.attempts[0].ceiling * 21 // 20, actor.coin)
    patient = replace(BUMPS, timeout_seconds=0.5)
    async with actor.wallet(policy=actor.policy(gas_per_transaction=cap), patience=patient) as wallet:
        with paused(actor):
            payment_id = await unmined(actor, wallet, 6)
        settled = await wallet.go_on(payment_id)

    assert settled.plan is not None
    assert 1 == len(settled.plan.attempts)


class Breaking:
    """Signs one transaction with the signer of somebody else, and breaks at the next."""

    def __init__(self, inner: LocalSigner) -> None:
        self._inner = inner
        self._broken = False
        self.address = inner.address

    async def sign_transaction(self, transaction: UnsignedTransaction) -> bytes:
        if self._broken:
            raise SigningFailed("the device was unplugged")
        self._broken = True
        return await self._inner.sign_transaction(transaction)


async def test_signer_that_breaks_once_a_transaction_is_out_leaves_its_outcome_unknown(actor: Actor) -> None:
    inner = LocalSigner(bytes(actor.key.key))
    async with actor.wallet(patience=BUMPS, signer=inner, transaction_signer=Breaking(inner)) as wallet:
        with paused(actor):
            payment_id = await unmined(actor, wallet)
        settled = await wallet.go_on(payment_id)

    assert (State.SETTLED, 1) == (settled.state, actor.sent)


async def test_cancellation_that_is_not_signed_leaves_the_outcome_unknown(actor: Actor) -> None:
    inner = LocalSigner(bytes(actor.key.key))
    async with actor.wallet(patience=SHORT, signer=inner, transaction_signer=Breaking(inner)) as wallet:
        with paused(actor):
            payment_id = await unmined(actor, wallet)
            with pytest.raises(PaymentOutcomeUnknown):
                await wallet.cancel(payment_id)
        settled = await wallet.go_on(payment_id)

    assert (State.SETTLED, 1) == (settled.state, actor.sent)


async def test_transaction_that_the_node_dropped_is_sent_again(actor: Actor) -> None:
    async with actor.wallet(patience=SHORT) as wallet:
        with paused(actor):
            payment_id = await unmined(actor, wallet)
            plan = (await stored(actor, payment_id)).plan
            assert plan is not None
            actor.chain.anvil.call("anvil_dropTransaction", plan.attempts[-1].hash)
        assert 0 == actor.sent
        settled = await wallet.go_on(payment_id)

    assert settled.plan is not None
    assert (1, 1) == (len(settled.plan.attempts), actor.sent)


async def test_chain_that_was_begun_anew_is_named_where_nothing_is_mined(actor: Actor) -> None:
    """A local chain is started again, and the storage still has the account nonces of the one before."""
    network = chain_id(actor.chain.network)
    start = actor.chain.anvil.call("evm_snapshot")
    async with RpcChain(actor.chain.anvil.url, chain=network, instant_finality=True) as rpc:
        often = replace(PATIENCE, timeout_seconds=0.3, resend_seconds=0.1)
        async with actor.wallet(patience=often, chains={network: rpc}, transactions={network: rpc}) as wallet:
            first = await wallet.transfer(Amount(5, actor.token), PAYEE)
            actor.chain.anvil.call("evm_revert", start)
            with pytest.raises(PaymentOutcomeUnknown, match="begun anew needs a storage of its own") as unknown:
                await wallet.transfer(Amount(6, actor.token), PAYEE)

    assert f"{first.id} is SETTLED by account nonce 0" in str(unknown.value)


async def test_nonce_that_somebody_else_used_is_noticed(actor: Actor) -> None:
    """The same key in another program: its transaction is mined in place of ours, and proves that ours never is."""
    async with actor.wallet(patience=SHORT) as wallet:
        with paused(actor):
            payment_id = await unmined(actor, wallet)
            plan = (await stored(actor, payment_id)).plan
            assert plan is not None
            actor.chain.anvil.call("anvil_dropTransaction", plan.attempts[-1].hash)
        actor.chain.anvil.send(actor.key.address, PAYEE, "0x")
        actor.chain.anvil.call("anvil_mine", hex(NODE_LAG - 1))
        with pytest.raises(PaymentOutcomeUnknown):  # a node that is so far behind may have ours
            await wallet.go_on(payment_id)
        actor.chain.anvil.call("anvil_mine", "0x1")
        with pytest.raises(NonceTaken, match="used its nonce"):
            await wallet.go_on(payment_id)
        after = await wallet.transfer(Amount(7, actor.token), PAYEE)

    assert (State.CANCELLED, State.SETTLED) == ((await stored(actor, payment_id)).state, after.state)
    assert 2 == actor.sent


async def test_transaction_that_the_asked_node_has_not_seen_is_not_taken_for_somebody_elses(actor: Actor) -> None:
    """One URL, many nodes: one says that the nonce is used, and the next has no receipt of what used it."""
    network = chain_id(actor.chain.network)
    async with RpcChain(actor.chain.anvil.url, chain=network, instant_finality=True) as rpc:
        behind = LaggingTransactions(rpc, rpc, behind=NODE_LAG)
        async with actor.wallet(patience=SHORT, transactions={network: behind}) as wallet:
            payment_id = await unmined(actor, wallet)
            nonce_is_past = actor.sent
            actor.chain.anvil.call("anvil_mine", hex(NODE_LAG - 1))
            with pytest.raises(PaymentOutcomeUnknown):
                await wallet.go_on(payment_id)
            actor.chain.anvil.call("anvil_mine", "0x1")
            settled = await wallet.go_on(payment_id)

    assert (1, State.SETTLED, 1) == (nonce_is_past, settled.state, actor.sent)


async def test_transaction_that_waits_can_be_cancelled(actor: Actor) -> None:
    async with actor.wallet(patience=SHORT) as wallet:
        before = actor.chain.balance_of(PAYEE)
        with paused(actor):
            payment_id = await unmined(actor, wallet)
            await wallet.cancel(payment_id)
        with pytest.raises(AuthorizationCancelled, match="payment to oneself"):
            await wallet.go_on(payment_id)

    assert (1, before) == (actor.sent, actor.chain.balance_of(PAYEE))
    assert State.CANCELLED is (await stored(actor, payment_id)).state


async def test_transaction_that_was_cancelled_is_not_brought_back_by_a_higher_fee(actor: Actor) -> None:
    async with actor.wallet(patience=replace(BUMPS, timeout_seconds=0.5)) as wallet:
        before = actor.chain.balance_of(PAYEE)
        with paused(actor):
            payment_id = await unmined(actor, wallet)
            await wallet.cancel(payment_id)
            with pytest.raises(PaymentOutcomeUnknown):
                await wallet.go_on(payment_id)
        with pytest.raises(AuthorizationCancelled, match="payment to oneself"):
            await wallet.go_on(payment_id)

    plan = (await stored(actor, payment_id)).plan
    assert plan is not None
    kinds = [attempt.kind for attempt in plan.attempts]
    assert {"cancel"} == set(kinds[kinds.index("cancel") :])
    assert (1, before) == (actor.sent, actor.chain.balance_of(PAYEE))


async def test_cancellation_that_the_policy_leaves_no_fee_for_is_refused(actor: Actor) -> None:
    with paused(actor):
        async with actor.wallet(patience=SHORT) as wallet:
            payment_id = await unmined(actor, wallet, 6)
        plan = (await stored(actor, payment_id)).plan
        assert plan is not None
        tight = actor.policy(gas_per_transaction=Amount(plan.attempts[0].ceiling, actor.coin))
        async with actor.wallet(policy=tight, patience=SHORT) as wallet:
            with pytest.raises(ConfigurationError, match="still waits"):
                await wallet.cancel(payment_id)


async def test_settled_transfer_cannot_be_cancelled(actor: Actor) -> None:
    async with actor.wallet() as wallet:
        payment = await wallet.transfer(Amount(5, actor.token), PAYEE)
        with pytest.raises(ConfigurationError, match="no transaction of it waits"):
            await wallet.cancel(payment.id)


async def test_halt_stops_what_would_be_sent_again(actor: Actor) -> None:
    async with actor.wallet(patience=SHORT) as wallet:
        with paused(actor):
            payment_id = await unmined(actor, wallet)
            plan = (await stored(actor, payment_id)).plan
            assert plan is not None
            actor.chain.anvil.call("anvil_dropTransaction", plan.attempts[-1].hash)
        await actor.journal.halt(Halt(scope="everything", by="ada", reason="drill", at=1))
        with pytest.raises(PaymentOutcomeUnknown, match="halted") as raised:
            await wallet.go_on(payment_id)
        assert isinstance(raised.value.__cause__, Halted)
        assert 0 == actor.sent
        await actor.journal.lift("everything", by="ada", reason="over", at=2)
        await wallet.go_on(payment_id)

    assert 1 == actor.sent


async def test_nonce_that_was_given_back_is_used_by_the_next(actor: Actor) -> None:
    async with actor.wallet() as wallet:
        held = await reserved(actor, wallet, 3)
        await wallet.engine._acting().reserver.void(held, RuntimeError("given back"))
        settled = await wallet.transfer(Amount(5, actor.token), PAYEE)

    assert settled.plan is not None
    assert (0, 1) == (settled.plan.attempts[0].nonce, actor.sent)


async def reserved(actor: Actor, wallet: Wallet, amount: int) -> Payment:
    """Reserve a transfer as a process that dies before it signs."""
    acting = wallet.engine._acting()
    action = transfer_action(Amount(amount, actor.token), PAYEE, deadline=actor.chain.anvil.timestamp() + 900)
    order = ActionOrder(intent_id=intent_id("dies", actor.key.address, str(amount)), action=action)
    return await acting.reserver.reserve(order, await acting.judge.judge(order))


async def test_gap_that_a_dead_process_left_is_filled(actor: Actor) -> None:
    """Its nonce was never signed for: what comes after it would wait for ever."""
    async with actor.wallet(patience=replace(PATIENCE, resend_seconds=0.1)) as wallet:
        held = await reserved(actor, wallet, 3)
        found: list[Payment] = []
        async with anyio.create_task_group() as tasks:

            async def pay() -> None:
                found.append(await wallet.transfer(Amount(5, actor.token), PAYEE))

            tasks.start_soon(pay)
            await anyio.sleep(0.05)
            await wallet.engine._acting().reserver.void(held, RuntimeError("dead"))
        fills = [payment for payment in (await actor.journal.page()).payments if "Fill" in payment.intent.resource]

    (settled,) = found
    assert settled.plan is not None
    assert (State.SETTLED, 1, 2) == (settled.state, settled.plan.attempts[0].nonce, actor.sent)
    assert 1 == len(fills)


async def test_transaction_of_a_dead_process_is_sent_where_it_stands_in_the_way(actor: Actor) -> None:
    async with actor.wallet(patience=SHORT) as wallet:
        with paused(actor):
            first = await unmined(actor, wallet, 3)
            plan = (await stored(actor, first)).plan
            assert plan is not None
            actor.chain.anvil.call("anvil_dropTransaction", plan.attempts[-1].hash)
    async with actor.wallet(patience=replace(PATIENCE, resend_seconds=0.1)) as wallet:
        settled = await wallet.transfer(Amount(5, actor.token), PAYEE)
        other = await wallet.go_on(first)

    assert (State.SETTLED, State.SETTLED, 2) == (settled.state, other.state, actor.sent)


async def test_transfer_that_was_reorganised_away_is_sent_again_as_the_same_bytes(actor: Actor) -> None:
    async with actor.wallet(instant=False) as wallet:
        snapshot = actor.chain.anvil.snapshot()
        first = await wallet.transfer(Amount(5, actor.token), PAYEE)
        assert first.receipt is not None
        assert not first.receipt.final
        actor.chain.anvil.revert(snapshot)
        for _ in range(3):  # another branch has grown past it
            actor.chain.anvil.call("evm_mine")
        gone = await wallet.engine.reconciler.reconcile(first.id)
        again = await wallet.go_on(first.id)

    assert (State.OUTCOME_UNKNOWN, State.SETTLED) == (gone.state, again.state)
    assert first.plan is not None
    assert again.plan is not None
    assert first.plan.attempts == again.plan.attempts
    assert 1 == actor.sent


EACH = 10


@pytest.fixture(scope="module")
def payers() -> Iterator[Payers]:
    with Payers(2) as payers:
        yield payers


def pay_together(payers: Payers, chain: TokenChain, storage: str) -> None:
    """Let two processes pay with one key and one store; each nonce is used once, and nobody is paid twice or less."""
    key, payee = chain.new_payer(), checksum(chain.new_payer().address)
    before = chain.balance_of(payee)
    jobs = [
        Job(
            url=chain.anvil.url,
            chain=chain.anvil.chain_id,
            key="0x" + bytes(key.key).hex(),
            storage=storage,
            payee=payee,
            amounts=tuple(range(start, start + EACH)),
            at_once=EACH,
        )
        for start in (1_000, 2_000)
    ]
    first, second = payers.run(jobs)

    assert list(range(2 * EACH)) == sorted(first.nonces + second.nonces)
    assert (EACH, EACH) == (len(first.nonces), len(second.nonces))
    assert min(first.ended, second.ended) > max(first.began, second.began)
    assert sum(sum(job.amounts) for job in jobs) == chain.balance_of(payee) - before
    assert hex(2 * EACH) == chain.anvil.call("eth_getTransactionCount", key.address, "latest")


def test_two_processes_with_one_file_never_clash(payers: Payers, acting_chain: TokenChain, tmp_path: Path) -> None:
    file = str(tmp_path / "pay.db")
    open_journal(file).close()

    pay_together(payers, acting_chain, file)


def test_two_processes_with_one_postgresql_never_clash(payers: Payers, acting_chain: TokenChain) -> None:
    with server() as url:
        upgrade(url)

        pay_together(payers, acting_chain, url)
