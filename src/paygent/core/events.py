"""What an orchestrator tells while it works: typed, numbered, and the same when it is told again.

An event is named by (session, run, step, kind, ordinal). A step that is executed again, after a crash, tells the same
events, and the store keeps each once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar, Final, Literal, TypeAlias, cast

from paygent.core.errors import LocalProtocolError
from paygent.core.fields import JSON
from paygent.core.session import RunId, SessionId

EventKind: TypeAlias = Literal[
    "thinking",
    "tool_call",
    "tool_result",
    "approval_required",
    "subagent_start",
    "subagent_end",
    "complete",
    "error",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEvent:
    """What every event has."""

    kind: ClassVar[EventKind]
    session: SessionId
    run: RunId
    step: str
    """Where in the run, for example ``plan:0`` or ``act:2``."""
    ordinal: int = 0
    """Which event of its kind in its step."""
    at: int
    """Unix seconds."""
    sequence: int = 0
    """Its place in the session, from 1; the store gives it. A cursor for replays."""
    agent: str = ""
    """The subagent that it is about; empty for the orchestrator itself."""

    @property
    def facts(self) -> dict[str, JSON]:
        """What this kind of event says, as JSON."""
        return {name: cast("JSON", getattr(self, name)) for name in _OWN[self.kind]}

    @property
    def name(self) -> tuple[str, str, str, str, int]:
        """What makes it the same event when it is told again."""
        return (self.session, self.run, self.step, self.kind, self.ordinal)

    def as_json(self) -> dict[str, JSON]:
        """Return everything it says."""
        common: dict[str, JSON] = {name: cast("JSON", getattr(self, name)) for name in _COMMON}
        return {"kind": self.kind, **common, **self.facts}


@dataclass(frozen=True, slots=True, kw_only=True)
class Thinking(RunEvent):
    """The plan, a judgement, or what a model says on its way."""

    kind: ClassVar[EventKind] = "thinking"
    text: str
    todos: list[JSON]
    """The plan as it stands: ordinal, title and status of each todo. Empty where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall(RunEvent):
    """A tool is about to be called."""

    kind: ClassVar[EventKind] = "tool_call"
    tool: str
    call: int
    """The number of the call in its run."""
    arguments: dict[str, JSON]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult(RunEvent):
    """What a call came to."""

    kind: ClassVar[EventKind] = "tool_result"
    tool: str
    call: int
    ok: bool
    text: str
    """For people and models."""
    data: dict[str, JSON]
    """The same for programs."""
    payments: list[JSON]
    """Ids of the payments it made."""
    cost: list[JSON]
    """What it spent, by the payments' own amounts: objects with asset, symbol, decimals and atomic units as text."""
    milliseconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequired(RunEvent):
    """The run waits for people."""

    kind: ClassVar[EventKind] = "approval_required"
    approval: str
    payment: str
    text: str
    """What people are shown."""
    digest: str
    """What a decision has to repeat."""
    expires_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SubagentStart(RunEvent):
    """A subagent takes over, with tools and a budget of its own."""

    kind: ClassVar[EventKind] = "subagent_start"
    task: str
    tools: list[JSON]
    budget: str
    """For people; empty where it has none of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubagentEnd(RunEvent):
    """A subagent has ended."""

    kind: ClassVar[EventKind] = "subagent_end"
    ok: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Complete(RunEvent):
    """The run has done all it was asked to; the last event of its attempt."""

    kind: ClassVar[EventKind] = "complete"
    text: str
    data: dict[str, JSON]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure(RunEvent):
    """The run has ended without; the last event of its attempt."""

    kind: ClassVar[EventKind] = "error"
    error: str
    """The name of the error's class, see `core.errors`."""
    message: str
    payment: str | None
    """The payment it is about."""


AnyEvent: TypeAlias = (
    Thinking | ToolCall | ToolResult | ApprovalRequired | SubagentStart | SubagentEnd | Complete | Failure
)
_CLASSES: Final[Mapping[str, type[RunEvent]]] = {
    each.kind: each
    for each in (Thinking, ToolCall, ToolResult, ApprovalRequired, SubagentStart, SubagentEnd, Complete, Failure)
}
_COMMON: Final = tuple(part.name for part in fields(RunEvent))
_OWN: Final = {
    kind: tuple(part.name for part in fields(each) if part.name not in _COMMON) for kind, each in _CLASSES.items()
}


def read_event(  # noqa: PLR0913  the columns that an event is stored in
    kind: str,
    facts: Mapping[str, JSON],
    *,
    session: SessionId,
    run: RunId,
    step: str,
    ordinal: int,
    at: int,
    sequence: int,
    agent: str,
) -> RunEvent:
    """Return the event that was stored.

    Raises: LocalProtocolError: no such kind, or it lacks something it should say.
    """
    found = _CLASSES.get(kind)
    if found is None or set(facts) != set(_OWN[kind]):
        raise LocalProtocolError(f"no event of kind {kind!r} says {sorted(facts)}; a newer version may have written it")
    common: dict[str, object] = {
        "session": session,
        "run": run,
        "step": step,
        "ordinal": ordinal,
        "at": at,
        "sequence": sequence,
        "agent": agent,
    }
    return found(**{**common, **facts})  # type: ignore[arg-type]  # the names were just compared
