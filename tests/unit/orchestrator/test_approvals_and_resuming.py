"""Runs that wait for people, or lose their process, and go on elsewhere."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from paygent.adapters.callback import CallbackApprovals
from paygent.core.approval_errors import ApprovalLapsed, ApprovalRefused
from paygent.core.errors import ConfigurationError
from paygent.core.ids import ApprovalId
from paygent.core.lifecycle import State
from paygent.core.money import usd
from paygent.core.run_errors import CheckpointUnusable, RunCancelled, RunChanged, RunNotFound, RunOver, SessionBusy
from paygent.core.session import RunState
from paygent.engine.approvals import ApprovalDesk
from paygent.orchestrator import Orchestrator, RunResult, SyncOrchestrator
from paygent.orchestrator.checkpoints import JsonSerializer
from paygent.orchestrator.state import FORMAT
from paygent.testing.venue import MemoryVenue
from tests.unit.orchestrator.world import POLICY, URL, World

pytestmark = pytest.mark.anyio
ASKING = replace(POLICY, approve_above=usd("0.0001"))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def decide(world: World, result: RunResult, *, granted: bool = True) -> None:
    desk = ApprovalDesk(store=world.journal, clock=world.clock)
    (approval,) = result.approvals
    said = desk.approve if granted else desk.reject
    await said(ApprovalId(approval), approver="ann")


async def test_run_that_needs_a_person_waits_and_goes_on_in_another_process() -> None:
    world = World(policy=ASKING)
    async with world.open() as agent:
        waiting = await agent.run(f"check my balance then pay {URL}")
    await decide(world, waiting)
    async with world.open() as agent:
        done = await agent.resume(waiting.run.id)
        kinds = [event.kind for event in await agent.events(waiting.run.session)]
        decisions = await agent.recall(waiting.run.session, kinds=["decision"])

    assert (True, 0, True, 1) == (waiting.waiting, 0, done.ok, world.paid)
    assert 1_000 == world.spent
    assert 1 == kinds.count("approval_required")
    assert 1 == kinds.count("complete")
    assert "GRANTED, by ann" in decisions[0].text


async def test_event_of_an_approval_shows_what_is_decided() -> None:
    world = World(policy=ASKING)
    async with world.open() as agent:
        told = [event async for event in agent.stream(f"pay {URL}")]
    request = await world.journal.approval(ApprovalId(str(told[-1].facts["approval"])))

    assert request is not None
    assert ("approval_required", request.text, request.digest) == (
        told[-1].kind,
        told[-1].facts["text"],
        told[-1].facts["digest"],
    )


async def test_resuming_before_anybody_decided_waits_on() -> None:
    world = World(policy=ASKING)
    async with world.open() as agent:
        waiting = await agent.run(f"pay {URL}")
        again = await agent.resume(waiting.run.id)

        assert (True, waiting.approvals, 0) == (again.waiting, again.approvals, world.spent)
        assert 1 == len([each for each in await agent.events(again.run.session) if each.kind == "approval_required"])


async def test_refused_run_fails_and_pays_nothing() -> None:
    world = World(policy=ASKING)
    async with world.open() as agent:
        waiting = await agent.run(f"pay {URL} then pay {URL}?b=1")
        await decide(world, waiting, granted=False)
        refused = await agent.resume(waiting.run.id)

    assert isinstance(refused.error, ApprovalRefused)
    assert (["failed", "skipped"], 0) == ([step.status for step in refused.steps], world.spent)


async def test_approval_that_nobody_gave_in_time_ends_the_run() -> None:
    world = World(policy=ASKING)
    async with world.open() as agent:
        waiting = await agent.run(f"pay {URL}")
        world.clock.advance(200_000)
        lapsed = await agent.resume(waiting.run.id)

    assert isinstance(lapsed.error, ApprovalLapsed)
    assert 0 == world.spent


async def test_handler_that_answers_at_once_makes_nobody_wait() -> None:
    world = World(policy=ASKING)
    yes = CallbackApprovals(lambda request: True, approver="ann", clock=world.clock)
    async with world.open(approvals=yes) as agent:
        result = await agent.run(f"pay {URL}")

    assert (True, 1_000) == (result.ok, world.spent)


async def test_resuming_under_another_policy_is_refused_unless_it_is_meant() -> None:
    world = World(policy=ASKING)
    async with world.open() as agent:
        waiting = await agent.run(f"pay {URL}")
    await decide(world, waiting)
    async with world.open(policy=replace(ASKING, per_day=usd("19"))) as agent:
        with pytest.raises(RunChanged) as changed:
            await agent.resume(waiting.run.id)

        assert ("policy",) == changed.value.changed
        assert 0 == world.spent
        assert (await agent.resume(waiting.run.id, accept_changes=True)).ok
    assert 1_000 == world.spent


async def test_resuming_with_other_tools_is_refused() -> None:
    world = World(policy=ASKING)
    async with world.open() as agent:
        waiting = await agent.run(f"pay {URL}")
    async with world.open(allow=["pay"]) as agent:
        with pytest.raises(RunChanged) as changed:
            await agent.resume(waiting.run.id)

    assert "tools" in changed.value.changed


async def test_resuming_with_another_version_of_a_plugin_is_refused() -> None:
    world, venue = World(policy=ASKING), MemoryVenue()
    async with world.open(connectors=[venue]) as agent:
        waiting = await agent.run(f"pay {URL}")
    await decide(world, waiting)
    newer = MemoryVenue()
    newer._manifest = replace(venue.manifest, version="2")
    async with world.open(connectors=[newer]) as agent:
        with pytest.raises(RunChanged) as changed:
            await agent.resume(waiting.run.id)

    assert (("plugins",), 0) == (changed.value.changed, world.spent)


async def broken(world: World, change: Any) -> None:
    """Wait for a person, then let `change` at the checkpoint, and resume."""
    async with world.open() as agent:
        waiting = await agent.run(f"pay {URL}")
        await decide(world, waiting)
        change(world.checkpoints, waiting.run.id)
        with pytest.raises(CheckpointUnusable):
            await agent.resume(waiting.run.id)

        assert 0 == world.spent
        cancelled = await agent.cancel(waiting.run.id)
        assert RunState.CANCELLED is cancelled.state


@pytest.mark.parametrize("written", [FORMAT + 1, None, "1"])
async def test_checkpoint_of_a_newer_format_is_refused(written: object) -> None:
    def newer(saver: Any, run: str) -> None:
        for kept in saver.storage[run][""].values():
            assert kept
        for name, (_, raw) in list(saver.blobs.items()):
            if name[2] == "state":
                saver.blobs[name] = JsonSerializer().dumps_typed({**json.loads(raw), "format": written})

    await broken(World(policy=ASKING), newer)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"}", b""),
        (b'"ordinal":0', b'"ordinal":9'),
        (b'"tool":"pay"', b'"tool":["pay"]'),
        (b'"milliseconds":0', b'"milliseconds":"x"'),
    ],
)
async def test_damaged_checkpoint_is_refused(old: bytes, new: bytes) -> None:
    def damaged(saver: Any, run: str) -> None:
        for name, (kind, raw) in list(saver.blobs.items()):
            if name[2] == "state":
                saver.blobs[name] = (kind, raw.replace(old, new))

    await broken(World(policy=ASKING), damaged)


@pytest.mark.parametrize("state", [[], {}, {"format": 1}])
async def test_checkpoint_without_a_whole_state_is_refused(state: object) -> None:
    def replaced(saver: Any, run: str) -> None:
        for name in list(saver.blobs):
            if name[2] == "state":
                saver.blobs[name] = JsonSerializer().dumps_typed(state)

    await broken(World(policy=ASKING), replaced)


async def test_checkpoint_of_a_graph_with_other_channels_is_refused() -> None:
    def emptied(saver: Any, run: str) -> None:
        for name in list(saver.blobs):
            if name[2] == "state":
                saver.blobs[name] = ("empty", b"")

    await broken(World(policy=ASKING), emptied)


async def test_checkpoint_of_another_serializer_is_refused() -> None:
    def pickled(saver: Any, run: str) -> None:
        for name in list(saver.blobs):
            saver.blobs[name] = ("pickle", b"cos\nsystem\n")

    await broken(World(policy=ASKING), pickled)


async def test_cancelled_run_that_waited_never_pays() -> None:
    world = World(policy=ASKING)
    async with world.open() as agent:
        waiting = await agent.run(f"pay {URL}")
        cancelled = await agent.cancel(waiting.run.id, by="ann")
        with pytest.raises(RunOver):
            await agent.resume(waiting.run.id)
        payments = await agent.payments(waiting.run.session)
        kinds = [event.kind for event in await agent.events(waiting.run.session)]

    assert (RunState.CANCELLED, [State.DENIED]) == (cancelled.state, [payment.state for payment in payments])
    assert "error" == kinds[-1]
    assert () == tuple(await world.journal.halts())


async def test_cancelling_stops_a_run_between_two_steps() -> None:
    world = World()
    async with world.open() as agent:
        session = await agent.create_session()
        told = []
        async for event in agent.stream(f"check my balance then pay {URL}", session=session.id):
            told.append(event)
            if event.kind == "tool_result" and len(told) < 4:
                marked = await agent.cancel(event.run)
                assert marked.cancelling

        (run,) = await agent.runs(session.id)
    assert ("error", "RunCancelled", 0) == (told[-1].kind, told[-1].facts["error"], world.spent)
    assert RunState.CANCELLED is run.state


async def test_session_is_worked_on_by_one_at_a_time() -> None:
    world = World()
    async with world.open() as one, world.open() as other:
        session = await one.create_session()
        stream = one.stream(f"pay {URL}", session=session.id)
        await anext(stream)
        with pytest.raises(SessionBusy):
            await other.run(f"pay {URL}?b=1", session=session.id)
        rest = [event async for event in stream]

        assert "complete" == rest[-1].kind
        assert (await other.run(f"pay {URL}?b=1", session=session.id)).ok


async def test_waiting_run_is_over_before_the_next_command_of_its_session() -> None:
    world = World(policy=ASKING)
    async with world.open() as agent:
        waiting = await agent.run(f"pay {URL}")
        with pytest.raises(RunOver, match="resume or cancel it"):
            await agent.run(f"pay {URL}?b=1", session=waiting.run.session)


async def test_caller_who_stops_listening_stops_the_work_and_can_resume_it() -> None:
    world = World()
    async with world.open() as agent:
        session = await agent.create_session()
        stream = agent.stream(f"check my balance then pay {URL}", session=session.id)
        first = await anext(stream)
        await stream.aclose()
        (run,) = await agent.runs(session.id)

        assert (RunState.RUNNING, "thinking") == (run.state, first.kind)
        done = await agent.resume(run.id)
        events = await agent.events(session.id)

    assert (True, 1_000) == (done.ok, world.spent)
    assert len({event.name for event in events}) == len(events)


async def test_resumed_stream_tells_nothing_twice() -> None:
    world = World()
    async with world.open() as agent:
        session = await agent.create_session()
        first = []
        stream = agent.stream(f"check my balance then pay {URL}", session=session.id)
        async for event in stream:
            first.append(event)
            if event.kind == "tool_call":
                break
        await stream.aclose()
        stored = await agent.events(session.id)
        again = [event async for event in agent.stream_resumed(first[0].run)]
        every = await agent.events(session.id)

    assert [event.sequence for event in every[len(stored) :]] == [event.sequence for event in again]
    assert list(range(1, len(every) + 1)) == [event.sequence for event in every]
    assert 1_000 == world.spent


class Broken(Exception):
    """What a listener of the caller's raises."""


async def test_listener_that_raises_does_not_end_the_run_and_hears_no_more() -> None:
    world = World()
    heard: list[Any] = []
    fine: list[Any] = []

    def breaks(events: Any) -> None:
        heard.append(events)
        raise Broken

    async with world.open() as agent:
        with pytest.raises(Broken):
            async with agent.listening(fine.extend), agent.listening(breaks):
                await agent.run(f"pay {URL}")
        again = await agent.run(f"pay {URL}?b=1")

    assert (True, 1, 2_000) == (again.ok, len(heard), world.spent)
    assert ["tool_call", "tool_result", "complete"] == [event.kind for event in fine]


async def test_error_of_the_block_is_not_hidden_by_that_of_a_listener() -> None:
    world = World()

    def breaks(events: Any) -> None:
        raise Broken

    async with world.open() as agent:

        async def failing() -> None:
            async with agent.listening(breaks):
                await agent.run(f"pay {URL}")
                await agent.resume("run_none")

        with pytest.raises(RunNotFound):
            await failing()


async def test_unknown_run_is_said_to_be_unknown() -> None:
    async with World().open() as agent:
        for ask in (agent.resume, agent.retry, agent.cancel):
            with pytest.raises(RunNotFound):
                await ask("run_none")


async def test_cancelled_run_raises_what_it_is() -> None:
    world = World(policy=ASKING)
    async with world.open() as agent:
        waiting = await agent.run(f"pay {URL}")
        await world.sessions.cancel_run(waiting.run.id, at=1)
        result = await agent.resume(waiting.run.id)

    with pytest.raises(RunCancelled):
        result.check()


async def test_many_sessions_work_at_once() -> None:
    world = World()
    async with world.open() as agent:
        sessions = [await agent.create_session() for _ in range(20)]
        results = await asyncio.gather(
            *(agent.run(f"pay {URL}?n={number}", session=each.id) for number, each in enumerate(sessions))
        )

    assert all(result.ok for result in results)
    assert (20_000, 20) == (world.spent, world.paid)


def test_orchestrator_says_that_it_needs_asyncio() -> None:
    import trio

    async def under_trio() -> None:
        async with Orchestrator.open():
            pass

    with pytest.raises(ConfigurationError, match="needs asyncio"):
        trio.run(under_trio)


def test_synchronous_orchestrator_does_the_same() -> None:
    world = World()
    with SyncOrchestrator.open(**world.conduct()) as agent:
        session = agent.create_session("sync")
        result = agent.run(f"pay {URL}", session=session.id)
        told = list(agent.stream(f"check my balance then pay {URL}?b=1", session=session.id))
        kinds = [event.kind for event in told]

        assert (True, "complete") == (result.ok, kinds[-1])
        assert 2 == agent.summary(session.id).tools["pay"]
        assert "ENDED" == agent.end_session(session.id).state
    assert 2_000 == world.spent


def test_synchronous_stream_raises_what_the_run_raises_and_can_be_left() -> None:
    world = World()
    with SyncOrchestrator.open(**world.conduct()) as agent:
        with pytest.raises(ConfigurationError):
            next(iter(agent.stream(" ")))
        for _ in agent.stream(f"check my balance then pay {URL}"):
            break
        (session,) = agent.sessions().sessions
        (run,) = agent.runs(session.id)

        assert RunState.RUNNING is run.state
        assert agent.resume(run.id).ok
    assert 1_000 == world.spent
