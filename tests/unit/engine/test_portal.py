"""Synchronous callers wait for a loop in another thread, and an interrupt reaches it."""

import threading
from typing import Any

import anyio
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
    with Portal() as portal:
        with pytest.raises(KeyboardInterrupt):
            portal.call(work)

        assert work.ended.wait(5) or not work.begun.is_set()


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
