"""Work that goes on while the caller has its answer: proving payments on chain."""

import asyncio
import logging
import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

import anyio

_log = logging.getLogger("paygent")
_Work: TypeAlias = Callable[[], Coroutine[Any, Any, None]]


class Background:
    """Runs coroutines beside the caller's, under asyncio or trio, until they end or `aclose` cancels them."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._scopes: dict[anyio.CancelScope, anyio.Event] = {}
        """What runs under trio, whose tasks cannot be cancelled by themselves."""

    def start(self, work: _Work) -> None:
        """Begin `work` and return at once; what it raises is logged."""
        if _in_trio():
            import trio

            scope, done = anyio.CancelScope(), anyio.Event()
            self._scopes[scope] = done
            trio.lowlevel.spawn_system_task(self._scoped, work, scope, done)
        else:
            task = asyncio.get_running_loop().create_task(_logged(work))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        """Cancel what still runs and wait for its end."""
        tasks, scopes = list(self._tasks), dict(self._scopes)
        for task in tasks:
            task.cancel()
        for scope in scopes:
            scope.cancel()
        for done in scopes.values():
            await done.wait()
        if tasks:
            await asyncio.wait(tasks)

    async def _scoped(self, work: _Work, scope: anyio.CancelScope, done: anyio.Event) -> None:
        try:
            with scope:
                await _logged(work)
        finally:
            del self._scopes[scope]
            done.set()


async def _logged(work: _Work) -> None:
    try:
        await work()
    except Exception:  # noqa: BLE001  nobody awaits this task, so the log is where its end is told
        _log.exception("background work failed")


def _in_trio() -> bool:
    trio = sys.modules.get("trio")
    return trio is not None and bool(trio.lowlevel.in_trio_run())
