"""Payments, approvals, halts and the audit log in a SQL database."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import anyio
import anyio.to_thread

from paygent.adapters.sql import desk, revision
from paygent.adapters.sql.database import Connection, Database, database
from paygent.adapters.sql.entry import Entry, claims
from paygent.adapters.sql.worker import Work, Worker
from paygent.core.approval import ApprovalDecision, ApprovalRequest
from paygent.core.audit import AuditEntry, Head
from paygent.core.budget import Hold, WindowKey
from paygent.core.caip import ChainId
from paygent.core.halt import Halt
from paygent.core.history import EVERY_PAYMENT, PaymentFilter, Total
from paygent.core.ids import ApprovalId, PaymentId
from paygent.core.lifecycle import State
from paygent.core.payment import Payment
from paygent.core.service import Listing, PricePoint, ServiceQuery
from paygent.core.service_page import ServicePage
from paygent.core.transaction import HeldNonce
from paygent.ports.approval_store import ApprovalPage
from paygent.ports.history import Guard, Records
from paygent.ports.storage import PaymentPage

T = TypeVar("T")
_SECRET = "secret"  # noqa: S105  # the fact's name


def open_journal(url_or_path: str, *, busy_seconds: int = 10) -> "SqlJournal":
    """Open the storage in a SQLite or PostgreSQL database, making its tables where there are none.

    `url_or_path` is ``sqlite:///pay.db``, a file's path, ``sqlite://`` or ``:memory:`` for a database that dies with
    the journal, or ``postgresql://user:password@host/database``. `busy_seconds` is how long a call waits for other
    processes before it raises. A new file is readable by its owner alone. Blocks for some milliseconds, a third of a
    second where the database is new.

    Raises:
        ConfigurationError: the URL or file cannot be used, or is not at this version's revision.
        AdapterError: the database is locked or damaged.
    """
    found = database(url_or_path, busy_seconds=busy_seconds)
    connection = found.connect()
    try:
        revision.ensure(found, connection)
    except found.error as exc:
        connection.close()
        raise found.refusal(exc) from exc
    except BaseException:
        connection.close()
        raise
    return SqlJournal(found, connection)


class SqlJournal:
    """A `Storage` in a SQL database; make one with `open_journal`.

    Writes share commits (see `worker`). Reads have a connection of their own, so they do not wait for writes, and see
    everything that was written when they are asked. A call that is cancelled before the writer took it writes nothing;
    after that, what it wrote stands. May be used from several event loops and threads at once, and not across a fork.
    """

    def __init__(self, database: Database, connection: Connection) -> None:
        self._database = database
        self._secret: bytes | None = None
        self._writer = Worker(database, connection, name="paygent-journal-write", writes=True)
        self._reader = self._writer if database.alone else self._reading()

    def _reading(self) -> Worker:
        try:
            connection = self._database.connect()
        except BaseException:
            self._writer.close()
            raise
        return Worker(self._database, connection, name="paygent-journal-read", writes=False)

    @property
    def file(self) -> Path | None:
        """The database file; None in memory and on a server."""
        return self._database.file

    async def write(self, work: Work[T]) -> T:
        """Run `work` in a transaction that writes, for what is kept beside the journal; durable when it returns."""
        return await self._writer.run(work)

    async def read(self, work: Work[T]) -> T:
        """Run `work` in a transaction that only reads."""
        return await self._reader.run(work)

    async def secret(self) -> bytes:
        if self._secret is None:
            fresh = secrets.token_bytes(32).hex()
            self._secret = bytes.fromhex(await self._writer.run(lambda ledger: ledger.fact(_SECRET, fresh)))
        return self._secret

    async def open(
        self, payment: Payment, holds: Sequence[Hold], *, now: int, new_purchase: bool, guard: Guard | None = None
    ) -> None:
        entry, claimed = Entry.opened(payment), claims(payment, holds)
        refusal = await self._writer.run(lambda ledger: ledger.open(entry, claimed, now, new_purchase, guard))
        if refusal is not None:
            raise refusal

    async def append(self, before: Payment, after: Payment) -> None:
        entry = Entry.moved(before, after)
        await self._writer.run(lambda ledger: ledger.append(before, entry))

    async def reserve(
        self,
        before: Payment,
        after: Payment,
        holds: Sequence[Hold],
        *,
        approval: ApprovalId | None,
        now: int,
        new_purchase: bool = False,
        guard: Guard | None = None,
    ) -> None:
        entry, claimed = Entry.moved(before, after), claims(after, holds)
        refusal = await self._writer.run(
            lambda ledger: ledger.reserve(
                before, entry, claimed, approval=approval, now=now, new_purchase=new_purchase, guard=guard
            )
        )
        if refusal is not None:
            raise refusal

    async def ask(self, payment: Payment, request: ApprovalRequest) -> ApprovalRequest:
        return await self._writer.run(lambda ledger: desk.ask(ledger, payment, request))

    async def approval(self, approval_id: ApprovalId) -> ApprovalRequest | None:
        return await self._reader.run(lambda ledger: ledger.approvals.get(approval_id))

    async def approval_of(self, payment_id: PaymentId) -> ApprovalRequest | None:
        return await self._reader.run(lambda ledger: ledger.approvals.of(payment_id))

    async def pending(self, *, now: int, after: str | None = None, limit: int = 50) -> ApprovalPage:
        return await self._reader.run(lambda ledger: ledger.approvals.pending(now, after, limit))

    async def decide(self, approval_id: ApprovalId, decision: ApprovalDecision) -> ApprovalRequest:
        return await self._writer.run(lambda ledger: desk.decide(ledger, approval_id, decision))

    async def halt(self, halt: Halt) -> Sequence[PaymentId]:
        return await self._writer.run(lambda ledger: desk.halt(ledger, halt))

    async def lift(self, scope: str, *, by: str, reason: str, at: int) -> Halt | None:
        return await self._writer.run(lambda ledger: desk.lift(ledger, scope, by=by, reason=reason, at=at))

    async def halts(self) -> Sequence[Halt]:
        return await self._reader.run(lambda ledger: ledger.stored_halts())

    async def note(self, *, at: int, kind: str, facts: Mapping[str, str]) -> AuditEntry:
        return await self._writer.run(lambda ledger: desk.note(ledger, at, kind, facts))

    async def entries(self, *, after: int = 0, limit: int = 1000) -> Sequence[AuditEntry]:
        return await self._reader.run(lambda ledger: ledger.trail.entries(after, limit))

    async def head(self) -> Head:
        return await self._reader.run(lambda ledger: ledger.trail.stored_head())

    async def history(
        self, wanted: PaymentFilter = EVERY_PAYMENT, *, after: str | None = None, limit: int = 50
    ) -> PaymentPage:
        return await self._reader.run(lambda ledger: ledger.history(wanted, after, limit))

    async def sums(self, windows: Sequence[WindowKey]) -> Mapping[WindowKey, int]:
        return await self._reader.run(lambda ledger: ledger.sums(windows))

    async def look(self, question: Callable[[Records], T]) -> T:
        return await self._reader.run(question)

    async def statistics(self, wanted: PaymentFilter = EVERY_PAYMENT) -> Sequence[Total]:
        return await self._reader.run(lambda ledger: ledger.statistics(wanted))

    async def claim_nonce(self, payment: Payment, *, step: int, at_least: int) -> int:
        return await self._writer.run(lambda ledger: ledger.claim_nonce(payment, step, at_least))

    async def nonces(self, network: ChainId, account: str, *, at_least: int = 0) -> Sequence[HeldNonce]:
        return await self._reader.run(lambda ledger: ledger.nonces.held(network.text, account, at_least))

    async def get(self, payment_id: PaymentId) -> Payment | None:
        return await self._reader.run(lambda ledger: ledger.get(payment_id))

    async def by_key(self, payer: str, key: str) -> Payment | None:
        return await self._reader.run(lambda ledger: ledger.by_key(payer, key))

    async def by_request(self, payer: str, request: str) -> Payment | None:
        return await self._reader.run(lambda ledger: ledger.by_request(payer, request))

    async def page(self, *, states: Sequence[State] = (), after: str | None = None, limit: int = 50) -> PaymentPage:
        return await self._reader.run(lambda ledger: ledger.page(states, after, limit))

    async def unresolved(self, *, limit: int = 100, after: str | None = None) -> PaymentPage:
        return await self._reader.run(lambda ledger: ledger.unresolved(after, limit))

    async def add_services(self, listings: Sequence[Listing]) -> None:
        await self._writer.run(lambda ledger: ledger.services.add(listings))

    async def replace_service(self, before: Listing, after: Listing) -> None:
        await self._writer.run(lambda ledger: ledger.services.replace(before, after))

    async def remove_service(self, service_id: str) -> bool:
        return await self._writer.run(lambda ledger: ledger.services.remove(service_id))

    async def service(self, service_id: str) -> Listing | None:
        return await self._reader.run(lambda ledger: ledger.services.get(service_id))

    async def services(self, query: ServiceQuery, *, after: str | None = None, limit: int = 20) -> ServicePage:
        return await self._reader.run(lambda ledger: ledger.services.page(query, after, limit))

    async def prices(self, service_id: str, *, limit: int = 100) -> Sequence[PricePoint]:
        return await self._reader.run(lambda ledger: ledger.services.prices(service_id, limit))

    async def aclose(self) -> None:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self.close)

    def close(self) -> None:
        """Do as `aclose`, where no event loop runs. Blocks."""
        self._reader.close()
        self._writer.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
