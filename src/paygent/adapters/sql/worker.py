"""One thread that owns one connection, and transactions that many callers share.

Callers of any event loop (asyncio or trio, in any thread) hand in work and await its outcome. What waits together runs
in one transaction, and nobody hears of an outcome before the COMMIT: a durable commit costs more than the work in it.
Where a work fails, what the others wrote must stay and what it wrote must not: the transaction is rolled back and run
again, with a savepoint for each work. So the many transactions in which nobody fails pay for no savepoints. Where
another process is in the way the whole transaction is tried again too.

A caller that is cancelled takes its work back if it has not begun. If it has, the work stands, whole.
"""

import os
import queue
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final, Generic, TypeVar, cast

from paygent.adapters.sql.caller import caller, wake
from paygent.adapters.sql.database import Connection, Database
from paygent.adapters.sql.ledger import Ledger
from paygent.adapters.sql.statement import Cursor
from paygent.core.errors import AdapterError, LocalProtocolError, PaygentError

_MOST: Final = 256
"""Works in one transaction: more would let the first wait long for the last."""
_PAUSE_SECONDS: Final = 0.005
_T = TypeVar("_T")
Work = Callable[[Ledger], _T]


class _Job(Generic[_T]):
    """Work somebody waits for, and how to reach them."""

    __slots__ = ("caller", "error", "outcome", "wanted", "work")

    def __init__(self, work: Work[_T]) -> None:
        self.work = work
        self.caller = caller()
        self.wanted = True
        self.outcome: _T | None = None
        self.error: Exception | None = None


class _Spoilt(Exception):
    """What one caller wanted failed, and what it wrote has to be undone."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class Worker:
    """A thread with a connection; `run` is the one door to it."""

    def __init__(self, database: Database, connection: Connection, *, name: str, writes: bool) -> None:
        self._database = database
        self._use(connection)
        self._committing = False
        self._writes = writes
        self._begin = database.begin_write if writes else database.begin_read
        self._jobs: queue.SimpleQueue[_Job[Any] | None] = queue.SimpleQueue()
        self._last = False
        self._door = threading.Lock()
        self._closed = False
        self._process = os.getpid()
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    async def run(self, work: Work[_T]) -> _T:
        """Return the outcome of `work` after the commit that made it durable, or raise its error.

        Raises: AdapterError: the database could not answer, or the journal is closed.
        """
        job = _Job(work)
        self._put(job)
        try:
            await job.caller.woken()
        finally:
            job.wanted = False
        if job.error is not None:
            raise job.error
        return cast("_T", job.outcome)

    def close(self) -> None:
        """Finish the work that was handed in, then let go of the connection. Blocks; safe to call twice."""
        with self._door:
            if not self._closed:
                self._closed = True
                self._jobs.put(None)
        if self._process == os.getpid():
            self._thread.join()

    def _put(self, job: _Job[Any]) -> None:
        with self._door:
            if self._closed:
                raise AdapterError(f"{self._database.name} is closed; open a new journal", retryable=False)
            if self._process != os.getpid():
                raise AdapterError(
                    f"{self._database.name} was opened before this process was forked; open a journal in each process",
                    retryable=False,
                )
            self._jobs.put(job)

    def _serve(self) -> None:
        """Be the thread: take what waits, run it, tell everybody; the last word is None."""
        try:
            while not self._last and (first := self._jobs.get()) is not None:
                batch = [first]
                self._take(batch)
                self._transact(batch)
                wake(job.caller for job in batch)
        finally:
            self._connection.close()

    def _take(self, batch: list[_Job[Any]]) -> None:
        """Add what waits to the batch."""
        while len(batch) < _MOST and not self._last and not self._jobs.empty():  # nobody else takes from it
            if (job := self._jobs.get()) is None:
                self._last = True
            else:
                batch.append(job)

    def _transact(self, batch: list[_Job[Any]]) -> None:
        """Run the batch in one transaction, again while another process is in the way; failures go to every caller."""
        deadline = time.monotonic() + self._database.busy_seconds
        savepoints = False
        while True:
            try:
                return self._commit(batch, savepoints)
            except _Spoilt as spoilt:
                failure = self._give_up(spoilt)
                if failure is not None or len(batch) == 1:
                    return _fail(batch, failure or self._gone() or spoilt.error)
                savepoints = True
            except self._database.error as exc:
                failure = self._give_up(exc)
                if failure is None and self._database.lost(self._connection):
                    failure = self._lost(exc)
                    if failure is None and time.monotonic() < deadline:
                        continue
                if failure is None and self._database.passing(exc) and time.monotonic() < deadline:
                    time.sleep(_PAUSE_SECONDS)
                    continue
                return _fail(batch, failure or self._database.failure(exc))
            except Exception as exc:  # noqa: BLE001  # the boundary of a thread: who waits must hear of it
                self._give_up(exc)
                return _fail(batch, exc)

    def _lost(self, error: Exception) -> AdapterError | None:
        """Return what to raise where the connection went while it committed; before that, nothing was written."""
        if not self._committing:
            return None
        return AdapterError(
            f"{self._database.name} went away during a commit, so it may or may not have been written ({error}); "
            "read the payment again",
            retryable=True,
        )

    def _connect_again(self) -> None:
        """Replace a connection that is gone."""
        self._connection.close()
        self._use(self._database.connect())

    def _use(self, connection: Connection) -> None:
        self._connection = connection
        self._cursor: Cursor = connection.cursor()
        self._ledger = Ledger(self._cursor, self._database.statements())

    def _give_up(self, cause: Exception) -> AdapterError | None:
        """Roll back; return what to raise where even that fails."""
        try:
            self._database.roll_back(self._connection)
        except self._database.error as exc:
            exc.__cause__ = cause
            return self._database.failure(exc)
        return None

    def _commit(self, batch: list[_Job[Any]], savepoints: bool) -> None:
        """Run the batch in one transaction; who came while it waited for the lock takes part.

        Raises: _Spoilt: one of them failed, and there are no savepoints.
        """
        self._committing = False
        if self._database.lost(self._connection):
            self._connect_again()
        self._cursor.execute(self._begin)
        if self._writes:
            self._ledger.begin()
        self._take(batch)
        run = self._run_apart if savepoints else self._run
        for job in batch:
            if job.wanted:
                run(job)
        if self._writes:
            self._try(self._write)
            with self._together():
                self._ledger.finish()
        self._committing = self._writes
        self._cursor.execute("COMMIT")
        if (gone := self._gone()) is not None:
            _fail(batch, gone)

    def _gone(self) -> AdapterError | None:
        """Return what to raise where nobody will find what was committed."""
        if self._database.still_there():
            return None
        return AdapterError(f"{self._database.name} was moved or deleted; restore the file and reopen", retryable=False)

    def _run(self, job: _Job[Any]) -> None:
        job.outcome, job.error = None, None
        job.outcome = self._try(job.work)

    def _run_apart(self, job: _Job[Any]) -> None:
        """Run one work in a savepoint: what it raises is its caller's alone, and undoes only what it wrote."""
        self._cursor.execute("SAVEPOINT work")
        mark = self._ledger.mark()
        try:
            self._run(job)
            self._try(self._write)
        except _Spoilt as spoilt:
            job.outcome, job.error = None, spoilt.error
            self._cursor.execute("ROLLBACK TO SAVEPOINT work")
            self._ledger.undo(mark)
        self._cursor.execute("RELEASE SAVEPOINT work")

    def _write(self, ledger: Ledger) -> None:
        with self._together():
            ledger.write()

    def _together(self) -> AbstractContextManager[object]:
        return self._database.together(self._connection) if self._ledger.gathered else nullcontext()

    def _try(self, work: Work[_T]) -> _T:
        """Return the outcome of work.

        Raises: _Spoilt: it failed; other errors are about the whole transaction.
        """
        try:
            return work(self._ledger)
        except self._database.error as exc:
            if not self._database.of_one_statement(exc):
                raise
            raise _Spoilt(self._database.failure(exc)) from exc
        except UnicodeEncodeError as exc:
            said = f"{self._database.name} stores and finds no text with half of a surrogate pair"
            raise _Spoilt(LocalProtocolError(said)) from exc
        except (PaygentError, ValueError, TypeError, OverflowError) as exc:
            raise _Spoilt(exc) from exc


def _fail(batch: Iterable[_Job[Any]], error: Exception) -> None:
    for job in batch:
        job.outcome, job.error = None, error
