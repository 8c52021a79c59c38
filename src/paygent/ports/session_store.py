"""Where sessions, runs, their events and their memory are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from paygent.core.events import RunEvent
from paygent.core.session import Lease, Memory, MemoryKind, Run, RunId, RunState, Session, SessionId, SessionState

MEMORIES = 1_000
"""How many memories of a session are kept; older ones are forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPage:
    """Some sessions, newest first."""

    sessions: tuple[Session, ...]
    next: str | None
    """Pass it as `after` to go on; None where this was the last page."""


class SessionStore(Protocol):
    """**Protocol:** the durable memory of orchestrators. Each write is one transaction, durable when it returns.

    What is written for a run takes the lease of its session, and is refused once somebody else has that. Raises, all of
    them: SessionNotFound, RunNotFound where there is none; AdapterError where the store cannot answer.
    """

    async def add_session(self, session: Session) -> None:
        """Write a new session. Raises: LocalProtocolError: its id is taken."""
        ...

    async def session(self, session_id: SessionId) -> Session: ...

    async def sessions(
        self, *, states: Sequence[SessionState] = (), after: str | None = None, limit: int = 50
    ) -> SessionPage:
        """Return sessions, newest first; `states` empty means any."""
        ...

    async def end_session(self, session_id: SessionId, *, at: int) -> Session:
        """End a session; one that has ended stays as it is.

        Raises: SessionBusy: its lease is held at `at`. RunOver: a run of it waits for people.
        """
        ...

    async def acquire(self, session_id: SessionId, *, holder: str, now: int, until: int) -> Lease:
        """Take the lease of a session; the token grows.

        Raises: SessionBusy: another holder's has not ended at `now`. SessionEnded: it takes no commands any more.
        """
        ...

    async def renew(self, lease: Lease, *, until: int) -> Lease:
        """Make a lease last longer. Raises: SessionBusy: somebody else has it."""
        ...

    async def release(self, lease: Lease) -> None:
        """Give a lease back; one that somebody else has by now is left alone."""
        ...

    async def start_run(self, run: Run, lease: Lease, *, keep: int = MEMORIES) -> None:
        """Write a new run and remember its command.

        Raises: RunOver: another run of the session is active. LocalProtocolError: its id is taken. SessionBusy: the
        lease is somebody else's.
        """
        ...

    async def begin_run(self, run: Run, *, holder: str, now: int, until: int, keep: int = MEMORIES) -> Lease:
        """Take the lease and start the run in one transaction; where either is refused, neither is done.

        Raises: as `acquire` and `start_run`.
        """
        ...

    async def run(self, run_id: RunId) -> Run: ...

    async def runs(self, session_id: SessionId, *, states: Sequence[RunState] = (), limit: int = 50) -> Sequence[Run]:
        """Return runs of a session, newest first."""
        ...

    async def put_run(self, before: Run, after: Run, lease: Lease) -> None:
        """Replace a run. Raises: RunOver: it is at another version by now. SessionBusy."""
        ...

    async def cancel_run(self, run_id: RunId, *, at: int) -> Run:
        """Mark a run for cancelling, whoever works on it; return it. One that has ended stays as it is."""
        ...

    async def record(self, events: Sequence[RunEvent], lease: Lease) -> Sequence[RunEvent]:
        """Write events that are not there yet, and return all of them as stored, with their numbers.

        An event of the same name (`RunEvent.name`) that was stored before is returned as it was then. Raises:
        SessionBusy.
        """
        ...

    async def events(
        self, session_id: SessionId, *, run: RunId | None = None, after: int = 0, limit: int = 500
    ) -> Sequence[RunEvent]:
        """Return events after a sequence number, in order."""
        ...

    async def remember(self, memories: Sequence[Memory], lease: Lease, *, keep: int = MEMORIES) -> None:
        """Write memories of the lease's session, and forget the oldest beyond `keep`. Raises: SessionBusy."""
        ...

    async def recall(
        self, session_id: SessionId, *, words: str = "", kinds: Sequence[MemoryKind] = (), limit: int = 50
    ) -> Sequence[Memory]:
        """Return what is remembered that has all the words, whatever their case, newest first."""
        ...
