"""Payments that wait for people and are asked for again: under one key, a new policy, or a changed offer."""

from collections.abc import Mapping
from dataclasses import replace

import httpx
import pytest

from paygent.adapters.httpx import CONTEXT, INTENT, KEY, PAYMENT, QUANTITY, RESUME, AsyncPaymentTransport
from paygent.client import X402Client
from paygent.core.approval import ApprovalState
from paygent.core.approval_errors import ApprovalPending, ApprovalRefused
from paygent.core.context import Context
from paygent.core.errors import DuplicatePurchase, IdempotencyConflict, PolicyDenied
from paygent.core.ids import PaymentId, intent_id
from paygent.core.lifecycle import State
from paygent.core.money import USD, usd
from paygent.core.window import DAY
from paygent.engine.approvals import ApprovalDesk
from paygent.engine.reserve import APPROVAL_SECONDS
from paygent.policy.limits import Limit
from paygent.policy.policy import Policy
from paygent.policy.scope import Scope
from paygent.testing.engine import MemoryEngine, memory_engine

pytestmark = pytest.mark.anyio

ASKING = Policy(max_per_payment=usd("5"), approve_above=usd("0.0001"))
ALLOWING = Policy(max_per_payment=usd("5"), approve_above=usd("5"))
DENYING = Policy(max_per_payment=usd("0.0001"))
NAMED = intent_id("named")
WAYS = [{KEY: "k"}, {INTENT: NAMED}, {KEY: "k", INTENT: NAMED}]
"""How the same wish is named again; `resume` is the fourth."""


async def get(memory: MemoryEngine, about: Mapping[str, object], *, price: int = 10_000, path: str = "paid") -> str:
    """Buy, and return the payment's id."""
    transport = AsyncPaymentTransport(memory.engine, inner=httpx.MockTransport(memory.seller(price=price)))
    async with httpx.AsyncClient(transport=transport) as client:
        response = await client.get(f"http://seller.test/{path}", extensions=dict(about))
    assert httpx.codes.OK == response.status_code
    return str(response.extensions[PAYMENT].id)


async def waits(memory: MemoryEngine, about: Mapping[str, object], *, price: int = 10_000) -> PaymentId:
    with pytest.raises(ApprovalPending) as caught:
        await get(memory, about, price=price)
    assert caught.value.payment_id is not None
    return caught.value.payment_id


def under(memory: MemoryEngine, policy: Policy) -> MemoryEngine:
    """Return the same wallet and storage after a reload of the policy."""
    return replace(memory, policy=policy).restarted()


async def pending(memory: MemoryEngine) -> list[PaymentId]:
    page = await memory.journal.pending(now=memory.clock.now())
    return [request.payment_id for request in page.requests]


async def state(memory: MemoryEngine, payment_id: PaymentId) -> State:
    payment = await memory.journal.get(payment_id)
    assert payment is not None
    return payment.state


async def approve(memory: MemoryEngine) -> None:
    desk = ApprovalDesk(store=memory.journal, clock=memory.clock)
    for request in (await desk.pending()).requests:
        await desk.approve(request.id, approver="ann")


async def test_key_of_what_waits_is_refused_to_another_request() -> None:
    memory = memory_engine(policy=ASKING)
    first = await waits(memory, {KEY: "k"})

    with pytest.raises(IdempotencyConflict) as caught:
        await get(memory, {KEY: "k"}, path="other")

    assert first == caught.value.payment_id
    assert [first] == await pending(memory)


@pytest.mark.parametrize("about", WAYS)
async def test_waiting_payment_goes_on_when_the_policy_allows_it_by_now(about: Mapping[str, object]) -> None:
    memory = memory_engine(policy=ASKING)
    first = await waits(memory, about)

    assert first == await get(under(memory, ALLOWING), about)

    request = await memory.journal.approval_of(first)
    assert request is not None
    assert ApprovalState.VOID is request.state
    assert (1, []) == (memory.transfers(), await pending(memory))
    stored = await memory.journal.get(first)
    assert stored is not None
    assert "the policy of now wants nobody's agreement" == stored.history[1].note


async def test_resumed_payment_goes_on_when_the_policy_allows_it_by_now() -> None:
    memory = memory_engine(policy=ASKING)
    first = await waits(memory, {})

    assert first == await get(under(memory, ALLOWING), {RESUME: first})
    assert (1, []) == (memory.transfers(), await pending(memory))


@pytest.mark.parametrize("about", WAYS)
async def test_waiting_payment_is_denied_when_the_policy_denies_it_by_now(about: Mapping[str, object]) -> None:
    memory = memory_engine(policy=ASKING)
    first = await waits(memory, about)

    with pytest.raises(PolicyDenied) as caught:
        await get(under(memory, DENYING), about)

    assert caught.value.payment_id is not None
    assert State.DENIED is await state(memory, caught.value.payment_id)
    if INTENT in about:
        assert (first, []) == (caught.value.payment_id, await pending(memory))


@pytest.mark.parametrize("about", WAYS)
async def test_changed_offer_takes_the_place_of_what_waits(about: Mapping[str, object]) -> None:
    memory = memory_engine(policy=ASKING)
    first = await waits(memory, about)
    second = await waits(memory, about, price=20_000)

    assert first != second
    assert [second] == await pending(memory)
    assert State.SUPERSEDED is await state(memory, first)
    stored = await memory.journal.get(first)
    assert stored is not None
    assert f"the offer changed; see {second}" == stored.history[-1].note


@pytest.mark.parametrize("about", WAYS)
async def test_changed_offer_that_is_allowed_is_paid_in_place_of_what_waits(about: Mapping[str, object]) -> None:
    memory = memory_engine(policy=replace(ASKING, approve_above=usd("0.01")))
    first = await waits(memory, about, price=20_000)

    assert first != await get(memory, about, price=10_000)
    assert (10_000, []) == (memory.moved(), await pending(memory))
    assert State.SUPERSEDED is await state(memory, first)


@pytest.mark.parametrize("about", WAYS)
async def test_what_waited_too_long_is_asked_about_anew(about: Mapping[str, object]) -> None:
    memory = memory_engine(policy=ASKING)
    first = await waits(memory, about)
    memory.clock.advance(APPROVAL_SECONDS)
    memory.chain.mine()
    second = await waits(memory, about)
    await approve(memory)

    assert second == await get(memory, about)
    assert State.DENIED is await state(memory, first)
    assert 1 == memory.transfers()


async def test_resume_uses_the_grant_of_a_payment_with_a_key() -> None:
    """The key need not be said again: the payment has it."""
    memory = memory_engine(policy=ASKING)
    first = await waits(memory, {KEY: "k"})
    await approve(memory)

    assert first == await get(memory, {RESUME: first})


async def test_resume_of_a_paid_payment_fetches_it_again() -> None:
    """The same bytes are sent again, to a seller that serves them once; nothing is paid for a second time."""
    memory = memory_engine(policy=ASKING)
    first = await waits(memory, {})
    await approve(memory)
    await get(memory, {RESUME: first})

    with pytest.raises(AssertionError, match="402"):
        await get(under(memory, ALLOWING), {RESUME: first})

    assert 1 == memory.transfers()
    assert 1 == len(await memory.payments())


@pytest.mark.parametrize("superseded", [False, True])
async def test_resume_of_what_was_refused_or_replaced_buys_nothing(superseded: bool) -> None:
    memory = memory_engine(policy=ASKING)
    first = await waits(memory, {KEY: "k"})
    if superseded:
        await waits(memory, {KEY: "k"}, price=20_000)
    else:
        desk = ApprovalDesk(store=memory.journal, clock=memory.clock)
        await desk.reject((await desk.pending()).requests[0].id, approver="ann", reason="too dear")

    with pytest.raises(ApprovalRefused, match="the offer changed" if superseded else "too dear"):
        await get(under(memory, ALLOWING), {RESUME: first})

    assert 0 == memory.transfers()


async def test_key_of_what_is_out_is_refused_while_people_are_asked() -> None:
    """Two tasks under one key: the journal has the last word."""
    memory = memory_engine(policy=ALLOWING)
    await get(memory, {INTENT: NAMED})

    with pytest.raises(DuplicatePurchase):
        await get(under(memory, ASKING), {INTENT: NAMED})

    assert 1 == memory.transfers()


def by_agent() -> MemoryEngine:
    """Return a wallet whose every agent has a day's limit."""
    limit = Limit(amount=usd("1"), scope=Scope.parse("agent"), window=DAY)
    return memory_engine(policy=replace(ASKING, limits=(limit,)))


async def spent(memory: MemoryEngine, agent: str) -> int:
    """Return the millionths of a dollar that count in an agent's day."""
    key = (f"agent:{agent}", DAY.span(memory.clock.now()).name, USD.id.text)
    return (await memory.journal.sums([key]))[key]


@pytest.mark.parametrize("other", [{CONTEXT: Context(agent="two")}, {CONTEXT: Context(agent="one"), QUANTITY: 2}])
async def test_what_another_agent_or_more_units_wait_for_is_not_taken_for_ones_own(other: Mapping[str, object]) -> None:
    memory = by_agent()
    first = await waits(memory, {CONTEXT: Context(agent="one")})
    second = await waits(memory, other)
    assert {first, second} == set(await pending(memory))
    await approve(memory)

    assert second == await get(memory, other)
    assert State.AWAITING_APPROVAL is await state(memory, first)


async def test_resume_in_another_process_takes_from_the_limits_of_whoever_asked() -> None:
    memory = by_agent()
    first = await waits(memory, {CONTEXT: Context(agent="one"), QUANTITY: 3})
    await approve(memory)

    transport = httpx.MockTransport(memory.seller(price=10_000))
    async with X402Client(memory.restarted().engine, transport=transport) as client:
        response = await client.resume(first)

    assert first == response.extensions[PAYMENT].id
    assert 10_000 == await spent(memory, "one")
    stored = await memory.journal.get(first)
    assert stored is not None
    assert (3, "one") == (stored.quantity, stored.context.agent)


async def test_key_finds_its_payment_again_after_a_denial_while_it_waited() -> None:
    memory = memory_engine(policy=ASKING)
    first = await waits(memory, {KEY: "k"})
    with pytest.raises(PolicyDenied):
        await get(under(memory, DENYING), {KEY: "k"})
    await approve(memory)

    assert first == await get(memory, {KEY: "k"})
    with pytest.raises(AssertionError, match="402"):  # the same bytes, to a seller that serves them once
        await get(memory, {KEY: "k"})

    assert 1 == memory.transfers()


async def test_resume_through_a_transport_is_of_whoever_asked() -> None:
    memory = by_agent()
    first = await waits(memory, {CONTEXT: Context(agent="one"), QUANTITY: 3})
    await approve(memory)

    assert first == await get(memory, {RESUME: first})
    assert 10_000 == await spent(memory, "one")
