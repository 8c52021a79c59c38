"""The one engine for synchronous callers: an event loop in a thread of its own.

Works where the calling thread has a running loop of its own, as in Jupyter.
"""

import threading
from collections.abc import Awaitable, Callable, Generator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Self, TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal

from paygent.core.errors import LocalProtocolError

T = TypeVar("T")


class Portal:
    """Calls coroutines from synchronous code. Started by the first call, ended by `close`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._portal: BlockingPortal | None = None
        self._context = start_blocking_portal("asyncio", name="paygent")
        self._closed = False

    def call(self, work: Callable[[], Awaitable[T]]) -> T:
        """Run `work` in the portal's loop and return its result; an interrupt of the caller cancels it.

        Raises: LocalProtocolError: called from the portal's own thread, or after `close`.
        """
        portal = self._started()
        try:
            future = portal.start_task_soon(_awaited, work)
        except RuntimeError as exc:  # what anyio says of its own thread
            raise LocalProtocolError(
                "the portal's own thread cannot wait for itself: await the asynchronous twin there"
            ) from exc
        try:
            return future.result()
        except BaseException:
            if not future.done():
                future.cancel()
            raise

    @contextmanager
    def within(self, managed: AbstractAsyncContextManager[T]) -> Generator[T]:
        """Enter and leave an asynchronous context manager in the portal's loop, in one task."""
        with self._started().wrap_async_context_manager(managed) as value:
            yield value

    def close(self) -> None:
        """End the loop and its thread."""
        with self._lock:
            self._closed = True
            if self._portal is not None:
                self._portal = None
                self._context.__exit__(None, None, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _started(self) -> BlockingPortal:
        with self._lock:
            if self._closed:
                raise LocalProtocolError("this client is closed; open a new one")
            if self._portal is None:
                self._portal = self._context.__enter__()
            return self._portal


async def _awaited(work: Callable[[], Awaitable[T]]) -> T:
    return await work()
