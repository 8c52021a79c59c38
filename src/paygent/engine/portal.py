"""The one engine for synchronous callers: an event loop in a thread of its own.

Works where the calling thread has a running loop of its own, as in Jupyter.
"""

import threading
from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Generic, Self, TypeVar

from anyio import CancelScope
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
        portal, task = self._started(), _Task(work)
        future: Future[T] | None = None
        try:
            future = portal.start_task_soon(task.run)
            return future.result()
        except BaseException as error:
            if future is None and isinstance(error, RuntimeError):  # what anyio says of its own thread
                raise LocalProtocolError(
                    "the portal's own thread cannot wait for itself: await the asynchronous twin there"
                ) from error
            if future is None or not future.done():
                task.wanted = False
                portal.start_task_soon(task.cancel)
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


class _Task(Generic[T]):
    """Work in the portal's loop, which can be cancelled by who was interrupted before anything said that it began."""

    def __init__(self, work: Callable[[], Awaitable[T]]) -> None:
        self._work = work
        self._scope: CancelScope | None = None
        self.wanted = True

    async def run(self) -> T:
        with CancelScope() as self._scope:
            if self.wanted:
                return await self._work()
        raise CancelledError  # nobody waits

    async def cancel(self) -> None:
        if self._scope is not None:
            self._scope.cancel()
