"""A payer with a database on disk and everything else in memory, in this process, for faults that need no kill."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import anyio
import httpx

from paygent.adapters.httpx import KEY, AsyncPaymentTransport
from paygent.adapters.local_signer import LocalSigner
from paygent.adapters.sql import open_journal
from paygent.core.errors import PaygentError
from paygent.core.lifecycle import State
from paygent.engine import pay
from paygent.engine.reconcile import Reconciler
from paygent.engine.reserve import LEASE_SECONDS
from paygent.ports.chain import Chain
from paygent.runtime.assemble import assemble
from paygent.runtime.settings import Secret, Settings
from paygent.testing.chain import MemoryChain
from paygent.testing.clock import VirtualClock
from paygent.testing.engine import FUNDS, NETWORK, TOKEN
from paygent.testing.faults import FaultPlan, FaultyChain, FaultyJournal, FaultySigner, FaultyTransport
from paygent.testing.keys import dev_accounts
from paygent.testing.seller import MemorySeller
from tests.crash.town import Books, books, check_audit

URL = "http://seller.test/thing"
PAST_LEASE = LEASE_SECONDS + 10
T = TypeVar("T")


@dataclass(kw_only=True)
class Around(FaultPlan):
    """Surrounds the planned call, or from it on every call, with something that is wrong while it lasts."""

    wrong: Callable[[], AbstractContextManager[None]] = nullcontext
    only: str = ""
    """What the names of the calls that count begin with."""
    on: bool = False
    """Every call from the planned one on."""

    async def around(self, name: str, call: Callable[[], Awaitable[T]], error: Callable[[str], Exception]) -> T:
        if not name.startswith(self.only):
            return await call()
        number = len(self.calls)
        self.calls.append(name)
        if self.at is None or number < self.at or (number > self.at and not self.on):
            return await call()
        with self.wrong():
            return await call()


class Shop:
    """One payer, one seller, one chain. Each `buy` and each `reconcile` is a process of its own."""

    def __init__(self, file: Path, *, confirmations: int = 0) -> None:
        self.file = file
        self.clock = VirtualClock()
        self.chain = MemoryChain(chain=NETWORK, tokens=[TOKEN], clock=self.clock, confirmations=confirmations)
        self.account = dev_accounts()[0]
        self.chain.mint(TOKEN, self.account.address, FUNDS)
        self.seller = MemorySeller(chain=self.chain, token=TOKEN, payee=dev_accounts()[1].address)
        self.signed: list[str] = []
        """The nonce of every authorization that a signature was asked for."""

    def buy(
        self, *, plan: FaultPlan | None = None, chain: Chain | None = None, ahead: int = 0, busy_seconds: int = 0
    ) -> str:
        """Buy the thing under its key, in a process whose clock is `ahead`; return what the caller heard."""
        return anyio.run(self._buy, plan or FaultPlan(), chain or self.chain, ahead, busy_seconds)

    def reconcile(
        self, *, chain: Chain | None = None, ahead: int = 0, plan: FaultPlan | None = None
    ) -> list[PaygentError]:
        """Reconcile once; return the errors."""
        return anyio.run(self._reconcile, chain or self.chain, ahead, plan or FaultPlan())

    async def _buy(self, plan: FaultPlan, chain: Chain, ahead: int, busy_seconds: int) -> str:
        try:
            return await self.pay(plan, chain, ahead, busy_seconds)
        except PaygentError as error:
            return type(error).__name__

    async def pay(self, plan: FaultPlan, chain: Chain, ahead: int = 0, busy_seconds: int = 0) -> str:
        """Do as `buy`, inside a loop, and raise.

        Raises: PaygentError: as the transport.
        """
        signer = FaultySigner(LocalSigner(self.account.private_key), plan)
        inner = FaultyTransport(httpx.MockTransport(self.seller), plan)
        async with open_journal(str(self.file), busy_seconds=busy_seconds) as journal:
            try:
                async with assemble(
                    settings=Settings(private_key=Secret(self.account.private_key), storage=str(self.file)),
                    signer=signer,
                    journal=FaultyJournal(journal, plan),
                    chains={NETWORK: FaultyChain(chain, plan)},
                    clock=VirtualClock(self.clock.now() + ahead),
                ) as engine:
                    transport = AsyncPaymentTransport(engine, inner=inner)
                    async with httpx.AsyncClient(transport=transport) as client:
                        response = await client.get(URL, extensions={KEY: "one"})
                return f"answered {response.status_code}"
            finally:
                self.signed += [str(data.message["nonce"]) for data in signer.signed]

    async def _reconcile(self, chain: Chain, ahead: int, plan: FaultPlan) -> list[PaygentError]:
        clock = VirtualClock(self.clock.now() + ahead)
        async with open_journal(str(self.file), busy_seconds=0) as journal:
            stored, read = FaultyJournal(journal, plan), FaultyChain(chain, plan)
            reconciler = Reconciler(journal=stored, chains={NETWORK: read}, clock=clock)
            try:
                return list((await reconciler.run())[1])
            except PaygentError as error:
                return [error]

    def pass_time(self, seconds: int = 2_000) -> None:
        self.clock.advance(seconds)
        self.chain.mine()
        for _ in range(self.chain.confirmations):
            self.chain.mine()

    def books(self) -> Books:
        return books(str(self.file))

    def states(self) -> Counter[State]:
        return Counter(payment.state for payment in self.books().payments)

    @property
    def transfers(self) -> int:
        """How often money of the payer moved on the chain."""
        return (FUNDS - self.chain.balance(TOKEN, self.account.address)) // self.seller.price

    def end(self) -> Books:
        """Go on for whoever failed, let time pass, reconcile, and check the books; the thing is bought once."""
        self.seller.replies.clear()
        self.clock.advance(PAST_LEASE)
        heard = self.buy()
        assert heard in {"answered 200", "answered 402", "PaidUndelivered"}, heard
        self.pass_time()
        assert [] == self.reconcile()
        found = self.books()
        self.check(found)
        return found

    def check(self, found: Books) -> None:
        """One transfer, one settled payment, sums that agree, nothing signed twice, every move in the audit log."""
        assert 1 == self.transfers
        assert 1 == sum(payment.state is State.SETTLED for payment in found.payments)
        assert all(payment.over for payment in found.payments)
        assert (0, self.seller.price) == (found.reserved, found.committed)
        assert len(set(self.signed)) == len(self.signed)
        check_audit(found)


@contextmanager
def hurried() -> Iterator[None]:
    """Ask again at once where the engine would wait."""
    usual, pay.RESEND_DELAY_SECONDS = pay.RESEND_DELAY_SECONDS, 0
    try:
        yield
    finally:
        pay.RESEND_DELAY_SECONDS = usual
