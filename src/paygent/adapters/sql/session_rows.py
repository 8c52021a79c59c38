"""Rows of sessions, runs, events and memories, written and read."""

import json
from collections.abc import Sequence
from typing import cast

from paygent.adapters.sql.rows import parsed
from paygent.core.errors import AdapterError, LocalProtocolError
from paygent.core.events import RunEvent, read_event
from paygent.core.fields import JSON
from paygent.core.session import Memory, MemoryKind, Mode, Run, RunId, RunState, Session, SessionId, SessionState


def read_session(row: Sequence[object]) -> Session:
    _, session_id, title, state, created_at, ended_at = row
    try:
        return Session(
            id=SessionId(str(session_id)),
            title=str(title),
            state=SessionState(str(state)),
            created_at=int(str(created_at)),
            ended_at=None if ended_at is None else int(str(ended_at)),
        )
    except ValueError as exc:
        raise AdapterError(f"session {session_id} cannot be read: {exc}", retryable=False) from exc


def run_record(run: Run) -> str:
    """Return everything about a run as JSON."""
    said: dict[str, JSON] = {
        "id": run.id,
        "session": run.session,
        "text": run.text,
        "mode": run.mode,
        "state": run.state.value,
        "version": run.version,
        "created_at": run.created_at,
        "updated_at": run.updated_at,
        "fingerprints": dict(run.fingerprints),
        "agent": run.agent,
        "limits": dict(run.limits),
        "cancelling": run.cancelling,
        "result": dict(run.result),
    }
    return json.dumps(said, separators=(",", ":"))


def read_run(record: object) -> Run:
    try:
        said = parsed(record)
        return Run(
            id=RunId(said["id"]),
            session=SessionId(said["session"]),
            text=said["text"],
            mode=cast("Mode", said["mode"]),
            state=RunState(said["state"]),
            version=said["version"],
            created_at=said["created_at"],
            updated_at=said["updated_at"],
            fingerprints=said["fingerprints"],
            agent=said["agent"],
            limits=said["limits"],
            cancelling=said["cancelling"],
            result=said["result"],
        )
    except (ValueError, TypeError, KeyError) as exc:
        raise AdapterError(f"a run cannot be read: {type(exc).__name__} {exc}", retryable=False) from exc


def read_event_row(row: Sequence[object]) -> RunEvent:
    session, sequence, run, step, kind, ordinal, at, agent, facts = row
    try:
        return read_event(
            str(kind),
            parsed(facts),
            session=SessionId(str(session)),
            run=RunId(str(run)),
            step=str(step),
            ordinal=int(str(ordinal)),
            at=int(str(at)),
            sequence=int(str(sequence)),
            agent=str(agent),
        )
    except (ValueError, TypeError, LocalProtocolError) as exc:
        raise AdapterError(f"event {sequence} of session {session} cannot be read: {exc}", retryable=False) from exc


def read_memory(row: Sequence[object]) -> Memory:
    session, number, run, kind, at, text = row
    return Memory(
        session=SessionId(str(session)),
        run=RunId(str(run)),
        kind=cast("MemoryKind", str(kind)),
        at=int(str(at)),
        text=str(text),
        number=int(str(number)),
    )
