"""A new run is written down before LangGraph writes anything of it, and its checkpoints are not looked for."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from langgraph.checkpoint.base import Checkpoint, CheckpointTuple
from langgraph.checkpoint.memory import InMemorySaver

from paygent.core.errors import AdapterError
from paygent.core.money import usd
from paygent.core.run_errors import SessionBusy
from paygent.core.session import Lease, Run
from paygent.orchestrator.checkpoints import JsonSerializer
from paygent.orchestrator.run_checkpoints import RunCheckpoints
from paygent.orchestrator.state import initial
from paygent.testing.sessions import MemorySessions
from tests.unit.orchestrator.world import POLICY, URL, World

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class _Saver(InMemorySaver):
    """Tells what it is asked for; takes no `task_path` and counts versions, as savers did at first."""

    def __init__(self) -> None:
        super().__init__(serde=JsonSerializer())
        self.asked: list[str] = []

    def get_next_version(self, current: Any, channel: None) -> Any:
        return 1 if current is None else current + 1

    async def aget_tuple(self, config: Any) -> Any:
        self.asked.append("read")
        return await super().aget_tuple(config)

    async def aput(self, config: Any, checkpoint: Any, metadata: Any, new_versions: Any) -> Any:
        self.asked.append("write")
        return await super().aput(config, checkpoint, metadata, new_versions)

    async def aput_writes(  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]  # see above
        self, config: Any, writes: Any, task_id: str
    ) -> None:
        self.asked.append("write")
        await super().aput_writes(config, writes, task_id)


class _SlowSessions(MemorySessions):
    """Takes its time to begin a run."""

    def __init__(self, saver: _Saver, *, broken: bool = False, seconds: float = 0) -> None:
        super().__init__()
        self._seconds = seconds
        self.asked_before: list[str] = []
        self.beginning = asyncio.Event()
        self._saver = saver
        self._broken = broken

    async def begin_run(self, run: Run, **about: Any) -> Lease:
        self.beginning.set()
        await asyncio.sleep(self._seconds)
        for _ in range(50):
            await asyncio.sleep(0)
        self.asked_before = list(self._saver.asked)
        if self._broken:
            raise AdapterError("the disk is full", retryable=True)
        return await super().begin_run(run, **about)


async def test_nothing_is_read_or_written_before_a_new_run_is_written_down() -> None:
    saver = _Saver()
    world = World(checkpoints=saver, sessions=(sessions := _SlowSessions(saver)))
    async with world.open() as agent:
        done = await agent.run(f"pay {URL}")

    assert (True, [], {"write"}) == (done.ok, sessions.asked_before, set(saver.asked))


async def test_first_checkpoint_that_is_kept_is_that_of_the_first_node() -> None:
    world = World(policy=replace(POLICY, approve_above=usd("0.0001")))
    async with world.open() as agent:
        waiting = await agent.run(f"pay {URL}")

    config: Any = {"configurable": {"thread_id": waiting.run.id, "checkpoint_ns": ""}}
    kept = [each async for each in world.checkpoints.alist(config)]
    assert [{"source": "loop", "step": step} for step in (3, 2, 1)] == [
        {name: each.metadata[name] for name in ("source", "step")} for each in kept
    ]
    assert ["plan"] == [name for name in kept[-1].checkpoint["versions_seen"] if not name.startswith("__")]


async def test_checkpointer_that_keeps_what_is_new_is_given_all_of_the_first_checkpoint() -> None:
    inner = _Saver()
    checkpoints = RunCheckpoints(inner, CheckpointTuple({}, _start(), {"source": "loop", "step": 0}))
    state = initial(session="ses", run="run", text="pay", mode="command")
    config: Any = {"configurable": {"thread_id": "run", "checkpoint_ns": ""}}
    begun = asyncio.create_task(asyncio.sleep(0))
    with checkpoints.beginning(state, begun):
        first = await checkpoints.aget_tuple(config)
        assert first is not None
        await checkpoints.aput(config, first.checkpoint, {}, {})
        kept = await checkpoints.aget_tuple(config)

    assert kept is not None
    assert {"state": state, "branch:to:plan": None} == kept.checkpoint["channel_values"]
    assert _start() == checkpoints._start.checkpoint


def _start() -> Checkpoint:
    versions: Any = {"state": 2, "branch:to:plan": 2}
    values: dict[str, Any] = {"state": {}, "branch:to:plan": None}
    return Checkpoint(
        v=4,
        id="start",
        ts="",
        channel_values=values,
        channel_versions=versions,
        versions_seen={"__start__": {"__start__": 1}},
        updated_channels=None,
    )


async def test_run_tells_what_it_paid_where_it_is_written_down_after_its_lease_would_be_renewed() -> None:
    world = World(checkpoints=(saver := _Saver()), sessions=_SlowSessions(saver, seconds=0.35))
    async with world.open(lease_seconds=1) as agent:
        done = await agent.run(f"pay {URL}")

    assert (True, 1_000) == (done.ok, world.spent)


async def test_run_that_cannot_be_written_down_leaves_nothing() -> None:
    saver = _Saver()
    world = World(checkpoints=saver, sessions=_SlowSessions(saver, broken=True))
    async with world.open() as agent:
        session = await agent.create_session()
        with pytest.raises(AdapterError, match="the disk is full"):
            await agent.run(f"pay {URL}", session=session.id)
        runs = await agent.runs(session.id)

    assert ([], [], 0) == (saver.asked, list(runs), world.spent)


async def test_run_of_a_busy_session_leaves_its_lease_alone() -> None:
    world = World(checkpoints=(saver := _Saver()))
    async with world.open() as agent:
        session = await agent.create_session()
        now = world.clock.now()
        lease = await world.sessions.acquire(session.id, holder="somebody", now=now, until=now + 30)
        with pytest.raises(SessionBusy):
            await agent.run(f"pay {URL}", session=session.id)
        renewed = await world.sessions.renew(lease, until=now + 60)

    assert ([], now + 60) == (saver.asked, renewed.until)


async def test_run_that_is_cancelled_as_it_begins_gives_its_lease_back() -> None:
    saver = _Saver()
    world = World(checkpoints=saver, sessions=(sessions := _SlowSessions(saver)))
    async with world.open() as agent:
        session = await agent.create_session()
        task = asyncio.ensure_future(agent.run(f"pay {URL}", session=session.id))
        await sessions.beginning.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        now = world.clock.now()
        free = await world.sessions.acquire(session.id, holder="somebody", now=now, until=now + 30)

    assert ("somebody", [], 0) == (free.holder, saver.asked, world.spent)
