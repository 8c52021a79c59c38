"""The nodes of the graph: plan, price, judge, approve, act, report.

A node may be executed again, after a crash or a retry: what it tells is kept once, and what it pays is named by the
ordinal of its todo. Nothing here decides about money; the engine does, and the store.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final, cast

from langgraph.runtime import Runtime
from langgraph.types import interrupt

from paygent.core import ids
from paygent.core.approval import ApprovalState
from paygent.core.approval_errors import ApprovalLapsed, ApprovalPending, ApprovalRefused
from paygent.core.errors import (
    AdapterError,
    ConfigurationError,
    Halted,
    LocalProtocolError,
    PaygentError,
    PaymentNotAttempted,
    PaymentOutcomeUnknown,
    TradeRefused,
)
from paygent.core.events import Complete, Failure, RunEvent, Thinking, ToolResult
from paygent.core.fields import JSON
from paygent.core.run_errors import OrchestrationError, RunLimitReached, SessionBusy, ToolRefused
from paygent.orchestrator.call_events import CallEvents
from paygent.orchestrator.desk import RunDesk, step_name
from paygent.orchestrator.foresight import Foresight
from paygent.orchestrator.mind import Mind
from paygent.orchestrator.payments import amount_as_json
from paygent.orchestrator.plan import Grammar, planned
from paygent.orchestrator.state import Change, Failed, State, Todo, Waiting, next_todo, shown, with_todo
from paygent.orchestrator.subagents import Crew
from paygent.orchestrator.tools import Call, Price, Toolbox, ToolOutcome
from paygent.ports.approval_store import ApprovalStore

FATAL: Final = (PaymentOutcomeUnknown, Halted, RunLimitReached, SessionBusy, LocalProtocolError)
"""After these, a model is not asked what to do instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Done:
    """What became of one call."""

    text: str
    data: dict[str, JSON]
    said: str


class Nodes:
    """The nodes, over what all runs share; each run comes with its own `RunDesk`."""

    def __init__(
        self,
        *,
        toolbox: Toolbox,
        crew: Crew,
        grammar: Grammar,
        mind: Mind | None,
        approvals: ApprovalStore,
        foresight: Foresight,
    ) -> None:
        self._toolbox = toolbox
        self._crew = crew
        self._grammar = grammar
        self._mind = mind
        self._approvals = approvals
        self._foresight = foresight
        self.failures: dict[str, PaygentError] = {}
        """The error that ended a run, by its id, for the caller in this process."""

    # --- plan -------------------------------------------------------------------------------------------------------

    async def plan(self, state: State, runtime: Runtime[Any]) -> Change:
        """Make todos of the command, or let a model go on."""
        desk: RunDesk = runtime.context
        if state["mode"] == "model":
            return await self._guarded(state, desk, lambda: self._think(state, desk))
        if state["todos"]:  # a retry: the plan is made
            return Change()
        todos = planned(self._grammar(state["text"]), self._toolbox) if desk.todos is None else list(desk.todos)
        if len(todos) > 1:
            told = "; ".join(f"{todo['ordinal'] + 1}. {todo['title']}" for todo in todos)
            await desk.tell(desk.event(Thinking, "plan:0", text=told, todos=shown(todos)))
        return Change(todos=todos)

    async def _think(self, state: State, desk: RunDesk) -> Change:
        if self._mind is None:
            raise LocalProtocolError("the run was made by a model, and there is none now: pass model=")
        if state["turns"] >= desk.limits.iterations:
            raise RunLimitReached("iterations", most=desk.limits.iterations)
        await desk.check(milliseconds=state["milliseconds"])
        return await self._mind.turn(state, desk)

    # --- price and judge --------------------------------------------------------------------------------------------

    async def price(self, state: State, runtime: Runtime[Any]) -> Change:
        """Find out what the plan would cost, before any of it is done. A plan of one call is priced when it is made."""
        todos = state["todos"]
        waiting = [todo for todo in todos if todo["status"] == "pending"]
        if state["failed"] is not None or len(waiting) < 2:
            return Change()
        prices = await asyncio.gather(*(self._price(todo, runtime.context) for todo in waiting))
        for todo, price in zip(waiting, await self._foreseen(prices), strict=True):
            told = None if price is None else _as_json(price)
            todos = with_todo(todos, Todo({**todo, "price": told}))
        return Change(todos=todos)

    async def _foreseen(self, prices: Sequence[Price | None]) -> Sequence[Price | None]:
        try:
            return await self._foresight.foreseen(prices)
        except AdapterError:  # each step meets its limits when its turn comes
            return prices

    async def _price(self, todo: Todo, desk: RunDesk) -> Price | None:
        tool = self._toolbox.get(todo["tool"])
        if tool.price is None:
            return None
        call = self._call(todo, desk)
        try:
            price: Price | None = await tool.price(tool.read(todo["arguments"]), call)
        except (ToolRefused, TradeRefused, ConfigurationError) as refused:
            return Price(text=str(refused), acceptable=False, why=str(refused))
        except PaygentError as unknown:  # it may be known by the time that its turn comes
            return Price(text=str(unknown), acceptable=True)
        return price

    async def judge(self, state: State, runtime: Runtime[Any]) -> Change:
        """Let the next call meet the policy, before anything of it is done; where people have to agree, they are asked.

        Raises nothing about money: what is refused ends the run, or is told to the model.
        """
        return await self._guarded(state, runtime.context, lambda: self._judge(state, runtime.context))

    async def _judge(self, state: State, desk: RunDesk) -> Change:
        todo = next_todo(state["todos"])
        if state["failed"] is not None or todo is None:
            return Change()
        if (doomed := _doomed(state)) is not None:
            return Change(failed=doomed)
        call = self._call(todo, desk)
        await asyncio.gather(self._check(todo, state, desk), self._prepared(todo, call))
        tool = self._toolbox.get(todo["tool"])
        if tool.judge is None:
            return Change()
        desk.judged.add(todo["ordinal"])
        begun = monotonic()
        try:
            await tool.judge(tool.read(todo["arguments"]), call)
        except ApprovalPending as pending:
            return await self._must_wait(todo, state, desk, pending)
        except PaygentError as error:
            return await self._call_failed(todo, state, desk, error, begun)
        return Change()

    async def _prepared(self, todo: Todo, call: Call) -> None:
        """Let the tool read what it will want to know; what goes wrong is said when it judges."""
        with suppress(PaygentError):
            tool = self._toolbox.get(todo["tool"])
            if tool.prepare is not None:
                await tool.prepare(tool.read(todo["arguments"]), call)

    # --- people -----------------------------------------------------------------------------------------------------

    async def approve(self, state: State, runtime: Runtime[Any]) -> Change:
        """Wait for people. What resumes it only says that somebody decided; what they decided is in the store."""
        waiting = state["waiting"]
        if waiting is not None:
            interrupt({"approval": waiting["approval"], "payment": waiting["payment"]})
        return Change()

    async def _must_wait(self, todo: Todo, state: State, desk: RunDesk, pending: ApprovalPending) -> Change:
        payment = pending.payment_id
        if payment is None:
            raise pending
        approval = ids.approval_id(payment)
        request = await self._approvals.approval(approval)
        if request is None:
            raise pending
        await desk.tell(CallEvents(todo, state, desk, self._crew).asked(request))
        waits = Waiting(ordinal=todo["ordinal"], approval=approval, payment=payment)
        return Change(todos=with_todo(state["todos"], Todo({**todo, "status": "waiting"})), waiting=waits)

    # --- act --------------------------------------------------------------------------------------------------------

    async def act(self, state: State, runtime: Runtime[Any]) -> Change:
        """Make the next call."""
        return await self._guarded(state, runtime.context, lambda: self._act(state, runtime.context))

    async def _act(self, state: State, desk: RunDesk) -> Change:
        todo = next_todo(state["todos"])
        if todo is None:
            return Change()
        if todo["ordinal"] in desk.judged and self._toolbox.get(todo["tool"]).spends:
            desk.check_here(milliseconds=state["milliseconds"])  # the engine looks for halts again, as it reserves
        else:
            await self._check(todo, state, desk)
        begun = monotonic()
        try:
            await self._check_decided(state["waiting"], desk)
            done, events = await self._called(todo, state, desk)
        except ApprovalPending as pending:
            return await self._must_wait(todo, state, desk, pending)
        except PaygentError as error:
            return await self._call_failed(todo, state, desk, error, begun)
        await desk.tell(*events)  # a failure to write it down is the run's: the call was made
        result: dict[str, JSON] = {"ok": True, "text": done.text, "data": done.data, "said": done.said}
        return Change(todos=with_todo(state["todos"], Todo({**todo, "status": "done", "result": result})), waiting=None)

    async def _called(self, todo: Todo, state: State, desk: RunDesk) -> tuple[_Done, Sequence[RunEvent]]:
        """Make a call, unless an earlier process has made it and told what it came to; return what is to be told."""
        tool = self._toolbox.get(todo["tool"])
        events = CallEvents(todo, state, desk, self._crew)
        told = desk.told(events.step, "tool_result")
        if isinstance(told, ToolResult) and told.ok:
            return _Done(text=told.text, data=told.data, said=str(told.data.get("body") or "")), ()
        begun, call = monotonic(), self._call(todo, desk)
        arguments = tool.read(todo["arguments"])
        telling = asyncio.ensure_future(desk.tell(*events.begun()))  # while the tool begins
        try:
            outcome = await self._in_time(tool.run(arguments, call), call, state, desk)
        finally:
            await asyncio.wait([telling])
            telling.exception()  # what was not written down is told again, below
        done = _Done(text=outcome.text, data=dict(outcome.data), said=outcome.said)
        took, paid = _milliseconds(begun), outcome.payments
        ended = events.ended(ok=True, text=done.text, data=done.data, payments=paid, milliseconds=took)
        return done, (*events.begun(), *ended)

    async def _in_time(self, work: Awaitable[ToolOutcome], call: Call, state: State, desk: RunDesk) -> ToolOutcome:
        """Await a call while the run has seconds left. Raises: RunLimitReached: with its payment, if it has one."""
        patience = asyncio.timeout(desk.left_seconds(state["milliseconds"]))
        try:
            async with patience:
                return await work
        except TimeoutError:
            if not patience.expired():
                raise
            paid = await desk.paid_under(call.key)
            raise RunLimitReached("seconds", most=desk.limits.seconds, payment_id=paid) from None

    async def _check_decided(self, waiting: Waiting | None, desk: RunDesk) -> None:
        """Go on only where people agreed, by the word of the store: what resumes a run decides nothing.

        Raises: ApprovalPending, ApprovalRefused, ApprovalLapsed.
        """
        if waiting is None:
            return
        approval, payment = ids.ApprovalId(waiting["approval"]), ids.PaymentId(waiting["payment"])
        request = await self._approvals.approval(approval)
        if request is None:
            raise LocalProtocolError(f"this storage has no approval {approval}; open the one that the run began with")
        match request.at(desk.clock.now()).state:
            case ApprovalState.PENDING:
                raise ApprovalPending(f"approval {approval} still waits for people", payment_id=payment)
            case ApprovalState.REFUSED:
                said = next((each.reason for each in request.decisions if not each.granted), "")
                raise ApprovalRefused(f"approval {approval} was refused: {said}", payment_id=payment)
            case ApprovalState.LAPSED:
                raise ApprovalLapsed(f"approval {approval} ended at {request.expires_at}", payment_id=payment)
            case _:
                return  # granted or edited: the engine says what that is worth; void or used: it says why not

    async def _call_failed(self, todo: Todo, state: State, desk: RunDesk, error: PaygentError, begun: float) -> Change:
        """Tell what a call came to that failed, with what it has paid all the same. `begun`: by the monotonic clock."""
        if isinstance(error, SessionBusy):  # somebody else works on the run: it is theirs to say what became of it
            raise error
        events = CallEvents(todo, state, desk, self._crew)
        data: dict[str, JSON] = {"error": type(error).__name__, "payment": error.payment_id}
        paid = await desk.payments(error.payment_id)
        took = _milliseconds(begun)
        ended = events.ended(ok=False, text=str(error), data=data, payments=paid, milliseconds=took)
        await desk.tell(*events.begun(), *ended)
        if isinstance(error, PaymentNotAttempted | LocalProtocolError):  # cancelling halts the run's budget
            await desk.check_cancelled()
        failed: dict[str, JSON] = {"ok": False, "text": str(error), "data": data, "said": ""}
        todos = with_todo(state["todos"], Todo({**todo, "status": "failed", "result": failed}))
        todos = [Todo({**each, "status": "skipped"}) if each["status"] == "pending" else each for each in todos]
        if state["mode"] == "model" and not isinstance(error, FATAL):
            return Change(todos=todos, waiting=None)  # the model hears of it, and may do something else
        return Change(todos=todos, waiting=None, failed=self._failed(desk, error, todo["ordinal"]))

    # --- report -----------------------------------------------------------------------------------------------------

    async def report(self, state: State, runtime: Runtime[Any]) -> Change:
        """Tell what became of it."""
        desk: RunDesk = runtime.context
        failed = state["failed"]
        step = step_name("report", 0, state["attempt"])
        used = desk.used(state["milliseconds"])
        if failed is not None:
            told = desk.event(
                Failure, step, error=failed["error"], message=failed["message"], payment=failed["payment"]
            )
            await desk.tell(told)
            return Change(milliseconds=used)
        answer = state["answer"] or answered(state["todos"])
        await desk.tell(desk.event(Complete, step, text=answer, data={"todos": shown(state["todos"])}))
        return Change(answer=answer, milliseconds=used)

    # --- small parts ------------------------------------------------------------------------------------------------

    async def _guarded(self, state: State, desk: RunDesk, work: Callable[[], Awaitable[Change]]) -> Change:
        """Let what ends a run end it in its state; what is about the lease or the store is raised."""
        try:
            return await work()
        except SessionBusy:
            raise
        except (OrchestrationError, AdapterError, Halted, LocalProtocolError) as error:
            return Change(failed=self._failed(desk, error, None), waiting=None)

    def _failed(self, desk: RunDesk, error: PaygentError, ordinal: int | None) -> Failed:
        self.failures[desk.run.id] = error
        return Failed(error=type(error).__name__, message=str(error), payment=error.payment_id, ordinal=ordinal)

    async def _check(self, todo: Todo, state: State, desk: RunDesk) -> None:
        """Make sure that the call may be made now. Raises: as `RunDesk.check`."""
        if todo["ordinal"] >= desk.limits.calls:
            raise RunLimitReached("calls", most=desk.limits.calls)
        await desk.check(milliseconds=state["milliseconds"], agent=todo["agent"])

    def _call(self, todo: Todo, desk: RunDesk) -> Call:
        member = self._crew.get(todo["agent"])
        budget = None if member is None else member.budget
        return desk.call(todo["ordinal"], todo["tool"], todo["agent"], budget)


def _doomed(state: State) -> Failed | None:
    """Return why a plan stops of which a later step would be refused anyway, before an earlier one moves any money.

    A model hears of a refusal by itself.
    """
    todos = [todo for todo in state["todos"] if todo["status"] == "pending"]
    for todo in [] if state["mode"] == "model" else todos[1:]:
        price = todo["price"]
        if price is not None and price["acceptable"] is False:
            which = f"step {todo['ordinal'] + 1} ({todo['title']})"
            why = f"{which} would be refused, so nothing was done: {price['why']}"
            return Failed(error="PaymentNotAttempted", message=why, payment=None, ordinal=todo["ordinal"])
    return None


def _as_json(price: Price) -> dict[str, JSON]:
    amounts: list[JSON] = [amount_as_json(amount) for amount in price.amounts]
    return {"text": price.text, "acceptable": price.acceptable, "why": price.why, "amounts": amounts}


def _milliseconds(begun: float) -> int:
    return int((monotonic() - begun) * 1000)


def answered(todos: Sequence[Todo]) -> str:
    """Return the results in one text."""
    texts = [cast("str", todo["result"]["text"]) for todo in todos if todo["result"] is not None]
    return texts[0] if len(texts) == 1 else "\n".join(f"{number}. {text}" for number, text in enumerate(texts, 1))
