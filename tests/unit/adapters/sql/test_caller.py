"""A task that waits is woken by another thread, in its own event loop, once its turn has come."""

import asyncio
import threading

import anyio
import pytest

from paygent.adapters.sql.caller import Caller, caller, wake

pytestmark = pytest.mark.anyio


def from_a_thread(*callers: Caller) -> None:
    thread = threading.Thread(target=wake, args=(callers,))
    thread.start()
    thread.join()


async def test_wake_ends_every_wait_of_a_loop() -> None:
    ended: list[int] = []
    waiting = [caller() for _ in range(3)]

    async def wait(number: int) -> None:
        await waiting[number].woken()
        ended.append(number)

    async with anyio.create_task_group() as tasks:
        for number in range(3):
            tasks.start_soon(wait, number)
        await anyio.wait_all_tasks_blocked()
        from_a_thread(*waiting)

    assert [0, 1, 2] == sorted(ended)


async def test_wake_is_no_error_when_the_wait_was_cancelled() -> None:
    waiting = caller()

    with anyio.move_on_after(0) as scope:
        await waiting.woken()
    from_a_thread(waiting)
    await anyio.wait_all_tasks_blocked()

    assert scope.cancelled_caught


async def test_wake_goes_on_when_a_loop_is_over() -> None:
    async def in_another_loop() -> Caller:
        return caller()

    over: list[Caller] = []
    thread = threading.Thread(target=lambda: over.append(asyncio.run(in_another_loop())))
    thread.start()
    thread.join()
    waiting = caller()
    from_a_thread(*over, waiting)

    with anyio.move_on_after(5) as scope:
        await waiting.woken()

    assert not scope.cancelled_caught
