"""`paygent halt`, `resume`, `halts` and `approvals`: what a person decides about payments."""

import sys
from typing import TYPE_CHECKING

from paygent.adapters.terminal import TerminalApprovals
from paygent.cli.arguments import Arguments
from paygent.cli.outcome import OK, UNKNOWN, Listing, Outcome, payment_as_json
from paygent.cli.screen import complain
from paygent.cli.times import local_time
from paygent.core.approval import ApprovalDecision, ApprovalRequest, ApprovalState
from paygent.core.edit import Edit
from paygent.core.errors import ConfigurationError
from paygent.core.halt import Halt
from paygent.core.ids import ApprovalId
from paygent.core.record import JSON
from paygent.engine.halt import HaltReport
from paygent.runtime import safety
from paygent.runtime.settings import Settings

if TYPE_CHECKING:
    from rich.status import Status


_OF_ACTIONS = {"amount": "spend", "payee": "counterparty", "resource": "summary"}


async def halt(arguments: Arguments, settings: Settings) -> Outcome:
    """Stop a scope and call back what is out; exit code 5 while something of it can still settle."""
    report = await safety.halt(settings, arguments.scope, by=who(arguments), reason=arguments.reason, tell=complain)
    code = OK if report.complete else UNKNOWN
    return Outcome(exit_code=code, facts=report.explain(), said={"halt": _report(report)})


async def resume(arguments: Arguments, settings: Settings) -> Outcome:
    """Lift a halt; what is not halted is an error, because it may be misspelt."""
    by = who(arguments)
    lifted = await safety.resume(settings, arguments.scope, by=by, reason=arguments.reason)
    if lifted is None:
        others = ", ".join(one.scope for one in await safety.halts(settings)) or "nothing"
        raise ConfigurationError(f"{arguments.scope} is not halted; what is: {others}")
    return Outcome(exit_code=OK, told=f"{lifted.scope} goes on", said={"lifted": _halt(lifted)})


async def halts(arguments: Arguments, settings: Settings) -> Outcome:
    """List what is halted, oldest first."""
    del arguments
    found = await safety.halts(settings)
    rows = tuple((one.scope, local_time(one.at), one.by, one.reason) for one in found)
    listing = Listing(columns=("scope", "at", "by", "reason"), rows=rows, nothing="nothing is halted")
    return Outcome(exit_code=OK, listing=listing, said={"halts": [_halt(one) for one in found]})


async def approvals(arguments: Arguments, settings: Settings) -> Outcome:
    """List what waits for people, show one request, or decide about it."""
    if arguments.approval_id is None:
        return _waiting(await safety.approvals(settings))
    approval_id = ApprovalId(arguments.approval_id)
    if arguments.action == "show":
        return _one(await safety.show_approval(settings, approval_id))
    if arguments.action == "edit":
        return _one(
            await safety.edit_approval(
                settings,
                approval_id,
                approver=who(arguments),
                amount=arguments.amount,
                quantity=arguments.quantity,
                reason=arguments.reason,
                digest=arguments.digest,
            )
        )
    return _one(
        await safety.decide_approval(
            settings,
            approval_id,
            granted=arguments.action == "approve",
            approver=who(arguments),
            reason=arguments.reason,
            digest=arguments.digest,
        )
    )


def who(arguments: Arguments) -> str:
    """Return who decides: by `--by`, or else the machine's user.

    Raises: ConfigurationError: the machine knows no name.
    """
    if arguments.by is not None:
        return arguments.by
    from getpass import getuser

    try:
        return getuser()
    except (OSError, KeyError, ImportError) as unknown:
        raise ConfigurationError("the machine has no name for its user; say who decides by --by NAME") from unknown


class AtTerminal:
    """An `ApprovalHandler` for `paygent pay` at a terminal: asks there, while nothing else is drawn."""

    def __init__(self, arguments: Arguments, *, status: "Status | None") -> None:
        try:
            approver = who(arguments)
        except ConfigurationError:  # whoever sits there
            approver = "terminal"
        self._handler = TerminalApprovals(approver=approver, stdout=sys.stderr)
        self._status = status

    async def ask(self, request: ApprovalRequest) -> ApprovalDecision | None:
        """Return what was typed; None for nothing, and the request waits for `paygent approvals` then."""
        if self._status is not None:
            self._status.stop()
        try:
            return await self._handler.ask(request)
        finally:
            if self._status is not None:
                self._status.start()


def _waiting(requests: tuple[ApprovalRequest, ...]) -> Outcome:
    columns = ("id", "amount", "payee", "resource", "expires_at")
    rows = tuple(
        (one.id, *(_fact(one, name) for name in columns[1:-1]), local_time(one.expires_at)) for one in requests
    )
    listing = Listing(columns=columns, rows=rows, nothing="nothing waits for approval")
    return Outcome(exit_code=OK, listing=listing, said={"approvals": [_request(one) for one in requests]})


def _one(request: ApprovalRequest) -> Outcome:
    given = sum(decision.granted for decision in request.decisions)
    facts = f"{request.text}\ndigest: {request.digest}\n{request.state}, {given} of {request.needed} agreed"
    if (said := request.edited) is not None:
        facts += f"\nedited by {said.approver} to {said.edit}; run the same payment again, and it is judged anew"
    if request.state is ApprovalState.GRANTED:
        facts += f"\nit goes on by {_way_on(request)}"
    return Outcome(exit_code=OK, facts=facts, said={"approval": _request(request)})


def _way_on(request: ApprovalRequest) -> str:
    """Return what somebody does with an agreement, at the command line."""
    if "tool" in request.facts:
        return "`paygent run --resume RUN`, where a run waits for it"
    return f"`paygent wallet go-on {request.payment_id}`" if "summary" in request.facts else "the same `paygent pay`"


def _fact(request: ApprovalRequest, name: str) -> str:
    """Return a fact of a payment, or what stands for it where an action on chain waits."""
    said = request.facts.get(name) or request.facts.get(_OF_ACTIONS[name], "-")
    return "".join(char if char.isprintable() else "?" for char in said)


def _request(request: ApprovalRequest) -> dict[str, JSON]:
    return {
        "id": request.id,
        "payment": request.payment_id,
        "state": request.state.value,
        "digest": request.digest,
        "needed": request.needed,
        "created_at": request.created_at,
        "expires_at": request.expires_at,
        "facts": dict(request.facts),
        "decisions": [
            {
                "approver": said.approver,
                "granted": said.granted,
                "reason": said.reason,
                "at": said.at,
                "edit": None if said.edit is None else _edit(said.edit),
            }
            for said in request.decisions
        ],
    }


def _edit(edit: Edit) -> dict[str, JSON]:
    atomic = None if edit.atomic_units is None else str(edit.atomic_units)
    return {"atomic_units": atomic, "quantity": edit.quantity}


def _halt(halted: Halt) -> dict[str, JSON]:
    return {"scope": halted.scope, "by": halted.by, "reason": halted.reason, "at": halted.at}


def _report(report: HaltReport) -> dict[str, JSON]:
    return {
        **_halt(report.halt),
        "complete": report.complete,
        "denied": list(report.denied),
        "cancelled": [
            {"payment": payment_as_json(one.payment), "transaction": one.transaction, "proven": one.proven}
            for one in report.cancelled
        ],
        "settled": [payment_as_json(payment) for payment in report.settled],
        "ended": [payment_as_json(payment) for payment in report.ended],
        "uncancelled": [{"payment": payment_as_json(one.payment), "reason": one.reason} for one in report.uncancelled],
        "troubles": list(report.troubles),
    }
