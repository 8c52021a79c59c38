"""The synchronous Orchestrator where a person presses Ctrl-C."""

import asyncio
import signal
import threading

import httpx
import pytest

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


def test_interrupt_cancels_what_is_being_done_before_anything_is_signed() -> None:
    world = World()
    transport = Interrupting(httpx.MockTransport(world.seller))
    with SyncOrchestrator.open(**world.conduct(transport=transport)) as agent:
        session = agent.create_session().id
        with pytest.raises(KeyboardInterrupt):
            agent.run(f"pay {URL}", session=session)
        states = [payment.state for payment in agent.payments(session)]

    assert (0, []) == (world.spent, world.seller.requests)
    assert not {State.SIGNED, State.SUBMITTED, State.SETTLED} & set(states)
