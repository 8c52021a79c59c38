"""A server of processes that work on one run and are killed: forks a fresh one for each line of JSON that it reads.

Every call of the journal, the session store, the checkpoints and the network is counted; at the planned one the process
kills itself, before or after the call has had its effect.
"""

import asyncio
import gc
import importlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

import httpx

from paygent.adapters.sql import SqlSessions, open_journal
from paygent.adapters.sql.sqlite import statements
from paygent.adapters.system import SystemClock
from paygent.core.caip import AssetId, ChainId, erc20
from paygent.core.ids import ApprovalId
from paygent.core.money import Amount, Asset, usd
from paygent.core.requirements import Token
from paygent.core.session import RunState
from paygent.engine.approvals import ApprovalDesk
from paygent.evm.coins import coin
from paygent.orchestrator import Orchestrator, RunResult
from paygent.orchestrator.checkpoints import open_checkpoints
from paygent.policy.policy import Policy
from paygent.runtime.fields import PluginChoice
from paygent.runtime.settings import Secret, Settings
from paygent.testing.faults import FaultPlan, FaultyJournal, FaultyTransport

T = TypeVar("T")
NETWORK = ChainId.evm(31337)
TITLE = "killed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What one process is told."""

    storage: str
    diary: str
    private_key: str
    rpc: str
    token: str
    command: str
    venue: dict[str, Any] = field(default_factory=dict[str, Any])
    """What the plugin for the exchange is configured with; empty for no plugin."""
    shares: str = ""
    """The id of the shares of its pool, which the policy lets leave the wallet; empty for none."""
    ahead: int = 0
    """By how many seconds its clock is ahead: leases of the dead are over."""
    at: int | None = None
    """The number of the call at which it dies; None lets it live."""
    after: bool = False
    """Die after the call instead of before it."""

    def line(self) -> str:
        return json.dumps(asdict(self))


@dataclass(kw_only=True)
class KillPlan(FaultPlan):
    """Kills the process at the planned call."""

    after: bool = False
    names: list[str] = field(default_factory=list[str])

    async def around(self, name: str, call: Callable[[], Awaitable[T]], error: Callable[[str], Exception]) -> T:
        number = len(self.names)
        self.names.append(name)
        if number == self.at and not self.after:
            os.kill(os.getpid(), signal.SIGKILL)
        try:
            return await call()
        finally:
            if number == self.at:
                os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class AheadClock:
    """This machine's clock, so many seconds ahead."""

    ahead: int

    def now(self) -> int:
        return SystemClock().now() + self.ahead


class Counted:
    """An object some of whose coroutine methods pass through a plan."""

    def __init__(self, inner: Any, plan: FaultPlan, name: str) -> None:
        self._inner = inner
        self._plan = plan
        self._name = name

    def __getattr__(self, method: str) -> Any:
        found = getattr(self._inner, method)

        async def counted(*args: Any, **kwargs: Any) -> Any:
            return await self._plan.around(f"{self._name}.{method}", lambda: found(*args, **kwargs), RuntimeError)

        return counted


def policy_of(task: Task) -> Policy:
    """Return limits in dollars, and of the coin and the shares, which nothing says the price of."""
    others = [coin(NETWORK)]
    if task.shares:
        others.append(Asset(id=AssetId.parse(task.shares), symbol="LP", decimals=18))
    limits = [Amount(10**24, each) for each in others]
    return Policy(
        approve_above=usd("0.20"),
        max_per_payment=(usd("1"), *limits),
        per_day=(usd("20"), *limits),
        max_per_trade=(usd("10"), *limits),
        trade_per_day=(usd("10"), *limits),
        gas_per_transaction=Amount.parse("1", coin(NETWORK)),
        gas_per_day=Amount.parse("10", coin(NETWORK)),
    )


async def work(task: Task) -> dict[str, object]:
    """Begin the run, or go on with it, until it is over; return what became of it."""
    plan = KillPlan(at=task.at, after=task.after)
    asset = Asset(id=erc20(NETWORK, task.token), symbol="dUSD", decimals=6)
    token = Token(asset=asset, name="Devnet USD", versions=("1",), usd=True, test=True)
    settings = Settings(
        private_key=Secret(task.private_key),
        rpc={NETWORK.text: task.rpc},
        storage=task.storage,
        tokens=(token,),
        plugins=(PluginChoice(name="vvs", options=task.venue),) if task.venue else (),
    )
    clock = AheadClock(task.ahead)
    async with open_journal(task.storage) as stored, open_checkpoints(task.storage) as saver:
        for method in ("aput", "aput_writes"):
            setattr(saver, method, getattr(Counted(saver, plan, "checkpoints"), method))
        journal = FaultyJournal(stored, plan)
        sessions: Any = Counted(SqlSessions(stored), plan, "sessions")
        async with Orchestrator.open(
            settings=settings,
            policy=policy_of(task),
            journal=journal,
            sessions=sessions,
            checkpoints=saver,
            transport=FaultyTransport(httpx.AsyncHTTPTransport(verify=False), plan),
            clock=clock,
            proof_seconds=10,
        ) as agent:
            result = await until_over(agent, task.command)
            return {
                "state": result.run.state.value,
                "text": result.text,
                "error": None if result.error is None else type(result.error).__name__,
                "calls": plan.names,
            }


async def until_over(agent: Orchestrator, command: str) -> RunResult:
    """Take up what an earlier process left, or begin; agree to whatever people are asked."""
    result = await taken_up(agent)
    if result is None:
        session = await agent.create_session(TITLE)
        result = await agent.run(command, session=session.id)
    for _ in range(5):
        if not result.waiting:
            break
        desk = ApprovalDesk(store=agent.journal, clock=agent.clock)
        waiting = {request.id async for request in desk.all_pending()}
        for approval in result.approvals:
            if approval in waiting:
                await desk.approve(ApprovalId(approval), approver="ann")
        result = await agent.resume(result.run.id)
    return result


async def taken_up(agent: Orchestrator) -> RunResult | None:
    for session in (await agent.sessions()).sessions:
        for run in await agent.runs(session.id):
            if run.active:
                return await agent.resume(run.id)
            if run.state is RunState.FAILED:
                return await agent.retry(run.id)
            return RunResult(run=run, text=str(run.result["text"]), steps=())
    return None


def _child(line: str, told: int) -> None:
    """Work on a task, and write what became of it into its diary, and into `told` what was imported for it."""
    task, known = Task(**json.loads(line)), set(sys.modules)
    try:
        said = asyncio.run(work(task))
    except BaseException:  # noqa: BLE001  the boundary of the process: the diary is where its end is told
        said = {"broken": traceback.format_exc()}
    with open(task.diary, "w", encoding="utf-8") as diary:
        json.dump(said, diary)
    with open(told, "w", encoding="utf-8") as names:
        names.write("\n".join(name for name in sys.modules if name not in known))


def main() -> None:
    import aiosqlite  # noqa: F401  imported once, before anything is forked
    import langgraph.checkpoint.sqlite.aio
    import langgraph.graph  # noqa: F401

    import paygent.orchestrator.assembly  # noqa: F401

    statements()
    gc.collect()
    gc.freeze()
    print("ready", flush=True)
    for line in sys.stdin:
        listens, told = os.pipe()
        child = os.fork()
        if child == 0:
            _child(line, told)
            os._exit(0)
        os.close(told)
        with open(listens, encoding="utf-8") as names:
            for name in names.read().split():  # the next one does not spend its time on that
                importlib.import_module(name)
        _, status = os.waitpid(child, 0)
        print(f"ended {os.waitstatus_to_exitcode(status)}", flush=True)


if __name__ == "__main__":
    main()
