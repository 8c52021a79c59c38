"""A write is finished although its caller is cancelled, and waits for a while at most."""

import asyncio
from collections.abc import Callable

import anyio
import anyio.lowlevel
import pytest

from paygent.core.errors import AdapterError
from paygent.engine import shielded as module
from paygent.engine.shielded import insisting, shielded

pytestmark = pytest.mark.anyio


class Write:
    """Work that notes how far it came."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.ready = anyio.Event()

    async def at_once(self) -> str:
        self.steps.append("begun")
        return "written"

    async def waiting(self) -> str:
        self.steps.append("begun")
        await self.ready.wait()
        self.steps.append("ready")
        await anyio.lowlevel.checkpoint()
        await anyio.sleep(0.001)
        return "written"

    async def failing(self) -> str:
        await anyio.lowlevel.checkpoint()
        raise ValueError("full")

    async def refusing(self) -> str:
        raise ValueError("full")


async def test_outcome_of_work_that_never_waits_is_returned() -> None:
    assert "written" == await shielded(Write().at_once(), "otherwise")


@pytest.mark.parametrize("work", [Write.failing, Write.refusing], ids=["after waiting", "at once"])
async def test_error_of_the_work_is_raised(work: Callable[[Write], object]) -> None:
    with pytest.raises(ValueError, match="full"):
        await shielded(work(Write()), "otherwise")  # type: ignore[arg-type]


@pytest.mark.parametrize("before", [True, False], ids=["cancelled before", "cancelled while it waits"])
async def test_work_goes_to_its_end_although_the_caller_is_cancelled(before: bool) -> None:
    write, outcomes = Write(), list[str]()
    with anyio.CancelScope() as caller:
        async with anyio.create_task_group() as beside:
            beside.start_soon(_cancel, caller, write)
            if before:
                caller.cancel()
            outcomes.append(await shielded(write.waiting(), "otherwise"))
            await anyio.lowlevel.checkpoint()
            outcomes.append("went on")

    assert ["written"] == outcomes
    assert ["begun", "ready"] == write.steps


async def _cancel(caller: anyio.CancelScope, write: Write) -> None:
    with anyio.CancelScope(shield=True):
        await anyio.sleep(0.001)
        caller.cancel()
        await anyio.sleep(0.001)
        write.ready.set()


@pytest.mark.parametrize("cancelled", [True, False])
async def test_what_takes_too_long_is_given_up(cancelled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WRITE_SECONDS", 0.01)
    write, outcome = Write(), ""
    with anyio.CancelScope() as caller:
        if cancelled:
            caller.cancel()
        outcome = await shielded(write.waiting(), "otherwise")

    assert "otherwise" == outcome
    assert ["begun"] == write.steps


async def test_work_may_use_scopes_and_groups_of_its_own() -> None:
    async def work() -> str:
        async with anyio.create_task_group() as beside:
            beside.start_soon(anyio.sleep, 0.001)
        with anyio.move_on_after(0.001):
            await anyio.sleep(5)
        return "written"

    assert "written" == await shielded(work(), "otherwise")


async def test_insisting_returns_what_the_work_does_once() -> None:
    write = Write()

    assert "written" == await insisting(write.at_once, "otherwise")
    assert ["begun"] == write.steps


async def test_insisting_raises_the_error_of_the_work() -> None:
    with pytest.raises(ValueError, match="full"):
        await insisting(Write().failing, "otherwise")


async def test_insisting_does_the_work_again_before_a_cancellation_goes_on() -> None:
    write, outcomes = Write(), list[str]()
    with anyio.CancelScope() as caller:
        async with anyio.create_task_group() as beside:
            beside.start_soon(_cancel, caller, write)
            outcomes.append(await insisting(write.waiting, "otherwise"))

    assert ([], ["begun", "begun", "ready"]) == (outcomes, write.steps)
    assert caller.cancelled_caught


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_insisting_raises_a_cancellation_whose_second_write_fails() -> None:
    """Asyncio tells a task once that it is cancelled; swallowed, that would be lost."""
    tries: list[str] = []

    async def work() -> str:
        tries.append("begun")
        if len(tries) == 1:
            await anyio.sleep_forever()
        raise AdapterError("the disk is full", retryable=True)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(insisting(work, "otherwise"), 0.01)

    assert ["begun", "begun"] == tries
