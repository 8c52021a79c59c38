"""Work that goes on while the caller has its answer: proving payments on chain."""

import asyncio
import logging
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import anyio

_log = logging.getLogger("paygent")


class Background:
    """Runs coroutines beside the caller's, under asyncio or trio, until they end or `aclose` cancels them."""

    def __init__(self) -> None:
        self._running: dict[anyio.CancelScope, anyio.Event] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Begin `work` and return at once; what it raises is logged."""
        scope, done = anyio.CancelScope(), anyio.Event()
        self._running[scope] = done
        _spawn(lambda: self._run(work, scope, done), self._tasks)

    async def aclose(self) -> None:
        """Cancel what still runs and wait for its end."""
        running = dict(self._running)
        for scope in running:
            scope.cancel()
        for done in running.values():
            await done.wait()

    async def _run(
        self, work: Callable[[], Coroutine[Any, Any, None]], scope: anyio.CancelScope, done: anyio.Event
    ) -> None:
        try:
            with scope:
                await work()
        except Exception:  # noqa: BLE001  nobody awaits this task, so the log is where its end is told
            _log.exception("background work failed")
        finally:
            del self._running[scope]
            done.set()


def _spawn(work: Callable[[], Coroutine[Any, Any, None]], tasks: set[asyncio.Task[None]]) -> None:
    trio = sys.modules.get("trio")
    if trio is not None:
        try:
            trio.lowlevel.spawn_system_task(work)
        except RuntimeError:
            pass  # trio is imported, and this loop is asyncio's
        else:
            return
    task = asyncio.get_running_loop().create_task(work())
    tasks.add(task)
    task.add_done_callback(tasks.discard)
