"""People are asked by `judge`, before the call begins; `act` asks only about what it alone can find out."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from paygent.adapters.callback import CallbackApprovals
from paygent.core.approval import ApprovalDecision, ApprovalRequest
from paygent.core.approval_errors import ApprovalPending
from paygent.core.edit import Edit
from paygent.core.errors import PolicyDenied
from paygent.core.halt import Halt
from paygent.core.ids import ApprovalId, PaymentId
from paygent.core.lifecycle import State
from paygent.core.money import usd
from paygent.core.payment import Payment
from paygent.core.run_errors import SessionBusy
from paygent.core.session import Run, RunId, RunState
from paygent.engine.approvals import ApprovalDesk
from paygent.evm import erc20
from paygent.orchestrator import Arguments, Call, RunResult, Tool, ToolOutcome
from paygent.ports.chain import BlockTag
from paygent.testing.chain import MemoryChain
from paygent.testing.clock import VirtualClock
from paygent.testing.engine import FUNDS, NETWORK, TOKEN
from paygent.testing.journal import MemoryJournal
from paygent.testing.seller import MemorySeller
from paygent.testing.sessions import MemorySessions
from tests.unit.orchestrator.world import POLICY, URL, World

pytestmark = pytest.mark.anyio
ASKING = replace(POLICY, approve_above=usd("0.0001"))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def agree(world: World, result: RunResult) -> None:
    desk = ApprovalDesk(store=world.journal, clock=world.clock)
    for approval in result.approvals:
        await desk.approve(ApprovalId(approval), approver="ann")


async def visited(world: World, run: str) -> list[str]:
    """Return the nodes that made the checkpoints of a run that is not over, oldest first."""
    config = {"configurable": {"thread_id": run, "checkpoint_ns": ""}}
    found = [each async for each in world.checkpoints.alist(config)]
    writes = [each.checkpoint["versions_seen"] for each in reversed(found)]
    names: list[str] = []
    for seen in writes:
        names += [name for name in seen if not name.startswith("__") and name not in names]
    return names


async def test_person_is_asked_before_the_call_begins() -> None:
    world = World(policy=ASKING)
    async with world.open() as agent:
        waiting = await agent.run(f"pay {URL}")
        asked = [event.kind for event in await agent.events(waiting.run.session)]
        nodes = await visited(world, waiting.run.id)
        (payment,) = await agent.payments(waiting.run.session)
        await agree(world, waiting)
        done = await agent.resume(waiting.run.id)
        kinds = [event.kind for event in await agent.events(waiting.run.session)]

    assert (["approval_required"], ["plan", "price", "judge"]) == (asked, nodes)
    assert State.AWAITING_APPROVAL is payment.state
    assert ["approval_required", "tool_call", "tool_result", "complete"] == kinds
    assert (True, 1_000) == (done.ok, world.spent)


async def test_call_that_needs_nobody_asks_the_seller_once_and_pays() -> None:
    world = World()
    async with world.open() as agent:
        result = await agent.run(f"pay 0.10 {world.seller.token.asset.symbol} for {URL}")

    assert (True, 2, 1) == (result.ok, len(world.seller.requests), len(world.seller.paid_requests))


class _Chain(MemoryChain):
    """Remembers what it was called for."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(chain=NETWORK, tokens=[TOKEN], clock=clock)
        self.called: list[str] = []

    async def call(self, to: str, data: str, *, at: str | BlockTag = "latest") -> str:
        self.called.append(data)
        return await super().call(to, data, at=at)


async def test_call_that_needs_nobody_reads_the_balance_once() -> None:
    world = World()
    world.chain = chain = _Chain(world.clock)
    chain.mint(TOKEN, world.payer.address, FUNDS)
    world.seller = MemorySeller(chain=chain, token=TOKEN, payee=world.payee)
    async with world.open() as agent:
        result = await agent.run(f"pay {URL}")

    assert (True, [erc20.balance_of(world.payer.address)]) == (result.ok, chain.called)


class _Journal(MemoryJournal):
    """Remembers for which keys a payment was looked up."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: list[str] = []

    async def by_key(self, payer: str, key: str) -> Payment | None:
        self.keys.append(key)
        return await super().by_key(payer, key)


async def test_payment_of_a_new_run_is_not_looked_up_and_that_of_a_resumed_one_is() -> None:
    world = World(policy=ASKING, journal=(journal := _Journal()))
    async with world.open() as agent:
        waiting = await agent.run(f"pay {URL}")
        before = list(journal.keys)
        await agree(world, waiting)
        done = await agent.resume(waiting.run.id)

    assert ([], True, 1_000) == (before, done.ok, world.spent)
    assert journal.keys


class _Sessions(MemorySessions):
    """Lets another process go on with a run as soon as the first one reads it."""

    other: Callable[[RunId], Awaitable[object]] | None = None

    async def run(self, run_id: RunId) -> Run:
        if (other := self.other) is not None:
            self.other = None
            await other(run_id)
        return await super().run(run_id)


async def test_run_that_another_process_has_carried_out_meanwhile_is_paid_once() -> None:
    world = World(sessions=(sessions := _Sessions()))
    async with world.open() as one, world.open() as other:

        async def overtake(run: RunId) -> None:
            world.clock.advance(31)  # the first one's lease is over
            assert (await other.resume(run)).ok

        sessions.other = overtake
        with pytest.raises(SessionBusy):
            await one.run(f"pay {URL}")

    assert (1_000, 1) == (world.spent, world.paid)


async def test_free_resource_is_fetched_once() -> None:
    world = World()
    answers: list[str] = []

    def free(request: httpx.Request) -> httpx.Response:
        answers.append(str(request.url))
        return httpx.Response(200, text="free")

    async with world.open(transport=httpx.MockTransport(free)) as agent:
        result = await agent.run(f"pay {URL}")

    assert (True, [URL]) == (result.ok, answers)
    assert "is free" in result.text


async def test_second_step_is_judged_after_the_first_was_done() -> None:
    world = World(policy=ASKING)
    async with world.open() as agent:
        first = await agent.run(f"pay {URL} then pay {URL}?b=1")
        await agree(world, first)
        second = await agent.resume(first.run.id)
        kinds = [event.kind for event in await agent.events(first.run.session)]
        await agree(world, second)
        done = await agent.resume(first.run.id)

    assert ["thinking", "approval_required", "tool_call", "tool_result", "approval_required"] == kinds
    assert (True, True, True, 2_000) == (first.waiting, second.waiting, done.ok, world.spent)
    assert first.approvals != second.approvals


async def test_offer_that_changes_after_people_agreed_is_asked_about_again() -> None:
    world = World(policy=ASKING)
    async with world.open() as agent:
        waiting = await agent.run(f"pay {URL}")
        await agree(world, waiting)
        world.seller.price = 2_000
        again = await agent.resume(waiting.run.id)
        assert (True, 0) == (again.waiting, world.spent)
        await agree(world, again)
        done = await agent.resume(waiting.run.id)

    assert waiting.approvals != again.approvals
    assert (True, 2_000) == (done.ok, world.spent)


async def test_tool_that_finds_out_while_acting_waits_and_goes_on() -> None:
    world = World(policy=ASKING)
    async with world.open() as agent:
        pay = agent.tools.get("pay")

    async def late(asked: Arguments, call: Call) -> ToolOutcome:
        inner = agent.tools.get("pay")
        return await inner.run(inner.read({"url": URL}), call)

    tool = Tool(name="quote", description="buys at once", arguments=type(pay.read({"url": URL})), run=late)
    async with world.open(allow=["pay", "quote2"], tools=[replace(tool, name="quote2")], grammar=_late) as agent:
        waiting = await agent.run("anything")
        kinds = [event.kind for event in await agent.events(waiting.run.session)]
        await agree(world, waiting)
        done = await agent.resume(waiting.run.id)

    assert ["tool_call", "approval_required"] == kinds
    assert (True, True, 1_000) == (waiting.waiting, done.ok, world.spent)


def _late(text: str) -> Any:
    return {"intent": "quote2", "slots": {"url": URL}}


async def test_edited_request_is_judged_again_under_the_edit() -> None:
    world = World(policy=replace(ASKING, approve_above=usd("0.0015")))
    world.seller.price = 2_000

    class Less:
        async def ask(self, request: ApprovalRequest) -> ApprovalDecision:
            world.seller.price = 1_000
            return ApprovalDecision(
                approver="ann", granted=False, digest=request.digest, at=1, edit=Edit(atomic_units=1_500)
            )

    async with world.open(approvals=Less()) as agent:
        result = await agent.run(f"pay {URL}")

    assert (True, 1_000) == (result.ok, world.spent), result.text


async def test_refusal_ends_the_run_with_its_call_in_the_log() -> None:
    world = World(policy=replace(POLICY, max_per_payment=usd("0.0001")))
    async with world.open() as agent:
        result = await agent.run(f"pay {URL}")
        (record,) = await agent.log(result.run.session)

    assert isinstance(result.error, PolicyDenied)
    assert ("pay", False) == (record.tool, record.ok)


async def test_nobody_is_asked_about_what_the_day_has_no_room_for() -> None:
    world = World(policy=replace(ASKING, per_day=usd("0.0015")))
    async with world.open() as agent:
        waiting = await agent.run(f"pay {URL}")
        await agree(world, waiting)
        await agent.resume(waiting.run.id)
        refused = await agent.run(f"pay {URL}?b=1")
        kinds = [event.kind for event in await agent.events(refused.run.session, run=refused.run.id)]

    assert isinstance(refused.error, PolicyDenied)
    assert ["tool_call", "tool_result", "error"] == kinds
    assert 1_000 == world.spent


async def test_handler_is_asked_once_for_a_call() -> None:
    world, asked = World(policy=ASKING), []

    def yes(request: ApprovalRequest) -> bool:
        asked.append(request.id)
        return True

    async with world.open(approvals=CallbackApprovals(yes, approver="ann", clock=world.clock)) as agent:
        result = await agent.run(f"pay {URL}")

    assert (True, 1, 1_000) == (result.ok, len(asked), world.spent)


async def test_run_that_is_cancelled_while_people_are_asked_says_so() -> None:
    world = World(policy=ASKING)

    class Cancels:
        async def ask(self, request: ApprovalRequest) -> ApprovalDecision:
            (run,) = await agent.runs(session.id)
            await agent.cancel(run.id)
            return ApprovalDecision(approver="ann", granted=True, digest=request.digest, at=1)

    async with world.open(approvals=Cancels()) as agent:
        session = await agent.create_session()
        result = await agent.run(f"pay {URL}", session=session.id)

    assert (RunState.CANCELLED, 0) == (result.run.state, world.spent), result.error


async def test_halt_between_judging_and_acting_stops_the_signature() -> None:
    world = World()

    async with world.open() as agent:
        judge = agent.tools.get("pay").judge
        assert judge is not None

        async def judged(asked: Any, call: Call) -> None:
            await judge(asked, call)
            await world.journal.halt(Halt(scope="everything", by="ann", reason="odd", at=1))

        object.__setattr__(agent.tools.get("pay"), "judge", judged)
        result = await agent.run(f"pay {URL}")

    assert ("Halted", 0) == (type(result.error).__name__, world.spent)
    assert [] == world.seller.paid_requests


async def test_pending_approval_names_its_payment() -> None:
    world = World(policy=ASKING)
    async with world.open() as agent:
        tool = agent.tools.get("pay")
        waiting = await agent.run(f"pay {URL}")
        (payment,) = await agent.payments(waiting.run.session)
        call = Call(key=str(payment.idempotency_key), context=payment.context)
        assert tool.judge is not None
        with pytest.raises(ApprovalPending) as pending:
            await tool.judge(tool.read({"url": URL}), call)

    assert PaymentId(payment.id) == pending.value.payment_id
