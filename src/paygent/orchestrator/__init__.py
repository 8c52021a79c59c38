"""The Orchestrator: commands in plain English, planned, priced, judged, approved, done and reported.

Names load on first use: whoever only parses a command waits for neither LangGraph nor httpx.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from paygent.orchestrator.asynchronous import Orchestrator
    from paygent.orchestrator.limits import RunLimits
    from paygent.orchestrator.result import RunResult, Step
    from paygent.orchestrator.sessions import Summary, ToolRecord
    from paygent.orchestrator.subagents import Subagent
    from paygent.orchestrator.synchronous import SyncOrchestrator
    from paygent.orchestrator.tools import Arguments, Call, Price, Tool, Toolbox, ToolOutcome

__all__ = [
    "Arguments",
    "Call",
    "Orchestrator",
    "Price",
    "RunLimits",
    "RunResult",
    "Step",
    "Subagent",
    "Summary",
    "SyncOrchestrator",
    "Tool",
    "ToolOutcome",
    "ToolRecord",
    "Toolbox",
]

_HOMES = {
    "asynchronous": ("Orchestrator",),
    "limits": ("RunLimits",),
    "result": ("RunResult", "Step"),
    "sessions": ("Summary", "ToolRecord"),
    "subagents": ("Subagent",),
    "synchronous": ("SyncOrchestrator",),
    "tools": ("Arguments", "Call", "Price", "Tool", "ToolOutcome", "Toolbox"),
}
_HOME_OF = {name: f"paygent.orchestrator.{home}" for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    try:
        home = _HOME_OF[name]
    except KeyError:
        raise AttributeError(f"module 'paygent.orchestrator' has no attribute {name!r}") from None
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
