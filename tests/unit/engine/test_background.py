import logging

import anyio
import pytest

from paygent.engine.background import Background

pytestmark = pytest.mark.anyio


async def test_work_goes_on_beside_the_caller() -> None:
    background, done = Background(), anyio.Event()

    async def work() -> None:
        done.set()

    background.start(work)
    with anyio.fail_after(5):
        await done.wait()

    assert done.is_set()


async def test_work_is_cancelled_and_awaited_when_closed() -> None:
    background, begun, said = Background(), anyio.Event(), list[str]()

    async def work() -> None:
        try:
            begun.set()
            await anyio.sleep_forever()
        finally:
            said.append("ended")

    background.start(work)
    await begun.wait()
    await background.aclose()

    assert ["ended"] == said


async def test_error_of_work_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    background, begun = Background(), anyio.Event()

    async def work() -> None:
        begun.set()
        raise ValueError("broken")

    with caplog.at_level(logging.ERROR, "paygent"):
        background.start(work)
        await begun.wait()
        await anyio.wait_all_tasks_blocked()

    assert ["background work failed"] == [record.message for record in caplog.records]


async def test_close_waits_for_nothing_when_nothing_runs() -> None:
    with anyio.fail_after(5) as waited:
        await Background().aclose()

    assert not waited.cancelled_caught
