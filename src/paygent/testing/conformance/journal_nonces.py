"""What `PaymentJournal` promises about account nonces, and about what gas takes from a budget."""

from dataclasses import replace
from typing import Any

import pytest
from anyio import create_task_group

from paygent.core.action import Action, Call
from paygent.core.budget import Hold
from paygent.core.caip import ChainId, native
from paygent.core.errors import DuplicatePurchase, JournalConflict, LocalProtocolError
from paygent.core.lifecycle import Event
from paygent.core.money import Amount, Asset
from paygent.core.payment import Payment
from paygent.core.receipt import Receipt
from paygent.core.transaction import Attempt, HeldNonce, Mined, Plan, Step
from paygent.ports.storage import PaymentJournal
from paygent.testing.conformance.payments import CHAIN, START, approved
from paygent.testing.conformance.steps import put

COIN = Asset(id=native(CHAIN), symbol="ETH", decimals=18)


def acting(name: object, *, first_nonce: int = 0, **about: Any) -> Payment:
    """Return a RESERVED payment that does a transfer on chain."""
    payment = approved(name, **about)
    plan = Plan.of(_transfer(payment), gas=Amount(100, COIN), first_nonce=first_nonce)
    return replace(payment, plan=plan).move(Event.BUDGET_RESERVED, at=START, lease_until=START + 60)


def _transfer(payment: Payment) -> Action:
    spent = payment.intent.amount
    call = Call(to=spent.asset.id.address, data="0xa9059cbb", function="transfer(address,uint256)")
    return Action(
        purpose="transfer",
        network=CHAIN,
        spend=spent,
        counterparty=payment.intent.payee,
        calls=(call,),
        deadline=payment.intent.deadline,
        summary="Pay somebody",
    )


def gas(limit: int, asked: int = 100) -> Hold:
    return Hold(scope="gas", window="day", amount=Amount(asked, COIN), limit=Amount(limit, COIN), gas=True)


def sent_with(payment: Payment, nonce: int) -> Payment:
    """Return it signed and sent with an account nonce."""
    plan = payment.plan
    assert plan is not None
    attempt = Attempt(hash=f"0x{nonce:064x}", nonce=nonce, gas_limit=21_000, max_fee=1, tip=0)
    events = (Event.SIGNATURE_MADE, Event.SEND_BEGUN)
    return payment.move(*events, at=START + 1, plan=plan.with_attempt(0, attempt))


def mined(payment: Payment, fee: int, *, succeeded: bool = True) -> Payment:
    """Return the sent payment settled, or reverted, in a final block."""
    plan = payment.plan
    assert plan is not None
    step = plan.steps[0]
    found = Mined(
        transaction=step.attempts[0].hash, block_number=8, block_hash=f"0x{8:064x}", succeeded=succeeded, fee=fee
    )
    after = plan.with_step(0, replace(step, mined=found))
    if not succeeded:
        return payment.move(Event.TRANSACTION_REVERTED, at=START + 2, plan=after)
    receipt = Receipt(
        payment_id=payment.id,
        network=CHAIN,
        transaction=found.transaction,
        payer=payment.intent.payer,
        payee=payment.intent.payee,
        amount=payment.intent.amount,
        nonce=f"0x{step.attempts[0].nonce:064x}",
        block_number=8,
        block_hash=found.block_hash,
        final=True,
        fee=Amount(fee, COIN),
    )
    return payment.move(Event.CONFIRMED, at=START + 2, plan=after, receipt=receipt, delivered=True)


class NonceContract:
    """Account nonces are given out once."""

    async def test_open_gives_each_action_the_next_nonce(self, journal: PaymentJournal) -> None:
        for number in range(3):
            await put(journal, acting(number, first_nonce=5))

        assert [5, 6, 7] == [held.nonce for held in await _held(journal)]

    async def test_open_starts_where_the_chain_is(self, journal: PaymentJournal) -> None:
        await put(journal, acting(1, first_nonce=5))
        await put(journal, acting(2, first_nonce=9))

        assert [5, 9] == [held.nonce for held in await _held(journal)]
        assert [9] == [held.nonce for held in await _held(journal, at_least=6)]

    async def test_open_that_is_refused_takes_no_nonce(self, journal: PaymentJournal) -> None:
        payment = await put(journal, acting(1))
        with pytest.raises(DuplicatePurchase):
            await put(journal, acting(2, resource=payment.intent.resource))

        assert [0] == [held.nonce for held in await _held(journal)]

    async def test_claim_returns_the_nonce_that_the_step_has(self, journal: PaymentJournal) -> None:
        payment = await put(journal, acting(1, first_nonce=5))

        assert 5 == await journal.claim_nonce(payment, step=0, at_least=0)
        assert 6 == await journal.claim_nonce(payment, step=1, at_least=5)
        assert 6 == await journal.claim_nonce(payment, step=1, at_least=6)

    async def test_claim_gives_another_nonce_where_the_chain_has_passed_it(self, journal: PaymentJournal) -> None:
        payment = await put(journal, acting(1, first_nonce=5))

        assert 8 == await journal.claim_nonce(payment, step=0, at_least=8)

    async def test_claim_is_refused_for_a_payment_that_moved(self, journal: PaymentJournal) -> None:
        payment = await put(journal, acting(1))
        await journal.append(payment, sent_with(payment, 0))

        with pytest.raises(JournalConflict):
            await journal.claim_nonce(payment, step=1, at_least=0)

    async def test_claims_side_by_side_get_nonces_of_their_own(self, journal: PaymentJournal) -> None:
        async with create_task_group() as tasks:
            for number in range(8):
                tasks.start_soon(put, journal, acting(number))

        assert list(range(8)) == [held.nonce for held in await _held(journal)]

    async def test_append_gives_back_the_nonce_of_a_voided_payment(self, journal: PaymentJournal) -> None:
        first = await put(journal, acting(1))
        await put(journal, acting(2))
        await journal.append(first, first.move(Event.ABANDONED, at=START))
        free = await _held(journal)
        third = await put(journal, acting(3))

        assert [True, False] == [held.free for held in free]
        assert [third.id, False] == [(held := (await _held(journal))[0]).payment_id, held.free]

    async def test_nonce_that_the_chain_has_passed_is_not_used_again(self, journal: PaymentJournal) -> None:
        first = await put(journal, acting(1))
        await journal.append(first, first.move(Event.ABANDONED, at=START))
        third = await put(journal, acting(3, first_nonce=1))

        assert 1 == await journal.claim_nonce(third, step=0, at_least=1)

    async def test_append_keeps_a_nonce_that_was_signed_for(self, journal: PaymentJournal) -> None:
        payment = await put(journal, acting(1))
        sent = sent_with(payment, 0)
        await journal.append(payment, sent)
        await journal.claim_nonce(sent, step=1, at_least=0)
        await journal.append(sent, mined(sent, 30))

        assert [False, True] == [held.free for held in await _held(journal)]

    async def test_nonces_of_chains_are_apart(self, journal: PaymentJournal) -> None:
        await put(journal, acting(1))

        assert () == tuple(await journal.nonces(ChainId.evm(77), approved(1).intent.payer))

    async def test_append_forgets_nothing_that_was_signed(self, journal: PaymentJournal) -> None:
        payment = await put(journal, acting(1))
        sent = sent_with(payment, 0)
        await journal.append(payment, sent)
        assert sent.plan is not None
        forgotten = replace(sent.learn(), plan=replace(sent.plan, steps=(Step(call=sent.plan.steps[0].call),)))

        with pytest.raises(LocalProtocolError):
            await journal.append(sent, forgotten)

    async def test_settled_action_commits_what_its_gas_cost(self, journal: PaymentJournal) -> None:
        payment = await put(journal, acting(1), gas(100))
        sent = sent_with(payment, 0)
        await journal.append(payment, sent)
        assert 100 == await _gas(journal)
        await journal.append(sent, mined(sent, 30))

        assert 30 == await _gas(journal)

    async def test_reverted_action_commits_its_gas_and_nothing_else(self, journal: PaymentJournal) -> None:
        payment = acting(1)
        spent = payment.intent.amount
        hold = Hold(scope="wallet", window="day", amount=spent, limit=spent)
        await put(journal, payment, hold, gas(100))
        sent = sent_with(payment, 0)
        await journal.append(payment, sent)
        await journal.append(sent, mined(sent, 30, succeeded=False))
        key = ("wallet", "day", str(spent.asset.id))

        assert 30 == await _gas(journal)
        assert 0 == (await journal.sums([key]))[key]  # type: ignore[attr-defined]  # every journal is a history

    async def test_voided_action_gives_its_gas_back(self, journal: PaymentJournal) -> None:
        payment = await put(journal, acting(1), gas(100))
        await journal.append(payment, payment.move(Event.ABANDONED, at=START))

        assert 0 == await _gas(journal)


async def _gas(journal: PaymentJournal) -> int:
    key = ("gas", "day", str(COIN.id))
    return int((await journal.sums([key]))[key])  # type: ignore[attr-defined]  # every journal is a history


async def _held(journal: PaymentJournal, at_least: int = 0) -> list[HeldNonce]:
    return list(await journal.nonces(CHAIN, approved(1).intent.payer, at_least=at_least))
