"""A storage in memory: payments, approvals, halts and the audit log."""

import secrets
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from paygent.core import notes
from paygent.core.approval import (
    ApprovalDecision,
    ApprovalRequest,
    ApprovalState,
    check_request,
    decided_event,
    decision_note,
    same_purchase,
)
from paygent.core.audit import AuditEntry, Head
from paygent.core.budget import NOTHING, Hold, Share, WindowKey, room, same_share, share
from paygent.core.caip import ChainId
from paygent.core.errors import (
    AdapterError,
    DuplicatePurchase,
    IdempotencyConflict,
    JournalConflict,
    LocalProtocolError,
)
from paygent.core.halt import Halt, normal_scope, scopes_of_payment, stopped
from paygent.core.history import EVERY_PAYMENT, PaymentFilter, Total
from paygent.core.ids import ApprovalId, PaymentId
from paygent.core.lifecycle import OPENING, Event, State
from paygent.core.payment import Payment
from paygent.core.transaction import HeldNonce
from paygent.ports.approval_store import ApprovalPage
from paygent.ports.history import Guard, Records
from paygent.ports.storage import PaymentPage
from paygent.testing.approvals import MemoryApprovals
from paygent.testing.history import page_by_writing
from paygent.testing.nonces import MemoryNonces
from paygent.testing.records import MemoryRecords
from paygent.testing.services import MemoryServices
from paygent.testing.trail import MemoryTrail

R = TypeVar("R")
_Window = tuple[str, str, str]
_Index = defaultdict[tuple[str, str], list[PaymentId]]


class MemoryJournal(MemoryServices):
    """A `Storage` that keeps every promise but surviving the process. May be used from several threads.

    No method ever gives way to another task, so each is one transaction.
    """

    def __init__(self, secret: bytes | None = None) -> None:
        super().__init__()
        self._secret = secrets.token_bytes(32) if secret is None else secret
        self._door = threading.Lock()
        self._payments: dict[PaymentId, Payment] = {}
        self._order: list[PaymentId] = []
        self._by_key: _Index = defaultdict(list)
        self._by_request: _Index = defaultdict(list)
        self._places: dict[PaymentId, int] = {}
        """Which of all payments each was, counted from 0."""
        self._in_the_way: defaultdict[tuple[str, str], dict[PaymentId, int]] = defaultdict(dict)
        """The payments of a request that block its repetition, with their places: a handful of thousands."""
        self._sums: dict[_Window, Share] = {}
        self._holds: dict[PaymentId, list[tuple[_Window, int, bool]]] = {}
        self._nonces = MemoryNonces()
        self._waiting: dict[PaymentId, None] = {}
        """What awaits approval, oldest first."""
        self._approvals = MemoryApprovals()
        self._halts: dict[str, Halt] = {}
        self._trail = MemoryTrail()
        self._closed = False

    async def secret(self) -> bytes:
        self._check_open()
        return self._secret

    async def open(
        self, payment: Payment, holds: Sequence[Hold], *, now: int, new_purchase: bool, guard: Guard | None = None
    ) -> None:
        if payment.state not in OPENING:
            raise LocalProtocolError(
                f"payment {payment.id} is {payment.state}: a journal opens RESERVED, DENIED or SUPERSEDED ones"
            )
        with self._door:
            self._check_open()
            if payment.id in self._payments:
                raise JournalConflict(payment.id)
            if payment.state is State.RESERVED:
                self._refuse_halted(payment, now)
                self._refuse_duplicates(payment, now, new_purchase)
                if guard is not None:
                    guard(self._records())
                self._reserve(payment, holds, now)
            self._add(payment)

    async def append(self, before: Payment, after: Payment) -> None:
        before.check_append(after)
        with self._door:
            stored = self._stored(before)
            if self._halts and before.meets_halt(after) and (halted := stopped(after, self._halts)) is not None:
                raise halted
            if after.payload is None and stored.payload is not None:
                after = replace(after, payload=stored.payload)
            self._replace(stored, after)

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
        before.check_reserve(after)
        with self._door:
            stored = self._stored(before)
            if (halted := stopped(after, self._halts)) is not None:
                raise halted
            request = None if approval is None else self._approvals.known(approval).used(after.id, now=now)
            self._refuse_duplicates(after, now, new_purchase)
            if guard is not None:
                guard(self._records())
            self._reserve(after, holds, now)
            if request is not None:
                self._approvals.put(request)
            self._write(stored, after)
            if request is not None:
                self._trail.add(notes.turned, request, at=now)

    async def claim_nonce(self, payment: Payment, *, step: int, at_least: int) -> int:
        with self._door:
            self._stored(payment)
            return self._nonces.claim(payment, step, at_least)

    async def nonces(self, network: ChainId, account: str, *, at_least: int = 0) -> Sequence[HeldNonce]:
        with self._door:
            self._check_open()
            return self._nonces.held(network.text, account, at_least)

    async def ask(self, payment: Payment, request: ApprovalRequest) -> ApprovalRequest:
        check_request(payment, request)
        with self._door:
            self._check_open()
            if (halted := stopped(payment, self._halts)) is not None:
                raise halted
            if (waiting := self._asked_already(payment, request)) is not None:
                return waiting
            self._refuse_duplicates(payment, request.created_at, new_purchase=True)
            if payment.id in self._payments:
                raise JournalConflict(payment.id)
            if self._approvals.get(request.id) is not None:
                raise LocalProtocolError(f"approval {request.id} is there already, for another payment")
            self._add(payment)
            self._approvals.put(request)
            self._trail.add(notes.asked, request)
            return request

    async def approval(self, approval_id: ApprovalId) -> ApprovalRequest | None:
        with self._door:
            self._check_open()
            return self._approvals.get(approval_id)

    async def approval_of(self, payment_id: PaymentId) -> ApprovalRequest | None:
        with self._door:
            self._check_open()
            return self._approvals.of(payment_id)

    async def pending(self, *, now: int, after: str | None = None, limit: int = 50) -> ApprovalPage:
        with self._door:
            self._check_open()
            return self._approvals.pending(now, after, limit)

    async def decide(self, approval_id: ApprovalId, decision: ApprovalDecision) -> ApprovalRequest:
        with self._door:
            self._check_open()
            request = self._approvals.known(approval_id).decided(decision)
            self._approvals.put(request)
            self._trail.add(notes.decided, request, decision)
            if (event := decided_event(request)) is not None:
                self._turn(self._payments[request.payment_id], event, decision.at, decision_note(decision))
            return request

    async def halt(self, halt: Halt) -> Sequence[PaymentId]:
        with self._door:
            self._check_open()
            if halt.scope not in self._halts:
                self._halts[halt.scope] = halt
                self._trail.add(notes.halted, halt)
            waiting = [self._payments[payment_id] for payment_id in self._waiting]
            denied = [payment for payment in waiting if halt.scope in scopes_of_payment(payment)]
            for payment in denied:
                self._turn(payment, Event.REFUSED, halt.at, str(stopped(payment, self._halts)))
            return tuple(payment.id for payment in denied)

    async def lift(self, scope: str, *, by: str, reason: str, at: int) -> Halt | None:
        with self._door:
            self._check_open()
            halt = self._halts.pop(normal_scope(scope), None)
            if halt is not None:
                self._trail.add(notes.lifted, halt, by=by, reason=reason, at=at)
            return halt

    async def halts(self) -> Sequence[Halt]:
        with self._door:
            self._check_open()
            return tuple(self._halts.values())

    async def note(self, *, at: int, kind: str, facts: Mapping[str, str]) -> AuditEntry:
        with self._door:
            self._check_open()
            return self._trail.note(at, kind, facts)

    async def entries(self, *, after: int = 0, limit: int = 1000) -> Sequence[AuditEntry]:
        with self._door:
            self._check_open()
            return tuple(self._trail.entries()[after : after + limit])

    async def head(self) -> Head:
        with self._door:
            self._check_open()
            return self._trail.head()

    async def history(
        self, wanted: PaymentFilter = EVERY_PAYMENT, *, after: str | None = None, limit: int = 50
    ) -> PaymentPage:
        with self._door:
            return self._records().history(wanted, after, limit)

    async def sums(self, windows: Sequence[WindowKey]) -> Mapping[WindowKey, int]:
        return self._records().sums(windows)

    async def statistics(self, wanted: PaymentFilter = EVERY_PAYMENT) -> Sequence[Total]:
        with self._door:
            return self._records().statistics(wanted)

    async def look(self, question: Callable[[Records], R]) -> R:
        with self._door:
            return question(self._records())

    async def get(self, payment_id: PaymentId) -> Payment | None:
        with self._door:
            self._check_open()
            return self._payments.get(payment_id)

    async def by_key(self, payer: str, key: str) -> Payment | None:
        return self._newest(self._by_key, (payer, key), blocking=True) or self._newest(self._by_key, (payer, key))

    async def by_request(self, payer: str, request: str) -> Payment | None:
        return self._newest(self._by_request, (payer, request))

    async def page(self, *, states: Sequence[State] = (), after: str | None = None, limit: int = 50) -> PaymentPage:
        found = self._page(lambda payment: not states or payment.state in states, after, limit)
        return replace(found, payments=tuple(replace(payment, payload=None) for payment in found.payments))

    async def unresolved(self, *, limit: int = 100, after: str | None = None) -> PaymentPage:
        return self._page(lambda payment: payment.unresolved, after, limit)

    async def aclose(self) -> None:
        self._closed = True

    def _records(self) -> MemoryRecords:
        self._check_open()
        return MemoryRecords(self._payments, self._order, self._sums, self._trail.count)

    def _check_open(self) -> None:
        if self._closed:
            raise AdapterError("the journal in memory is closed; make a new one", retryable=False)

    def _stored(self, before: Payment) -> Payment:
        self._check_open()
        stored = self._payments.get(before.id)
        if stored is None or stored.version != before.version:
            raise JournalConflict(before.id)
        return stored

    def _refuse_halted(self, payment: Payment, now: int) -> None:
        if self._halts and (halted := stopped(payment, self._halts)) is not None:
            self._add(payment.out_of_budget(at=now, note=str(halted)))
            raise halted

    def _asked_already(self, payment: Payment, request: ApprovalRequest) -> ApprovalRequest | None:
        for payment_id in self._waiting:
            waiting = self._approvals.of(payment_id)
            lapsed = waiting is None or waiting.at(request.created_at).state is ApprovalState.LAPSED
            if not lapsed and same_purchase(payment, self._payments[payment_id]):
                return waiting
        return None

    def _turn(self, payment: Payment, event: Event, at: int, note: str) -> None:
        """Write that people, or a halt, sent a waiting payment another way."""
        self._replace(payment, payment.move(event, at=at, note=note))

    def _replace(self, stored: Payment, after: Payment) -> None:
        """Write what became of a payment, with its holds, its approval and its rows."""
        if not same_share(stored, after):
            self._move_holds(stored, after)
        self._write(stored, after)

    def _write(self, stored: Payment, after: Payment) -> None:
        self._put(after)
        self._nonces.settle(after)
        self._trail.add(notes.moved, stored, after)
        if stored.state is State.AWAITING_APPROVAL and after.state is not State.AWAITING_APPROVAL:
            self._void_approval(after)

    def _void_approval(self, payment: Payment) -> None:
        request = self._approvals.of(payment.id)
        if request is not None and (void := request.voided()) is not request:
            self._approvals.put(void)
            self._trail.add(notes.turned, void, at=payment.history[-1].at)

    def _refuse_duplicates(self, payment: Payment, now: int, new_purchase: bool) -> None:
        intent, key = payment.intent, payment.idempotency_key
        if key is not None:
            for other in self._others(self._by_key, (intent.payer, key)):
                if other.id == payment.id or not other.blocks_key:
                    continue
                if other.intent.request != intent.request:
                    raise IdempotencyConflict(other.id, key=key)
                raise DuplicatePurchase(other.id, state=other.state, resource=intent.resource)
        elif not new_purchase:
            places = self._in_the_way[intent.payer, intent.request]
            for other in map(self._payments.__getitem__, sorted(places, key=places.__getitem__, reverse=True)):
                if other.state is not State.RESERVED or other.lease_until > now:
                    raise DuplicatePurchase(other.id, state=other.state, resource=intent.resource)

    def _others(self, index: _Index, words: tuple[str, str]) -> Iterable[Payment]:
        return (self._payments[payment_id] for payment_id in reversed(index.get(words, ())))

    def _reserve(self, payment: Payment, holds: Sequence[Hold], now: int) -> None:
        """Add every hold to its window, or none; a refusal is recorded before it is raised."""
        sums: dict[_Window, Share] = {}
        held: list[tuple[_Window, int, bool]] = []
        for hold in holds:
            window = (hold.scope, hold.window, str(hold.amount.asset.id))
            had = self._sum(window, sums)
            counted = sum((self._sum((hold.scope, name, window[2]), sums) for name in hold.also), had)
            if (refusal := room(hold, counted, payment.id)) is not None:
                self._add(payment.out_of_budget(at=now, note=str(refusal)))
                raise refusal
            sums[window] = Share(had.reserved + hold.amount.atomic, had.committed)
            held.append((window, hold.amount.atomic, hold.gas))
        self._sums.update(sums)
        self._holds[payment.id] = held
        if payment.plan is not None:
            self._nonces.claim(payment, 0, payment.plan.first_nonce)

    def _sum(self, window: _Window, pending: Mapping[_Window, Share]) -> Share:
        """Return a window's sums with what the payment that is being reserved adds to them."""
        return pending.get(window) or self._sums.get(window, NOTHING)

    def _put(self, payment: Payment) -> None:
        self._payments[payment.id] = payment
        place = self._places.setdefault(payment.id, len(self._places))
        in_the_way = self._in_the_way[payment.intent.payer, payment.intent.request]
        if payment.blocks_repeat:
            in_the_way[payment.id] = place
        else:
            in_the_way.pop(payment.id, None)
        if payment.state is State.AWAITING_APPROVAL:
            self._waiting[payment.id] = None
        else:
            self._waiting.pop(payment.id, None)

    def _add(self, payment: Payment) -> None:
        if (stored := self._payments.get(payment.id)) is not None:
            self._write(stored, payment)
            return
        self._put(payment)
        self._trail.add(notes.opened, payment)
        self._order.append(payment.id)
        self._by_request[payment.intent.payer, payment.intent.request].append(payment.id)
        if payment.idempotency_key is not None:
            self._by_key[payment.intent.payer, payment.idempotency_key].append(payment.id)

    def _move_holds(self, before: Payment, after: Payment) -> None:
        for window, asked, gas in self._holds.get(after.id, ()):
            had, was, now = self._sums[window], share(asked, before, gas=gas), share(asked, after, gas=gas)
            self._sums[window] = Share(
                had.reserved - was.reserved + now.reserved, had.committed - was.committed + now.committed
            )

    def _newest(self, index: _Index, words: tuple[str, str], *, blocking: bool = False) -> Payment | None:
        with self._door:
            self._check_open()
            return next((each for each in self._others(index, words) if each.blocks_key or not blocking), None)

    def _page(self, wanted: Callable[[Payment], bool], after: str | None, limit: int) -> PaymentPage:
        with self._door:
            self._check_open()
            return page_by_writing(self._payments, self._order, wanted, after, limit)
