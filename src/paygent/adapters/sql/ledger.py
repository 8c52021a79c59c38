"""What a journal does inside one transaction, on a driver's cursor: checks, writes and reads, all synchronous."""

from collections.abc import Mapping, Sequence
from typing import Final

from paygent.adapters.sql.additions import Additions
from paygent.adapters.sql.approvals import Approvals
from paygent.adapters.sql.entry import Claim, Entry
from paygent.adapters.sql.history import History, Tally, cursor_of
from paygent.adapters.sql.nonces import Nonces
from paygent.adapters.sql.rows import (
    Row,
    Window,
    page_of,
    place_of,
    read_payment,
    seq_of,
)
from paygent.adapters.sql.services import Services, ServiceStatements
from paygent.adapters.sql.shelf import Shelf, session_statements
from paygent.adapters.sql.statement import Cursor, Statement
from paygent.adapters.sql.statements import Statements
from paygent.adapters.sql.trail import Trail
from paygent.adapters.sql.windows import Windows
from paygent.core import notes
from paygent.core.budget import room, same_share, share
from paygent.core.errors import (
    BudgetExceeded,
    DuplicatePurchase,
    Halted,
    IdempotencyConflict,
    JournalConflict,
    LocalProtocolError,
)
from paygent.core.halt import Halt, stopped
from paygent.core.history import PaymentFilter, Total
from paygent.core.ids import ApprovalId, PaymentId
from paygent.core.lifecycle import OPENING, State
from paygent.core.payment import Payment
from paygent.ports.history import Guard
from paygent.ports.storage import PaymentPage


class Ledger:
    """The journal's work on one connection. Whoever calls it owns the transaction."""

    def __init__(self, cursor: Cursor, statements: Statements) -> None:
        self._cursor = cursor
        self._sql = statements
        self._halts: Mapping[str, Halt] | None = None
        self._new_moves = Additions(cursor, statements.add_moves)
        self._new_holds = Additions(cursor, statements.add_holds)
        self._windows = Windows(cursor, statements)
        self._tally = Tally(cursor, statements.history)
        self._history = History(cursor, statements.history)
        self.nonces: Final = Nonces(cursor, statements.nonces)
        self.approvals: Final = Approvals(cursor, statements.decisions)
        self.trail: Final = Trail(cursor, statements.decisions)
        self._services: Services | None = None
        self._shelf: Shelf | None = None

    @property
    def services(self) -> Services:
        """The registered services; their statements are made when somebody first asks for one."""
        if self._services is None:
            self._services = Services(self._cursor, ServiceStatements(self._sql.dialect))
        return self._services

    @property
    def shelf(self) -> Shelf:
        """Sessions, runs, events and memories; their statements are made when somebody first asks for one."""
        if self._shelf is None:
            self._shelf = Shelf(self._cursor, session_statements(self._sql.dialect))
        return self._shelf

    def begin(self) -> None:
        """Begin a transaction that writes: from here to its end no other one does."""
        self._new_moves.forget()
        self._new_holds.forget()
        self.trail.begin()
        self._windows.begin()
        self._tally.begin()
        self._halts = None

    @property
    def gathered(self) -> bool:
        """Something was gathered to be written before the commit: whatever else there is, an audit row is among it."""
        return self.trail.mark() > 0

    def write(self) -> None:
        """Write the rows that wait; an error that is about one of them comes here."""
        self._new_moves.write()
        self._new_holds.write()

    def mark(self) -> tuple[int, int, int]:
        return self.trail.mark(), self._tally.mark(), self._windows.mark()

    def undo(self, mark: tuple[int, int, int]) -> None:
        """Forget what was gathered since the mark; the savepoint forgets what was written."""
        self._new_moves.forget()
        self._new_holds.forget()
        self.trail.undo(mark[0])
        self._tally.undo(mark[1])
        self._windows.undo(mark[2])
        self._halts = None

    def finish(self) -> None:
        """Write what the transaction gathered: rows that wait, the sums of windows and days, the audit log's rows."""
        self.write()
        self._windows.finish()
        self._tally.finish()
        self.trail.finish()

    def fact(self, name: str, value: str) -> str:
        """Return the installation's fact of that name; `value` becomes it where there is none."""
        row = self._sql.fact.run(self._cursor, name_=name).fetchone()
        if row is not None:
            return str(row[0])
        self._sql.add_fact.run(self._cursor, name=name, value=value)
        return value

    def open(
        self, entry: Entry, claims: Sequence[Claim], now: int, new_purchase: bool, guard: Guard | None = None
    ) -> BudgetExceeded | Halted | None:
        """Write a new payment, or raise; a refusal for lack of budget or by a halt is written too, and returned."""
        payment = entry.payment
        if payment.state not in OPENING:
            raise LocalProtocolError(
                f"payment {payment.id} is {payment.state}: a journal opens RESERVED, DENIED or SUPERSEDED ones"
            )
        if payment.state is not State.RESERVED:
            if self.version(payment.id) is not None:
                raise JournalConflict(payment.id)
            self.add(entry)
            return None
        version, any_halt, blocker = self._standing(payment, now, new_purchase)
        if version is not None:
            raise JournalConflict(payment.id)
        if any_halt and (halted := self.halted(payment)) is not None:
            self.add(Entry.opened(payment.out_of_budget(at=now, note=str(halted))))
            return halted
        if blocker is not None:
            self.refuse_duplicates(payment, now, new_purchase)
        if guard is not None:
            guard(self)
        refusal = self._claim(payment, claims)
        if refusal is not None:
            self.add(Entry.opened(payment.out_of_budget(at=now, note=str(refusal))))
            return refusal
        self.add(entry)
        self._hold(payment, claims)
        return None

    def append(self, before: Payment, entry: Entry) -> None:
        """Replace `before` by what became of it, unless that is halted."""
        before.check_append(entry.payment)
        if before.meets_halt(entry.payment) and (halted := self.halted(entry.payment)) is not None:
            self._check_version(before)
            raise halted
        self.replace(before, entry)

    def reserve(
        self,
        before: Payment,
        entry: Entry,
        claims: Sequence[Claim],
        *,
        approval: ApprovalId | None,
        now: int,
        new_purchase: bool,
        guard: Guard | None = None,
    ) -> BudgetExceeded | None:
        """Reserve a payment that was granted, or raise; a refusal for lack of budget is written and returned."""
        after = entry.payment
        before.check_reserve(after)
        version, any_halt, blocker = self._standing(after, now, new_purchase)
        if version != before.version:
            raise JournalConflict(after.id)
        if any_halt and (halted := self.halted(after)) is not None:
            raise halted
        granted = None if approval is None else self.approvals.known(approval)
        used = None if granted is None else granted.used(after.id, now=now)
        if blocker is not None:
            self.refuse_duplicates(after, now, new_purchase)
        if guard is not None:
            guard(self)
        refusal = self._claim(after, claims)
        if refusal is not None:
            self.replace(before, Entry.moved(before, after.out_of_budget(at=now, note=str(refusal))))
            return refusal
        if granted is not None and used is not None:
            self.approvals.replace(granted, used)
        self.replace(before, entry)
        self._new_moves.write()  # the next guard counts what went on
        self._hold(after, claims)
        if used is not None:
            self.trail.add(notes.turned(used, at=now))
        return None

    def claim_nonce(self, payment: Payment, step: int, at_least: int) -> int:
        """Return the account nonce of a step; only the payment as it is stored gets one."""
        self._check_version(payment)
        return self.nonces.claim(payment, step, at_least)

    def add(self, entry: Entry) -> None:
        """Write a new payment with its moves."""
        self._sql.add_payment.run(self._cursor, **entry.columns)
        self._new_moves.add(entry.moves)
        self._tally.add(entry.payment)
        self.trail.add(entry.notes)

    def replace(self, before: Payment, entry: Entry) -> None:
        """Write what became of a payment; the version in the WHERE clause is the compare of the compare-and-set."""
        after = entry.payment
        moving = self._sql.move if after.payload is None else self._sql.move_with_payload
        moving.run(self._cursor, id_=after.id, before=before.version, **entry.columns)
        if self._cursor.rowcount != 1:
            raise JournalConflict(after.id)
        self._new_moves.add(entry.moves)
        if not same_share(before, after):
            self._move_holds(after)
        self.nonces.settle(after)
        self._tally.move(before, after)
        self.trail.add(entry.notes)
        if before.state is State.AWAITING_APPROVAL and after.state is not State.AWAITING_APPROVAL:
            self._void_approval(after)

    def halts(self) -> Mapping[str, Halt]:
        """Return what is halted, by scope; read once in a transaction that writes."""
        if self._halts is None:
            self._halts = {halt.scope: halt for halt in self.stored_halts()}
        return self._halts

    def stored_halts(self) -> Sequence[Halt]:
        """Return what is halted, oldest first."""
        rows = self._sql.decisions.halts.run(self._cursor).fetchall()
        return tuple(Halt(scope=str(row[0]), by=str(row[1]), reason=str(row[2]), at=int(row[3])) for row in rows)

    def add_halt(self, halt: Halt) -> None:
        self._sql.decisions.add_halt.run(
            self._cursor, scope=halt.scope, halted_by=halt.by, reason=halt.reason, at=halt.at
        )
        self._halts = None

    def drop_halt(self, halt: Halt) -> None:
        self._sql.decisions.drop_halt.run(self._cursor, scope_=halt.scope)
        self._halts = None

    def halted(self, payment: Payment) -> Halted | None:
        """Return what to raise where the payment is halted."""
        return stopped(payment, self.halts())

    def version(self, payment_id: PaymentId) -> int | None:
        """Return the version a payment is stored at; None where there is none."""
        row = self._sql.is_there.run(self._cursor, id_=payment_id).fetchone()
        return None if row is None else int(row[0])

    def get(self, payment_id: PaymentId) -> Payment | None:
        return self._one(self._sql.by_id, id_=payment_id)

    def by_key(self, payer: str, key: str) -> Payment | None:
        return self._one(self._sql.by_key, payer=payer, key=key, limit=1)

    def by_request(self, payer: str, request: str) -> Payment | None:
        return self._one(self._sql.by_request, payer=payer, request=request, limit=1)

    def page(self, states: Sequence[State], after: str | None, limit: int) -> PaymentPage:
        place = place_of(after, limit)
        if not states:
            return page_of(self._rows(self._sql.any_state, after=place, limit=limit + 1), limit)
        rows = [
            row
            for state in sorted(set(states))
            for row in self._rows(self._sql.one_state, after=place, limit=limit + 1, state=state.value)
        ]
        return page_of(sorted(rows, key=seq_of, reverse=True), limit)

    def unresolved(self, after: str | None, limit: int) -> PaymentPage:
        return page_of(self._rows(self._sql.unresolved, after=place_of(after, limit), limit=limit + 1), limit)

    def waiting(self, payer: str, request: str) -> Sequence[Payment]:
        """Return the payments of a request that await approval, newest first."""
        return [read_payment(row) for row in self._rows(self._sql.waiting, payer=payer, request=request)]

    def history(self, wanted: PaymentFilter, after: str | None, limit: int) -> PaymentPage:
        rows = self._history.rows(wanted, after, limit)
        kept = rows[:limit]
        payments = tuple(read_payment(row[1:]) for row in kept)
        return PaymentPage(payments=payments, next=cursor_of(kept[-1]) if len(rows) > limit else None)

    def statistics(self, wanted: PaymentFilter) -> Sequence[Total]:
        return self._history.statistics(wanted, self._tally.changes)

    def reserved(self, since: int, agent: str | None) -> Sequence[Total]:
        return self._history.reserved(since, agent)

    @property
    def writes(self) -> int:
        """The number of the audit log's last row: whatever writes adds one."""
        return self.trail.number

    def _check_version(self, payment: Payment) -> None:
        if self.version(payment.id) != payment.version:
            raise JournalConflict(payment.id)

    def _void_approval(self, payment: Payment) -> None:
        request = self.approvals.of(payment.id)
        if request is not None and (void := request.voided()) is not request:
            self.approvals.replace(request, void)
            self.trail.add(notes.turned(void, at=payment.history[-1].at))

    def sums(self, windows: Sequence[Window]) -> dict[Window, int]:
        found = self._windows.peek(windows)
        return {window: each.reserved + each.committed for window, each in found.items()}

    def refuse_duplicates(self, payment: Payment, now: int, new_purchase: bool) -> None:
        """Raise where another payment of the key, or of the same request, stands in the way."""
        intent, key = payment.intent, payment.idempotency_key
        if key is not None:
            row = self._sql.key_blocker.run(self._cursor, payer=intent.payer, key=key, id_=payment.id).fetchone()
            if row is not None and row[2] != intent.request:
                raise IdempotencyConflict(PaymentId(row[0]), key=key)
        elif new_purchase:
            return
        else:
            about = {"payer": intent.payer, "request": intent.request, "now": now}
            row = self._sql.repeat_blocker.run(self._cursor, **about).fetchone()
        if row is not None:
            raise DuplicatePurchase(PaymentId(row[0]), state=row[1], resource=intent.resource)

    def _standing(self, payment: Payment, now: int, new_purchase: bool) -> Row:
        """Return the version the payment is stored at, whether anything is halted, and the row of what blocks it."""
        intent, key, sql = payment.intent, payment.idempotency_key, self._sql
        if key is not None:
            asked = sql.standing_by_key.run(self._cursor, id_=payment.id, payer=intent.payer, key=key)
        elif new_purchase:
            asked = sql.standing.run(self._cursor, id_=payment.id)
        else:
            about = {"payer": intent.payer, "request": intent.request, "now": now}
            asked = sql.standing_by_request.run(self._cursor, id_=payment.id, **about)
        row: Row = asked.fetchone()
        return row

    def _claim(self, payment: Payment, claims: Sequence[Claim]) -> BudgetExceeded | None:
        """Take each claim from its window; where one of them has no room, take nothing and return the refusal."""
        before = self._windows.mark()
        self._windows.look([window for claim in claims for window in claim.windows])
        for claim in claims:
            if (refusal := room(claim.hold, self._windows.sum(claim.windows), payment.id)) is not None:
                self._windows.undo(before)
                return refusal
            self._windows.add(claim.windows[0], claim.hold.amount.atomic, 0)
        return None

    def _hold(self, payment: Payment, claims: Sequence[Claim]) -> None:
        """Write what was claimed, and claim the account nonce of an action's first step."""
        self._new_holds.add([claim.row for claim in claims])
        if payment.plan is not None:
            self.nonces.claim(payment, 0, payment.plan.first_nonce)

    def _move_holds(self, payment: Payment) -> None:
        """Count every hold of the payment as its state now says, and correct the sums of their windows."""
        self._new_holds.write()
        rows = self._sql.holds.run(self._cursor, id_=payment.id).fetchall()
        self._windows.look([(str(row[2]), str(row[3]), str(row[4])) for row in rows])
        changed: list[dict[str, object]] = []
        for _, position, scope, span, asset, amount, reserved, committed, gas in rows:
            now = share(int(amount), payment, gas=bool(gas))
            window = (str(scope), str(span), str(asset))
            self._windows.add(window, now.reserved - int(reserved), now.committed - int(committed))
            figures = {"reserved": str(now.reserved), "committed": str(now.committed)}
            changed.append({"id_": payment.id, "position_": position, **figures})
        if changed:
            self._sql.set_hold.run_many(self._cursor, changed)

    def _one(self, statement: Statement, **values: object) -> Payment | None:
        row = statement.run(self._cursor, **values).fetchone()
        return None if row is None else read_payment(row)

    def _rows(self, statement: Statement, **values: object) -> Sequence[Row]:
        return statement.run(self._cursor, **values).fetchall()
