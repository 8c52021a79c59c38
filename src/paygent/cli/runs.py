"""`paygent run` and `paygent sessions`: commands in plain English, and what became of them."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from paygent.adapters.system import SystemClock
from paygent.cli.arguments import Arguments
from paygent.cli.control import AtTerminal
from paygent.cli.outcome import MISUSE, NOT_ATTEMPTED, OK, Listing, Outcome, code_of_error, unproven
from paygent.cli.screen import complain, person_at_terminal
from paygent.cli.times import local_time
from paygent.core.errors import CommandRefused, PaygentError
from paygent.core.events import RunEvent
from paygent.core.fields import JSON
from paygent.core.lifecycle import OUT
from paygent.core.money import usd
from paygent.core.run_errors import ToolRefused
from paygent.core.session import Run, RunState, Session, SessionId
from paygent.orchestrator.limits import RunLimits
from paygent.ports.session_store import SessionStore
from paygent.runtime.settings import Settings

if TYPE_CHECKING:
    from paygent.orchestrator.asynchronous import Orchestrator
    from paygent.orchestrator.result import RunResult

_LINE = 160


async def run(arguments: Arguments, settings: Settings) -> Outcome:
    """Carry out a command, or resume, retry or cancel a run; its events are told as they happen.

    Raises: ConfigurationError: something is missing or wrong; and what `Orchestrator.run` refuses before it begins.
    """
    from paygent.orchestrator.asynchronous import Orchestrator

    asked = arguments.runs
    assert asked is not None  # noqa: S101  the parser made it
    conduct: dict[str, Any] = {"settings": settings, "proof_seconds": settings.timeout_seconds}
    if asked.plugins:
        conduct["plugins"] = asked.plugins
    if asked.max_spend is not None:
        conduct["limits"] = RunLimits(spend=usd(asked.max_spend))
    if person_at_terminal() and not arguments.json:
        conduct["approvals"] = AtTerminal(arguments, status=None)
    async with Orchestrator.open(**conduct) as agent, agent.listening(_tell):
        if asked.stop is not None:
            return _stopped(await agent.cancel(asked.stop, by="the command line"))
        try:
            result = await _result(agent, arguments)
        except (CommandRefused, ToolRefused) as refused:  # nothing was begun
            return Outcome(exit_code=MISUSE, error=refused)
        return _outcome(result, result.error or await _unproven(agent, result))


async def _unproven(agent: "Orchestrator", result: "RunResult") -> PaygentError | None:
    """Return what to say of a payment of the run that is out: without an endpoint, one that nobody says was settled."""
    for payment in await agent.payments(result.run.session):
        out = payment.context.run == result.run.id and payment.state in OUT
        if out and (payment.claim is None or agent.engine.can_prove(payment)):
            return unproven(payment, "not proven on chain in time")
    return None


async def _result(agent: "Orchestrator", arguments: Arguments) -> "RunResult":
    asked = arguments.runs
    assert asked is not None  # noqa: S101  the parser made it
    if asked.take_up is not None:
        return await agent.resume(asked.take_up, accept_changes=asked.accept_changes)
    if asked.again is not None:
        return await agent.retry(asked.again, accept_changes=asked.accept_changes)
    return await agent.run(asked.text or "", session=asked.session)


def _tell(events: Sequence[RunEvent]) -> None:
    """Say on standard error what happens."""
    for event in events:
        said = event.facts
        about = said.get("text") or said.get("message") or said.get("tool") or said.get("task") or ""
        line = f"{event.kind}{f' [{event.agent}]' if event.agent else ''}: {about}"
        shown = "".join(char if char.isprintable() else " " for char in line)
        complain(shown if len(shown) <= _LINE else f"{shown[: _LINE - 1]}…")


def _outcome(result: "RunResult", error: PaygentError | None) -> Outcome:
    code = code_of_error(error) if error is not None else OK if result.ok else NOT_ATTEMPTED
    told = result.text
    if result.waiting:
        told = (
            f"{result.text}\nDecide by `paygent approvals approve {result.approvals[0]}`, then "
            f"`paygent run --resume {result.run.id}`"
        )
    steps: list[JSON] = [
        {"tool": step.tool, "title": step.title, "status": step.status, "text": step.text, "data": dict(step.data)}
        for step in result.steps
    ]
    said: dict[str, JSON] = {
        "run": _run(result.run),
        "text": result.text,
        "steps": steps,
        "approvals": list(result.approvals),
    }
    return Outcome(exit_code=code, error=error, told=told if result.error is None else None, said=said)


def _stopped(run: Run) -> Outcome:
    done = run.state is RunState.CANCELLED
    told = f"run {run.id} is {run.state.value}{'' if done or not run.cancelling else ', and will stop'}"
    return Outcome(exit_code=OK if done or run.cancelling else NOT_ATTEMPTED, told=told, said={"run": _run(run)})


# --- sessions ---------------------------------------------------------------------------------------------------------


async def sessions(arguments: Arguments, settings: Settings) -> Outcome:
    """List sessions, show one with its runs, or end one. Raises: SessionNotFound, SessionBusy, ConfigurationError."""
    asked = arguments.runs
    assert asked is not None  # noqa: S101  the parser made it
    async with AsyncExitStack() as made:
        store = await _store(settings, made)
        if asked.session is None:
            return _listed((await store.sessions(limit=100)).sessions)
        one = SessionId(asked.session)
        if arguments.action == "end":
            ended = await store.end_session(one, at=SystemClock().now())
            return Outcome(exit_code=OK, told=f"session {ended.id} has ended", said={"session": _session(ended)})
        return _shown(await store.session(one), await store.runs(one, limit=100))


async def _store(settings: Settings, made: AsyncExitStack) -> SessionStore:
    from paygent.adapters.sql import SqlSessions
    from paygent.runtime.parts import open_storage

    return SqlSessions(await open_storage(settings.storage, made))


def _listed(found: Sequence[Session]) -> Outcome:
    rows = tuple((one.id, one.state.value, local_time(one.created_at), one.title) for one in found)
    listing = Listing(columns=("id", "state", "created_at", "title"), rows=rows, nothing="no sessions")
    return Outcome(exit_code=OK, listing=listing, said={"sessions": [_session(one) for one in found]})


def _shown(session: Session, runs: Sequence[Run]) -> Outcome:
    rows = tuple((run.id, run.state.value, local_time(run.updated_at), run.text) for run in runs)
    listing = Listing(columns=("run", "state", "updated_at", "command"), rows=rows, nothing="no runs")
    said: dict[str, JSON] = {"session": _session(session), "runs": [_run(run) for run in runs]}
    return Outcome(exit_code=OK, listing=listing, said=said)


def _session(session: Session) -> dict[str, JSON]:
    return {
        "id": session.id,
        "title": session.title,
        "state": session.state.value,
        "created_at": session.created_at,
        "ended_at": session.ended_at,
    }


def _run(run: Run) -> dict[str, JSON]:
    return {
        "id": run.id,
        "session": run.session,
        "command": run.text,
        "state": run.state.value,
        "created_at": run.created_at,
        "updated_at": run.updated_at,
    }
