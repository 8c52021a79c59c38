"""What the engine looks up for the policy, and what the policy then says."""

from dataclasses import replace

import anyio
import httpx
import pytest

from paygent.adapters.httpx import CONTEXT, NEW_PURCHASE, QUANTITY, RESUME, AsyncPaymentTransport
from paygent.core.approval_errors import ApprovalPending
from paygent.core.context import Context
from paygent.core.errors import PolicyDenied
from paygent.core.money import usd
from paygent.engine.facts import Funds
from paygent.policy.policy import Policy
from paygent.policy.risk import Burst, Risk
from paygent.policy.terms import AgentTerms, Priority
from paygent.testing.engine import MemoryEngine, memory_engine

pytestmark = pytest.mark.anyio

QUIET = Risk(burst=None, first_payment=None, failures=None, price_drift_percent=None, payee_changed=False)


async def get(
    memory: MemoryEngine,
    *,
    path: str = "paid",
    resume: str | None = None,
    agent: str | None = None,
    quantity: int = 1,
    **seller: object,
) -> httpx.Response:
    transport = AsyncPaymentTransport(memory.engine, inner=httpx.MockTransport(memory.seller(**seller)))
    async with httpx.AsyncClient(transport=transport) as client:
        again = {NEW_PURCHASE: True} if resume is None else {RESUME: resume}
        extensions = {CONTEXT: Context(agent=agent), QUANTITY: quantity, **again}
        return await client.get(f"http://seller.test/{path}", extensions=extensions)


async def test_burst_asks_a_person_once_it_is_one() -> None:
    """More than two payments and more than a thousandth of a dollar in a minute."""
    burst = Burst(payments=2, amount=usd("0.001"), seconds=60)
    memory = memory_engine(policy=Policy(risk=replace(QUIET, burst=burst)))
    await get(memory)
    await get(memory)

    with pytest.raises(ApprovalPending):
        await get(memory)

    memory.clock.advance(61)
    await get(memory)
    assert 3 == memory.transfers()


async def test_payments_that_waited_are_a_burst_when_they_go_on_together() -> None:
    """They count when they are reserved; that they were asked for long before makes them no fewer."""
    burst = Burst(payments=2, amount=usd("0.001"), seconds=60)
    asking = memory_engine(policy=Policy(approve_above=usd("0"), risk=replace(QUIET, burst=burst)))
    waiting: list[str] = []
    for path in "abcd":
        with pytest.raises(ApprovalPending) as waits:
            await get(asking, path=path)
        waiting.append(str(waits.value.payment_id))
    asking.clock.advance(61)
    loosened = replace(asking, policy=replace(asking.policy, approve_above=None)).restarted()
    await get(loosened, path="a", resume=waiting[0])
    await get(loosened, path="b", resume=waiting[1])

    with pytest.raises(ApprovalPending):
        await get(loosened, path="c", resume=waiting[2])

    asking.clock.advance(61)
    await get(loosened, path="d", resume=waiting[3])
    assert 3 == loosened.transfers()


async def test_first_payment_that_waits_is_still_the_first() -> None:
    """Asking again for what waits for a person must not count as a payment that was made."""
    memory = memory_engine(policy=Policy(max_per_payment=usd("9"), risk=replace(QUIET, first_payment=usd("5"))))

    for _ in range(2):
        with pytest.raises(ApprovalPending):
            await get(memory, agent="new", price=6_000_000)

    assert 0 == memory.transfers()


async def test_payee_that_changed_asks_a_person() -> None:
    memory = memory_engine(policy=Policy(risk=replace(QUIET, payee_changed=True)))
    await get(memory)
    await get(memory)
    other = memory.engine.address

    with pytest.raises(ApprovalPending):
        await get(memory, payee=other)

    assert 2 == memory.transfers()


async def test_price_of_a_unit_is_what_drifts() -> None:
    """Ten units for ten times the price of one are not dearer; one unit for the price of ten is."""
    memory = memory_engine(policy=Policy(risk=replace(QUIET, price_drift_percent=25)))
    await get(memory, quantity=10, price=100_000)

    await get(memory, quantity=20, price=200_000)
    with pytest.raises(ApprovalPending):
        await get(memory, quantity=1, price=100_000)

    assert (2, 300_000) == (memory.transfers(), memory.moved())
    assert [1, 20, 10] == [payment.quantity for payment in await memory.payments()]


async def test_provider_that_failed_asks_a_person() -> None:
    memory = memory_engine(policy=Policy(risk=replace(QUIET, failures=1)))
    await memory.sent()

    with pytest.raises(ApprovalPending):
        await get(memory)


async def test_provider_whose_answers_are_still_on_their_way_has_not_failed() -> None:
    """Payments side by side to one seller are ordinary."""
    memory = memory_engine(policy=Policy(risk=replace(QUIET, failures=1)))
    seller, arrived = memory.seller(), anyio.Event()

    async def slow(request: httpx.Request) -> httpx.Response:
        if "payment-signature" in request.headers and request.url.path == "/first":
            arrived.set()
            await anyio.sleep(0.2)
        return seller(request)

    transport = AsyncPaymentTransport(memory.engine, inner=httpx.MockTransport(slow))
    async with httpx.AsyncClient(transport=transport) as client, anyio.create_task_group() as tasks:
        tasks.start_soon(client.get, "http://seller.test/first")
        await arrived.wait()
        assert 200 == (await client.get("http://seller.test/second")).status_code


async def test_lower_agent_may_not_eat_the_reserve_of_a_higher_one() -> None:
    """The treasury has one dollar and the user's agent may still need all of it today."""
    terms = (
        AgentTerms(id="user-agent", priority=Priority.HIGH, daily_budget=usd("1"), max_per_payment=usd("1")),
        AgentTerms(id="crawler", priority=Priority.LOW, daily_budget=usd("1"), max_per_payment=usd("1")),
    )
    memory = memory_engine(policy=Policy(agent_terms=terms), funds=1_000_000)

    with pytest.raises(PolicyDenied, match="would consume reserved budget for user-agent"):
        await get(memory, agent="crawler")
    await get(memory, agent="user-agent")

    assert 1 == memory.transfers()


@pytest.mark.parametrize(
    ("settled", "held", "left"),
    [(40, 0, 100), (40, 30, 70), (60, 30, 50), (30, 30, 70), (40, 101, 0)],
    ids=["quiet", "held", "settled since", "reorganised since", "more held than there is"],
)
def test_funds_count_nothing_nowhere_while_the_balance_is_read(settled: int, held: int, left: int) -> None:
    """The balance is read after 40 had settled: what settles from then on is taken off, as if it were still there."""
    assert left == Funds(balance=100, settled=40).left(settled=settled, held=held)
