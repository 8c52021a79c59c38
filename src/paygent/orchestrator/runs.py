"""The life of a run: begun, worked on under a lease, waiting, resumed by any process, ended."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, cast

from paygent.core.approval import ApprovalState
from paygent.core.context import Context
from paygent.core.errors import AdapterError, PaygentError
from paygent.core.events import Failure, RunEvent
from paygent.core.fields import JSON
from paygent.core.halt import Halt
from paygent.core.ids import ApprovalId
from paygent.core.run_errors import CheckpointUnusable, RunCancelled, RunChanged, RunFailed, RunOver, SessionBusy
from paygent.core.session import Lease, Memory, Mode, Run, RunId, RunState, SessionId, run_id
from paygent.orchestrator.desk import RunDesk, step_name
from paygent.orchestrator.limits import RunLimits
from paygent.orchestrator.nodes import Nodes, answered
from paygent.orchestrator.result import RunResult, record_of, steps_of
from paygent.orchestrator.run_checkpoints import RunCheckpoints
from paygent.orchestrator.state import Channels, State, Todo, changed, initial, retried
from paygent.ports.clock import Clock
from paygent.ports.entropy import Entropy
from paygent.ports.session_store import SessionStore
from paygent.ports.storage import Storage

LEASE_SECONDS: Final = 30
"""How long a session stays taken by a process that died."""
_STEPS: Final = 100_000
"""LangGraph's own limit on steps; the limits of a run come first."""
Publish = Callable[[Sequence[RunEvent]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Works:
    """What all runs of an orchestrator share."""

    graph: Any
    nodes: Nodes
    checkpoints: RunCheckpoints
    store: SessionStore
    journal: Storage
    clock: Clock
    entropy: Entropy
    address: str
    """The wallet that pays."""
    context: Context
    """Who pays, before session, run and tool are known."""
    fingerprints: Callable[[], Mapping[str, str]]
    """Digests of what a run depends on, as it is now."""
    lease_seconds: int = LEASE_SECONDS


class Runner:
    """Begins, resumes, retries and cancels runs."""

    def __init__(self, works: Works) -> None:
        self._works = works
        self._name = works.entropy.token().hex()
        self._count = 0
        self._installation: str | None = None

    def new(self, session: SessionId, text: str, *, mode: Mode, limits: RunLimits, agent: str | None) -> Run:
        """Return a run that is not written down yet."""
        works, now = self._works, self._works.clock.now()
        return Run(
            id=run_id(works.entropy.token()),
            session=session,
            text=text,
            mode=mode,
            state=RunState.RUNNING,
            version=0,
            created_at=now,
            updated_at=now,
            fingerprints=dict(works.fingerprints()),
            agent=agent,
            limits=limits.as_json(),
        )

    async def drive_new(self, run: Run, publish: Publish, todos: Sequence[Todo] | None) -> RunResult:
        """Take the session's lease, write a new run down, work on it, and give the lease back.

        Args: todos: what the command wants done, where that is known.

        Raises: SessionNotFound, SessionEnded, SessionBusy. RunOver: another run of the session is not over.
        """
        desk = await self._desk(run, publish)
        desk.todos = todos
        begun = asyncio.create_task(self._begin(run, desk))
        fresh = initial(session=run.session, run=run.id, text=run.text, mode=run.mode)
        with self._works.checkpoints.beginning(fresh, begun):
            return await self._drive(run, desk, None)

    async def _begin(self, run: Run, desk: RunDesk) -> None:
        works, now = self._works, run.created_at
        until = now + works.lease_seconds
        desk.lease = await works.store.begin_run(run, holder=self._holder(), now=now, until=until)

    async def resume(self, run_id: RunId, publish: Publish, *, accept_changes: bool = False) -> RunResult:
        """Go on with a run that waits, or whose process is gone.

        Raises: RunNotFound. RunOver: it has ended. SessionBusy: somebody works on it. RunChanged, CheckpointUnusable.
        """
        run = await self._works.store.run(run_id)
        self._refuse_over(run)
        lease = await self._acquire(run.session)
        try:
            run = await self._works.store.run(run_id)
            self._refuse_over(run)
            if run.cancelling:
                return await self._cancelled(run, lease)
            self._refuse_changed(run, accept=accept_changes)
            state = await self._works.checkpoints.state(run)
            payload = await self._next(run, state)
            run = await self._running(run, lease, state)
            desk = await self._desk(run, publish, lease)
        except BaseException:
            await self._works.store.release(lease)
            raise
        return await self._drive(run, desk, payload)

    async def retry(self, run_id: RunId, publish: Publish, *, accept_changes: bool = False) -> RunResult:
        """Take a failed run up again at the step that failed, under the same ids. Raises: as `resume`."""
        run = await self._works.store.run(run_id)
        if run.state is not RunState.FAILED:
            raise RunOver(run.id, state=run.state, advice="only a run that failed is retried")
        lease = await self._acquire(run.session)
        try:
            run = await self._works.store.run(run_id)
            self._refuse_changed(run, accept=accept_changes)
            state = await self._works.checkpoints.state(run)
            again = initial(session=run.session, run=run.id, text=run.text, mode=run.mode)
            payload = Channels(state=again if state is None else changed(state, retried(state)))
            run = await self._running(run, lease, state)
            desk = await self._desk(run, publish, lease)
        except BaseException:
            await self._works.store.release(lease)
            raise
        return await self._drive(run, desk, payload)

    async def cancel(self, run_id: RunId, *, by: str) -> Run:
        """Cancel a run, whoever works on it: from now on nothing is reserved, signed or sent for it.

        What was paid stays paid. Returns the run; one that nobody works on is CANCELLED at once.
        """
        works = self._works
        run = await works.store.cancel_run(run_id, at=works.clock.now())
        if not run.cancelling or not run.active:
            return run
        await works.journal.halt(Halt(scope=f"budget:{run.id}", by=by, reason="cancelled", at=works.clock.now()))
        with suppress(SessionBusy):
            lease = await self._acquire(run.session)
            try:
                current = await works.store.run(run_id)
                return current if not current.active else (await self._cancelled(current, lease)).run
            finally:
                await works.store.release(lease)
        return run

    # --- one attempt ------------------------------------------------------------------------------------------------

    async def _desk(self, run: Run, publish: Publish, lease: Lease | None = None) -> RunDesk:
        """Return what the nodes work with. Args: lease: of a run that is resumed; a new one has nothing told yet."""
        works = self._works
        return RunDesk(
            run,
            lease=lease,
            store=works.store,
            journal=works.journal,
            clock=works.clock,
            address=works.address,
            installation=await self._named(),
            context=works.context,
            publish=publish,
            told=() if lease is None else await self._told(run),
        )

    async def _drive(self, run: Run, desk: RunDesk, payload: object) -> RunResult:
        renewing = asyncio.create_task(self._renew(desk))
        try:
            state = await self._through(run, desk, payload)
            return await self._finished(run, desk, state)
        finally:
            renewing.cancel()
            with suppress(asyncio.CancelledError):
                await renewing
            await self._give_back(desk)

    async def _through(self, run: Run, desk: RunDesk, payload: object) -> State:
        config = _config(run)
        try:
            if payload is _OVER:
                return await self._known(run)
            final = await self._works.graph.ainvoke(payload, config, context=desk, durability="sync")
        except (PaygentError, asyncio.CancelledError):
            raise
        except (KeyError, TypeError, ValueError) as broken:
            if await self._readable(run):
                raise
            raise CheckpointUnusable(run.id, why=type(broken).__name__) from broken
        return cast("State", final["state"])

    async def _finished(self, run: Run, desk: RunDesk, state: State) -> RunResult:
        """Write down what became of the run, and what is remembered of it."""
        works, failed, waiting = self._works, state["failed"], state["waiting"]
        error = works.nodes.failures.pop(run.id, None)
        if failed is not None:
            cancelled = failed["error"] == RunCancelled.__name__
            becomes, text = (RunState.CANCELLED if cancelled else RunState.FAILED), failed["message"]
            error = error or RunFailed(run.id, error=failed["error"], message=failed["message"])
        elif waiting is not None:
            becomes, text = RunState.WAITING, f"waits for approval {waiting['approval']}"
        else:
            becomes, text = RunState.COMPLETED, state["answer"] or answered(state["todos"])
        now = works.clock.now()
        stored = await works.store.run(run.id)
        after = stored.moved(becomes, at=now, result=record_of(state, text))
        await works.store.put_run(stored, after, desk.lease)
        if waiting is None:
            said = Memory(
                session=run.session, run=run.id, kind="result", at=now, text=f"{becomes.value}: {text}"[:2000]
            )
            await works.store.remember([said], desk.lease)
        if becomes is RunState.CANCELLED:
            await self._lift(run)
        if becomes in (RunState.COMPLETED, RunState.CANCELLED):
            await works.checkpoints.adelete_thread(run.id)
        approvals = () if waiting is None else (waiting["approval"],)
        return RunResult(run=after, text=text, steps=steps_of(state["todos"]), approvals=approvals, error=error)

    async def _cancelled(self, run: Run, lease: Lease) -> RunResult:
        """End a run that nobody works on."""
        works, now = self._works, self._works.clock.now()
        error = RunCancelled(run.id)
        state = await self._works.checkpoints.state(run) if await self._readable(run) else None
        todos, attempt = ([], 0) if state is None else (state["todos"], state["attempt"])
        failure = Failure(
            session=run.session,
            run=run.id,
            step=step_name("report", 0, attempt),
            at=now,
            error=type(error).__name__,
            message=str(error),
            payment=None,
        )
        await works.store.record([failure], lease)
        after = run.moved(RunState.CANCELLED, at=now, result={"text": str(error)})
        await works.store.put_run(run, after, lease)
        said = Memory(session=run.session, run=run.id, kind="result", at=now, text=f"CANCELLED: {error}")
        await works.store.remember([said], lease)
        await self._lift(run)
        await works.checkpoints.adelete_thread(run.id)
        await works.store.release(lease)
        return RunResult(run=after, text=str(error), steps=steps_of(todos), error=error)

    # --- what a run goes on from ------------------------------------------------------------------------------------

    async def _known(self, run: Run) -> State:
        """Return the state of a run that has one. Raises: CheckpointUnusable."""
        state = await self._works.checkpoints.state(run)
        if state is None:
            raise CheckpointUnusable(run.id, why="there is none")
        return state

    async def _readable(self, run: Run) -> bool:
        try:
            await self._works.checkpoints.state(run)
        except CheckpointUnusable:
            return False
        return True

    async def _next(self, run: Run, state: State | None) -> object:
        """Return what the graph goes on with."""
        from langgraph.types import Command

        if state is None:
            return Channels(state=initial(session=run.session, run=run.id, text=run.text, mode=run.mode))
        snapshot = await self._works.graph.aget_state(_config(run))
        if not snapshot.tasks:  # `next` leaves out a node whose writes are there and not applied yet
            return _OVER
        if snapshot.interrupts:
            waiting = state["waiting"]
            return Command(resume={"approval": None if waiting is None else waiting["approval"]})
        return None

    async def _running(self, run: Run, lease: Lease, state: State | None) -> Run:
        """Write down that the run goes on, and what people decided."""
        works, now = self._works, self._works.clock.now()
        waiting = None if state is None else state["waiting"]
        if waiting is not None:
            request = await works.journal.approval(ApprovalId(waiting["approval"]))
            if request is not None and request.at(now).state is not ApprovalState.PENDING:
                who = ", ".join(each.approver for each in request.decisions) or "nobody"
                text = f"approval {request.id} is {request.at(now).state.value}, by {who}"
                said = Memory(session=run.session, run=run.id, kind="decision", at=now, text=text)
                await works.store.remember([said], lease)
        if run.state is RunState.RUNNING:
            return run
        after = run.moved(RunState.RUNNING, at=now)
        await works.store.put_run(run, after, lease)
        return after

    async def _told(self, run: Run) -> Sequence[RunEvent]:
        found: list[RunEvent] = []
        while True:
            after = found[-1].sequence if found else 0
            page = await self._works.store.events(run.session, run=run.id, after=after)
            found += page
            if not page:
                return found

    @staticmethod
    def _refuse_over(run: Run) -> None:
        if run.state is RunState.FAILED:
            raise RunOver(run.id, state=run.state, advice="retry it, or give the command again")
        if not run.active:
            raise RunOver(run.id, state=run.state, advice="give the command again")

    def _refuse_changed(self, run: Run, *, accept: bool) -> None:
        now = self._works.fingerprints()
        names = sorted({*now, *run.fingerprints})
        changed = [name for name in names if now.get(name) != run.fingerprints.get(name)]
        if changed and not accept:
            raise RunChanged(run.id, changed=changed)

    # --- leases -----------------------------------------------------------------------------------------------------

    async def _acquire(self, session: SessionId) -> Lease:
        works, now = self._works, self._works.clock.now()
        return await works.store.acquire(session, holder=self._holder(), now=now, until=now + works.lease_seconds)

    def _holder(self) -> str:
        """Return a name for one attempt at one run; no two are the same."""
        self._count += 1
        return f"{self._name}.{self._count}"

    async def _renew(self, desk: RunDesk) -> None:
        works = self._works
        while True:
            await asyncio.sleep(works.lease_seconds / 3)
            if not desk.leased:  # its run is still being written down
                continue
            try:
                desk.lease = await works.store.renew(desk.lease, until=works.clock.now() + works.lease_seconds)
            except SessionBusy as lost:
                desk.lost = lost
                return
            except AdapterError:
                continue

    async def _give_back(self, desk: RunDesk) -> None:
        if not desk.leased:
            return
        with suppress(AdapterError):
            await asyncio.shield(asyncio.ensure_future(self._works.store.release(desk.lease)))

    async def _lift(self, run: Run) -> None:
        works = self._works
        await works.journal.lift(f"budget:{run.id}", by="paygent", reason="the run is over", at=works.clock.now())

    async def _named(self) -> str:
        """Return what tells this storage from another."""
        if self._installation is None:
            from hashlib import sha256

            self._installation = sha256(b"paygent installation" + await self._works.journal.secret()).hexdigest()
        return self._installation


_OVER: Final[Mapping[str, JSON]] = {}


def _config(run: Run) -> Any:
    return {"configurable": {"thread_id": run.id, "checkpoint_ns": ""}, "recursion_limit": _STEPS}
