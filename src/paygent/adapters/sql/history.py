"""Looking back: pages by time, and counts and sums, most of them kept day by day while payments move."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from paygent.adapters.sql.statement import Cursor
from paygent.adapters.sql.statements import HistoryStatements
from paygent.core.caip import AssetId
from paygent.core.errors import LocalProtocolError
from paygent.core.history import DAY_SECONDS, PaymentFilter, Total, counted
from paygent.core.lifecycle import MADE, State
from paygent.core.payment import Payment

_BEFORE_ALL: Final = -(2**62)
_AFTER_ALL: Final = 2**62
_BY_DAY: Final = ("host", "agent", "session")
"""Fields that the sums of days do not know."""
_Kind = tuple[str, str, str]
_Day = tuple[int, str, str, str]
_Change = tuple[_Day, int, int]
"""How many payments more a day has, and how many atomic units."""


class Tally:
    """What a transaction adds to the sums of days."""

    def __init__(self, cursor: Cursor, statements: HistoryStatements) -> None:
        self._cursor: Final = cursor
        self._sql: Final = statements
        self._changes: list[_Change] = []

    @property
    def changes(self) -> Sequence[_Change]:
        """What is not written yet."""
        return self._changes

    def begin(self) -> None:
        self._changes = []

    def add(self, payment: Payment) -> None:
        self._changes.append((_day(payment), 1, counted(payment)))

    def move(self, before: Payment, after: Payment) -> None:
        if before.state is not after.state or counted(before) != counted(after):
            self._changes.append((_day(before), -1, -counted(before)))
            self.add(after)

    def mark(self) -> int:
        return len(self._changes)

    def undo(self, mark: int) -> None:
        """Forget the changes since the mark."""
        del self._changes[mark:]

    def finish(self) -> None:
        """Write the sums, each once."""
        sums: defaultdict[_Day, list[int]] = defaultdict(lambda: [0, 0])
        for key, payments, amount in self._changes:
            sums[key][0] += payments
            sums[key][1] += amount
        for key in sorted(sums):
            if any(sums[key]):
                self._write(key, *sums[key])

    def _write(self, key: _Day, payments: int, amount: int) -> None:
        day, asset, service, state = key
        where = {"day_": day, "asset_": asset, "service_": service, "state_": state}
        row = self._sql.total.run(self._cursor, **where).fetchone()
        if row is None:
            names = {"day": day, "asset": asset, "service": service, "state": state}
            self._sql.add_total.run(self._cursor, payments=payments, amount=str(amount), **names)
        else:
            now = {"payments": int(row[0]) + payments, "amount": str(int(row[1]) + amount)}
            self._sql.set_total.run(self._cursor, **where, **now)


class History:
    """Questions about many payments on one connection."""

    def __init__(self, cursor: Cursor, statements: HistoryStatements) -> None:
        self._cursor: Final = cursor
        self._sql: Final = statements

    def rows(self, wanted: PaymentFilter, after: str | None, limit: int) -> Sequence[Sequence[object]]:
        """Return `limit` rows and one more, if there is one: (created_at, document ...), newest first."""
        time, seq = _place(after, limit)
        if wanted.end is not None and wanted.end <= time:
            time, seq = wanted.end, 0
        values = _values(wanted) | {"time": time, "seq": seq, "limit": limit + 1}
        names = _names(wanted)
        if not wanted.states:
            return self._sql.page(names).run(self._cursor, **values).fetchall()
        statement = self._sql.page(names | {"state"})
        rows = [
            row
            for state in sorted(set(wanted.states))
            for row in statement.run(self._cursor, **values, state=state.value).fetchall()
        ]
        return sorted(rows, key=_time_and_seq, reverse=True)

    def statistics(self, wanted: PaymentFilter, changes: Sequence[_Change] = ()) -> Sequence[Total]:
        """Return counts and sums. Args: changes: what the sums of days do not have yet."""
        start = _BEFORE_ALL if wanted.start is None else wanted.start
        end = _AFTER_ALL if wanted.end is None else wanted.end
        first, last = -(-start // DAY_SECONDS), end // DAY_SECONDS
        sums: defaultdict[_Kind, list[int]] = defaultdict(lambda: [0, 0])
        if _names(wanted) & set(_BY_DAY) or first >= last:
            self._scan(sums, wanted, start, end)
        else:
            self._scan(sums, wanted, start, first * DAY_SECONDS)
            self._sum_days(sums, wanted, first, last, changes)
            self._scan(sums, wanted, last * DAY_SECONDS, end)
        return _totals(sums)

    def reserved(self, since: int, agent: str | None) -> Sequence[Total]:
        """Return as `Records.reserved`. The moves of what goes on have to be written by then."""
        sums: defaultdict[_Kind, list[int]] = defaultdict(lambda: [0, 0])
        named: dict[str, object] = {} if agent is None else {"agent": agent}
        statement = self._sql.reserved(frozenset(named))
        _add_each(sums, statement.run(self._cursor, start=since, **named), MADE)
        return _totals(sums)

    def _scan(self, sums: defaultdict[_Kind, list[int]], wanted: PaymentFilter, start: int, end: int) -> None:
        """Add up payments one by one."""
        if start >= end:
            return
        statement = self._sql.amounts(_names(wanted))
        found = statement.run(self._cursor, **(_values(wanted) | {"start": start, "end": end}))
        _add_each(sums, found, wanted.states)

    def _sum_days(
        self,
        sums: defaultdict[_Kind, list[int]],
        wanted: PaymentFilter,
        first: int,
        last: int,
        changes: Sequence[_Change],
    ) -> None:
        rows = [*self._sql.days.run(self._cursor, first=first, last=last).fetchall()]
        rows += [(*key[1:], *more) for key, *more in changes if first <= key[0] < last]
        kept = (
            row
            for row in rows
            if (wanted.asset is None or row[0] == str(wanted.asset)) and wanted.service in (None, row[1])
        )
        _add(sums, wanted, kept)


def _add_each(sums: defaultdict[_Kind, list[int]], found: Cursor, wanted: Iterable[State]) -> None:
    """Add payments one by one. Args: wanted: their states; none for any at all."""
    states = {state.value for state in wanted}
    while rows := found.fetchmany(1000):
        for asset, service, state, amount in rows:
            if not states or state in states:
                total = sums[asset, service or "", state]
                total[0] += 1
                total[1] += int(amount)


def _add(sums: defaultdict[_Kind, list[int]], wanted: PaymentFilter, rows: Iterable[Sequence[object]]) -> None:
    states = set(wanted.states)
    for asset, service, state, payments, amount in rows:
        if not states or state in states:
            total = sums[str(asset), str(service), str(state)]
            total[0] += int(str(payments))
            total[1] += int(str(amount))


def _totals(sums: Mapping[_Kind, Sequence[int]]) -> Sequence[Total]:
    return tuple(_total(kind, *sums[kind]) for kind in sorted(sums) if sums[kind][0])


def _total(kind: _Kind, payments: int, amount: int) -> Total:
    asset, service, state = kind
    return Total(
        state=State(state), asset=AssetId.parse(asset), service=service or None, payments=payments, amount=amount
    )


def _day(payment: Payment) -> _Day:
    service = payment.context.service or ""
    return payment.created_at // DAY_SECONDS, str(payment.intent.amount.asset.id), service, payment.state.value


def _values(wanted: PaymentFilter) -> dict[str, object]:
    fields = {
        "service": wanted.service,
        "asset": None if wanted.asset is None else str(wanted.asset),
        "host": wanted.host,
        "agent": wanted.agent,
        "session": wanted.session,
    }
    start = _BEFORE_ALL if wanted.start is None else wanted.start
    given: dict[str, object] = {name: value for name, value in fields.items() if value is not None}
    return {"start": start, **given}


def _names(wanted: PaymentFilter) -> frozenset[str]:
    return frozenset(_values(wanted)) - {"start"}


def _place(after: str | None, limit: int) -> tuple[int, int]:
    if limit < 1:
        raise LocalProtocolError(f"a page has at least one payment, not {limit}")
    if after is None:
        return _AFTER_ALL, _AFTER_ALL
    time, dot, seq = after.partition(".")
    if not dot or not all(part.isascii() and part.isdigit() and len(part) <= 18 for part in (time, seq)):
        raise LocalProtocolError(f"{after!r} is not a cursor of this history; pass the `next` of a page")
    return int(time), int(seq)


def _time_and_seq(row: Sequence[object]) -> tuple[int, int]:
    return int(str(row[0])), int(str(row[1]))


def cursor_of(row: Sequence[object]) -> str:
    """Return the cursor that goes on after this row."""
    return f"{row[0]}.{row[1]}"
