"""The journal's SQL, compiled once for a database."""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ClauseElement,
    ColumnElement,
    Dialect,
    Integer,
    Select,
    and_,
    bindparam,
    case,
    delete,
    func,
    literal_column,
    null,
    select,
    tuple_,
    union_all,
    update,
)

from paygent.adapters.sql.schema import (
    approvals,
    audit,
    audit_head,
    budgets,
    halts,
    holds,
    is_grant,
    is_pending,
    is_unresolved,
    meta,
    moves,
    nonces,
    payments,
    totals,
)
from paygent.adapters.sql.statement import Insertion, Statement, words_of_dialect
from paygent.core.lifecycle import FREED, State
from paygent.core.payment import BLOCKING

_P = payments.c
_DOCUMENT = (_P.seq, _P.record, _P.payload_header, _P.payload_value)
_LISTED: Any = (_P.seq, _P.record, literal_column("NULL"), literal_column("NULL"))
_NEWEST = _P.seq.desc()
_LIMIT = bindparam("limit", type_=Integer)


def _words(states: frozenset[State]) -> Any:
    """Return the states as SQL literals: they are our own words, and a partial index needs to see them."""
    return [literal_column(f"'{state.value}'") for state in sorted(states)]


_BY_KEY = (_P.payer == bindparam("payer")) & (_P.idempotency_key == bindparam("key"))
_BY_REQUEST = (_P.payer == bindparam("payer")) & (_P.request == bindparam("request"))
WINDOWS_AT_ONCE: Final = 16
"""The most windows that one statement reads."""
_BLOCKING_KEY = _BY_KEY & (_P.id != bindparam("id_")) & _P.state.not_in(_words(FREED))
_OF_KEY = _P.seq == func.coalesce(
    select(func.max(_P.seq)).where(_BY_KEY & _P.state.not_in(_words(FREED))).correlate(None).scalar_subquery(),
    select(func.max(_P.seq)).where(_BY_KEY).correlate(None).scalar_subquery(),
)
"""The newest payment of a key that is under way, out or settled; where none is, the newest."""
_BLOCKING_REPEAT = (
    _BY_REQUEST
    & (_P.delivered == literal_column("0"))
    & _P.state.in_(_words(BLOCKING))
    & ((_P.state != literal_column("'RESERVED'")) | (_P.lease_until > bindparam("now")))
)
_DAY = (
    (totals.c.day == bindparam("day_"))
    & (totals.c.asset == bindparam("asset_"))
    & (totals.c.service == bindparam("service_"))
    & (totals.c.state == bindparam("state_"))
)


def _blocker(*columns: ColumnElement[Any], where: ColumnElement[bool]) -> Select[Any]:
    """Return the query for the newest payment that stands in the way of another."""
    return select(*columns).where(where).order_by(_NEWEST).limit(literal_column("1"))


def _standing(blocker: ColumnElement[Any]) -> ClauseElement:
    """Return one question for three: the stored version of a payment, whether anything is halted, and its blocker."""
    version = select(_P.version).where(_P.id == bindparam("id_")).scalar_subquery()
    any_halt = select(halts.c.scope).exists()
    return select(version, any_halt, blocker)


def _sums_of_window(number: int) -> ColumnElement[Any]:
    """Return both sums of a window in one text: a statement with a row for each window takes twice as long."""
    named = (budgets.c[name] == bindparam(f"{name}_{number}") for name in ("scope", "span", "asset"))
    return select(budgets.c.reserved + literal_column("' '") + budgets.c.committed).where(*named).scalar_subquery()


_SUMS_CHANGE: Final = "(scope, span, asset) DO UPDATE SET reserved = excluded.reserved, committed = excluded.committed"
_ONE = audit_head.c.id == literal_column("1")
_MOVED = ("state", "version", "lease_until", "delivered", "unresolved", "record", "counted")


def _change(*columns: str) -> ClauseElement:
    values: dict[str, Any] = {name: bindparam(name) for name in columns}
    return update(payments).where(_P.id == bindparam("id_"), _P.version == bindparam("before")).values(values)


class Statements:
    """Every statement of the journal, for one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self._ready, add = words_of_dialect(dialect)
        ready = self._ready
        self._sums: Final[dict[int, Statement]] = {}
        self.dialect: Final = dialect
        self.decisions: Final = DecisionStatements(dialect)
        self.history: Final = HistoryStatements(dialect)
        self.nonces: Final = NonceStatements(dialect)
        older = _P.seq < bindparam("after")
        self.is_there: Final = ready(select(_P.version).where(_P.id == bindparam("id_")))
        self.key_blocker: Final = ready(_blocker(_P.id, _P.state, _P.request, where=_BLOCKING_KEY))
        self.repeat_blocker: Final = ready(_blocker(_P.id, _P.state, where=_BLOCKING_REPEAT))
        self.standing: Final = ready(_standing(null()))
        self.standing_by_key: Final = ready(_standing(_blocker(_P.seq, where=_BLOCKING_KEY).scalar_subquery()))
        self.standing_by_request: Final = ready(_standing(_blocker(_P.seq, where=_BLOCKING_REPEAT).scalar_subquery()))
        self.set_windows: Final = Insertion(budgets, dialect, on_conflict=_SUMS_CHANGE)
        self.add_payment: Final = add(payments, "seq")
        self.add_moves: Final = Insertion(moves, dialect)
        self.add_holds: Final = Insertion(holds, dialect)
        self.move: Final = ready(_change(*_MOVED))
        self.move_with_payload: Final = ready(_change(*_MOVED, "payload_header", "payload_value"))
        self.holds: Final = ready(
            select(holds).where(holds.c.payment_id == bindparam("id_")).order_by(holds.c.position)
        )
        self.set_hold: Final = ready(
            update(holds)
            .where(holds.c.payment_id == bindparam("id_"), holds.c.position == bindparam("position_"))
            .values(reserved=bindparam("reserved"), committed=bindparam("committed"))
        )
        self.by_id: Final = ready(select(*_DOCUMENT).where(_P.id == bindparam("id_")))
        self.by_key: Final = ready(select(*_DOCUMENT).where(_OF_KEY).limit(_LIMIT))
        self.by_request: Final = ready(select(*_DOCUMENT).where(_BY_REQUEST).order_by(_NEWEST).limit(_LIMIT))
        self.any_state: Final = ready(select(*_LISTED).where(older).order_by(_NEWEST).limit(_LIMIT))
        self.one_state: Final = ready(
            select(*_LISTED).where(older, _P.state == bindparam("state")).order_by(_NEWEST).limit(_LIMIT)
        )
        self.unresolved: Final = ready(select(*_DOCUMENT).where(older, is_unresolved).order_by(_NEWEST).limit(_LIMIT))
        self.fact: Final = ready(select(meta.c.value).where(meta.c.name == bindparam("name_")))
        self.add_fact: Final = add(meta)
        self.waiting: Final = ready(
            select(*_DOCUMENT).where(_BY_REQUEST, _P.state == literal_column("'AWAITING_APPROVAL'")).order_by(_NEWEST)
        )

    def sums(self, windows: int) -> Statement:
        """Return the statement that reads the sums of so many windows as a row: "reserved committed" of each, or NULL.

        Its parameters are the windows' parts, one after the other.
        """
        found = self._sums.get(windows)
        if found is None:
            found = self._sums[windows] = self._ready(select(*map(_sums_of_window, range(windows))))
        return found


class NonceStatements:
    """Account nonces of own transactions."""

    def __init__(self, dialect: Dialect) -> None:
        ready, add = words_of_dialect(dialect)
        columns = nonces.c
        account = (columns.network == bindparam("network_")) & (columns.account == bindparam("account_"))
        one = account & (columns.nonce == bindparam("nonce_"))
        self.held: Final = ready(
            select(columns.nonce, columns.payment_id, columns.step, columns.free)
            .where(account, columns.nonce >= bindparam("at_least"))
            .order_by(columns.nonce)
        )
        self.last: Final = ready(select(columns.nonce).where(account).order_by(columns.nonce.desc()).limit(_LIMIT))
        self.add: Final = add(nonces)
        self.take: Final = ready(
            update(nonces)
            .where(one)
            .values(payment_id=bindparam("payment_id"), step=bindparam("step"), free=literal_column("0"))
        )
        self.free: Final = ready(
            update(nonces).where(one, columns.payment_id == bindparam("payment_id_")).values(free=literal_column("1"))
        )
        self.of_payment: Final = ready(
            select(columns.network, columns.account, columns.nonce).where(
                columns.payment_id == bindparam("payment_id_")
            )
        )


class DecisionStatements:
    """Approvals, halts and the audit log."""

    def __init__(self, dialect: Dialect) -> None:
        ready, add = words_of_dialect(dialect)
        self.add_approval: Final = add(approvals, "seq")
        self.set_approval: Final = ready(
            update(approvals)
            .where(
                approvals.c.id == bindparam("id_"),
                approvals.c.state == bindparam("state_"),
                approvals.c.decisions == bindparam("decisions_"),
            )
            .values(state=bindparam("state"), decisions=bindparam("decisions"))
        )
        self.approval: Final = ready(select(approvals).where(approvals.c.id == bindparam("id_")))
        self.approval_of: Final = ready(select(approvals).where(approvals.c.payment_id == bindparam("payment_id_")))
        self.pending: Final = ready(
            select(approvals)
            .where(approvals.c.seq > bindparam("after"), is_pending, approvals.c.expires_at > bindparam("now"))
            .order_by(approvals.c.seq)
            .limit(_LIMIT)
        )
        self.halts: Final = ready(select(halts).order_by(halts.c.at, halts.c.scope))
        self.add_halt: Final = add(halts)
        self.drop_halt: Final = ready(delete(halts).where(halts.c.scope == bindparam("scope_")))
        self.head: Final = ready(select(audit_head.c.number, audit_head.c.hash).where(_ONE).with_for_update())
        self.read_head: Final = ready(select(audit_head.c.number, audit_head.c.hash).where(_ONE))
        self.set_head: Final = ready(
            update(audit_head).where(_ONE).values(number=bindparam("number"), hash=bindparam("hash"))
        )
        self.add_audit: Final = Insertion(audit, dialect)
        self.audit_rows: Final = ready(
            select(audit).where(audit.c.number >= bindparam("first")).order_by(audit.c.number).limit(_LIMIT)
        )


class HistoryStatements:
    """Pages by time, and counts and sums."""

    def __init__(self, dialect: Dialect) -> None:
        self._ready, add = words_of_dialect(dialect)
        ready = self._ready
        self._made: Final[dict[tuple[str, frozenset[str]], Statement]] = {}
        self.total: Final = ready(select(totals.c.payments, totals.c.amount).where(_DAY))
        self.add_total: Final = add(totals)
        self.set_total: Final = ready(
            update(totals).where(_DAY).values(payments=bindparam("payments"), amount=bindparam("amount"))
        )
        self.days: Final = ready(
            select(totals.c.asset, totals.c.service, totals.c.state, totals.c.payments, totals.c.amount).where(
                totals.c.day >= bindparam("first"), totals.c.day < bindparam("last")
            )
        )

    def page(self, names: frozenset[str]) -> Statement:
        """Return the statement for a page by time of the payments with these columns given."""
        place = tuple_(bindparam("time", type_=BigInteger), bindparam("seq", type_=BigInteger))
        query = (
            select(_P.created_at, *_LISTED)
            .where(tuple_(_P.created_at, _P.seq) < place, _P.created_at >= bindparam("start"))
            .order_by(_P.created_at.desc(), _NEWEST)
            .limit(_LIMIT)
        )
        return self._shaped("history", query, names)

    def amounts(self, names: frozenset[str]) -> Statement:
        """Return the statement for what each payment of a time, with these columns given, comes to."""
        query = select(_P.asset, _P.service, _P.state, _P.counted).where(
            _P.created_at >= bindparam("start"), _P.created_at < bindparam("end")
        )
        return self._shaped("amounts", query, names)

    def reserved(self, names: frozenset[str]) -> Statement:
        """Return the statement for what each payment made since then, with these columns given, comes to.

        Most are reserved when they are proposed. What waited for people was proposed before, and is found by the move
        that let it go on; it has no state where it is another's. In a WHERE, databases would look for that instead.
        """
        found = self._made.get(("reserved", names))
        if found is None:
            start = bindparam("start", type_=BigInteger)
            equal = [_P[name] == bindparam(name) for name in sorted(names)]
            proposed = select(_P.asset, _P.service, _P.state, _P.counted).where(_P.created_at >= start, *equal)
            state = case((and_(_P.created_at < start, *equal), _P.state))
            waited = select(_P.asset, _P.service, state, _P.counted).where(
                is_grant, moves.c.at >= start, moves.c.payment_id == _P.id
            )
            found = self._made["reserved", names] = self._ready(union_all(proposed, waited))
        return found

    def _shaped(self, kind: str, query: Any, names: frozenset[str]) -> Statement:
        found = self._made.get((kind, names))
        if found is None:
            equal = [payments.c[name] == bindparam(name) for name in sorted(names)]
            found = self._made[kind, names] = self._ready(query.where(*equal))
        return found
