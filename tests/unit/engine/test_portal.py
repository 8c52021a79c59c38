"""Synchronous callers wait for a loop in another thread, and an interrupt reaches it."""

import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager, nullcontext
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from anyio.from_thread import BlockingPortal

from paygent.core.errors import LocalProtocolError
from paygent.engine.portal import Portal


class Work:
    """Waits for ever, and notes that it was cancelled."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.ended = threading.Event()

    async def __call__(self) -> None:
        self.begun.set()
        try:
            await anyio.sleep_forever()
        finally:
            self.ended.set()


def test_result_and_error_of_the_work_are_the_callers() -> None:
    async def one() -> int:
        return 1

    async def broken() -> None:
        raise RuntimeError("of the work")

    with Portal() as portal:
        assert 1 == portal.call(one)
        with pytest.raises(RuntimeError, match="of the work"):
            portal.call(broken)


@pytest.mark.parametrize("begun", [True, False], ids=["while it runs", "before it runs"])
def test_interrupt_between_handing_over_and_waiting_cancels_the_work(
    begun: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The work is in the other thread by then, and nothing has told the caller so."""
    work, hand_over, interrupts = Work(), BlockingPortal.start_task_soon, [KeyboardInterrupt]

    def interrupted(portal: BlockingPortal, *handed: Any, **names: Any) -> Any:
        future = hand_over(portal, *handed, **names)
        if interrupts:
            if begun:
                work.begun.wait(5)
            raise interrupts.pop()
        return future

    monkeypatch.setattr(BlockingPortal, "start_task_soon", interrupted)
    with Portal() as portal, pytest.raises(KeyboardInterrupt):
        portal.call(work)

    assert work.ended.is_set() or not work.begun.is_set()


def in_time(done: Callable[[], None]) -> None:
    """Do something that may hang, in a thread that the tests need not wait for."""
    thread = threading.Thread(target=done, daemon=True)
    thread.start()
    thread.join(5)

    assert not thread.is_alive()


def interrupt_wait(number: int, begun: threading.Event | None, patch: pytest.MonkeyPatch) -> None:
    """Interrupt who waits for another thread, the so-manyth time and once `begun` is set."""
    result, before = Future[Any].result, [None] * number

    def interrupted(future: Future[Any], timeout: float | None = None) -> Any:
        if before:
            before.pop()
            return result(future, timeout)
        patch.undo()
        if begun is not None:
            begun.wait(5)
        raise KeyboardInterrupt

    patch.setattr(Future, "result", interrupted)


def test_interrupt_while_the_loop_starts_leaves_a_portal_that_works(monkeypatch: pytest.MonkeyPatch) -> None:
    async def one() -> int:
        return 1

    def use() -> None:
        with Portal() as portal:
            with pytest.raises(KeyboardInterrupt):
                portal.call(one)
            said.append(portal.call(one))

    said: list[int] = []
    interrupt_wait(0, None, monkeypatch)
    in_time(use)

    assert [1] == said


def test_interrupt_while_something_is_entered_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work()

    @asynccontextmanager
    async def entering() -> AsyncGenerator[None]:
        await work()
        yield

    def use() -> None:
        with Portal() as portal, pytest.raises(KeyboardInterrupt), portal.within(entering()):
            pass

    interrupt_wait(1, work.begun, monkeypatch)
    in_time(use)

    assert work.ended.is_set()


@pytest.mark.parametrize("takes", [True, False], ids=["taken", "passed on"])
def test_error_in_what_is_entered_reaches_it_and_then_the_caller(takes: bool) -> None:
    heard: list[BaseException | None] = []

    class Managed:
        async def __aenter__(self) -> int:
            return 1

        async def __aexit__(self, _: object, error: BaseException | None, trace: object) -> bool:
            heard.append(error)
            return takes

    with Portal() as portal, nullcontext() if takes else pytest.raises(KeyboardInterrupt), portal.within(Managed()):
        raise KeyboardInterrupt

    assert [KeyboardInterrupt] == list(map(type, heard))


@pytest.mark.parametrize("ending", [SystemExit, KeyboardInterrupt])
def test_program_that_is_ended_by_the_work_leaves_what_was_entered(ending: type[BaseException]) -> None:
    """A handler or a signer of the user's may call `sys.exit`."""
    heard: list[str] = []

    @asynccontextmanager
    async def managed() -> AsyncGenerator[None]:
        try:
            yield
        finally:
            await anyio.lowlevel.checkpoint()
            heard.append("left")

    async def end() -> None:
        raise ending

    with Portal() as portal, pytest.raises(ending), portal.within(managed()):
        portal.call(end)

    assert ["left"] == heard


def test_portal_does_not_wait_for_itself() -> None:
    async def nothing() -> None: ...

    async def nested(portal: Portal) -> None:
        portal.call(nothing)

    with Portal() as portal, pytest.raises(LocalProtocolError, match="own thread"):
        portal.call(lambda: nested(portal))


def test_closed_portal_takes_no_work() -> None:
    portal = Portal()
    portal.close()

    with pytest.raises(LocalProtocolError, match="closed"):
        portal.call(Work())
