"""Payments that wait for people: asked once, paid once, judged again, and stopped by a halt."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Never

import anyio
import httpx
import pytest

from paygent.adapters.callback import CallbackApprovals
from paygent.adapters.httpx import (
    ASK,
    CONTEXT,
    INTENT,
    KEY,
    MAX_AMOUNT,
    PAYMENT,
    QUANTITY,
    RESUME,
    AsyncPaymentTransport,
)
from paygent.adapters.webhook import SIGNATURE, TIMESTAMP, WebhookApprovals, signature
from paygent.core.approval import ApprovalDecision, ApprovalRequest, ApprovalState
from paygent.core.approval_errors import ApprovalEdited, ApprovalLapsed, ApprovalPending, ApprovalRefused, NotAnApprover
from paygent.core.context import Context
from paygent.core.edit import Edit
from paygent.core.errors import (
    BudgetExceeded,
    ConfigurationError,
    Halted,
    IdempotencyConflict,
    PaidUndelivered,
    PaymentOutcomeUnknown,
    PolicyDenied,
)
from paygent.core.halt import Halt
from paygent.core.ids import ApprovalId, PaymentId, intent_id
from paygent.core.lifecycle import State
from paygent.core.money import usd
from paygent.engine.approvals import ApprovalDesk
from paygent.engine.choose import KEPT_SECONDS
from paygent.engine.reserve import APPROVAL_SECONDS, People
from paygent.policy.policy import Policy
from paygent.testing.clock import VirtualClock
from paygent.testing.engine import MemoryEngine, memory_engine
from paygent.testing.faults import FaultKind, FaultPlan
from paygent.testing.seller import Reply

pytestmark = pytest.mark.anyio

ASKING = Policy(max_per_payment=usd("5"), approve_above=usd("0.0001"))
URL = "http://seller.test/paid"


async def get(
    memory: MemoryEngine, url: str = URL, *, resume: PaymentId | None = None, context: Context | None = None
) -> httpx.Response:
    seller = memory.seller()
    transport = AsyncPaymentTransport(memory.engine, inner=httpx.MockTransport(seller))
    async with httpx.AsyncClient(transport=transport) as client:
        return await client.get(url, extensions={RESUME: resume, **({} if context is None else {CONTEXT: context})})


async def pending(memory: MemoryEngine) -> tuple[ApprovalDesk, ApprovalPending]:
    with pytest.raises(ApprovalPending) as caught:
        await get(memory)
    return ApprovalDesk(store=memory.journal, clock=memory.clock), caught.value


async def the_request(desk: ApprovalDesk) -> str:
    page = await desk.pending()
    assert 1 == len(page.requests)
    return page.requests[0].id


async def test_payment_waits_as_a_value_and_is_paid_once_when_granted() -> None:
    memory = memory_engine(policy=ASKING)
    desk, waits = await pending(memory)
    assert 0 == memory.transfers()

    await desk.approve((await desk.pending()).requests[0].id, approver="ann")
    response = await get(memory.restarted(), resume=waits.payment_id)

    assert httpx.codes.OK == response.status_code
    assert 1 == memory.transfers()
    stored = await memory.engine.reconciler.reconcile(PaymentId(str(waits.payment_id)))
    assert State.SETTLED is stored.state


async def test_asking_again_finds_what_waits() -> None:
    memory = memory_engine(policy=ASKING)
    desk, first = await pending(memory)
    _, second = await pending(memory)

    assert first.payment_id == second.payment_id
    await the_request(desk)


async def test_grant_is_used_once() -> None:
    memory = memory_engine(policy=ASKING)
    desk, _ = await pending(memory)
    await desk.approve((await desk.pending()).requests[0].id, approver="ann")
    await get(memory)

    with pytest.raises(ApprovalPending):
        await get(memory)

    assert 1 == memory.transfers()


async def test_refusal_denies_the_payment() -> None:
    memory = memory_engine(policy=ASKING, people=People(handler=CallbackApprovals(lambda _: False, approver="bob")))

    with pytest.raises(ApprovalRefused):
        await get(memory)

    assert {State.DENIED: 1} == dict(await memory.states())
    assert (0, 0) == memory.held()


async def test_handler_that_agrees_at_once_lets_the_payment_go_on() -> None:
    memory = memory_engine(policy=ASKING, people=People(handler=CallbackApprovals(lambda _: True, approver="bob")))

    response = await get(memory)

    assert httpx.codes.OK == response.status_code
    assert 1 == memory.transfers()


NAMED = People(needed=2, approvers=("ann", "bob", "cem"))


async def test_two_of_those_who_may_decide_have_to_agree() -> None:
    memory = memory_engine(policy=ASKING, people=NAMED)
    desk, _ = await pending(memory)
    asked = ApprovalId(await the_request(desk))
    await desk.approve(asked, approver="ann")
    with pytest.raises(NotAnApprover, match="ask ann, bob, cem"):
        await desk.approve(asked, approver="dan")
    with pytest.raises(NotAnApprover):
        await desk.reject(asked, approver="dan")
    with pytest.raises(ApprovalPending):
        await get(memory)

    await desk.approve(asked, approver="CEM")
    await get(memory)

    assert 1 == memory.transfers()


@pytest.mark.parametrize("answer", [True, False])
async def test_handler_of_somebody_who_may_not_decide_is_not_counted(answer: bool) -> None:
    people = replace(NAMED, handler=CallbackApprovals(lambda _: answer, approver="dan"))
    memory = memory_engine(policy=ASKING, people=people)

    with pytest.raises(NotAnApprover) as caught:
        await get(memory)
    page = await memory.journal.pending(now=memory.clock.now())

    assert [(caught.value.payment_id, ())] == [(each.payment_id, each.decisions) for each in page.requests]
    assert {State.AWAITING_APPROVAL: 1} == dict(await memory.states())


async def test_webhook_decision_of_somebody_who_may_not_decide_is_not_counted() -> None:
    memory = memory_engine(policy=ASKING, people=NAMED)
    desk, _ = await pending(memory)
    request = await desk.show(ApprovalId(await the_request(desk)))
    hook = WebhookApprovals("https://hooks.example/", secret="sixteen bytes or more", clock=memory.clock)
    said = {"approval": request.id, "approver": "dan", "digest": request.digest, "granted": True}
    body, now = json.dumps(said).encode(), memory.clock.now()
    signed = signature(b"sixteen bytes or more", "decision", now, body)
    brought = hook.decision(body, {TIMESTAMP: str(now), SIGNATURE: signed})
    await hook.aclose()

    with pytest.raises(NotAnApprover):
        await desk.decide(brought.approval_id, brought.decision)

    assert () == (await desk.show(request.id)).decisions


@pytest.mark.parametrize("names", [(), ("ann",), ("ann", "Ann"), ("ann", "b,c")])
def test_people_are_refused_when_not_enough_of_them_may_decide(names: tuple[str, ...]) -> None:
    with pytest.raises(ConfigurationError, match="approver"):
        People(needed=2, approvers=names)


async def test_two_approvers_have_to_agree_where_two_are_needed() -> None:
    memory = memory_engine(policy=ASKING, people=People(needed=2))
    desk, _ = await pending(memory)
    asked = (await desk.pending()).requests[0].id
    await desk.approve(asked, approver="ann")
    with pytest.raises(ApprovalPending):
        await get(memory)

    await desk.approve(asked, approver="bob")
    await get(memory)

    assert 1 == memory.transfers()


async def test_grant_lapses_and_the_payment_with_it() -> None:
    memory = memory_engine(policy=ASKING)
    desk, waits = await pending(memory)
    await desk.approve((await desk.pending()).requests[0].id, approver="ann")
    memory.clock.advance(APPROVAL_SECONDS)
    memory.chain.mine()

    with pytest.raises((ApprovalLapsed, ApprovalPending)):
        await get(memory, resume=waits.payment_id)

    assert 0 == memory.transfers()


async def test_granted_payment_meets_the_policy_as_it_is_then() -> None:
    memory = memory_engine(policy=ASKING)
    desk, _ = await pending(memory)
    await desk.approve((await desk.pending()).requests[0].id, approver="ann")
    stricter = replace(memory, policy=replace(ASKING, max_per_payment=usd("0.0001"))).restarted()

    with pytest.raises(PolicyDenied):
        await get(stricter)

    assert 0 == memory.transfers()


async def test_resume_refuses_another_request() -> None:
    memory = memory_engine(policy=ASKING)
    _, waits = await pending(memory)

    with pytest.raises(IdempotencyConflict):
        await get(memory, "http://seller.test/other", resume=waits.payment_id)

    assert 0 == memory.transfers()


@pytest.mark.parametrize("scope", ["everything", "wallet", "agent:a", "session:s"])
async def test_halt_stops_a_payment_before_it_is_signed(scope: str) -> None:
    memory = memory_engine()
    named = f"wallet:{memory.payer}" if scope == "wallet" else scope
    await memory.journal.halt(Halt(scope=named, by="ann", reason="test", at=memory.clock.now()))

    with pytest.raises(Halted):
        await get(memory, context=Context(agent="a", session="s"))

    assert [] == memory.signer.signed
    assert {State.DENIED: 1} == dict(await memory.states())


async def test_halt_of_another_agent_stops_nothing() -> None:
    memory = memory_engine()
    await memory.journal.halt(Halt(scope="agent:b", by="ann", reason="test", at=memory.clock.now()))

    response = await get(memory, context=Context(agent="a"))

    assert httpx.codes.OK == response.status_code


async def test_halt_stops_a_re_send_and_what_is_out_stays_unknown() -> None:
    memory = memory_engine()
    payment, _ = await memory.sent()
    await memory.journal.halt(Halt(scope="everything", by="ann", reason="test", at=memory.clock.now()))

    async def send(_: object) -> Never:
        pytest.fail("sent although halted")

    with pytest.raises(PaymentOutcomeUnknown):
        await memory.engine.send_again(payment.id, send, repeatable=True)

    stored = await memory.journal.get(payment.id)
    assert stored is not None
    assert State.OUTCOME_UNKNOWN is stored.state


async def test_halt_denies_what_waits_for_people() -> None:
    memory = memory_engine(policy=ASKING)
    desk, _ = await pending(memory)

    await memory.journal.halt(Halt(scope="everything", by="ann", reason="test", at=memory.clock.now()))

    assert () == (await desk.pending()).requests
    assert {State.DENIED: 1} == dict(await memory.states())


async def test_halt_stops_fetching_a_settled_answer_again() -> None:
    """A re-send of a settled payment writes no move, and a halt stops it all the same."""
    memory = memory_engine()
    payment, authorization = await memory.sent()
    memory.chain.settle(authorization)
    await memory.engine.reconciler.reconcile(payment.id)
    await memory.journal.halt(Halt(scope="everything", by="ann", reason="test", at=memory.clock.now()))

    async def send(_: object) -> Never:
        pytest.fail("sent although halted")

    with pytest.raises(PaidUndelivered, match="halted"):
        await memory.engine.send_again(payment.id, send, repeatable=True)


async def granted() -> MemoryEngine:
    memory = memory_engine(policy=ASKING)
    desk, _ = await pending(memory)
    await desk.approve((await desk.pending()).requests[0].id, approver="ann")
    return memory


async def test_reservation_of_a_granted_payment_is_given_back_when_its_caller_is_cancelled() -> None:
    """The budget does not wait for the lease: nothing was signed."""
    counting = FaultPlan()
    await get((await granted()).restarted(counting))
    memory = await granted()

    with anyio.CancelScope() as scope:
        at = counting.calls.index("journal.reserve")
        await get(memory.restarted(FaultPlan(kind=FaultKind.CANCEL_AFTER, at=at, scope=scope)))

    assert scope.cancelled_caught
    assert {State.VOIDED: 1} == dict(await memory.states())
    assert (0, 0) == memory.held()


async def test_note_of_an_answer_that_delivers_nothing_says_what_it_claims() -> None:
    memory = memory_engine()
    seller = memory.seller()
    seller.replies.append(Reply(status=500))
    transport = AsyncPaymentTransport(memory.engine, inner=httpx.MockTransport(seller))
    async with httpx.AsyncClient(transport=transport) as client:
        await client.get(URL)

    notes = [line.note for payment in await memory.payments() for line in payment.history]
    assert "answered with 500, settlement claimed as made" in notes


# --- edits ----------------------------------------------------------------------------------------------------------


async def buy(
    memory: MemoryEngine, price: int, extensions: Mapping[str, object] | None = None, *, path: str = "paid"
) -> httpx.Response:
    transport = AsyncPaymentTransport(memory.engine, inner=httpx.MockTransport(memory.seller(price=price)))
    async with httpx.AsyncClient(transport=transport) as client:
        return await client.get(f"http://seller.test/{path}", extensions=dict(extensions or {}))


async def editable(
    memory: MemoryEngine, extensions: Mapping[str, object] | None = None
) -> tuple[ApprovalDesk, PaymentId]:
    """Return a desk at which one payment waits, and the payment."""
    with pytest.raises(ApprovalPending) as caught:
        await buy(memory, 30_000, extensions)
    assert caught.value.payment_id is not None
    return ApprovalDesk(store=memory.journal, clock=memory.clock), caught.value.payment_id


async def test_edit_supersedes_the_payment_and_judges_the_next_under_its_ceiling() -> None:
    memory = memory_engine(policy=ASKING)
    desk, first = await editable(memory)
    request = await desk.edit(ApprovalId(await the_request(desk)), approver="ann", amount="0.02", reason="enough")

    with pytest.raises(PolicyDenied, match=r"0\.03 USDC is above edit of 0\.02 USDC"):
        await buy(memory.restarted(), 30_000, {RESUME: first})

    denied, superseded = await memory.payments()
    assert (ApprovalState.VOID, State.SUPERSEDED, State.DENIED) == (request.state, superseded.state, denied.state)
    assert "edited to at most 20000 atomic units by ann: enough" == superseded.history[-1].note
    assert (0, (0, 0)) == (memory.transfers(), memory.held())
    rows = [row.facts for row in await memory.journal.entries()]
    assert ["at most 20000 atomic units"] == [row["edited"] for row in rows if "edited" in row]


async def test_edit_tells_whoever_asks_for_the_same_again() -> None:
    memory = memory_engine(policy=ASKING)
    desk, first = await editable(memory)
    await desk.edit(ApprovalId(await the_request(desk)), approver="ann", amount="0.02")

    with pytest.raises(ApprovalEdited) as caught:
        await buy(memory.restarted(), 30_000)

    assert (first, Edit(atomic_units=20_000), "ann") == (
        caught.value.payment_id,
        caught.value.edit,
        caught.value.approver,
    )
    assert () == (await desk.pending()).requests


async def test_edited_payment_meets_the_whole_policy_again() -> None:
    """The seller lowered its price below the edit, which is still above the threshold: people are asked once more."""
    memory = memory_engine(policy=ASKING)
    desk, first = await editable(memory)
    await desk.edit(ApprovalId(await the_request(desk)), approver="ann", amount="0.02")

    with pytest.raises(ApprovalPending) as caught:
        await buy(memory, 20_000, {RESUME: first})
    second = caught.value.payment_id
    await desk.approve(ApprovalId(await the_request(desk)), approver="ann")
    response = await buy(memory, 20_000, {RESUME: second})

    assert (200, 1, 20_000) == (response.status_code, memory.transfers(), memory.moved())
    assert first != second


async def test_edited_payment_below_the_threshold_is_paid() -> None:
    memory = memory_engine(policy=replace(ASKING, approve_above=usd("0.02")))
    desk, first = await editable(memory)
    await desk.edit(ApprovalId(await the_request(desk)), approver="ann", amount="0.02")

    response = await buy(memory, 20_000, {RESUME: first})

    paid = response.extensions[PAYMENT].payment
    assert (1, 20_000) == (memory.transfers(), memory.moved())
    assert f"instead of {first}, which was edited" == paid.history[0].note


async def test_edited_payment_that_was_paid_is_not_bought_again_when_it_is_resumed_twice() -> None:
    memory = memory_engine(policy=replace(ASKING, approve_above=usd("0.02")))
    desk, first = await editable(memory)
    await desk.edit(ApprovalId(await the_request(desk)), approver="ann", amount="0.02")
    await buy(memory, 20_000, {RESUME: first})

    await buy(memory.restarted(), 20_000, {RESUME: first})

    assert (1, 20_000) == (memory.transfers(), memory.moved())


async def test_edited_quantity_lets_another_request_of_the_host_stand_for_the_first() -> None:
    memory = memory_engine(policy=replace(ASKING, approve_above=usd("0.02")))
    desk, first = await editable(memory, {QUANTITY: 3})
    await desk.edit(ApprovalId(await the_request(desk)), approver="ann", quantity=2)

    with pytest.raises(PolicyDenied, match=r"above edit of 0\.02"):
        await buy(memory, 30_000, {RESUME: first, QUANTITY: 3}, path="two")
    response = await buy(memory, 20_000, {RESUME: first, QUANTITY: 3}, path="two")

    assert (2, 20_000) == (response.extensions[PAYMENT].payment.quantity, memory.moved())


async def test_edited_amount_binds_to_the_same_request() -> None:
    memory = memory_engine(policy=ASKING)
    desk, first = await editable(memory)
    await desk.edit(ApprovalId(await the_request(desk)), approver="ann", amount="0.02")

    with pytest.raises(IdempotencyConflict):
        await buy(memory, 10_000, {RESUME: first}, path="other")


async def test_edit_leaves_the_ceiling_of_the_caller() -> None:
    memory = memory_engine(policy=ASKING)
    desk, first = await editable(memory)
    await desk.edit(ApprovalId(await the_request(desk)), approver="ann", amount="0.02")

    with pytest.raises(PolicyDenied, match=r"max_amount of 0\.01"):
        await buy(memory, 20_000, {RESUME: first, MAX_AMOUNT: "0.01"})


async def test_edit_of_one_idempotency_key_is_not_that_of_another() -> None:
    memory = memory_engine(policy=ASKING)
    desk, _ = await editable(memory, {KEY: "one"})
    await desk.edit(ApprovalId(await the_request(desk)), approver="ann", amount="0.02")

    with pytest.raises(ApprovalPending):
        await buy(memory, 30_000, {KEY: "two"})


async def test_handler_that_edits_tells_the_caller_at_once() -> None:
    def less(request: ApprovalRequest) -> ApprovalDecision:
        edit = request.editing(amount="0.02")
        return ApprovalDecision(approver="ann", granted=False, digest=request.digest, at=0, edit=edit)

    memory = memory_engine(policy=ASKING, people=People(handler=CallbackApprovals(less, approver="ann")))

    with pytest.raises(ApprovalEdited, match="ann agrees to at most 20000 atomic units instead; resume it"):
        await buy(memory, 30_000)


async def test_request_shows_what_is_left_of_each_limit() -> None:
    """0.01 is spent of one dollar a day; what is shown is what the digest is made of."""
    memory = memory_engine(policy=replace(ASKING, per_day=usd("1"), approve_above=usd("0.02")))
    await buy(memory, 10_000)
    desk, _ = await editable(memory)

    (request,) = (await desk.pending()).requests
    shown = [said for name, said in request.facts.items() if name.startswith("limit wallet:")]

    assert ["0.03 USD of 1.00 USD, 0.99 USD left before it"] == shown
    assert shown[0] in request.text
    assert shown[0].encode() in request.canonical


async def test_nobody_is_asked_about_what_the_day_has_no_room_for() -> None:
    memory = memory_engine(policy=replace(ASKING, per_day=usd("0.0015")))
    desk, waits = await pending(memory)
    await desk.approve((await desk.pending()).requests[0].id, approver="ann")
    await get(memory, resume=waits.payment_id)

    with pytest.raises(PolicyDenied) as caught:
        await get(memory, f"{URL}?another")

    assert ["budget_exhausted"] == [reason.code for reason in caught.value.verdict.reasons]
    assert () == (await desk.pending()).requests
    stored = await memory.journal.get(PaymentId(str(caught.value.payment_id)))
    assert stored is not None
    assert State.DENIED is stored.state


async def test_what_was_asked_while_there_was_room_is_refused_when_it_is_reserved() -> None:
    memory = memory_engine(policy=replace(ASKING, per_day=usd("0.0015")))
    desk, first = await pending(memory)
    with pytest.raises(ApprovalPending) as second:
        await get(memory, f"{URL}?another")
    for request in (await desk.pending()).requests:
        await desk.approve(request.id, approver="ann")
    await get(memory, resume=first.payment_id)

    with pytest.raises(BudgetExceeded):
        await get(memory, f"{URL}?another", resume=second.value.payment_id)

    assert 1 == memory.transfers()


async def asked(memory: MemoryEngine) -> httpx.Response:
    """Meet the policy, without paying."""
    transport = AsyncPaymentTransport(memory.engine, inner=httpx.MockTransport(memory.seller()))
    async with httpx.AsyncClient(transport=transport) as client:
        return await client.get(URL, extensions={ASK: True, INTENT: intent_id("asked")})


async def paid(memory: MemoryEngine) -> httpx.Response:
    transport = AsyncPaymentTransport(memory.engine, inner=httpx.MockTransport(memory.seller()))
    async with httpx.AsyncClient(transport=transport) as client:
        return await client.get(URL, extensions={INTENT: intent_id("asked")})


async def test_asking_reserves_nothing_and_paying_finds_what_people_said() -> None:
    memory = memory_engine(policy=ASKING)
    with pytest.raises(ApprovalPending) as waits:
        await asked(memory)
    desk = ApprovalDesk(store=memory.journal, clock=memory.clock)
    assert ((0, 0), 0) == (memory.held(), memory.transfers())

    await desk.approve(ApprovalId(await the_request(desk)), approver="ann")
    assert 402 == (await asked(memory)).status_code
    response = await paid(memory)

    assert (200, 1) == (response.status_code, memory.transfers())
    assert waits.value.payment_id == response.extensions[PAYMENT].payment.id


async def test_asking_about_what_is_allowed_writes_nothing() -> None:
    memory = memory_engine(policy=Policy(per_day=usd("5")))

    assert 402 == (await asked(memory)).status_code
    assert () == await memory.payments()


async def test_asking_about_what_is_denied_writes_the_denial_down() -> None:
    memory = memory_engine(policy=Policy(max_per_payment=usd("0.0001")))

    with pytest.raises(PolicyDenied):
        await asked(memory)

    assert [State.DENIED] == [payment.state for payment in await memory.payments()]


async def reads(memory: MemoryEngine, seconds: int = 0) -> int:
    """Return how often the ports are called to pay, so many seconds after the policy was met."""
    await asked(memory)
    memory.clock.advance(seconds)
    before = len(memory.plan.calls)
    await paid(memory)
    return len(memory.plan.calls) - before


async def test_payment_that_follows_its_judgement_at_once_does_not_choose_again() -> None:
    at_once = await reads(memory_engine(policy=Policy(per_day=usd("5"))))
    later = await reads(memory_engine(policy=Policy(per_day=usd("5"))), KEPT_SECONDS + 1)

    assert at_once < later


async def test_handler_is_not_asked_again_after_it_agreed() -> None:
    clock, questions = VirtualClock(), []

    def yes(request: ApprovalRequest) -> bool:
        questions.append(request.id)
        return True

    memory = memory_engine(policy=ASKING, people=People(handler=CallbackApprovals(yes, approver="ann", clock=clock)))
    await asked(memory)
    await paid(memory)

    assert (1, 1) == (len(questions), memory.transfers())
