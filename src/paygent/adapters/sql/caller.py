"""Who waits in an event loop, of asyncio or trio and in any thread, for what another thread does."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Iterable
from typing import Any, Protocol

import anyio
from anyio.lowlevel import current_token


class Caller(Protocol):
    """**Protocol:** one task that waits; made in its own event loop by `caller`."""

    @property
    def loop(self) -> object:
        """Whose turn it takes to wake it."""
        ...

    def woken(self) -> Awaitable[object]:
        """Return what to wait for. A wait that is cancelled ends at once."""
        ...

    def wake(self) -> None:
        """End the wait; called in its own event loop."""
        ...

    def soon(self, callers: "Iterable[Caller]", /) -> None:
        """Have its loop wake callers of that loop. Raises: RuntimeError: the loop is over."""
        ...


def caller() -> Caller:
    """Return the running task, about to wait."""
    try:
        in_asyncio = asyncio.current_task() is not None
    except RuntimeError:
        in_asyncio = False
    return _InAsyncio() if in_asyncio else _InTrio()


def wake(callers: Iterable[Caller]) -> None:
    """Wake everybody who waits, with one message for each event loop, from any thread."""
    waiting: defaultdict[object, list[Caller]] = defaultdict(list)
    for each in callers:
        waiting[each.loop].append(each)
    for together in waiting.values():
        try:
            together[0].soon(together)
        except RuntimeError:  # that loop is over, and nobody waits in it
            continue


class _InAsyncio:
    """A bare future: an event would cost a tenth of a commit more."""

    __slots__ = ("_answer", "loop")

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._answer: asyncio.Future[None] = self.loop.create_future()

    def woken(self) -> Awaitable[None]:
        return self._answer

    def wake(self) -> None:
        if not self._answer.done():
            self._answer.set_result(None)

    def soon(self, callers: Iterable[Caller]) -> None:
        self.loop.call_soon_threadsafe(_wake_all, callers)


class _InTrio:
    __slots__ = ("_event", "loop")

    def __init__(self) -> None:
        self.loop: Any = current_token().native_token
        self._event = anyio.Event()

    def woken(self) -> Awaitable[None]:
        return self._event.wait()

    def wake(self) -> None:
        self._event.set()

    def soon(self, callers: Iterable[Caller]) -> None:
        self.loop.run_sync_soon(_wake_all, callers)


def _wake_all(callers: Iterable[Caller]) -> None:
    for each in callers:
        each.wake()
