"""The background task that reconciles: it decides what it can, waits while nobody answers, and shares its work."""

import logging

import anyio
import pytest

from paygent.core.errors import AdapterError, ConfigurationError
from paygent.core.lifecycle import State
from paygent.core.payment import Payment
from paygent.engine.reconcile import Reconciler
from paygent.engine.watch import Watch
from paygent.testing.engine import MemoryEngine, memory_engine

pytestmark = pytest.mark.anyio


class Naps:
    """A clock's hands for a watch: every sleep is noted, and the last one stops it."""

    def __init__(self, most: int) -> None:
        self.slept: list[float] = []
        self._most = most
        self.scope = anyio.CancelScope()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) == self._most:
            self.scope.cancel()
        await anyio.lowlevel.checkpoint()

    async def run(self, reconciler: Reconciler, **about: float) -> None:
        with self.scope:
            await Watch(reconciler, sleep=self.sleep, **about).forever()


async def left(memory: MemoryEngine) -> State:
    (payment,) = await memory.payments()
    return payment.state


async def test_watch_decides_what_somebody_settles_later() -> None:
    memory = memory_engine()
    _, authorization = await memory.sent()
    memory.chain.settle(authorization)

    naps = Naps(2)
    await naps.run(memory.engine.reconciler, every_seconds=60)

    assert (State.SETTLED, [60, 60]) == (await left(memory), naps.slept)


async def test_watch_waits_longer_while_the_endpoint_does_not_answer_and_goes_on_then() -> None:
    class Flaky(Reconciler):
        passes = 0

        async def run(self) -> tuple[list[Payment], list[AdapterError | ConfigurationError]]:
            self.passes += 1
            if self.passes < 4:  # the storage, then the endpoint of one payment
                error = AdapterError("nobody answers", retryable=True)
                if self.passes == 1:
                    raise error
                return [], [error]
            return await super().run()

    memory = memory_engine()
    _, authorization = await memory.sent()
    memory.chain.settle(authorization)
    naps = Naps(4)
    await naps.run(
        Flaky(journal=memory.journal, chains={memory.token.asset.id.chain: memory.chain}, clock=memory.clock),
        every_seconds=60,
        most_seconds=100,
    )

    *waits, rest = naps.slept
    assert (State.SETTLED, 60) == (await left(memory), rest)
    assert [True] * 3 == [1 <= wait <= most for wait, most in zip(waits, (30, 60, 100), strict=True)]


async def test_watches_of_several_processes_make_each_move_once() -> None:
    memory = memory_engine()
    _, authorization = await memory.sent()
    memory.chain.settle(authorization)

    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(Naps(3).run, memory.restarted().engine.reconciler)

    (payment,) = await memory.payments()
    assert [State.SETTLED] == [line.state for line in payment.history if line.state is State.SETTLED]
    assert (0, 1_000) == memory.held()


async def test_watch_tells_once_what_it_cannot_decide(caplog: pytest.LogCaptureFixture) -> None:
    memory = memory_engine()
    await memory.sent()
    blind = Reconciler(journal=memory.journal, chains={}, clock=memory.clock)

    with caplog.at_level(logging.WARNING, "paygent"):
        await Naps(3).run(blind)

    assert ["no endpoint for"] == [record.getMessage().partition("decided: ")[2][:15] for record in caplog.records]


async def test_watch_ends_on_what_no_waiting_mends() -> None:
    class Lost(Reconciler):
        async def run(self) -> tuple[list[Payment], list[AdapterError | ConfigurationError]]:
            raise AdapterError("the journal is closed", retryable=False)

    memory = memory_engine()
    with pytest.raises(AdapterError, match="closed"):
        await Naps(3).run(Lost(journal=memory.journal, chains={}, clock=memory.clock))


@pytest.mark.parametrize(("every", "most"), [(0, 300), (-1, 300), (301, 300)])
def test_watch_refuses_rests_that_are_none(every: float, most: float) -> None:
    with pytest.raises(ConfigurationError):
        Watch(memory_engine().engine.reconciler, every_seconds=every, most_seconds=most)
