"""What every `ApprovalStore`, and `PaymentJournal.reserve` with it, must do."""

from dataclasses import replace

import pytest
from anyio import create_task_group

from paygent.core.approval import ApprovalRequest, ApprovalState
from paygent.core.approval_errors import ApprovalLapsed, ApprovalPending, ApprovalRefused, NotAnApprover
from paygent.core.context import Context
from paygent.core.edit import Edit
from paygent.core.errors import (
    BudgetExceeded,
    DuplicatePurchase,
    IdempotencyConflict,
    JournalConflict,
    LocalProtocolError,
    PaygentError,
)
from paygent.core.lifecycle import Event, State
from paygent.core.payment import Payment
from paygent.ports.storage import Storage
from paygent.testing.conformance.payments import (
    START,
    awaiting,
    daily,
    decision_on,
    released,
    request_for,
    reserved,
    signed,
)
from paygent.testing.conformance.steps import has_room, put, used

URL = "https://a.example/"


async def asked(storage: Storage, payment: Payment, *, needed: int = 1) -> ApprovalRequest:
    return await storage.ask(payment, request_for(payment, needed=needed))


async def granted(storage: Storage, payment: Payment) -> ApprovalRequest:
    request = await asked(storage, payment)
    return await storage.decide(request.id, decision_on(request))


async def state_of(storage: Storage, payment: Payment) -> tuple[State, ApprovalState]:
    stored, request = await storage.get(payment.id), await storage.approval_of(payment.id)
    assert stored is not None
    assert request is not None
    return stored.state, request.state


@pytest.mark.anyio
class ApprovalStoreContract:
    """A grant is bound to its payment, and spent once. Override `storage`."""

    @pytest.fixture
    def storage(self) -> Storage:
        raise NotImplementedError("override the fixture `storage`")

    async def test_ask_keeps_payment_and_request(self, storage: Storage) -> None:
        payment = awaiting(context=Context(agent="a", session="s"))
        request = await asked(storage, payment, needed=2)

        assert payment == await storage.get(payment.id)
        assert request == await storage.approval(request.id)
        assert request == await storage.approval_of(payment.id)
        assert (request,) == (await storage.pending(now=START)).requests

    async def test_unknown_requests_are_none(self, storage: Storage) -> None:
        request = request_for(awaiting())

        assert [None, None] == [await storage.approval(request.id), await storage.approval_of(request.payment_id)]
        with pytest.raises(LocalProtocolError):
            await storage.decide(request.id, decision_on(request))

    async def test_ask_again_finds_the_pending_request(self, storage: Storage) -> None:
        first = await asked(storage, awaiting(1, resource=URL))
        second = awaiting(2, resource=URL)

        assert first == await asked(storage, second)
        assert first == await asked(storage, awaiting(1, resource=URL))
        assert await storage.get(second.id) is None

    async def test_ask_again_finds_a_granted_request(self, storage: Storage) -> None:
        first = await granted(storage, awaiting(1, resource=URL))

        assert first == await asked(storage, awaiting(2, resource=URL))

    async def test_ask_keeps_other_offers_and_keys_apart(self, storage: Storage) -> None:
        payments = [
            awaiting(1, resource=URL),
            awaiting(2, resource=URL, amount=101),
            awaiting(3, resource=URL, key="k"),
            awaiting(4, resource=f"{URL}other"),
        ]
        ids = {(await asked(storage, payment)).id for payment in payments}

        assert 4 == len(ids)

    async def test_ask_after_the_first_lapsed_makes_another(self, storage: Storage) -> None:
        await asked(storage, awaiting(1, resource=URL))
        second = awaiting(2, resource=URL)
        late = request_for(second, at=START + 600)

        assert late == await storage.ask(second, late)

    async def test_ask_refuses_another_request_under_one_key(self, storage: Storage) -> None:
        first = await asked(storage, awaiting(1, key="k"))
        with pytest.raises(IdempotencyConflict) as caught:
            await asked(storage, awaiting(2, key="k"))

        assert first.payment_id == caught.value.payment_id
        assert (first,) == (await storage.pending(now=START)).requests
        assert await storage.get(awaiting(2).id) is None

    async def test_ask_points_to_what_its_key_has_already(self, storage: Storage) -> None:
        """What waits with another offer, or too long, is not asked about beside a second one; nor is what is out."""
        waiting = await asked(storage, awaiting(1, resource=URL, key="k"))
        dearer = awaiting(2, resource=URL, key="k", amount=101)
        late = awaiting(3, resource=URL, key="k")
        with pytest.raises(DuplicatePurchase) as changed:
            await asked(storage, dearer)
        with pytest.raises(DuplicatePurchase) as lapsed:
            await storage.ask(late, request_for(late, at=START + 600))
        out = await put(storage, reserved(4, resource=URL, key="out"))
        with pytest.raises(DuplicatePurchase) as bought:
            await asked(storage, awaiting(5, resource=URL, key="out"))

        found = [each.value.payment_id for each in (changed, lapsed, bought)]
        assert [waiting.payment_id, waiting.payment_id, out.id] == found
        assert (waiting,) == (await storage.pending(now=START)).requests

    async def test_ask_again_under_a_key_whose_payment_is_over(self, storage: Storage) -> None:
        first = await asked(storage, awaiting(1, resource=URL, key="k"))
        await storage.decide(first.id, decision_on(first, granted=False))
        second = await asked(storage, awaiting(2, resource=URL, key="k"))

        assert (second,) == (await storage.pending(now=START)).requests

    async def test_ask_refuses_an_id_that_is_there(self, storage: Storage) -> None:
        await put(storage, reserved())

        with pytest.raises(JournalConflict):
            await asked(storage, awaiting())

    async def test_ask_refuses_what_is_no_new_request_about_the_payment(self, storage: Storage) -> None:
        payment, request = awaiting(), request_for(awaiting())
        wrong = [
            (reserved(), request),
            (awaiting(2), request),
            (payment, replace(request, facts={"payee": "x"})),
            (payment, replace(request, state=ApprovalState.GRANTED)),
        ]
        for one, other in wrong:
            with pytest.raises(LocalProtocolError):
                await storage.ask(one, other)

        assert await storage.get(payment.id) is None

    async def test_pending_is_oldest_first_in_pages_and_without_what_is_over(self, storage: Storage) -> None:
        made = [await asked(storage, awaiting(name)) for name in range(6)]
        await storage.decide(made[1].id, decision_on(made[1]))
        await storage.decide(made[3].id, decision_on(made[3], granted=False))
        first = await storage.pending(now=START, limit=3)
        second = await storage.pending(now=START, limit=3, after=first.next)

        assert [made[index].id for index in (0, 2, 4, 5)] == [each.id for each in first.requests + second.requests]
        assert second.next is None
        assert () == (await storage.pending(now=START + 600)).requests
        with pytest.raises(LocalProtocolError):
            await storage.pending(now=START, after="x")

    async def test_k_of_n_distinct_approvers_grant(self, storage: Storage) -> None:
        request = await asked(storage, awaiting(), needed=2)
        first = await storage.decide(request.id, decision_on(request, approver="ann"))
        for same in ("ann", "Ann ", "\uff41nn"):
            with pytest.raises(ApprovalRefused):
                await storage.decide(request.id, decision_on(request, approver=same))
        second = await storage.decide(request.id, decision_on(request, approver="ben", reason="fine"))

        assert (ApprovalState.PENDING, ApprovalState.GRANTED) == (first.state, second.state)
        assert second == await storage.approval(request.id)

    async def test_only_who_may_decide_is_counted(self, storage: Storage) -> None:
        payment = awaiting()
        request = await storage.ask(payment, request_for(payment, needed=2, approvers=("ann", "Ben", "cem")))
        first = await storage.decide(request.id, decision_on(request, approver="ben"))
        less = Edit(atomic_units=payment.intent.amount.atomic - 1)
        for granted, edit in ((True, None), (False, None), (True, less)):
            said = decision_on(request, approver="dan", granted=granted, edit=edit)
            with pytest.raises(NotAnApprover):
                await storage.decide(request.id, said)
        unchanged = await storage.approval(request.id)
        second = await storage.decide(request.id, decision_on(request, approver="CEM "))

        assert (ApprovalState.PENDING, first) == (first.state, unchanged)
        assert (ApprovalState.GRANTED, ("ann", "Ben", "cem")) == (second.state, second.approvers)
        assert second == await storage.approval(request.id)

    async def test_one_of_fifty_racing_decisions_counts(self, storage: Storage) -> None:
        request = await asked(storage, awaiting())
        counted: list[str] = []

        async def decide(index: int) -> None:
            try:
                await storage.decide(request.id, decision_on(request, approver=str(index)))
            except PaygentError:
                return
            counted.append(str(index))

        async with create_task_group() as tasks:
            for index in range(50):
                tasks.start_soon(decide, index)
        stored = await storage.approval(request.id)

        assert stored is not None
        assert counted == [each.approver for each in stored.decisions]

    async def test_refusal_denies_the_payment(self, storage: Storage) -> None:
        payment = awaiting()
        request = await asked(storage, payment)
        await storage.decide(request.id, decision_on(request, granted=False, reason="too dear"))
        stored = await storage.get(payment.id)

        assert stored is not None
        assert payment.move(Event.REFUSED, at=START + 5, note="refused by ann: too dear") == stored

    async def test_edit_supersedes_the_payment_and_keeps_what_was_edited(self, storage: Storage) -> None:
        payment = awaiting()
        request = await asked(storage, payment, needed=2)
        first = await storage.decide(request.id, decision_on(request, approver="bob"))
        edit = Edit(atomic_units=payment.intent.amount.atomic - 1)
        decided = await storage.decide(request.id, decision_on(first, edit=edit, reason="enough"))
        stored = await storage.get(payment.id)

        note = f"edited to {edit} by ann: enough"
        assert payment.move(Event.REPLACED, at=START + 5, note=note) == stored
        assert (ApprovalState.VOID, decision_on(first, edit=edit, reason="enough")) == (decided.state, decided.edited)
        assert decided == await storage.approval(request.id)

    async def test_edit_that_is_not_less_changes_nothing(self, storage: Storage) -> None:
        payment = awaiting()
        request = await asked(storage, payment)
        with pytest.raises(LocalProtocolError):
            await storage.decide(request.id, decision_on(request, edit=Edit(atomic_units=payment.intent.amount.atomic)))

        assert (State.AWAITING_APPROVAL, ApprovalState.PENDING) == await state_of(storage, payment)

    async def test_late_or_wrong_decision_changes_nothing(self, storage: Storage) -> None:
        request = await asked(storage, awaiting())
        with pytest.raises(ApprovalLapsed):
            await storage.decide(request.id, decision_on(request, at=START + 600))
        with pytest.raises(LocalProtocolError):
            await storage.decide(request.id, replace(decision_on(request), digest="0" * 64))

        assert request == await storage.approval(request.id)

    async def test_reserve_spends_the_grant_and_the_budget(self, storage: Storage) -> None:
        payment = awaiting()
        request = await granted(storage, payment)
        after = released(payment)
        await storage.reserve(payment, after, [daily(60, limit=100)], approval=request.id, now=START + 6)

        assert after == await storage.get(payment.id)
        assert (State.RESERVED, ApprovalState.USED) == await state_of(storage, payment)
        assert (60, 0) == await used(storage)
        await storage.append(after, signed(after))

        assert signed(after) == await storage.get(payment.id)

    async def test_reserve_without_an_approval_voids_what_people_were_asked(self, storage: Storage) -> None:
        """The policy of now wants nobody's agreement."""
        payment = awaiting(key="k")
        await asked(storage, payment)
        after = released(payment)
        await storage.reserve(payment, after, [daily(60, limit=100)], approval=None, now=START + 6)

        assert after == await storage.get(payment.id)
        assert (State.RESERVED, ApprovalState.VOID) == await state_of(storage, payment)
        assert (60, 0) == await used(storage)

    async def test_reserve_needs_a_grant_in_time(self, storage: Storage) -> None:
        payment = awaiting()
        request = await asked(storage, payment)
        with pytest.raises(ApprovalPending):
            await storage.reserve(payment, released(payment), [], approval=request.id, now=START + 6)
        await storage.decide(request.id, decision_on(request))
        with pytest.raises(ApprovalLapsed):
            await storage.reserve(payment, released(payment), [], approval=request.id, now=START + 600)

        assert (State.AWAITING_APPROVAL, ApprovalState.GRANTED) == await state_of(storage, payment)

    async def test_reserve_refuses_the_grant_of_another_payment(self, storage: Storage) -> None:
        first, second = awaiting(1), awaiting(2)
        request = await granted(storage, first)
        await granted(storage, second)
        with pytest.raises(LocalProtocolError):
            await storage.reserve(second, released(second), [], approval=request.id, now=START + 6)

        assert (State.AWAITING_APPROVAL, ApprovalState.GRANTED) == await state_of(storage, first)
        assert (State.AWAITING_APPROVAL, ApprovalState.GRANTED) == await state_of(storage, second)

    async def test_one_of_fifty_racing_reservations_wins(self, storage: Storage) -> None:
        payment = awaiting()
        request = await granted(storage, payment)
        won: list[int] = []

        async def reserve(index: int) -> None:
            hold = daily(1, limit=100)
            try:
                await storage.reserve(payment, released(payment), [hold], approval=request.id, now=START + 6)
            except PaygentError:
                return
            won.append(index)

        async with create_task_group() as tasks:
            for index in range(50):
                tasks.start_soon(reserve, index)

        assert 1 == len(won)
        assert (1, 0) == await used(storage)

    async def test_reserve_without_room_denies_and_voids(self, storage: Storage) -> None:
        payment = awaiting()
        request = await granted(storage, payment)
        with pytest.raises(BudgetExceeded):
            await storage.reserve(payment, released(payment), [daily(2, limit=1)], approval=request.id, now=START + 6)

        assert (State.DENIED, ApprovalState.VOID) == await state_of(storage, payment)
        assert await has_room(storage, 1, limit=1)

    async def test_reserve_refuses_a_repeated_purchase(self, storage: Storage) -> None:
        payment = awaiting(1, resource=URL)
        request = await granted(storage, payment)
        other = await put(storage, reserved(2, resource=URL))
        await storage.append(other, signed(other))
        with pytest.raises(DuplicatePurchase):
            await storage.reserve(payment, released(payment), [], approval=request.id, now=START + 6)

        assert (State.AWAITING_APPROVAL, ApprovalState.GRANTED) == await state_of(storage, payment)
        await storage.reserve(payment, released(payment), [], approval=request.id, now=START + 6, new_purchase=True)

        assert (State.RESERVED, ApprovalState.USED) == await state_of(storage, payment)

    async def test_newest_of_two_that_are_in_the_way_is_named_in_whatever_order_they_were_reserved(
        self, storage: Storage
    ) -> None:
        first, second = awaiting(1, key="k", resource=URL), awaiting(2, resource=URL)
        asked_first, asked_second = await granted(storage, first), await granted(storage, second)
        for payment, request in ((second, asked_second), (first, asked_first)):
            await storage.reserve(payment, released(payment), [], approval=request.id, now=START + 6)
        with pytest.raises(DuplicatePurchase) as refused:
            await storage.open(reserved(3, resource=URL), [], now=START + 7, new_purchase=False)

        assert second.id == refused.value.payment_id

    async def test_reserve_with_a_key_of_its_own_passes(self, storage: Storage) -> None:
        payment = awaiting(key="k")
        request = await granted(storage, payment)
        await storage.reserve(payment, released(payment), [], approval=request.id, now=START + 6)

        assert (State.RESERVED, ApprovalState.USED) == await state_of(storage, payment)

    async def test_append_cannot_reserve_and_voids_what_leaves(self, storage: Storage) -> None:
        payment = awaiting()
        await granted(storage, payment)
        for after in (released(payment), payment.move(Event.GRANTED, at=START)):
            with pytest.raises(LocalProtocolError):
                await storage.append(payment, after)
        await storage.append(payment, payment.move(Event.REPLACED, at=START + 9, note="edited"))

        assert (State.SUPERSEDED, ApprovalState.VOID) == await state_of(storage, payment)
