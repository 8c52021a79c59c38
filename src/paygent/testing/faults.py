"""Faults at the n-th await: every call of a port passes here, is counted, and one of them goes wrong as planned."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import TypeVar

import anyio
import anyio.lowlevel
import httpx

from paygent.core.approval import ApprovalDecision, ApprovalRequest
from paygent.core.audit import AuditEntry, Head
from paygent.core.budget import Hold, WindowKey
from paygent.core.caip import ChainId
from paygent.core.errors import AdapterError, SigningFailed
from paygent.core.halt import Halt
from paygent.core.history import EVERY_PAYMENT, PaymentFilter, Total
from paygent.core.ids import ApprovalId, PaymentId
from paygent.core.lifecycle import State
from paygent.core.payment import Payment
from paygent.core.transaction import HeldNonce
from paygent.core.typed_data import TypedData
from paygent.ports.approval_store import ApprovalPage
from paygent.ports.chain import Block, BlockTag, Chain, Log, NextBlock, Transaction
from paygent.ports.history import Guard, Records
from paygent.ports.signer import Signer
from paygent.ports.storage import PaymentPage, Storage

T = TypeVar("T")
_YIELDS = 5


@unique
class FaultKind(StrEnum):
    """What goes wrong; `after` means that the call had its effect first."""

    RAISE_BEFORE = "raise before"
    RAISE_AFTER = "raise after"
    CANCEL_BEFORE = "cancel before"
    CANCEL_AFTER = "cancel after"
    HANG_BEFORE = "hang before"
    HANG_AFTER = "hang after"
    """It never returns, and whoever waits gives up."""
    DELAY = "delay"
    DUPLICATE = "duplicate"
    """The call happens twice; the second result is given back."""
    CRASH_BEFORE = "crash before"
    CRASH_AFTER = "crash after"
    """The process is dead: this call and every later one of the plan raises `Crash`."""


class Crash(Exception):
    """The process died. Nothing that it does from now on has any effect."""


@dataclass(kw_only=True)
class FaultPlan:
    """Counts awaits, and lets the one numbered `at` (from 0) go wrong. `at` None only counts."""

    kind: FaultKind = FaultKind.RAISE_BEFORE
    at: int | None = None
    error: Callable[[str], Exception] | None = None
    """What is raised instead of the port's own error."""
    scope: anyio.CancelScope | None = None
    """What the cancelling and the hanging faults cancel: the caller's patience."""
    calls: list[str] = field(default_factory=list[str])
    """The names of the calls so far, for example `journal.open`."""
    dead: bool = False

    @property
    def fired(self) -> bool:
        """The fault happened."""
        return self.at is not None and len(self.calls) > self.at

    async def around(self, name: str, call: Callable[[], Awaitable[T]], error: Callable[[str], Exception]) -> T:
        """Make a call, or let it go wrong."""
        if self.dead:
            raise Crash(name)
        number = len(self.calls)
        self.calls.append(name)
        if number != self.at:
            return await call()
        return await self._wrong(name, call, self.error or error)

    async def _wrong(self, name: str, call: Callable[[], Awaitable[T]], error: Callable[[str], Exception]) -> T:
        said = f"planned fault: {self.kind} at {name}"
        match self.kind:
            case FaultKind.RAISE_BEFORE:
                raise error(said)
            case FaultKind.CRASH_BEFORE:
                self.dead = True
                raise Crash(name)
            case FaultKind.CANCEL_BEFORE:
                await self._cancel()
                return await call()
            case FaultKind.HANG_BEFORE:
                await self._hang()
            case FaultKind.DELAY:
                await _give_way()
                return await call()
            case FaultKind.DUPLICATE:
                await call()
                return await call()
            case _:
                pass
        result = await call()
        match self.kind:
            case FaultKind.CRASH_AFTER:
                self.dead = True
                raise Crash(name)
            case FaultKind.CANCEL_AFTER:
                await self._cancel()
            case FaultKind.HANG_AFTER:
                await self._hang()
            case _:
                raise error(said)
        return result

    async def _cancel(self) -> None:
        """Cancel, and be cancelled here and now unless a shield is in the way."""
        if self.scope is not None:
            self.scope.cancel()
        await anyio.lowlevel.checkpoint()

    async def _hang(self) -> None:
        if self.scope is not None:
            self.scope.cancel()
        await anyio.sleep_forever()


async def _give_way() -> None:
    for _ in range(_YIELDS):
        await anyio.lowlevel.checkpoint()


def _adapter_error(said: str) -> Exception:
    return AdapterError(said, retryable=True)


class FaultyJournal:
    """A `Storage` whose calls pass a plan."""

    def __init__(self, inner: Storage, plan: FaultPlan) -> None:
        self._inner = inner
        self._plan = plan

    async def secret(self) -> bytes:
        return await self._pass("secret", self._inner.secret)

    async def open(
        self, payment: Payment, holds: Sequence[Hold], *, now: int, new_purchase: bool, guard: Guard | None = None
    ) -> None:
        await self._pass(
            "open", lambda: self._inner.open(payment, holds, now=now, new_purchase=new_purchase, guard=guard)
        )

    async def claim_nonce(self, payment: Payment, *, step: int, at_least: int) -> int:
        return await self._pass("claim_nonce", lambda: self._inner.claim_nonce(payment, step=step, at_least=at_least))

    async def nonces(self, network: ChainId, account: str, *, at_least: int = 0) -> Sequence[HeldNonce]:
        return await self._pass("nonces", lambda: self._inner.nonces(network, account, at_least=at_least))

    async def append(self, before: Payment, after: Payment) -> None:
        await self._pass("append", lambda: self._inner.append(before, after))

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
        await self._pass(
            "reserve",
            lambda: self._inner.reserve(
                before, after, holds, approval=approval, now=now, new_purchase=new_purchase, guard=guard
            ),
        )

    async def get(self, payment_id: PaymentId) -> Payment | None:
        return await self._pass("get", lambda: self._inner.get(payment_id))

    async def by_key(self, payer: str, key: str) -> Payment | None:
        return await self._pass("by_key", lambda: self._inner.by_key(payer, key))

    async def by_request(self, payer: str, request: str) -> Payment | None:
        return await self._pass("by_request", lambda: self._inner.by_request(payer, request))

    async def page(self, *, states: Sequence[State] = (), after: str | None = None, limit: int = 50) -> PaymentPage:
        return await self._pass("page", lambda: self._inner.page(states=states, after=after, limit=limit))

    async def unresolved(self, *, limit: int = 100, after: str | None = None) -> PaymentPage:
        return await self._pass("unresolved", lambda: self._inner.unresolved(limit=limit, after=after))

    async def ask(self, payment: Payment, request: ApprovalRequest) -> ApprovalRequest:
        return await self._pass("ask", lambda: self._inner.ask(payment, request))

    async def approval(self, approval_id: ApprovalId) -> ApprovalRequest | None:
        return await self._pass("approval", lambda: self._inner.approval(approval_id))

    async def approval_of(self, payment_id: PaymentId) -> ApprovalRequest | None:
        return await self._pass("approval_of", lambda: self._inner.approval_of(payment_id))

    async def pending(self, *, now: int, after: str | None = None, limit: int = 50) -> ApprovalPage:
        return await self._pass("pending", lambda: self._inner.pending(now=now, after=after, limit=limit))

    async def decide(self, approval_id: ApprovalId, decision: ApprovalDecision) -> ApprovalRequest:
        return await self._pass("decide", lambda: self._inner.decide(approval_id, decision))

    async def halt(self, halt: Halt) -> Sequence[PaymentId]:
        return await self._pass("halt", lambda: self._inner.halt(halt))

    async def lift(self, scope: str, *, by: str, reason: str, at: int) -> Halt | None:
        return await self._pass("lift", lambda: self._inner.lift(scope, by=by, reason=reason, at=at))

    async def halts(self) -> Sequence[Halt]:
        return await self._pass("halts", self._inner.halts)

    async def note(self, *, at: int, kind: str, facts: Mapping[str, str]) -> AuditEntry:
        return await self._pass("note", lambda: self._inner.note(at=at, kind=kind, facts=facts))

    async def entries(self, *, after: int = 0, limit: int = 1000) -> Sequence[AuditEntry]:
        return await self._pass("entries", lambda: self._inner.entries(after=after, limit=limit))

    async def head(self) -> Head:
        return await self._pass("head", self._inner.head)

    async def history(
        self, wanted: PaymentFilter = EVERY_PAYMENT, *, after: str | None = None, limit: int = 50
    ) -> PaymentPage:
        return await self._pass("history", lambda: self._inner.history(wanted, after=after, limit=limit))

    async def sums(self, windows: Sequence[WindowKey]) -> Mapping[WindowKey, int]:
        return await self._pass("sums", lambda: self._inner.sums(windows))

    async def look(self, question: Callable[[Records], T]) -> T:
        return await self._pass("look", lambda: self._inner.look(question))

    async def statistics(self, wanted: PaymentFilter = EVERY_PAYMENT) -> Sequence[Total]:
        return await self._pass("statistics", lambda: self._inner.statistics(wanted))

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def _pass(self, name: str, call: Callable[[], Awaitable[T]]) -> T:
        return await self._plan.around(f"journal.{name}", call, _adapter_error)


class FaultyChain:
    """A `Chain` whose calls pass a plan."""

    def __init__(self, inner: Chain, plan: FaultPlan) -> None:
        self._inner = inner
        self._plan = plan

    @property
    def max_log_range(self) -> int:
        return self._inner.max_log_range

    async def chain_number(self) -> int:
        return await self._pass("chain_number", self._inner.chain_number)

    async def next_block(self) -> NextBlock:
        return await self._pass("next_block", self._inner.next_block)

    async def block(self, tag: BlockTag) -> Block:
        return await self._pass("block", lambda: self._inner.block(tag))

    async def call(self, to: str, data: str, *, at: str | BlockTag = "latest") -> str:
        return await self._pass("call", lambda: self._inner.call(to, data, at=at))

    async def code(self, address: str) -> str:
        return await self._pass("code", lambda: self._inner.code(address))

    async def logs(
        self, *, address: str, topics: Sequence[str | None], from_block: int, to_block: int
    ) -> Sequence[Log]:
        return await self._pass(
            "logs",
            lambda: self._inner.logs(address=address, topics=topics, from_block=from_block, to_block=to_block),
        )

    async def transaction(self, transaction_hash: str) -> Transaction | None:
        return await self._pass("transaction", lambda: self._inner.transaction(transaction_hash))

    async def _pass(self, name: str, call: Callable[[], Awaitable[T]]) -> T:
        return await self._plan.around(f"chain.{name}", call, _adapter_error)


class FaultySigner:
    """A `Signer` whose calls pass a plan, and which remembers what it signed."""

    def __init__(self, inner: Signer, plan: FaultPlan) -> None:
        self._inner = inner
        self._plan = plan
        self.signed: list[TypedData] = []
        """Everything a signature was made of."""

    @property
    def address(self) -> str:
        return self._inner.address

    async def sign_typed_data(self, data: TypedData) -> bytes:
        return await self._plan.around("signer.sign", lambda: self._sign(data), SigningFailed)

    async def _sign(self, data: TypedData) -> bytes:
        self.signed.append(data)
        return await self._inner.sign_typed_data(data)


class FaultyTransport(httpx.AsyncBaseTransport):
    """An httpx transport whose sends, and the reads and the end of whose answers, pass a plan."""

    def __init__(self, inner: httpx.AsyncBaseTransport, plan: FaultPlan) -> None:
        self._inner = inner
        self._plan = plan

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._plan.around(
            "http.send", lambda: self._inner.handle_async_request(request), httpx.ReadError
        )
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101  the inner transport is asynchronous
        stream = _FaultyStream(response.stream, self._plan)
        return httpx.Response(
            response.status_code, headers=response.headers, stream=stream, extensions=response.extensions
        )

    async def aclose(self) -> None:
        await self._inner.aclose()


async def _chunks(stream: httpx.AsyncByteStream) -> AsyncGenerator[bytes, None]:
    source = stream.__aiter__()
    try:
        async for chunk in source:
            yield chunk
    finally:
        if isinstance(source, AsyncGenerator):
            await source.aclose()


class _FaultyStream(httpx.AsyncByteStream):
    def __init__(self, inner: httpx.AsyncByteStream, plan: FaultPlan) -> None:
        self._inner = inner
        self._plan = plan

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async with aclosing(_chunks(self._inner)) as chunks:
            while True:
                chunk = await self._plan.around("http.read", lambda: anext(chunks, None), httpx.ReadError)
                if chunk is None:
                    return
                yield chunk

    async def aclose(self) -> None:
        await self._plan.around("http.close", self._inner.aclose, httpx.ReadError)
