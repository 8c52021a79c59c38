"""The synchronous Orchestrator where a person presses Ctrl-C."""

import asyncio
import signal
import threading
from collections.abc import AsyncGenerator

import httpx
import pytest

from paygent.core.events import RunEvent
from paygent.core.lifecycle import State
from paygent.orchestrator import SyncOrchestrator
from tests.unit.orchestrator.world import URL, World


class Interrupting(httpx.AsyncBaseTransport):
    """Interrupts the thread that waits as soon as something is requested first, and answers late."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self._interrupts = True

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._interrupts:
            self._interrupts = False
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            await asyncio.sleep(0.5)
        return await self._inner.handle_async_request(request)


@pytest.mark.parametrize("streamed", [False, True])
def test_interrupt_cancels_what_is_being_done_before_anything_is_signed(streamed: bool) -> None:
    world = World()
    transport = Interrupting(httpx.MockTransport(world.seller))
    with SyncOrchestrator.open(**world.conduct(transport=transport)) as agent:
        session = agent.create_session().id
        with pytest.raises(KeyboardInterrupt):
            list(agent.stream(f"pay {URL}", session=session)) if streamed else agent.run(f"pay {URL}", session=session)
        states = [payment.state for payment in agent.payments(session)]

    assert (0, []) == (world.spent, world.seller.requests)
    assert not {State.SIGNED, State.SUBMITTED, State.SETTLED} & set(states)


def test_interrupt_while_a_stream_is_being_opened_leaves_nothing_running(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run begins at once, and the thread that asked may still be on its way to wait for the first event."""
    interrupted = 0

    async def at_once(*_: object, **__: object) -> AsyncGenerator[RunEvent]:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        await asyncio.sleep(0.02)
        return
        yield

    with SyncOrchestrator.open(**World().conduct()) as agent:
        monkeypatch.setattr("paygent.orchestrator.asynchronous.Orchestrator.stream", at_once)
        for _ in range(30):
            with pytest.raises(KeyboardInterrupt):
                list(agent.stream("balance"))
            interrupted += 1

    assert 30 == interrupted
