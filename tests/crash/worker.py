"""A server of workers: forks a fresh process for each job it reads, and says how that process ended.

It imports everything once and never starts a thread or a loop, so what it forks is as clean as a new interpreter and
ready in milliseconds. Each worker opens the storage itself and shares nothing with the others but the disk.
"""

import gc
import importlib
import os
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

import anyio
import httpx

from paygent.adapters.httpx import KEY, PAYMENT, AsyncPaymentTransport
from paygent.adapters.local_signer import LocalSigner
from paygent.adapters.rpc import RpcChain
from paygent.adapters.sql import SqlJournal, open_journal, postgresql, sqlite
from paygent.adapters.system import SystemClock
from paygent.core.caip import ChainId, erc20
from paygent.core.errors import PaygentError
from paygent.core.money import Asset, usd
from paygent.core.requirements import Token
from paygent.core.typed_data import TypedData
from paygent.engine import pay
from paygent.engine.approvals import ApprovalDesk
from paygent.engine.halt import KillSwitch
from paygent.engine.pay import Engine
from paygent.engine.tokens import TokenBook
from paygent.evm import eip712
from paygent.policy.policy import Policy
from paygent.runtime.assemble import assemble
from paygent.runtime.settings import Secret, Settings
from paygent.testing.faults import FaultPlan, FaultyChain, FaultyJournal, FaultySigner, FaultyTransport
from paygent.testing.keys import dev_accounts
from tests.crash.job import Job, Pen

NETWORK = ChainId.evm(31337)
PROOF_SECONDS = 5
T = TypeVar("T")


@dataclass(kw_only=True)
class KillPlan(FaultPlan):
    """Counts the calls of every port, writes each down, and ends or stops the process at the planned one."""

    job: Job
    pen: Pen = field(repr=False)
    busy: int = 0
    """How many calls have begun and not ended."""

    async def around(self, name: str, call: Callable[[], Awaitable[T]], error: Callable[[str], Exception]) -> T:
        number = len(self.calls)
        self.calls.append(name)
        self.pen.write(call=name)
        planned = self.job.when if number == self.job.at else None
        if planned == "pause":
            await self._stand_still()
        if planned == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        self.busy += 1
        try:
            result = await call()
        finally:
            self.busy -= 1
        if planned == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    async def _stand_still(self) -> None:
        """Stop between calls: a process that is stopped inside a transaction stops all others too."""
        while self.busy:  # noqa: ASYNC110  two events would have to be kept for one test
            await anyio.sleep(0.001)
        os.kill(os.getpid(), signal.SIGSTOP)


@dataclass(frozen=True, slots=True)
class SteppedClock:
    """This machine's clock, so many seconds ahead."""

    ahead: int

    def now(self) -> int:
        return SystemClock().now() + self.ahead


class DigestSigner:
    """Signs, and writes down beforehand what: never the signature."""

    def __init__(self, inner: LocalSigner, pen: Pen) -> None:
        self._inner = inner
        self._pen = pen

    @property
    def address(self) -> str:
        return self._inner.address

    async def sign_typed_data(self, data: TypedData) -> bytes:
        self._pen.write(signs=eip712.digest(data).hex(), nonce=data.message["nonce"])
        return await self._inner.sign_typed_data(data)


class Worker:
    """One job in one process."""

    def __init__(self, job: Job, pen: Pen) -> None:
        self._job = job
        self._pen = pen
        self._plan = KillPlan(job=job, pen=pen)
        self._clock = SteppedClock(job.ahead)
        self._signer = FaultySigner(DigestSigner(LocalSigner(job.private_key), pen), self._plan)
        asset = Asset(id=erc20(NETWORK, job.token), symbol="dUSD", decimals=6)
        self._token = Token(asset=asset, name="Devnet USD", versions=("1",), usd=True, test=True)

    async def run(self) -> None:
        try:
            async with open_journal(self._job.storage) as journal:
                outcome = await self._work(journal)
        except (PaygentError, httpx.HTTPError) as error:
            outcome = type(error).__name__
        self._pen.write(outcome=outcome)

    async def _work(self, stored: SqlJournal) -> str:
        job, journal = self._job, FaultyJournal(stored, self._plan)
        async with (
            httpx.AsyncClient(trust_env=False, verify=False) as http,
            RpcChain(job.rpc, chain=NETWORK, client=http) as rpc,
        ):
            settings = Settings(private_key=Secret(job.private_key), storage=job.storage, tokens=(self._token,))
            async with assemble(
                settings=settings,
                policy=Policy(approve_above=usd(job.approve_above)),
                signer=self._signer,
                journal=journal,
                chains={NETWORK: FaultyChain(rpc, self._plan)},
                clock=self._clock,
            ) as engine:
                works = {"pay": self._pay, "reconcile": _reconcile, "approve": self._approve, "halt": self._halt}
                return await works[job.work](engine)

    async def _pay(self, engine: Engine) -> str:
        inner = FaultyTransport(httpx.AsyncHTTPTransport(verify=False), self._plan)
        transport = AsyncPaymentTransport(engine, inner=inner)
        async with httpx.AsyncClient(transport=transport, timeout=30) as client:
            extensions = {} if self._job.key is None else {KEY: self._job.key}
            response = await client.get(self._job.url, extensions=extensions)
            handle = response.extensions.get(PAYMENT)
            if handle is None:
                return f"answered {response.status_code} and not paid"
            await handle.settled(timeout_seconds=PROOF_SECONDS)
            return "delivered" if response.status_code == httpx.codes.OK else "paid before"

    async def _approve(self, engine: Engine) -> str:
        desk = ApprovalDesk(store=engine.journal, clock=self._clock)
        waiting = [request async for request in desk.all_pending()]
        for request in waiting:
            await desk.approve(request.id, approver="alice", digest=request.digest)
        return f"approved {len(waiting)}"

    async def _halt(self, engine: Engine) -> str:
        switch = KillSwitch(
            storage=engine.journal, reconciler=engine.reconciler, tokens=TokenBook({}, {}), clock=self._clock
        )
        await switch.halt("everything", by="the test", reason="enough")
        return "halted"


async def _reconcile(engine: Engine) -> str:
    _, failed = await engine.reconciler.run()
    return f"reconciled, {len(failed)} failed"


def _child(line: str) -> None:
    job = Job.of(line)
    pen = Pen(job.diary)
    pay.RESEND_DELAY_SECONDS = 0.01  # how long it waits is unit-tested
    try:
        anyio.run(Worker(job, pen).run)
    except BaseException:  # noqa: BLE001  the boundary of the process: the diary is where its end is told
        pen.write(broken=traceback.format_exc())


def main() -> None:
    for module in ("anyio._backends._asyncio", "httpcore", "httpx", "sqlalchemy.dialects.sqlite"):
        importlib.import_module(module)
    sqlite.statements()
    postgresql.statements()
    LocalSigner(dev_accounts()[0].private_key)
    gc.collect()
    gc.freeze()
    print("ready", flush=True)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _child(line)
            os._exit(0)
        print("began", child, flush=True)
        while True:
            _, status = os.waitpid(child, os.WUNTRACED)
            if not os.WIFSTOPPED(status):
                break
            print("paused", child, flush=True)
        print("ended", os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
