"""From a parsed command to todos: a decision over values."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, cast

from paygent.core.fields import JSON
from paygent.orchestrator.state import Todo
from paygent.orchestrator.tools import AnyTool, Toolbox

Parsed: TypeAlias = Mapping[str, JSON]
"""``{"intent": ..., "slots": {...}}``, as docs/reference/commands.md describes it."""
Grammar: TypeAlias = Callable[[str], Parsed]
"""Reads a command. Raises: CommandRefused."""


def grammar(text: str) -> Parsed:
    """Read a command by the documented grammar. Raises: CommandRefused."""
    from paygent.orchestrator.commands import as_json, parse

    return cast("Parsed", as_json(parse(text)))


def planned(parsed: Parsed, toolbox: Toolbox) -> list[Todo]:
    """Return what to do: one call a step, in order. The intent names the tool, the slots are its arguments.

    Raises: ToolRefused: no tool for a step, or one that does not take its slots.
    """
    return [todo_of(toolbox.get(intent), slots, place) for place, (intent, slots) in enumerate(_steps(parsed))]


def todo_of(
    tool: AnyTool, given: Mapping[str, JSON], ordinal: int, *, agent: str | None = None, call: str = ""
) -> Todo:
    """Return a todo for one call. Raises: ToolRefused: the tool does not take these arguments."""
    arguments = tool.read(given)
    return Todo(
        ordinal=ordinal,
        tool=tool.name,
        arguments=arguments.model_dump(mode="json", exclude_none=True),
        title=tool.titled(arguments),
        status="pending",
        agent=tool.agent if agent is None else agent,
        call=call,
        price=None,
        result=None,
    )


def _steps(parsed: Parsed) -> Sequence[tuple[str, Mapping[str, JSON]]]:
    slots = cast("Mapping[str, JSON]", parsed["slots"])
    if parsed["intent"] != "multi":
        return [(cast("str", parsed["intent"]), slots)]
    return [step for inner in cast("list[Parsed]", slots["steps"]) for step in _steps(inner)]
