"""What is told of one call: that it begins, what it came to, and whom it waits for."""

from collections.abc import Sequence
from typing import Final

from paygent.core.approval import ApprovalRequest
from paygent.core.events import ApprovalRequired, RunEvent, SubagentEnd, SubagentStart, ToolCall, ToolResult
from paygent.core.fields import JSON
from paygent.core.lifecycle import OUT
from paygent.core.lifecycle import State as PaymentState
from paygent.core.payment import Payment
from paygent.orchestrator.desk import RunDesk, step_name
from paygent.orchestrator.payments import amount_as_json
from paygent.orchestrator.state import State, Todo
from paygent.orchestrator.subagents import Crew

_LEFT: Final = OUT | {PaymentState.SETTLED}
"""States of payments whose money has left the wallet, or may have."""


class CallEvents:
    """The events of the call of one todo; the same whenever the step is executed again."""

    def __init__(self, todo: Todo, state: State, desk: RunDesk, crew: Crew) -> None:
        self._todo = todo
        self._desk = desk
        self._crew = crew
        self._attempt = state["attempt"]
        self._delegated = bool(todo["agent"]) and state["mode"] != "model"  # a model tells of its subagents itself
        self.step: Final = step_name("act", todo["ordinal"], self._attempt)

    def begun(self) -> Sequence[RunEvent]:
        """Return that the call begins."""
        todo = self._todo
        call = self._desk.event(
            ToolCall,
            self.step,
            agent=todo["agent"],
            tool=todo["tool"],
            call=todo["ordinal"],
            arguments=todo["arguments"],
        )
        return [self._subagent(), call] if self._delegated else [call]

    def ended(
        self,
        *,
        ok: bool,
        text: str,
        data: dict[str, JSON],
        payments: Sequence[Payment],
        milliseconds: int,
    ) -> Sequence[RunEvent]:
        """Return what the call came to. What is out and not proven counts in its cost; what ended unpaid does not."""
        todo = self._todo
        left = [each for each in payments if each.state in _LEFT]
        spent = [each.intent.amount if each.receipt is None else each.receipt.amount for each in left]
        result = self._desk.event(
            ToolResult,
            self.step,
            agent=todo["agent"],
            tool=todo["tool"],
            call=todo["ordinal"],
            ok=ok,
            text=text,
            data=data,
            payments=[each.id for each in payments],
            cost=[amount_as_json(amount) for amount in spent],
            milliseconds=milliseconds,
        )
        if not self._delegated:
            return [result]
        return [result, self._desk.event(SubagentEnd, self.step, agent=todo["agent"], ok=ok, text=text)]

    def asked(self, request: ApprovalRequest) -> RunEvent:
        """Return that people are asked; each request of a step is told once."""
        return self._desk.event(
            ApprovalRequired,
            f"{step_name('approve', self._todo['ordinal'], self._attempt)}:{request.id}",
            agent=self._todo["agent"],
            approval=request.id,
            payment=request.payment_id,
            text=request.text,
            digest=request.digest,
            expires_at=request.expires_at,
        )

    def _subagent(self) -> RunEvent:
        agent = self._todo["agent"]
        member = self._crew.get(agent)
        tools: list[JSON] = [] if member is None else list(self._crew.tools(agent).names)
        budget = "" if member is None or member.budget is None else str(member.budget)
        return self._desk.event(
            SubagentStart, self.step, agent=agent, task=self._todo["title"], tools=tools, budget=budget
        )
