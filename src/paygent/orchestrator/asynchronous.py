"""The asynchronous Orchestrator."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self, Unpack

from paygent.core.errors import ConfigurationError
from paygent.core.session import Memory, MemoryKind, Mode, Run, RunId, Session, SessionId
from paygent.orchestrator.extras import extra_needed
from paygent.orchestrator.limits import RunLimits
from paygent.orchestrator.sessions import Sessions, Summary, ToolRecord

if TYPE_CHECKING:
    from paygent.core.events import RunEvent
    from paygent.core.payment import Payment
    from paygent.engine.pay import Engine
    from paygent.orchestrator.assembly import Assembly, Conduct
    from paygent.orchestrator.result import RunResult
    from paygent.orchestrator.runs import Runner
    from paygent.orchestrator.state import Todo
    from paygent.orchestrator.tools import Toolbox
    from paygent.ports.clock import Clock
    from paygent.ports.session_store import SessionPage
    from paygent.ports.storage import Storage

_LIMITS: Final = RunLimits()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """One command, as the caller gave it."""

    text: str
    session: SessionId | str | None
    mode: Mode | None
    limits: RunLimits | None
    agent: str | None


class _Listener:
    """A function of the caller's that hears events: what it raises must not end a run, whose money has moved on."""

    def __init__(self, hear: Callable[[Sequence[RunEvent]], None]) -> None:
        self._hear = hear
        self.broken: Exception | None = None

    def hear(self, events: Sequence[RunEvent]) -> None:
        if self.broken is not None:
            return
        try:
            self._hear(events)
        except Exception as broken:  # noqa: BLE001  the caller's own code: kept, and raised where it stops listening
            self.broken = broken


class Orchestrator:
    """Carries out commands: plans, prices, judges, asks, acts and reports. Needs asyncio."""

    def __init__(self, assembly: Assembly) -> None:
        """Take everything that is needed; `open` puts it together from arguments and settings."""
        self._assembly = assembly
        self._runner: Runner = assembly.runner
        self._sessions = Sessions(assembly.sessions, assembly.journal, assembly.clock, assembly.entropy)
        self._own: SessionId | None = None
        self._listeners: list[_Listener] = []

    @classmethod
    @asynccontextmanager
    async def open(cls, **conduct: Unpack[Conduct]) -> AsyncGenerator[Self]:
        """Make an orchestrator from arguments, and from settings for the rest; close what was made at the end.

        Args: conduct: policy, approvals, storage and what else `X402Client.open` takes, and a model, a registry,
            plugins, tools, subagents and limits; see `Conduct`.

        Raises: ConfigurationError: something is missing or wrong, ``paygent[orchestrator]`` is not installed, or no
            asyncio loop runs.
        """
        _need_asyncio()
        with extra_needed():
            from paygent.orchestrator.assembly import assembled

        async with assembled(conduct) as assembly:
            yield cls(assembly)

    # --- commands ---------------------------------------------------------------------------------------------------

    async def run(
        self,
        text: str,
        *,
        session: SessionId | str | None = None,
        mode: Mode | None = None,
        limits: RunLimits | None = None,
        agent: str | None = None,
    ) -> RunResult:
        """Carry out a command, and return what it came to; the same command again is a new run.

        A run that waits for people returns too: decide about `result.approvals`, and `resume` it. A step that fails
        ends the run, and is told in the result; `result.check()` raises it.

        Args:
            session: its session; None takes one of this orchestrator's own.
            mode: `command` reads the documented grammar, `model` asks the model; None: the model where there is one.
            limits: in place of the orchestrator's. agent: the name that its payments carry.

        Raises: CommandRefused, ToolRefused: the command is not understood, or nothing here can do it.
            SessionNotFound, SessionEnded, SessionBusy, RunOver: the session takes no command now.
        """
        asked = _Asked(text=text, session=session, mode=mode, limits=limits, agent=agent)
        return await self._run(asked, self._publish)

    async def stream(
        self,
        text: str,
        *,
        session: SessionId | str | None = None,
        mode: Mode | None = None,
        limits: RunLimits | None = None,
        agent: str | None = None,
    ) -> AsyncGenerator[RunEvent]:
        """Carry out a command, and yield what happens while it does; a caller that stops listening cancels the work.

        The run can be resumed then. Arguments and errors: as `run`.
        """
        asked = _Asked(text=text, session=session, mode=mode, limits=limits, agent=agent)
        work = self._streamed(lambda publish: self._run(asked, publish))
        async with aclosing(work) as events:
            async for event in events:
                yield event

    async def stream_resumed(self, run: RunId | str, *, accept_changes: bool = False) -> AsyncGenerator[RunEvent]:
        """Resume a run as `resume` does, and yield what happens from here on."""
        resume = self._runner.resume
        work = self._streamed(lambda said: resume(RunId(run), said, accept_changes=accept_changes))
        async with aclosing(work) as events:
            async for event in events:
                yield event

    async def resume(self, run: RunId | str, *, accept_changes: bool = False) -> RunResult:
        """Go on with a run that waits for people, or whose process is gone; what was done is not done again.

        Args: accept_changes: go on although policy, tools or plugins are not those that it began with.

        Raises: RunNotFound, RunOver, SessionBusy, SessionEnded, RunChanged, CheckpointUnusable; nothing was sent.
        """
        _need_asyncio()
        return await self._runner.resume(RunId(run), self._publish, accept_changes=accept_changes)

    async def retry(self, run: RunId | str, *, accept_changes: bool = False) -> RunResult:
        """Take a failed run up again at the step that failed. Raises: as `resume`."""
        _need_asyncio()
        return await self._runner.retry(RunId(run), self._publish, accept_changes=accept_changes)

    async def cancel(self, run: RunId | str, *, by: str = "the caller") -> Run:
        """Cancel a run in whichever process works on it: nothing more is signed for it. What was paid stays paid."""
        return await self._runner.cancel(RunId(run), by=by)

    @asynccontextmanager
    async def listening(self, hear: Callable[[Sequence[RunEvent]], None]) -> AsyncGenerator[None]:
        """Call `hear` with the events of every run of this orchestrator, once they are stored.

        Where `hear` raises, runs go on and it hears no more; what it raised is raised again where the block ends.
        """
        listener = _Listener(hear)
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)
        if listener.broken is not None:
            raise listener.broken

    # --- sessions ---------------------------------------------------------------------------------------------------

    async def create_session(self, title: str = "") -> Session:
        """Begin a session."""
        return await self._sessions.create(title)

    async def session(self, session: SessionId | str) -> Session:
        """Return a session. Raises: SessionNotFound."""
        return await self._assembly.sessions.session(SessionId(session))

    async def sessions(self, *, after: str | None = None, limit: int = 50) -> SessionPage:
        """Return sessions, newest first."""
        return await self._assembly.sessions.sessions(after=after, limit=limit)

    async def end_session(self, session: SessionId | str) -> Session:
        """End a session; it can still be read.

        Raises: SessionNotFound. SessionBusy: a run of it is worked on. RunOver: a run of it waits for people.
        """
        return await self._sessions.end(SessionId(session))

    async def runs(self, session: SessionId | str, *, limit: int = 50) -> Sequence[Run]:
        """Return the runs of a session, newest first."""
        return await self._assembly.sessions.runs(SessionId(session), limit=limit)

    async def events(
        self, session: SessionId | str, *, run: RunId | str | None = None, after: int = 0, limit: int = 500
    ) -> Sequence[RunEvent]:
        """Return what was told in a session after a sequence number: the same events, in the same order, every time.

        Raises: SessionNotFound. ConfigurationError: `limit` is not even 1.
        """
        if limit < 1:
            raise ConfigurationError(f"limit is at least 1, not {limit}")
        one = None if run is None else RunId(run)
        return await self._assembly.sessions.events(SessionId(session), run=one, after=after, limit=limit)

    async def recall(
        self, session: SessionId | str, words: str = "", *, kinds: Sequence[MemoryKind] = (), limit: int = 50
    ) -> Sequence[Memory]:
        """Return what a session remembers that has all the words, newest first."""
        return await self._assembly.sessions.recall(SessionId(session), words=words, kinds=kinds, limit=limit)

    async def log(self, session: SessionId | str) -> Sequence[ToolRecord]:
        """Return every tool call of a session: arguments, result, cost, duration."""
        return await self._sessions.log(SessionId(session))

    async def summary(self, session: SessionId | str) -> Summary:
        """Return how a session went: success rate, tool use, and what was settled on chain."""
        return await self._sessions.summary(SessionId(session))

    async def payments(self, session: SessionId | str) -> Sequence[Payment]:
        """Return the payments of a session, newest first."""
        return await self._sessions.payments(SessionId(session))

    # --- what it is made of -----------------------------------------------------------------------------------------

    @property
    def address(self) -> str:
        """The wallet that pays."""
        return self._assembly.engine.address

    @property
    def tools(self) -> Toolbox:
        """What it can do."""
        return self._assembly.toolbox

    @property
    def engine(self) -> Engine:
        """What pays."""
        return self._assembly.engine

    @property
    def journal(self) -> Storage:
        """Where payments, approvals and halts are; an `ApprovalDesk` takes it."""
        return self._assembly.journal

    @property
    def clock(self) -> Clock:
        """The time it goes by."""
        return self._assembly.clock

    # --- small parts ------------------------------------------------------------------------------------------------

    async def _run(self, asked: _Asked, publish: Callable[[Sequence[RunEvent]], None]) -> RunResult:
        _need_asyncio()
        mode = self._mode(asked.mode)
        _check_text(asked.text)
        todos = _understood(asked.text, self._assembly) if mode == "command" else None
        place = SessionId(asked.session) if asked.session is not None else await self._own_session()
        most = asked.limits or self._assembly.limits or _LIMITS
        run = self._runner.new(place, asked.text, mode=mode, limits=most, agent=asked.agent)
        return await self._runner.drive_new(run, publish, todos)

    def _mode(self, mode: Mode | None) -> Mode:
        if mode not in (None, "command", "model"):
            raise ConfigurationError(f"a mode is 'command' or 'model', not {mode!r}")
        if mode == "model" and not self._assembly.has_model:
            raise ConfigurationError("there is no model: pass model= to open, or leave mode out")
        return mode or ("model" if self._assembly.has_model else "command")

    async def _own_session(self) -> SessionId:
        if self._own is None:
            self._own = (await self._sessions.create("")).id
        return self._own

    def _publish(self, events: Sequence[RunEvent]) -> None:
        for listener in tuple(self._listeners):
            listener.hear(events)

    async def _streamed(
        self, work: Callable[[Callable[[Sequence[RunEvent]], None]], Coroutine[Any, Any, RunResult]]
    ) -> AsyncGenerator[RunEvent]:
        told: asyncio.Queue[RunEvent | None] = asyncio.Queue()

        def publish(events: Sequence[RunEvent]) -> None:
            self._publish(events)
            for event in events:
                told.put_nowait(event)

        task = asyncio.ensure_future(work(publish))
        task.add_done_callback(lambda _: told.put_nowait(None))
        try:
            while (event := await told.get()) is not None:
                yield event
            await task
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait([task])


def _understood(text: str, assembly: Assembly) -> list[Todo]:
    """Return what a command wants done; one that is refused is so before anything of it is written down."""
    from paygent.orchestrator.plan import planned

    return planned(assembly.grammar(text), assembly.toolbox)


def _check_text(text: str) -> None:
    if not text.strip() or len(text) > 10_000:
        raise ConfigurationError("a command has from 1 to 10,000 characters")


def _need_asyncio() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        raise ConfigurationError(
            "the Orchestrator needs asyncio, as LangGraph does; under trio, or without a loop, use SyncOrchestrator"
        ) from None


__all__ = ["Orchestrator"]
