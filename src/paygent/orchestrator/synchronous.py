"""The synchronous Orchestrator: the same one, in a portal thread. Works where a loop runs, as in Jupyter."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self, Unpack

if TYPE_CHECKING:
    import asyncio

    from paygent.core.events import RunEvent
    from paygent.core.payment import Payment
    from paygent.core.session import Memory, MemoryKind, Mode, Run, RunId, Session, SessionId
    from paygent.engine.portal import Portal
    from paygent.orchestrator.assembly import Conduct
    from paygent.orchestrator.asynchronous import Orchestrator
    from paygent.orchestrator.limits import RunLimits
    from paygent.orchestrator.result import RunResult
    from paygent.orchestrator.sessions import Summary, ToolRecord
    from paygent.orchestrator.tools import Toolbox
    from paygent.ports.session_store import SessionPage


class SyncOrchestrator:
    """Carries out commands; see `Orchestrator`, whose methods these are. An interrupt cancels what is being done."""

    def __init__(self, inner: Orchestrator, *, portal: Portal) -> None:
        """Take an orchestrator that lives in `portal`; `open` makes both."""
        self._inner = inner
        self._portal = portal

    @classmethod
    @contextmanager
    def open(cls, **conduct: Unpack[Conduct]) -> Generator[Self]:
        """Make an orchestrator as `Orchestrator.open` does. Raises: ConfigurationError."""
        from paygent.engine.portal import Portal
        from paygent.orchestrator.asynchronous import Orchestrator

        with Portal() as portal, portal.within(Orchestrator.open(**conduct)) as inner:
            yield cls(inner, portal=portal)

    # --- commands ---------------------------------------------------------------------------------------------------

    def run(
        self,
        text: str,
        *,
        session: SessionId | str | None = None,
        mode: Mode | None = None,
        limits: RunLimits | None = None,
        agent: str | None = None,
    ) -> RunResult:
        """Carry out a command; see `Orchestrator.run`.

        Raises: as there; LocalProtocolError: called from the portal's own thread, for example by one of its tools.
        """
        return self._portal.call(lambda: self._inner.run(text, session=session, mode=mode, limits=limits, agent=agent))

    def stream(
        self,
        text: str,
        *,
        session: SessionId | str | None = None,
        mode: Mode | None = None,
        limits: RunLimits | None = None,
        agent: str | None = None,
    ) -> Iterator[RunEvent]:
        """Carry out a command, and yield what happens; see `Orchestrator.stream`."""
        return self._each(lambda: self._inner.stream(text, session=session, mode=mode, limits=limits, agent=agent))

    def resume(self, run: RunId | str, *, accept_changes: bool = False) -> RunResult:
        """Go on with a run; see `Orchestrator.resume`."""
        return self._portal.call(lambda: self._inner.resume(run, accept_changes=accept_changes))

    def stream_resumed(self, run: RunId | str, *, accept_changes: bool = False) -> Iterator[RunEvent]:
        """Go on with a run, and yield what happens."""
        return self._each(lambda: self._inner.stream_resumed(run, accept_changes=accept_changes))

    def retry(self, run: RunId | str, *, accept_changes: bool = False) -> RunResult:
        """Take a failed run up again; see `Orchestrator.retry`."""
        return self._portal.call(lambda: self._inner.retry(run, accept_changes=accept_changes))

    def cancel(self, run: RunId | str, *, by: str = "the caller") -> Run:
        """Cancel a run; see `Orchestrator.cancel`."""
        return self._portal.call(lambda: self._inner.cancel(run, by=by))

    # --- sessions ---------------------------------------------------------------------------------------------------

    def create_session(self, title: str = "") -> Session:
        """Begin a session."""
        return self._portal.call(lambda: self._inner.create_session(title))

    def session(self, session: SessionId | str) -> Session:
        """Return a session."""
        return self._portal.call(lambda: self._inner.session(session))

    def sessions(self, *, after: str | None = None, limit: int = 50) -> SessionPage:
        """Return sessions, newest first."""
        return self._portal.call(lambda: self._inner.sessions(after=after, limit=limit))

    def end_session(self, session: SessionId | str) -> Session:
        """End a session."""
        return self._portal.call(lambda: self._inner.end_session(session))

    def runs(self, session: SessionId | str, *, limit: int = 50) -> Sequence[Run]:
        """Return the runs of a session, newest first."""
        return self._portal.call(lambda: self._inner.runs(session, limit=limit))

    def events(
        self, session: SessionId | str, *, run: RunId | str | None = None, after: int = 0, limit: int = 500
    ) -> Sequence[RunEvent]:
        """Return what was told in a session after a sequence number."""
        return self._portal.call(lambda: self._inner.events(session, run=run, after=after, limit=limit))

    def recall(
        self, session: SessionId | str, words: str = "", *, kinds: Sequence[MemoryKind] = (), limit: int = 50
    ) -> Sequence[Memory]:
        """Return what a session remembers that has all the words, newest first."""
        return self._portal.call(lambda: self._inner.recall(session, words, kinds=kinds, limit=limit))

    def log(self, session: SessionId | str) -> Sequence[ToolRecord]:
        """Return every tool call of a session."""
        return self._portal.call(lambda: self._inner.log(session))

    def summary(self, session: SessionId | str) -> Summary:
        """Return how a session went."""
        return self._portal.call(lambda: self._inner.summary(session))

    def payments(self, session: SessionId | str) -> Sequence[Payment]:
        """Return the payments of a session, newest first."""
        return self._portal.call(lambda: self._inner.payments(session))

    # --- what it is made of -----------------------------------------------------------------------------------------

    @property
    def address(self) -> str:
        """The wallet that pays."""
        return self._inner.address

    @property
    def tools(self) -> Toolbox:
        """What it can do."""
        return self._inner.tools

    def _each(self, begin: Callable[[], AsyncGenerator[RunEvent]]) -> Iterator[RunEvent]:
        with self._portal.within(_Stream(begin)) as stream:
            while (event := self._portal.call(stream.next)) is not None:
                yield event


class _Stream:
    """A stream of events in the portal's loop, pumped by one task there, so that closing it ends it.

    The task begins with the first event that is asked for: an interrupt while the stream is still being opened would
    leave it running with nobody to close it.
    """

    def __init__(self, begin: Callable[[], AsyncGenerator[RunEvent]]) -> None:
        self._begin = begin
        self._task: asyncio.Future[None] | None = None

    async def __aenter__(self) -> Self:
        import asyncio

        self._events: asyncio.Queue[RunEvent | BaseException | None] = asyncio.Queue()
        return self

    async def __aexit__(self, *_: object) -> None:
        import asyncio

        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._events.put_nowait(None)  # whoever was interrupted as it began to wait is not waited for

    async def next(self) -> RunEvent | None:
        """Return the next event, None at the end. Raises: what the run raises."""
        import asyncio

        if self._task is None:
            self._task = asyncio.ensure_future(self._pump())
        found = await self._events.get()
        if isinstance(found, BaseException):
            raise found
        return found

    async def _pump(self) -> None:
        from contextlib import aclosing

        try:
            async with aclosing(self._begin()) as stream:
                async for event in stream:
                    self._events.put_nowait(event)
        except Exception as error:  # noqa: BLE001  it is raised where the events are read
            self._events.put_nowait(error)
            return
        self._events.put_nowait(None)
