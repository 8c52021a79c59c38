"""Runs in PostgreSQL: journal, sessions and checkpoints in one database, for many processes."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from paygent.core.ids import ApprovalId
from paygent.core.money import usd
from paygent.engine.approvals import ApprovalDesk
from paygent.orchestrator import Orchestrator
from paygent.orchestrator.checkpoints import open_checkpoints
from tests.postgres import server
from tests.unit.orchestrator.world import POLICY, URL, World

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with server() as found:
        yield found


def conduct_of(world: World, url: str) -> Any:
    """Return what an orchestrator is opened with whose whole storage is the database."""
    kept = {"journal", "sessions", "checkpoints"}
    given = {name: value for name, value in world.conduct().items() if name not in kept}
    return {**given, "storage": url}


async def test_run_waits_and_is_resumed_by_another_process(url: str) -> None:
    world = World(policy=replace(POLICY, approve_above=usd("0.0001")))
    async with Orchestrator.open(**conduct_of(world, url)) as agent:
        waiting = await agent.run(f"check my balance then pay {URL}")
        assert waiting.waiting, waiting.text
    async with Orchestrator.open(**conduct_of(world, url)) as agent:
        desk = ApprovalDesk(store=agent.journal, clock=agent.clock)
        await desk.approve(ApprovalId(waiting.approvals[0]), approver="ann")
        done = await agent.resume(waiting.run.id)
        kinds = [event.kind for event in await agent.events(done.run.session)]

    assert (True, 1_000, 1) == (done.ok, world.spent, world.paid)
    assert 1 == kinds.count("complete")


async def test_tables_of_checkpoints_are_made_once_by_many_at_a_time(url: str) -> None:
    async def opened() -> str:
        async with open_checkpoints(url) as saver:
            return type(saver).__name__

    assert ["AsyncPostgresSaver"] * 6 == await asyncio.gather(*(opened() for _ in range(6)))
