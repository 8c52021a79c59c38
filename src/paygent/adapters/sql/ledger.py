"""What a journal does inside one transaction, on a driver's cursor: checks, writes and reads, all synchronous."""

import json
from collections.abc import Iterable, Sequence

from paygent.adapters.sql.statements import Cursor, Statement, Statements
from paygent.core.budget import NOTHING, Hold, Share, room, same_share, share
from paygent.core.errors import (
    AdapterError,
    BudgetExceeded,
    DuplicatePurchase,
    IdempotencyConflict,
    JournalConflict,
    LocalProtocolError,
)
from paygent.core.ids import PaymentId
from paygent.core.lifecycle import State
from paygent.core.payment import Move, Payment, SignedPayload
from paygent.core.record import from_record, to_record
from paygent.ports.storage import PaymentPage

_PAST_THE_NEWEST = 2**63 - 1
_Window = tuple[str, str, str]
_Row = Sequence[object]


class Ledger:
    """The journal's work on one connection. Whoever calls it owns the transaction."""

    def __init__(self, cursor: Cursor, statements: Statements) -> None:
        self._cursor = cursor
        self._sql = statements

    def fact(self, name: str, value: str) -> str:
        """Return the installation's fact of that name; `value` becomes it where there is none."""
        row = self._sql.fact.run(self._cursor, name_=name).fetchone()
        if row is not None:
            return str(row[0])
        self._sql.add_fact.run(self._cursor, name=name, value=value)
        return value

    def open(self, payment: Payment, holds: Sequence[Hold], now: int, new_purchase: bool) -> BudgetExceeded | None:
        """Write a new payment, or raise; a refusal for lack of budget is written too, and returned."""
        if payment.state not in (State.RESERVED, State.DENIED):
            raise LocalProtocolError(
                f"payment {payment.id} is {payment.state}: a journal opens RESERVED or DENIED ones"
            )
        if self._sql.is_there.run(self._cursor, id_=payment.id).fetchone() is not None:
            raise JournalConflict(payment.id)
        if payment.state is State.DENIED:
            self._add(payment)
            return None
        self._refuse_duplicates(payment, now, new_purchase)
        return self._reserve(payment, holds, now)

    def append(self, before: Payment, after: Payment) -> None:
        """Replace `before` by `after`; the version in the WHERE clause is the compare of the compare-and-set."""
        before.check_successor(after)
        changed = _changing(after)
        moving = self._sql.move
        if after.payload is not None:
            moving = self._sql.move_with_payload
            changed |= {"payload_header": after.payload.header, "payload_value": after.payload.value}
        moving.run(self._cursor, id_=after.id, before=before.version, **changed)
        if self._cursor.rowcount != 1:
            raise JournalConflict(after.id)
        self._add_moves(after, after.history[len(before.history) :])
        if not same_share(before, after):
            self._move_holds(after)

    def get(self, payment_id: PaymentId) -> Payment | None:
        return self._one(self._sql.by_id, id_=payment_id)

    def by_key(self, payer: str, key: str) -> Payment | None:
        return self._one(self._sql.by_key, payer=payer, key=key, limit=1)

    def by_request(self, payer: str, request: str) -> Payment | None:
        return self._one(self._sql.by_request, payer=payer, request=request, limit=1)

    def page(self, states: Sequence[State], after: str | None, limit: int) -> PaymentPage:
        place = _place(after, limit)
        if not states:
            return _page(self._rows(self._sql.any_state, after=place, limit=limit + 1), limit)
        rows = [
            row
            for state in sorted(set(states))
            for row in self._rows(self._sql.one_state, after=place, limit=limit + 1, state=state.value)
        ]
        return _page(sorted(rows, key=_seq, reverse=True), limit)

    def unresolved(self, after: str | None, limit: int) -> PaymentPage:
        return _page(self._rows(self._sql.unresolved, after=_place(after, limit), limit=limit + 1), limit)

    def _refuse_duplicates(self, payment: Payment, now: int, new_purchase: bool) -> None:
        intent, key = payment.intent, payment.idempotency_key
        if key is not None:
            row = self._sql.key_blocker.run(self._cursor, payer=intent.payer, key=key, limit=1).fetchone()
            if row is not None and row[2] != intent.request:
                raise IdempotencyConflict(PaymentId(row[0]), key=key)
        elif new_purchase:
            return
        else:
            about = {"payer": intent.payer, "request": intent.request, "now": now}
            row = self._sql.repeat_blocker.run(self._cursor, limit=1, **about).fetchone()
        if row is not None:
            raise DuplicatePurchase(PaymentId(row[0]), state=row[1], resource=intent.resource)

    def _reserve(self, payment: Payment, holds: Sequence[Hold], now: int) -> BudgetExceeded | None:
        windows = self._sums(window for hold in holds for window in _counted(hold))
        sums = {window: found or NOTHING for window, found in windows.items()}
        for hold in holds:
            if (refusal := room(hold, sum((sums[each] for each in _counted(hold)), NOTHING), payment.id)) is not None:
                self._add(payment.out_of_budget(at=now, note=str(refusal)))
                return refusal
            sums[_window(hold)] += Share(hold.amount.atomic, 0)
        self._add(payment)
        self._sql.add_hold.run_many(self._cursor, [_hold_row(payment, *each) for each in enumerate(holds)])
        taken = {window: sums[window] for window in map(_window, holds)}
        self._set_sums(taken, new={window for window in taken if windows[window] is None})
        return None

    def _add(self, payment: Payment) -> None:
        intent, payload = payment.intent, payment.payload
        self._sql.add_payment.run(
            self._cursor,
            id=payment.id,
            payer=intent.payer,
            payee=intent.payee,
            network=intent.network.text,
            asset=str(intent.amount.asset.id),
            amount=str(intent.amount.atomic),
            host=intent.host,
            request=intent.request,
            idempotency_key=payment.idempotency_key,
            created_at=payment.created_at,
            payload_header=None if payload is None else payload.header,
            payload_value=None if payload is None else payload.value,
            **_changing(payment),
        )
        self._add_moves(payment, payment.history)

    def _add_moves(self, payment: Payment, lines: Sequence[Move]) -> None:
        """Write new lines of history as the last versions; what was only learned has a line of its own."""
        first = payment.version - len(lines) + 1
        rows = [_move_row(payment, first + index, line) for index, line in enumerate(lines)]
        self._sql.add_move.run_many(self._cursor, rows or [_move_row(payment, payment.version, None)])

    def _move_holds(self, payment: Payment) -> None:
        """Count every hold of the payment as its state now says, and correct the sums of their windows."""
        rows = self._sql.holds.run(self._cursor, id_=payment.id).fetchall()
        sums = {window: found for window, found in self._sums(tuple(row[2:5]) for row in rows).items() if found}
        for _, position, *names, amount, reserved, committed in rows:
            now, window = share(int(amount), payment), (names[0], names[1], names[2])
            had = sums[window]
            sums[window] = Share(
                had.reserved - int(reserved) + now.reserved, had.committed - int(committed) + now.committed
            )
            figures = {"reserved": str(now.reserved), "committed": str(now.committed)}
            self._sql.set_hold.run(self._cursor, id_=payment.id, position_=position, **figures)
        self._set_sums(sums, new=set())

    def _sums(self, windows: Iterable[_Window]) -> dict[_Window, Share | None]:
        """Read and lock the windows' sums, always in the same order, so that two transactions cannot wait in a ring."""
        return {window: self._sum(window) for window in sorted(set(windows))}

    def _sum(self, window: _Window) -> Share | None:
        scope, span, asset = window
        row = self._sql.sums.run(self._cursor, scope_=scope, span_=span, asset_=asset).fetchone()
        return None if row is None else Share(int(row[0]), int(row[1]))

    def _set_sums(self, sums: dict[_Window, Share], *, new: set[_Window]) -> None:
        for window, now in sums.items():
            (scope, span, asset), figures = window, {"reserved": str(now.reserved), "committed": str(now.committed)}
            if window in new:
                self._sql.add_window.run(self._cursor, scope=scope, span=span, asset=asset, **figures)
            else:
                self._sql.set_window.run(self._cursor, scope_=scope, span_=span, asset_=asset, **figures)

    def _one(self, statement: Statement, **values: object) -> Payment | None:
        row = statement.run(self._cursor, **values).fetchone()
        return None if row is None else _payment(row)

    def _rows(self, statement: Statement, **values: object) -> Sequence[_Row]:
        return statement.run(self._cursor, **values).fetchall()


def _window(hold: Hold) -> _Window:
    return (hold.scope, hold.window, str(hold.amount.asset.id))


def _counted(hold: Hold) -> list[_Window]:
    """Return the windows whose sums count against the hold's limit, its own first."""
    asset = str(hold.amount.asset.id)
    return [(hold.scope, name, asset) for name in (hold.window, *hold.also)]


def _hold_row(payment: Payment, position: int, hold: Hold) -> dict[str, object]:
    scope, span, asset = _window(hold)
    asked, held = hold.amount.atomic, share(hold.amount.atomic, payment)
    return {
        "payment_id": payment.id,
        "position": position,
        "scope": scope,
        "span": span,
        "asset": asset,
        "amount": str(asked),
        "reserved": str(held.reserved),
        "committed": str(held.committed),
    }


def _move_row(payment: Payment, version: int, line: Move | None) -> dict[str, object]:
    return {
        "payment_id": payment.id,
        "version": version,
        "event": None if line is None else line.event.value,
        "state": (payment if line is None else line).state.value,
        "at": None if line is None else line.at,
        "note": "" if line is None else line.note,
    }


def _changing(payment: Payment) -> dict[str, object]:
    return {
        "state": payment.state.value,
        "version": payment.version,
        "lease_until": payment.lease_until,
        "delivered": int(payment.delivered),
        "unresolved": int(payment.unresolved),
        "record": json.dumps(to_record(payment), separators=(",", ":")),
    }


def _payment(row: _Row) -> Payment:
    seq, record, header, value = row
    payload = SignedPayload(header=str(header), value=str(value)) if header is not None else None
    try:
        return from_record(json.loads(str(record)), payload)
    except (ValueError, AttributeError) as exc:
        raise AdapterError(f"row {seq} of the payments cannot be read: {exc}", retryable=False) from exc


def _seq(row: _Row) -> int:
    return int(str(row[0]))


def _page(rows: Sequence[_Row], limit: int) -> PaymentPage:
    """Return `limit` rows as a page; one more row says that there is another page."""
    kept = rows[:limit]
    return PaymentPage(payments=tuple(map(_payment, kept)), next=str(_seq(kept[-1])) if len(rows) > limit else None)


def _place(after: str | None, limit: int) -> int:
    if limit < 1:
        raise LocalProtocolError(f"a page has at least one payment, not {limit}")
    if after is None:
        return _PAST_THE_NEWEST
    if not after.isascii() or not after.isdigit() or len(after) > 18:
        raise LocalProtocolError(f"{after!r} is not a cursor of this journal; pass the `next` of a page")
    return int(after)
