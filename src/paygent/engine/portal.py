"""The one engine for synchronous callers: an event loop in a thread of its own.

Works where the calling thread has a running loop of its own, as in Jupyter.
"""

import threading
from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from types import TracebackType
from typing import Generic, Self, TypeVar

import anyio
from anyio import CancelScope
from anyio.from_thread import BlockingPortal

from paygent.core.errors import LocalProtocolError

T = TypeVar("T")
_Why = tuple[type[BaseException] | None, BaseException | None, TracebackType | None]


class Portal:
    """Calls coroutines from synchronous code. Started by the first call, ended by `close`.

    An interrupt of whoever waits, at any time, leaves nothing behind that `close` would wait for without end.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._portal: Future[BlockingPortal] = Future()
        self._closed = False

    def call(self, work: Callable[[], Awaitable[T]]) -> T:
        """Run `work` in the portal's loop and return its result; an interrupt of the caller cancels it.

        Raises: LocalProtocolError: called from the portal's own thread, or after `close`.
        """
        with self._handed(work) as future:
            return future.result()

    @contextmanager
    def within(self, managed: AbstractAsyncContextManager[T]) -> Generator[T]:
        """Enter and leave an asynchronous context manager in the portal's loop, in one task."""
        stay = _Stay(managed)
        with self._handed(stay.run) as ended:
            value = stay.entered.result()
            try:
                yield value
            except BaseException as error:
                stay.why = (type(error), error, error.__traceback__)
                self.call(stay.leave)
                if not ended.result():
                    raise
            else:
                self.call(stay.leave)
                ended.result()

    def close(self) -> None:
        """End the loop and its thread."""
        with self._lock:
            self._closed = True
        if self._thread is not None and self._portal.exception() is None:
            portal = self._portal.result()
            with suppress(RuntimeError):  # it was closed before
                portal.call(portal.stop)
            self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _handed(self, work: Callable[[], Awaitable[T]]) -> Generator[Future[T]]:
        """Hand work over to the loop; whatever ends the block before the work is done cancels it."""
        portal, task = self._started(), _Task(work)
        future: Future[T] | None = None
        try:
            future = portal.start_task_soon(task.run)
            yield future
        except _Ending as ending:
            raise ending.error from None
        except BaseException as error:
            if future is None and isinstance(error, RuntimeError):  # what anyio says of its own thread
                raise LocalProtocolError(
                    "the portal's own thread cannot wait for itself: await the asynchronous twin there"
                ) from error
            if future is None or not future.done():
                task.wanted = False
                portal.start_task_soon(task.cancel)
            raise

    def _started(self) -> BlockingPortal:
        with self._lock:
            if self._closed:
                raise LocalProtocolError("this client is closed; open a new one")
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="paygent", daemon=True)
                self._thread.start()
        return self._portal.result()

    def _serve(self) -> None:
        """Be the thread: run the loop until it is closed."""
        try:
            anyio.run(self._open, backend="asyncio")
        except BaseException as error:  # noqa: BLE001  # later on, whose work raised it has heard of it
            if not self._portal.done():
                self._portal.set_exception(error)

    async def _open(self) -> None:
        async with BlockingPortal() as portal:
            self._portal.set_result(portal)
            await portal.sleep_until_stopped()


class _Ending(Exception):
    """What would end the loop, such as `SystemExit`, on its way to who waits for the work that raised it."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(repr(error))
        self.error = error


class _Stay(Generic[T]):
    """A context manager that is entered and left in the portal's loop."""

    def __init__(self, managed: AbstractAsyncContextManager[T]) -> None:
        self._managed = managed
        self._left: anyio.Event | None = None
        self.entered: Future[T] = Future()
        self.why: _Why = (None, None, None)
        """What it is left for."""

    async def run(self) -> bool | None:
        """Stay until `leave`; tell whether the manager took what it was left for upon itself."""
        self._left = anyio.Event()
        try:
            self.entered.set_result(await self._managed.__aenter__())
        except BaseException as error:
            self.entered.set_exception(error)
            raise
        try:
            await self._left.wait()
        finally:
            taken = await self._managed.__aexit__(*self.why)
        return taken

    async def leave(self) -> None:
        if self._left is not None:
            self._left.set()


class _Task(Generic[T]):
    """Work in the portal's loop, which can be cancelled by who was interrupted before anything said that it began."""

    def __init__(self, work: Callable[[], Awaitable[T]]) -> None:
        self._work = work
        self._scope: CancelScope | None = None
        self.wanted = True

    async def run(self) -> T:
        with CancelScope() as self._scope:
            if self.wanted:
                try:
                    return await self._work()
                except BaseException as error:
                    if isinstance(error, Exception | CancelledError | GeneratorExit):
                        raise
                    raise _Ending(error) from error
        raise CancelledError  # nobody waits

    async def cancel(self) -> None:
        if self._scope is not None:
            self._scope.cancel()
