"""Sessions from the outside: begun and ended, their log of calls, and how they went."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from paygent.core.events import RunEvent, ToolCall, ToolResult
from paygent.core.fields import JSON
from paygent.core.history import PaymentFilter
from paygent.core.lifecycle import State
from paygent.core.money import Amount, Asset
from paygent.core.payment import Payment
from paygent.core.session import RunId, RunState, Session, SessionId, SessionState, session_id
from paygent.ports.clock import Clock
from paygent.ports.entropy import Entropy
from paygent.ports.session_store import SessionStore
from paygent.ports.storage import Storage

_PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRecord:
    """One call of a tool, as the log has it."""

    run: RunId
    call: int
    tool: str
    agent: str
    arguments: Mapping[str, JSON]
    at: int
    """Unix seconds of the call."""
    ok: bool | None
    """None where it has not come to anything yet."""
    text: str
    data: Mapping[str, JSON]
    payments: tuple[str, ...]
    cost: tuple[Mapping[str, JSON], ...]
    """What it spent, by the payments' own amounts."""
    milliseconds: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """How a session went."""

    session: Session
    runs: Mapping[str, int]
    """How many runs are in which state."""
    calls: int
    """Calls of tools that came to something."""
    succeeded: int
    tools: Mapping[str, int]
    """How often each tool was called."""
    settled: tuple[Amount, ...]
    """What left the wallet, proven by the chain, for each asset."""
    unsettled: tuple[Amount, ...]
    """What is signed or sent, and not decided yet, for each asset."""

    @property
    def success_percent(self) -> int | None:
        """How many calls of a hundred succeeded, rounded down; None where none was made."""
        return None if not self.calls else self.succeeded * 100 // self.calls


class Sessions:
    """Sessions of one store, with their payments."""

    def __init__(self, store: SessionStore, journal: Storage, clock: Clock, entropy: Entropy) -> None:
        self._store = store
        self._journal = journal
        self._clock = clock
        self._entropy = entropy

    async def create(self, title: str) -> Session:
        """Begin a session."""
        now = self._clock.now()
        made = Session(id=session_id(self._entropy.token()), title=title, state=SessionState.OPEN, created_at=now)
        await self._store.add_session(made)
        return made

    async def end(self, session: SessionId) -> Session:
        """End a session. Raises: SessionNotFound. SessionBusy: it is worked on."""
        return await self._store.end_session(session, at=self._clock.now())

    async def log(self, session: SessionId) -> Sequence[ToolRecord]:
        """Return every call, oldest first; of one that was made again after a retry, each attempt."""
        events = await self.every_event(session)
        results = {(each.run, each.step): each for each in events if isinstance(each, ToolResult)}
        return [_record(each, results.get((each.run, each.step))) for each in events if isinstance(each, ToolCall)]

    async def summary(self, session: SessionId) -> Summary:
        """Count what happened."""
        log = await self.log(session)
        runs = await self._store.runs(session, limit=100_000)
        payments = await self.payments(session)
        over = [each for each in log if each.ok is not None]
        states = {state.value: sum(run.state is state for run in runs) for state in RunState}
        tools = {name: sum(each.tool == name for each in log) for name in dict.fromkeys(each.tool for each in log)}
        out = {State.SIGNED, State.SUBMITTED, State.OUTCOME_UNKNOWN}
        return Summary(
            session=await self._store.session(session),
            runs={state: number for state, number in states.items() if number},
            calls=len(over),
            succeeded=sum(each.ok is True for each in over),
            tools=tools,
            settled=_sums([each for each in payments if each.state is State.SETTLED]),
            unsettled=_sums([each for each in payments if each.state in out]),
        )

    async def payments(self, session: SessionId) -> Sequence[Payment]:
        """Return all payments of a session, newest first."""
        found: list[Payment] = []
        after: str | None = None
        while True:
            page = await self._journal.history(PaymentFilter(session=session), after=after, limit=_PAGE)
            found += page.payments
            after = page.next
            if after is None:
                return found

    async def every_event(self, session: SessionId) -> Sequence[RunEvent]:
        """Return all that was told."""
        found: list[RunEvent] = []
        while True:
            page = await self._store.events(session, after=found[-1].sequence if found else 0, limit=_PAGE)
            found += page
            if len(page) < _PAGE:
                return found


def _record(call: ToolCall, result: ToolResult | None) -> ToolRecord:
    return ToolRecord(
        run=call.run,
        call=call.call,
        tool=call.tool,
        agent=call.agent,
        arguments=call.arguments,
        at=call.at,
        ok=None if result is None else result.ok,
        text="" if result is None else result.text,
        data={} if result is None else result.data,
        payments=() if result is None else tuple(map(str, result.payments)),
        cost=() if result is None else tuple(each for each in result.cost if isinstance(each, dict)),
        milliseconds=None if result is None else result.milliseconds,
    )


def _sums(payments: Sequence[Payment]) -> tuple[Amount, ...]:
    sums: defaultdict[Asset, int] = defaultdict(int)
    for payment in payments:
        amount = payment.intent.amount if payment.receipt is None else payment.receipt.amount
        sums[amount.asset] += amount.atomic
    return tuple(Amount(atomic, asset) for asset, atomic in sums.items())


__all__ = ["Sessions", "Summary", "ToolRecord"]
