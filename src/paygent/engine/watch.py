"""Reconcile again and again beside a program, so that what was left open is decided without anybody asking."""

import logging
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import anyio

from paygent.core.errors import AdapterError, ConfigurationError
from paygent.core.payment import Payment
from paygent.engine.reconcile import Reconciler

_SleepSeconds: TypeAlias = Callable[[float], Awaitable[None]]
_log = logging.getLogger("paygent")
EVERY_SECONDS = 60.0
"""How long a watch rests after a pass that met no trouble."""
MOST_SECONDS = 300.0
"""The longest wait while endpoint or storage do not answer."""


class Watch:
    """Passes of one reconciler, as long as it runs. Several processes may watch one storage: each move is made once.

    A pass that an endpoint or the storage did not answer is repeated after a wait that doubles, with some chance in it,
    so that many processes do not come back at once. What cannot be decided for lack of an endpoint is told once.
    """

    def __init__(
        self,
        reconciler: Reconciler,
        *,
        every_seconds: float = EVERY_SECONDS,
        most_seconds: float = MOST_SECONDS,
        sleep: _SleepSeconds = anyio.sleep,
    ) -> None:
        if not 0 < every_seconds <= most_seconds:
            raise ConfigurationError(
                f"a watch rests {every_seconds} seconds and waits {most_seconds} at most; rest more than 0, no longer"
            )
        self._reconciler = reconciler
        self._every = every_seconds
        self._most = most_seconds
        self._sleep = sleep
        self._told: set[str] = set()

    async def forever(self) -> None:
        """Make passes until it is cancelled, in a task group, or by `X402Client.open(reconcile_every_seconds=...)`."""
        while True:
            await self.settled_pass()
            await self._sleep(self._every)

    async def settled_pass(self) -> list[Payment]:
        """Make one pass, again until endpoint and storage answer; return what can move, as it is then."""
        from tenacity import AsyncRetrying, retry_if_exception, wait_random_exponential

        first_seconds, least_seconds = self._every / 2, min(1, self._every)
        retrying = AsyncRetrying(
            sleep=self._sleep,
            wait=wait_random_exponential(multiplier=first_seconds, max=self._most, min=least_seconds),
            retry=retry_if_exception(lambda error: isinstance(error, AdapterError) and error.retryable),
            reraise=True,
        )
        return await retrying(self._pass)

    async def _pass(self) -> list[Payment]:
        seen, failed = await self._reconciler.run()
        for error in failed:
            self._tell(error)
        passing = next((error for error in failed if isinstance(error, AdapterError) and error.retryable), None)
        if passing is not None:
            raise passing
        return seen

    def _tell(self, error: AdapterError | ConfigurationError) -> None:
        if str(error) not in self._told:
            self._told.add(str(error))
            _log.warning("a payment could not be decided: %s", error)
