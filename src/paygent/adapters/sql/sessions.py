"""Sessions, runs, events and memory in the database of a journal."""

from collections.abc import Sequence

from paygent.adapters.sql.journal import SqlJournal
from paygent.core.errors import LocalProtocolError
from paygent.core.events import RunEvent
from paygent.core.session import Lease, Memory, MemoryKind, Run, RunId, RunState, Session, SessionId, SessionState
from paygent.ports.session_store import MEMORIES, SessionPage

_NEWEST = 2**62


class SqlSessions:
    """A `SessionStore` that shares the threads and the transactions of a `SqlJournal`, which outlives it."""

    def __init__(self, journal: SqlJournal) -> None:
        self._journal = journal

    async def add_session(self, session: Session) -> None:
        await self._journal.write(lambda ledger: ledger.shelf.add_session(session))

    async def session(self, session_id: SessionId) -> Session:
        return await self._journal.read(lambda ledger: ledger.shelf.session(session_id))

    async def sessions(
        self, *, states: Sequence[SessionState] = (), after: str | None = None, limit: int = 50
    ) -> SessionPage:
        before = _place(after, limit)
        found, following = await self._journal.read(lambda ledger: ledger.shelf.sessions(states, before, limit))
        return SessionPage(sessions=found, next=following)

    async def end_session(self, session_id: SessionId, *, at: int) -> Session:
        return await self._journal.write(lambda ledger: ledger.shelf.end_session(session_id, at))

    async def acquire(self, session_id: SessionId, *, holder: str, now: int, until: int) -> Lease:
        return await self._journal.write(lambda ledger: ledger.shelf.acquire(session_id, holder, now, until))

    async def renew(self, lease: Lease, *, until: int) -> Lease:
        return await self._journal.write(lambda ledger: ledger.shelf.renew(lease, until))

    async def release(self, lease: Lease) -> None:
        await self._journal.write(lambda ledger: ledger.shelf.release(lease))

    async def start_run(self, run: Run, lease: Lease, *, keep: int = MEMORIES) -> None:
        await self._journal.write(lambda ledger: ledger.shelf.start_run(run, lease, keep))

    async def begin_run(self, run: Run, *, holder: str, now: int, until: int, keep: int = MEMORIES) -> Lease:
        return await self._journal.write(lambda ledger: ledger.shelf.begin_run(run, holder, now, until, keep))

    async def run(self, run_id: RunId) -> Run:
        return await self._journal.read(lambda ledger: ledger.shelf.run(run_id))

    async def runs(self, session_id: SessionId, *, states: Sequence[RunState] = (), limit: int = 50) -> Sequence[Run]:
        return await self._journal.read(lambda ledger: ledger.shelf.runs(session_id, states, limit))

    async def put_run(self, before: Run, after: Run, lease: Lease) -> None:
        await self._journal.write(lambda ledger: ledger.shelf.put_run(before, after, lease))

    async def cancel_run(self, run_id: RunId, *, at: int) -> Run:
        return await self._journal.write(lambda ledger: ledger.shelf.cancel_run(run_id, at))

    async def record(self, events: Sequence[RunEvent], lease: Lease) -> Sequence[RunEvent]:
        return await self._journal.write(lambda ledger: ledger.shelf.record(events, lease))

    async def events(
        self, session_id: SessionId, *, run: RunId | None = None, after: int = 0, limit: int = 500
    ) -> Sequence[RunEvent]:
        return await self._journal.read(lambda ledger: ledger.shelf.events(session_id, run, after, limit))

    async def remember(self, memories: Sequence[Memory], lease: Lease, *, keep: int = MEMORIES) -> None:
        await self._journal.write(lambda ledger: ledger.shelf.remember(memories, lease, keep))

    async def recall(
        self, session_id: SessionId, *, words: str = "", kinds: Sequence[MemoryKind] = (), limit: int = 50
    ) -> Sequence[Memory]:
        kept = await self._journal.read(lambda ledger: ledger.shelf.recall(session_id))
        return tuple(each for each in kept if (not kinds or each.kind in kinds) and each.mentions(words))[:limit]


def _place(after: str | None, limit: int) -> int:
    if limit < 1:
        raise LocalProtocolError(f"a page has at least one session, not {limit}")
    if after is None:
        return _NEWEST
    if not after.isascii() or not after.isdigit() or len(after) > 18:
        raise LocalProtocolError(f"{after!r} is not a cursor of this store; pass the `next` of a page")
    return int(after)
