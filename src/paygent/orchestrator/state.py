"""What a run has come to, as plain JSON: it goes through checkpoints, and is read by other versions of this program."""

from collections.abc import Sequence
from typing import Final, Literal, TypedDict, cast

from paygent.core.fields import JSON

FORMAT: Final = 1
"""The version of the state that this program writes, and the newest that it reads."""

TodoStatus = Literal["pending", "waiting", "delegated", "done", "failed", "skipped"]


class Todo(TypedDict):
    """One thing to do: one call of one tool."""

    ordinal: int
    """Its number in the run, from 0: what its payment is named by. Never used twice."""
    tool: str
    arguments: dict[str, JSON]
    """As they were checked; what a tool does is decided by these alone."""
    title: str
    status: TodoStatus
    agent: str
    """The subagent that does it; empty for the orchestrator itself."""
    call: str
    """What a model calls it; only ever said back to the model."""
    price: dict[str, JSON] | None
    """What it would cost, as it was found before anything was done."""
    result: dict[str, JSON] | None


class Waiting(TypedDict):
    """Whom the run waits for."""

    ordinal: int
    approval: str
    payment: str


class Failed(TypedDict):
    """Why the run stops."""

    error: str
    """The class of the error, see `core.errors`."""
    message: str
    payment: str | None
    ordinal: int | None


class Frame(TypedDict):
    """A conversation with a model: the orchestrator's, or that of a subagent that it gave a task to."""

    agent: str
    task: str
    ordinal: int | None
    """The todo that it works for; None for the orchestrator's own."""
    messages: list[JSON]
    """What was said, without what the model is told first."""
    open: list[int]
    """Todos of the newest answer whose results the model has not been told yet."""


class State(TypedDict):
    """All of it."""

    format: int
    session: str
    run: str
    text: str
    mode: str
    attempt: int
    """How often the run was retried."""
    todos: list[Todo]
    frames: list[Frame]
    turns: int
    """How often a model was asked."""
    milliseconds: int
    """How long it was worked on; waiting for people does not count."""
    waiting: Waiting | None
    failed: Failed | None
    answer: str


class Channels(TypedDict):
    """The one channel of the graph: LangGraph goes through all of them several times a step."""

    state: State


class Change(TypedDict, total=False):
    """What a node changes of the state."""

    format: int
    session: str
    run: str
    text: str
    mode: str
    attempt: int
    todos: list[Todo]
    frames: list[Frame]
    turns: int
    milliseconds: int
    waiting: Waiting | None
    failed: Failed | None
    answer: str


def initial(*, session: str, run: str, text: str, mode: str) -> State:
    """Return what a run begins with."""
    return State(
        format=FORMAT,
        session=session,
        run=run,
        text=text,
        mode=mode,
        attempt=0,
        todos=[],
        frames=[],
        turns=0,
        milliseconds=0,
        waiting=None,
        failed=None,
        answer="",
    )


def changed(state: State, change: Change) -> State:
    """Return the state with what a node changes of it."""
    return State({**state, **change})


def retried(state: State) -> Change:
    """Return what a run that failed goes on with: what was done stays done, what was not is tried again.

    What a model was told of stays as it is: it may have done the same in another way since.
    """
    todos, failed = state["todos"], state["failed"]
    first = 0 if state["mode"] != "model" else None if failed is None else failed["ordinal"]
    again = [
        todo
        if todo["status"] in ("done", "pending", "waiting") or first is None or todo["ordinal"] < first
        else Todo({**todo, "status": "pending", "result": None, "price": None})
        for todo in todos
    ]
    return Change(attempt=state["attempt"] + 1, todos=again, waiting=None, failed=None, answer="")


def check(value: object) -> str | None:
    """Return what is wrong with a state that was read from a checkpoint, or None."""
    if not isinstance(value, dict):
        return "there is no state in it"
    state = cast("dict[str, object]", value)
    written = state.get("format")
    if not isinstance(written, int) or written > FORMAT:
        return f"it has format {written!r}, and this version reads up to {FORMAT}"
    missing = [name for name in State.__annotations__ if name not in state]
    if missing:
        return f"it lacks {', '.join(missing)}"
    if not isinstance(state["todos"], list) or not all(_is_todo(each) for each in cast("list[object]", state["todos"])):
        return "its todos cannot be read"
    return None


def _is_todo(value: object) -> bool:
    return isinstance(value, dict) and set(cast("dict[str, object]", value)) == set(Todo.__annotations__)


def next_todo(todos: Sequence[Todo]) -> Todo | None:
    """Return the first that is not over."""
    return next((todo for todo in todos if todo["status"] in ("pending", "waiting")), None)


def with_todo(todos: Sequence[Todo], changed: Todo) -> list[Todo]:
    """Return the todos with one of them replaced, by its ordinal."""
    return [changed if todo["ordinal"] == changed["ordinal"] else todo for todo in todos]


def shown(todos: Sequence[Todo]) -> list[JSON]:
    """Return the plan as it stands, for events."""
    return [
        {"ordinal": todo["ordinal"], "title": todo["title"], "status": todo["status"], "agent": todo["agent"]}
        for todo in todos
    ]
