"""A conversation with an orchestrator, the commands in it, and what is remembered of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum, unique
from typing import Final, Literal, NewType

from paygent.core.errors import LocalProtocolError
from paygent.core.fields import JSON
from paygent.core.ids import digest
from paygent.core.run_errors import RunOver

SessionId = NewType("SessionId", str)
"""``ses_`` and 32 hexadecimal digits."""
RunId = NewType("RunId", str)
"""``run_`` and 32 hexadecimal digits: one command, however often it is resumed."""
MemoryKind = Literal["command", "decision", "result"]
Mode = Literal["command", "model"]
"""Whether a grammar or a language model makes the plan."""


@unique
class SessionState(StrEnum):
    """Whether a session takes commands."""

    OPEN = "OPEN"
    ENDED = "ENDED"


@unique
class RunState(StrEnum):
    """Where a run stands."""

    RUNNING = "RUNNING"
    """Some process works on it, or was killed while it did: resume it."""
    WAITING = "WAITING"
    """For people's approval: resume it when they have decided."""
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    """A step failed; `retry` takes the same run up again at that step."""
    CANCELLED = "CANCELLED"


ACTIVE: Final = frozenset({RunState.RUNNING, RunState.WAITING})
"""States of a run that has not ended."""
_NEXT: Final = {
    RunState.RUNNING: frozenset({RunState.WAITING, RunState.COMPLETED, RunState.FAILED, RunState.CANCELLED}),
    RunState.WAITING: frozenset({RunState.RUNNING, RunState.FAILED, RunState.CANCELLED}),
    RunState.FAILED: frozenset({RunState.RUNNING}),
    RunState.COMPLETED: frozenset[RunState](),
    RunState.CANCELLED: frozenset[RunState](),
}


def session_id(token: bytes) -> SessionId:
    """Name a session by 16 random bytes."""
    return SessionId(f"ses_{digest('session', token).hex()[:32]}")


def run_id(token: bytes) -> RunId:
    """Name a run by 16 random bytes, drawn once, before anything is done."""
    return RunId(f"run_{digest('run', token).hex()[:32]}")


def act_key(installation: str, session: SessionId, run: RunId, ordinal: int) -> str:
    """Return the idempotency key of one step of a plan: the same step of the same run always has the same key.

    Args: installation: what tells one storage from another. ordinal: the step's number in its run, from 0.
    """
    return f"act_{digest('act', installation, session, run, str(ordinal)).hex()[:32]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A conversation: commands share its memory and its limits."""

    id: SessionId
    title: str
    """For people."""
    state: SessionState
    created_at: int
    """Unix seconds."""
    ended_at: int | None = None

    def __post_init__(self) -> None:
        if len(self.title) > 200 or not self.title.isprintable():
            raise LocalProtocolError("a session's title has at most 200 printable characters")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One command, from its words to its result. A value: `moved` returns the next one."""

    id: RunId
    session: SessionId
    text: str
    """What was asked for."""
    mode: Mode
    state: RunState
    version: int
    """Counts changes; a store writes only over the version it was shown."""
    created_at: int
    updated_at: int
    fingerprints: Mapping[str, str]
    """What it began with: digests of the policy, the tools and the plugins, by name."""
    agent: str | None = None
    """The agent's name that its payments carry."""
    limits: Mapping[str, JSON] = field(default_factory=dict[str, JSON])
    """Iterations, seconds and money it may use."""
    cancelling: bool = False
    """Somebody wants it cancelled; whoever works on it stops before the next step."""
    result: Mapping[str, JSON] = field(default_factory=dict[str, JSON])
    """What became of it, once it has ended or waits."""

    def moved(self, state: RunState, *, at: int, result: Mapping[str, JSON] | None = None) -> "Run":
        """Return the run in its next state. The same state again is no move, and fine.

        Raises: LocalProtocolError: a run in this state cannot become that.
        """
        if state is not self.state and state not in _NEXT[self.state]:
            raise LocalProtocolError(f"run {self.id} is {self.state} and cannot become {state}")
        kept = self.result if result is None else dict(result)
        return replace(self, state=state, version=self.version + 1, updated_at=at, result=kept)

    def cancelled(self, *, at: int) -> "Run":
        """Return the run marked for cancelling; one that has ended stays as it is."""
        if self.state not in ACTIVE or self.cancelling:
            return self
        return replace(self, cancelling=True, version=self.version + 1, updated_at=at)

    @property
    def active(self) -> bool:
        """It has not ended."""
        return self.state in ACTIVE

    @property
    def command(self) -> "Memory":
        """What is remembered of it when it starts."""
        return Memory(session=self.session, run=self.id, kind="command", at=self.created_at, text=self.text)

    def in_the_way(self) -> RunOver:
        """Return the refusal of another run beside this active one."""
        return RunOver(self.id, state=self.state, advice="resume or cancel it before the next command of its session")

    def waits(self) -> RunOver:
        """Return the refusal to end the session of this run, which waits for people."""
        return RunOver(self.id, state=self.state, advice="resume it once they have decided, or cancel it, and end then")

    def changed(self) -> RunOver:
        """Return the refusal of a change that was based on an earlier version."""
        return RunOver(self.id, state=self.state, advice="it was changed by somebody else; read it again")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to work on a session, until it ends or is given back."""

    session: SessionId
    holder: str
    """Names a process and its task."""
    token: int
    """Grows with every holder: what an earlier one still writes is refused."""
    until: int
    """Unix seconds; from then on somebody else may take it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """One thing that a session remembers."""

    session: SessionId
    run: RunId
    kind: MemoryKind
    at: int
    """Unix seconds."""
    text: str
    """For people and models; no bodies of paid answers, which are strangers' words."""
    number: int = 0
    """Its place in the session, from 1; the store gives it."""

    def mentions(self, words: str) -> bool:
        """Tell whether every word of `words` occurs in it, whatever the case."""
        said = self.text.casefold()
        return all(word in said for word in words.casefold().split())
