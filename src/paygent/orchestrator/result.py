"""What a run came to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import cast

from paygent.core.errors import PaygentError
from paygent.core.fields import JSON
from paygent.core.session import Run, RunState
from paygent.orchestrator.state import State, Todo


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One call of the run."""

    ordinal: int
    tool: str
    title: str
    status: str
    """pending, waiting, delegated, done, failed or skipped."""
    text: str
    """What it came to; empty where it was not made."""
    data: Mapping[str, JSON]
    agent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What a run came to, or where it stands while it waits."""

    run: Run
    text: str
    """For people: the results, the answer, or what went wrong."""
    steps: tuple[Step, ...]
    approvals: tuple[str, ...] = ()
    """Requests for approval that it waits for: decide them, then resume the run."""
    error: PaygentError | None = None
    """What ended it, where it failed."""

    @property
    def ok(self) -> bool:
        """Everything was done."""
        return self.run.state is RunState.COMPLETED

    @property
    def waiting(self) -> bool:
        """It waits for people."""
        return self.run.state is RunState.WAITING

    @property
    def data(self) -> tuple[Mapping[str, JSON], ...]:
        """What each step that was done returned."""
        return tuple(step.data for step in self.steps if step.status == "done")

    def check(self) -> "RunResult":
        """Return the result of a run that did not fail. Raises: what ended it; see `core.errors`."""
        if self.error is not None:
            raise self.error
        return self

    def __str__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{step.ordinal + 1}</td><td>{escape(step.title)}</td><td>{escape(step.status)}</td>"
            f"<td>{escape(step.text)}</td></tr>"
            for step in self.steps
        )
        return f"<p><b>{escape(self.run.state.value)}</b> {escape(self.text)}</p><table>{rows}</table>"


def steps_of(todos: Sequence[Todo]) -> tuple[Step, ...]:
    """Return the todos as a caller sees them."""
    return tuple(map(_step, todos))


def _step(todo: Todo) -> Step:
    result = todo["result"] or {}
    text, data = result.get("text"), result.get("data")
    return Step(
        ordinal=todo["ordinal"],
        tool=todo["tool"],
        title=todo["title"],
        status=todo["status"],
        text=text if isinstance(text, str) else "",
        data=data if isinstance(data, dict) else {},
        agent=todo["agent"],
    )


def record_of(state: State, answer: str) -> dict[str, JSON]:
    """Return what the store keeps of a result: no answers of strangers, which the events have."""
    failed = state["failed"]
    todos: list[JSON] = [
        {
            "ordinal": todo["ordinal"],
            "tool": todo["tool"],
            "title": todo["title"],
            "status": todo["status"],
            "agent": todo["agent"],
            "text": _step(todo).text,
        }
        for todo in state["todos"]
    ]
    waiting = state["waiting"]
    return {
        "text": answer,
        "todos": todos,
        "error": None if failed is None else cast("JSON", dict(failed)),
        "approval": None if waiting is None else waiting["approval"],
    }
