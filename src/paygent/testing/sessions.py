"""A `SessionStore` in memory."""

import threading
from collections.abc import Sequence
from dataclasses import replace

from paygent.core.errors import LocalProtocolError
from paygent.core.events import RunEvent
from paygent.core.run_errors import RunNotFound, SessionBusy, SessionEnded, SessionNotFound
from paygent.core.session import (
    Lease,
    Memory,
    MemoryKind,
    Run,
    RunId,
    RunState,
    Session,
    SessionId,
    SessionState,
)
from paygent.ports.session_store import MEMORIES, SessionPage


class _Shelf:
    """All that is kept of one session."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.lease: Lease | None = None
        self.token = 0
        self.runs: list[RunId] = []
        self.events: list[RunEvent] = []
        self.known: dict[tuple[str, str, str, str, int], RunEvent] = {}
        self.memories: list[Memory] = []
        self.remembered = 0


class MemorySessions:
    """A `SessionStore` that keeps every promise but surviving the process. May be used from several threads."""

    def __init__(self) -> None:
        self._door = threading.Lock()
        self._shelves: dict[SessionId, _Shelf] = {}
        self._runs: dict[RunId, Run] = {}

    async def add_session(self, session: Session) -> None:
        with self._door:
            if session.id in self._shelves:
                raise LocalProtocolError(f"session {session.id} is there already")
            self._shelves[session.id] = _Shelf(session)

    async def session(self, session_id: SessionId) -> Session:
        with self._door:
            return self._shelf(session_id).session

    async def sessions(
        self, *, states: Sequence[SessionState] = (), after: str | None = None, limit: int = 50
    ) -> SessionPage:
        with self._door:
            every = [shelf.session for shelf in self._shelves.values()]
        last = len(every) if after is None else int(after)
        found = [
            (place, one)
            for place, one in reversed(list(enumerate(every)))
            if place < last and (not states or one.state in states)
        ]
        more = len(found) > limit
        return SessionPage(
            sessions=tuple(one for _, one in found[:limit]), next=str(found[limit - 1][0]) if more else None
        )

    async def end_session(self, session_id: SessionId, *, at: int) -> Session:
        with self._door:
            shelf = self._shelf(session_id)
            if shelf.session.state is SessionState.ENDED:
                return shelf.session
            if shelf.lease is not None and shelf.lease.until > at:
                raise SessionBusy(session_id, until=shelf.lease.until)
            if shelf.runs and self._runs[shelf.runs[-1]].state is RunState.WAITING:
                raise self._runs[shelf.runs[-1]].waits()
            shelf.session = replace(shelf.session, state=SessionState.ENDED, ended_at=at)
            return shelf.session

    async def acquire(self, session_id: SessionId, *, holder: str, now: int, until: int) -> Lease:
        with self._door:
            shelf = self._shelf(session_id)
            if shelf.session.state is SessionState.ENDED:
                raise SessionEnded(session_id)
            held = shelf.lease
            if held is not None and held.until > now and held.holder != holder:
                raise SessionBusy(session_id, until=held.until)
            shelf.token += 1
            shelf.lease = Lease(session=session_id, holder=holder, token=shelf.token, until=until)
            return shelf.lease

    async def renew(self, lease: Lease, *, until: int) -> Lease:
        with self._door:
            shelf = self._held(lease)
            shelf.lease = replace(lease, until=until)
            return shelf.lease

    async def release(self, lease: Lease) -> None:
        with self._door:
            shelf = self._shelf(lease.session)
            if shelf.lease is not None and shelf.lease.token == lease.token:
                shelf.lease = None

    async def start_run(self, run: Run, lease: Lease, *, keep: int = MEMORIES) -> None:
        with self._door:
            shelf = self._held(lease)
            if run.id in self._runs:
                raise LocalProtocolError(f"run {run.id} is there already")
            for other in shelf.runs:
                if self._runs[other].active:
                    raise self._runs[other].in_the_way()
            self._runs[run.id] = run
            shelf.runs.append(run.id)
            self._add(shelf, [run.command], keep)

    async def begin_run(self, run: Run, *, holder: str, now: int, until: int, keep: int = MEMORIES) -> Lease:
        lease = await self.acquire(run.session, holder=holder, now=now, until=until)
        try:
            await self.start_run(run, lease, keep=keep)
        except BaseException:
            await self.release(lease)
            raise
        return lease

    async def run(self, run_id: RunId) -> Run:
        with self._door:
            return self._run(run_id)

    async def runs(self, session_id: SessionId, *, states: Sequence[RunState] = (), limit: int = 50) -> Sequence[Run]:
        with self._door:
            found = [self._runs[each] for each in reversed(self._shelf(session_id).runs)]
        return tuple(run for run in found if not states or run.state in states)[:limit]

    async def put_run(self, before: Run, after: Run, lease: Lease) -> None:
        with self._door:
            self._held(lease)
            stored = self._run(before.id)
            if stored.version != before.version:
                raise stored.changed()
            self._runs[after.id] = after

    async def cancel_run(self, run_id: RunId, *, at: int) -> Run:
        with self._door:
            self._runs[run_id] = self._run(run_id).cancelled(at=at)
            return self._runs[run_id]

    async def record(self, events: Sequence[RunEvent], lease: Lease) -> Sequence[RunEvent]:
        with self._door:
            shelf = self._held(lease)
            return tuple(self._recorded(shelf, event) for event in events)

    async def events(
        self, session_id: SessionId, *, run: RunId | None = None, after: int = 0, limit: int = 500
    ) -> Sequence[RunEvent]:
        with self._door:
            kept = self._shelf(session_id).events
            return tuple(each for each in kept if each.sequence > after and run in (None, each.run))[:limit]

    async def remember(self, memories: Sequence[Memory], lease: Lease, *, keep: int = MEMORIES) -> None:
        with self._door:
            self._add(self._held(lease), memories, keep)

    async def recall(
        self, session_id: SessionId, *, words: str = "", kinds: Sequence[MemoryKind] = (), limit: int = 50
    ) -> Sequence[Memory]:
        with self._door:
            kept = list(reversed(self._shelf(session_id).memories))
        return tuple(each for each in kept if (not kinds or each.kind in kinds) and each.mentions(words))[:limit]

    # --- inside the door --------------------------------------------------------------------------------------------

    def _shelf(self, session_id: SessionId) -> _Shelf:
        shelf = self._shelves.get(session_id)
        if shelf is None:
            raise SessionNotFound(session_id)
        return shelf

    def _run(self, run_id: RunId) -> Run:
        run = self._runs.get(run_id)
        if run is None:
            raise RunNotFound(run_id)
        return run

    def _held(self, lease: Lease) -> _Shelf:
        shelf = self._shelf(lease.session)
        if shelf.token != lease.token:
            raise SessionBusy(lease.session, until=0 if shelf.lease is None else shelf.lease.until)
        return shelf

    def _recorded(self, shelf: _Shelf, event: RunEvent) -> RunEvent:
        if event.name not in shelf.known:
            stored = replace(event, sequence=len(shelf.events) + 1)
            shelf.events.append(stored)
            shelf.known[event.name] = stored
        return shelf.known[event.name]

    def _add(self, shelf: _Shelf, memories: Sequence[Memory], keep: int) -> None:
        for memory in memories:
            shelf.remembered += 1
            shelf.memories.append(replace(memory, number=shelf.remembered))
        del shelf.memories[:-keep]
