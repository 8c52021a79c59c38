"""What the nodes of one run work with: its record, its context, and whether it may go on."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from time import monotonic
from typing import Final

from paygent.core.context import Budget, Context
from paygent.core.errors import Halted, LocalProtocolError
from paygent.core.events import RunEvent
from paygent.core.halt import Halt, scopes_of
from paygent.core.ids import PaymentId
from paygent.core.lifecycle import FREED
from paygent.core.money import Amount, payments
from paygent.core.payment import Payment
from paygent.core.run_errors import RunCancelled, RunLimitReached, SessionBusy
from paygent.core.session import Lease, Run, act_key
from paygent.orchestrator.limits import RunLimits
from paygent.orchestrator.state import Todo
from paygent.orchestrator.tools import Call
from paygent.ports.clock import Clock
from paygent.ports.session_store import SessionStore
from paygent.ports.storage import Storage


class RunDesk:
    """One run, worked on by this process under a lease."""

    def __init__(  # noqa: PLR0913  what a run is worked on with
        self,
        run: Run,
        *,
        lease: Lease | None,
        store: SessionStore,
        journal: Storage,
        clock: Clock,
        address: str,
        installation: str,
        context: Context,
        publish: Callable[[Sequence[RunEvent]], None],
        told: Sequence[RunEvent] = (),
    ) -> None:
        self.run: Final = run
        self.limits: Final = RunLimits.of(run.limits)
        self._lease = lease
        self.clock: Final = clock
        self.lost: SessionBusy | None = None
        """Why the lease is gone; set by whoever renews it."""
        self.judged: Final[set[int]] = set()
        """Todos that met the policy in this process."""
        self.todos: Sequence[Todo] | None = None
        """The plan, where it was made before the run was written down."""
        self._new: Final = lease is None
        self._calls: Final[dict[int, Call]] = {}
        self._store = store
        self._journal = journal
        self._address = address
        self._installation = installation
        self._context = context
        self._publish = publish
        self._told: dict[tuple[str, str], list[RunEvent]] = {}
        for event in told:
            self._told.setdefault((event.step, event.kind), []).append(event)
        self._names = {event.name for event in told}
        self._begun = monotonic()

    @property
    def leased(self) -> bool:
        """The session's lease was taken for the run."""
        return self._lease is not None

    @property
    def lease(self) -> Lease:
        """What the run is worked on under. Raises: LocalProtocolError: it is not taken yet."""
        if self._lease is None:
            raise LocalProtocolError(f"run {self.run.id} is not written down yet, so nothing is done for it")
        return self._lease

    @lease.setter
    def lease(self, lease: Lease) -> None:
        self._lease = lease

    async def tell(self, *events: RunEvent) -> None:
        """Write events down, and tell whoever listens. What was told before is not told again."""
        fresh = [event for event in events if event.name not in self._names]
        if fresh:
            stored = await self._store.record(fresh, self.lease)
            self._names.update(event.name for event in fresh)
            self._publish(stored)

    def told(self, step: str, kind: str) -> RunEvent | None:
        """Return what an earlier process told of a step, if it did."""
        found = self._told.get((step, kind))
        return None if found is None else found[0]

    async def check(self, *, milliseconds: int, agent: str = "") -> None:
        """Make sure that the run may go on.

        Args: milliseconds: how long it was worked on before this process. agent: who acts next.

        Raises: RunCancelled, Halted, RunLimitReached. SessionBusy: the lease is lost.
        """
        self.check_here(milliseconds=milliseconds)
        run, halts = await asyncio.gather(self._store.run(self.run.id), self._journal.halts())
        if run.cancelling:
            raise RunCancelled(self.run.id)
        if halts:
            self._refuse_halted({halt.scope: halt for halt in halts}, self.context("", agent), agent)

    def check_here(self, *, milliseconds: int) -> None:
        """Make sure of what this process knows by itself. Raises: RunLimitReached. SessionBusy: the lease is lost."""
        if self.lost is not None:
            raise self.lost
        if self.used(milliseconds) > self.limits.seconds * 1000:
            raise RunLimitReached("seconds", most=self.limits.seconds)

    async def check_cancelled(self) -> None:
        """Make sure that the run is not being cancelled. Raises: RunCancelled."""
        if (await self._store.run(self.run.id)).cancelling:
            raise RunCancelled(self.run.id)

    def _refuse_halted(self, halts: Mapping[str, Halt], context: Context, subagent: str) -> None:
        scopes = scopes_of(self._address, agent=context.agent, session=context.session)
        budgets = (f"budget:{budget.name}" for budget in context.budgets)
        for scope in (*scopes, f"agent:{subagent}", *budgets):
            if scope in halts:
                raise Halted(scope, reason=halts[scope].reason)

    async def payments(self, payment: PaymentId | None) -> Sequence[Payment]:
        """Return the payment that an error names, as it is now; none where it names none that was written down."""
        found = None if payment is None else await self._journal.get(payment)
        return () if found is None else (found,)

    async def paid_under(self, key: str) -> PaymentId | None:
        """Return the payment that the wallet has made, or may have, under an idempotency key."""
        found = await self._journal.by_key(self._address, key)
        return None if found is None or found.state in FREED else found.id

    def used(self, milliseconds: int) -> int:
        """Return how long the run was worked on, in milliseconds."""
        return milliseconds + int((monotonic() - self._begun) * 1000)

    def left_seconds(self, milliseconds: int) -> int:
        """Return how long it may still be worked on, in whole seconds, at least one."""
        return max(1, self.limits.seconds - self.used(milliseconds) // 1000)

    def call(self, ordinal: int, tool: str, agent: str, budget: Amount | None) -> Call:
        """Return who makes the call of a todo. `budget`: the subagent's own, inside the run's."""
        known = self._calls.get(ordinal)
        if known is None:
            key = act_key(self._installation, self.run.session, self.run.id, ordinal)
            known = self._calls[ordinal] = Call(key=key, context=self.context(tool, agent, budget), fresh=self._new)
        return replace(known, fresh=False) if ordinal in self.judged else known

    def context(self, tool: str, agent: str, budget: Amount | None = None) -> Context:
        """Return who pays for a call: the run's agent where it has one, so that no subagent gets around its limits."""
        budgets: list[Budget] = list(self._context.budgets)
        most = payments(self.limits.calls) if self.limits.spend is None else self.limits.spend
        budgets.append(Budget(name=str(self.run.id), limit=most))  # also what a cancelled run is stopped by
        if agent and budget is not None:
            budgets.append(Budget(name=f"{self.run.id}/{agent}", limit=budget))
        return replace(
            self._context,
            agent=self.run.agent or self._context.agent or agent or None,
            session=self.run.session,
            run=self.run.id,
            tool=tool or None,
            budgets=tuple(budgets),
        )

    def event(self, kind: type[RunEvent], step: str, ordinal: int = 0, agent: str = "", **facts: object) -> RunEvent:
        """Return an event of this run, now."""
        common: Mapping[str, object] = {
            "session": self.run.session,
            "run": self.run.id,
            "step": step,
            "ordinal": ordinal,
            "at": self.clock.now(),
            "agent": agent,
        }
        return kind(**{**common, **facts})  # type: ignore[arg-type]  # the classes check their own names


def step_name(node: str, number: int, attempt: int) -> str:
    """Return what a step is called in its events; a retry tells its own."""
    return f"{node}:{number}" if attempt == 0 else f"{node}:{number}/{attempt}"
