"""Sessions, runs, events and memories as rows, inside one transaction."""

import json
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import BigInteger, Dialect, Integer, bindparam, delete, literal_column, select, update

from paygent.adapters.sql.schema import memories, run_events, runs, sessions
from paygent.adapters.sql.session_rows import (
    read_event_row,
    read_memory,
    read_run,
    read_session,
    run_record,
)
from paygent.adapters.sql.statement import Cursor, Statement, words_of_dialect
from paygent.core.errors import LocalProtocolError
from paygent.core.events import RunEvent
from paygent.core.run_errors import RunNotFound, SessionBusy, SessionEnded, SessionNotFound
from paygent.core.session import ACTIVE, Lease, Memory, Run, RunId, RunState, Session, SessionId, SessionState

_LIMIT: Final = bindparam("limit", type_=Integer)
_SESSION: Final = (sessions.c.seq, sessions.c.id, sessions.c.title, sessions.c.state, sessions.c.created_at)
_EVENT: Final = tuple(run_events.c)


class SessionStatements:
    """Every statement about sessions, for one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self._ready, add = words_of_dialect(dialect)
        ready = self._ready
        self._made: Final[dict[tuple[str, tuple[str, ...]], Statement]] = {}
        mine = sessions.c.id == bindparam("id_")
        self.add_session: Final = add(sessions, "seq")
        self.session: Final = ready(select(*_SESSION, sessions.c.ended_at).where(mine))
        self.lease: Final = ready(
            select(sessions.c.state, sessions.c.holder, sessions.c.token, sessions.c.lease_until).where(mine)
        )
        self.set_lease: Final = ready(
            update(sessions)
            .where(mine)
            .values(holder=bindparam("holder"), token=bindparam("token"), lease_until=bindparam("until"))
        )
        self.end: Final = ready(
            update(sessions).where(mine).values(state=bindparam("state"), ended_at=bindparam("ended_at"))
        )
        self.counts: Final = ready(select(sessions.c.events, sessions.c.memories).where(mine))
        self.set_events: Final = ready(update(sessions).where(mine).values(events=bindparam("events")))
        self.set_memories: Final = ready(update(sessions).where(mine).values(memories=bindparam("memories")))
        self.add_run: Final = add(runs, "seq")
        self.run: Final = ready(select(runs.c.record).where(runs.c.id == bindparam("run_")))
        self.set_run: Final = ready(
            update(runs)
            .where(runs.c.id == bindparam("run_"), runs.c.version == bindparam("before"))
            .values(state=bindparam("state"), version=bindparam("version"), record=bindparam("record"))
        )
        named = [run_events.c[name] == bindparam(f"{name}_") for name in ("session", "run", "step", "kind", "ordinal")]
        self.event: Final = ready(select(*_EVENT).where(*named))
        self.add_event: Final = add(run_events)
        self.add_memory: Final = add(memories)
        of_session = memories.c.session == bindparam("id_")
        self.memories: Final = ready(select(memories).where(of_session).order_by(memories.c.number.desc()))
        self.forget: Final = ready(delete(memories).where(of_session, memories.c.number <= bindparam("last")))
        self._events: Final = ready(_events())
        self._events_of_run: Final = ready(_events().where(run_events.c.run == bindparam("run_")))

    def sessions(self, states: Sequence[SessionState]) -> Statement:
        """Return the statement for a page of sessions in these states."""
        return self._in_states("sessions", _sessions, sessions.c.state, states)

    def runs(self, states: Sequence[RunState]) -> Statement:
        """Return the statement for the runs of a session in these states."""
        return self._in_states("runs", _runs, runs.c.state, states)

    def events(self, *, of_run: bool) -> Statement:
        """Return the statement for the events of a session, or of one run."""
        return self._events_of_run if of_run else self._events

    def _in_states(
        self, kind: str, query: Callable[[], Any], column: Any, states: Sequence[SessionState | RunState]
    ) -> Statement:
        words = tuple(sorted(states))
        found = self._made.get((kind, words))
        if found is None:
            some = [column.in_([literal_column(f"'{word}'") for word in words])] if words else []
            found = self._made[kind, words] = self._ready(query().where(*some))
        return found


def _sessions() -> Any:
    before = sessions.c.seq < bindparam("before", type_=BigInteger)
    return select(*_SESSION, sessions.c.ended_at).where(before).order_by(sessions.c.seq.desc()).limit(_LIMIT)


def _runs() -> Any:
    mine = runs.c.session == bindparam("id_")
    return select(runs.c.record).where(mine).order_by(runs.c.seq.desc()).limit(_LIMIT)


def _events() -> Any:
    after = run_events.c.sequence > bindparam("after", type_=BigInteger)
    mine = run_events.c.session == bindparam("id_")
    return select(*_EVENT).where(mine, after).order_by(run_events.c.sequence).limit(_LIMIT)


@cache
def session_statements(dialect: Dialect) -> SessionStatements:
    """Return the statements in a dialect's words, made once."""
    return SessionStatements(dialect)


class Shelf:
    """The tables of sessions on one connection. Whoever calls it owns the transaction."""

    def __init__(self, cursor: Cursor, statements: SessionStatements) -> None:
        self._cursor: Final = cursor
        self._sql: Final = statements

    # --- sessions ---------------------------------------------------------------------------------------------------

    def add_session(self, session: Session) -> None:
        if self._sql.session.run(self._cursor, id_=session.id).fetchone() is not None:
            raise LocalProtocolError(f"session {session.id} is there already")
        self._sql.add_session.run(
            self._cursor,
            id=session.id,
            title=session.title,
            state=session.state.value,
            created_at=session.created_at,
            ended_at=session.ended_at,
            holder=None,
            token=0,
            lease_until=0,
            events=0,
            memories=0,
        )

    def session(self, session_id: SessionId) -> Session:
        row = self._sql.session.run(self._cursor, id_=session_id).fetchone()
        if row is None:
            raise SessionNotFound(session_id)
        return read_session(row)

    def sessions(
        self, states: Sequence[SessionState], before: int, limit: int
    ) -> tuple[tuple[Session, ...], str | None]:
        rows = self._sql.sessions(states).run(self._cursor, before=before, limit=limit + 1).fetchall()
        kept = rows[:limit]
        return tuple(map(read_session, kept)), str(kept[-1][0]) if len(rows) > limit else None

    def end_session(self, session_id: SessionId, at: int) -> Session:
        session = self.session(session_id)
        if session.state is SessionState.ENDED:
            return session
        _, holder, _, until = self._lease(session_id)
        if holder is not None and until > at:
            raise SessionBusy(session_id, until=until)
        if waiting := self.runs(session_id, (RunState.WAITING,), 1):
            raise waiting[0].waits()
        self._sql.end.run(self._cursor, id_=session_id, state=SessionState.ENDED.value, ended_at=at)
        return self.session(session_id)

    # --- leases -----------------------------------------------------------------------------------------------------

    def acquire(self, session_id: SessionId, holder: str, now: int, until: int) -> Lease:
        state, held_by, token, held_until = self._lease(session_id)
        if state == SessionState.ENDED:
            raise SessionEnded(session_id)
        if held_by is not None and held_by != holder and held_until > now:
            raise SessionBusy(session_id, until=held_until)
        return self._set_lease(Lease(session=session_id, holder=holder, token=token + 1, until=until))

    def renew(self, lease: Lease, until: int) -> Lease:
        self.check(lease)
        return self._set_lease(Lease(session=lease.session, holder=lease.holder, token=lease.token, until=until))

    def release(self, lease: Lease) -> None:
        _, _, token, _ = self._lease(lease.session)
        if token == lease.token:
            self._sql.set_lease.run(self._cursor, id_=lease.session, holder=None, token=token, until=0)

    def check(self, lease: Lease) -> None:
        """Make sure that nobody has taken the lease since. Raises: SessionBusy."""
        _, _, token, until = self._lease(lease.session)
        if token != lease.token:
            raise SessionBusy(lease.session, until=until)

    def _lease(self, session_id: SessionId) -> tuple[str, str | None, int, int]:
        row = self._sql.lease.run(self._cursor, id_=session_id).fetchone()
        if row is None:
            raise SessionNotFound(session_id)
        state, holder, token, until = row
        return str(state), None if holder is None else str(holder), int(token), int(until)

    def _set_lease(self, lease: Lease) -> Lease:
        self._sql.set_lease.run(
            self._cursor, id_=lease.session, holder=lease.holder, token=lease.token, until=lease.until
        )
        return lease

    # --- runs -------------------------------------------------------------------------------------------------------

    def start_run(self, run: Run, lease: Lease, keep: int) -> None:
        self.check(lease)
        self._start(run, keep)

    def begin_run(self, run: Run, holder: str, now: int, until: int, keep: int) -> Lease:
        lease = self.acquire(run.session, holder, now, until)
        self._start(run, keep)
        return lease

    def _start(self, run: Run, keep: int) -> None:
        if self._sql.run.run(self._cursor, run_=run.id).fetchone() is not None:
            raise LocalProtocolError(f"run {run.id} is there already")
        for other in self.runs(run.session, sorted(ACTIVE), 1):
            raise other.in_the_way()
        self._sql.add_run.run(self._cursor, id=run.id, session=run.session, **_changing(run))
        self._remember(run.session, [run.command], keep)

    def run(self, run_id: RunId) -> Run:
        row = self._sql.run.run(self._cursor, run_=run_id).fetchone()
        if row is None:
            raise RunNotFound(run_id)
        return read_run(row[0])

    def runs(self, session_id: SessionId, states: Sequence[RunState], limit: int) -> tuple[Run, ...]:
        rows = self._sql.runs(states).run(self._cursor, id_=session_id, limit=limit).fetchall()
        return tuple(read_run(row[0]) for row in rows)

    def put_run(self, before: Run, after: Run, lease: Lease) -> None:
        self.check(lease)
        self._put(before, after)

    def cancel_run(self, run_id: RunId, at: int) -> Run:
        run = self.run(run_id)
        marked = run.cancelled(at=at)
        if marked is not run:
            self._put(run, marked)
        return marked

    def _put(self, before: Run, after: Run) -> None:
        self._sql.set_run.run(self._cursor, run_=after.id, before=before.version, **_changing(after))
        if self._cursor.rowcount != 1:
            raise self.run(before.id).changed()

    # --- events -----------------------------------------------------------------------------------------------------

    def record(self, events: Sequence[RunEvent], lease: Lease) -> tuple[RunEvent, ...]:
        self.check(lease)
        last, _ = self._counts(lease.session)
        stored: list[RunEvent] = []
        for event in events:
            known = self._known(event)
            if known is None:
                last += 1
                self._add_event(event, last)
                known = self._known(event)
            assert known is not None  # noqa: S101  it was just written
            stored.append(known)
        self._sql.set_events.run(self._cursor, id_=lease.session, events=last)
        return tuple(stored)

    def events(self, session_id: SessionId, run: RunId | None, after: int, limit: int) -> tuple[RunEvent, ...]:
        statement = self._sql.events(of_run=run is not None)
        given: dict[str, object] = {} if run is None else {"run_": run}
        rows = statement.run(self._cursor, id_=session_id, after=after, limit=limit, **given).fetchall()
        return tuple(map(read_event_row, rows))

    def _known(self, event: RunEvent) -> RunEvent | None:
        session, run, step, kind, ordinal = event.name
        row = self._sql.event.run(
            self._cursor, session_=session, run_=run, step_=step, kind_=kind, ordinal_=ordinal
        ).fetchone()
        return None if row is None else read_event_row(row)

    def _add_event(self, event: RunEvent, sequence: int) -> None:
        self._sql.add_event.run(
            self._cursor,
            session=event.session,
            sequence=sequence,
            run=event.run,
            step=event.step,
            kind=event.kind,
            ordinal=event.ordinal,
            at=event.at,
            agent=event.agent,
            facts=json.dumps(event.facts, separators=(",", ":")),
        )

    # --- memory -----------------------------------------------------------------------------------------------------

    def remember(self, given: Sequence[Memory], lease: Lease, keep: int) -> None:
        self.check(lease)
        self._remember(lease.session, given, keep)

    def recall(self, session_id: SessionId) -> tuple[Memory, ...]:
        return tuple(map(read_memory, self._sql.memories.run(self._cursor, id_=session_id).fetchall()))

    def _remember(self, session_id: SessionId, given: Sequence[Memory], keep: int) -> None:
        _, last = self._counts(session_id)
        for memory in given:
            last += 1
            self._sql.add_memory.run(
                self._cursor,
                session=session_id,
                number=last,
                run=memory.run,
                kind=memory.kind,
                at=memory.at,
                text=memory.text,
            )
        self._sql.set_memories.run(self._cursor, id_=session_id, memories=last)
        if last > keep:
            self._sql.forget.run(self._cursor, id_=session_id, last=last - keep)

    def _counts(self, session_id: SessionId) -> tuple[int, int]:
        row = self._sql.counts.run(self._cursor, id_=session_id).fetchone()
        if row is None:
            raise SessionNotFound(session_id)
        return int(row[0]), int(row[1])


def _changing(run: Run) -> dict[str, object]:
    return {"state": run.state.value, "version": run.version, "record": run_record(run)}
