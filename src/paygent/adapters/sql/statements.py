"""The SQL, written in SQLAlchemy Core and compiled once for a database, then run on its driver's cursor.

An `execute` of SQLAlchemy costs more than a whole statement of SQLite, so the hot path leaves it out.
"""

from collections.abc import Mapping
from typing import Any, Final, Protocol

from sqlalchemy import ClauseElement, Dialect, Integer, Table, bindparam, insert, literal_column, select, update
from sqlalchemy.sql.compiler import SQLCompiler

from paygent.adapters.sql.schema import budgets, holds, is_unresolved, meta, moves, payments
from paygent.core.lifecycle import FREED, State
from paygent.core.payment import BLOCKING


class Cursor(Protocol):
    """**Protocol:** what a driver's cursor has (PEP 249) and is used here."""

    @property
    def rowcount(self) -> int: ...

    def execute(self, sql: str, parameters: Any = ..., /) -> object: ...

    def executemany(self, sql: str, rows: Any, /) -> object: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...


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
_WINDOW = (
    (budgets.c.scope == bindparam("scope_"))
    & (budgets.c.span == bindparam("span_"))
    & (budgets.c.asset == bindparam("asset_"))
)
_BLOCKING_REPEAT = (
    _BY_REQUEST
    & (_P.delivered == literal_column("0"))
    & _P.state.in_(_words(BLOCKING))
    & ((_P.state != literal_column("'RESERVED'")) | (_P.lease_until > bindparam("now")))
)
_MOVED = ("state", "version", "lease_until", "delivered", "unresolved", "record")


def _change(*columns: str) -> ClauseElement:
    values: dict[str, Any] = {name: bindparam(name) for name in columns}
    return update(payments).where(_P.id == bindparam("id_"), _P.version == bindparam("before")).values(values)


class Statement:
    """One compiled statement; `run` and `run_many` take its parameters by name."""

    __slots__ = ("_constants", "_names", "_sql")

    def __init__(self, clause: ClauseElement, dialect: Dialect) -> None:
        compiled = clause.compile(dialect=dialect)
        assert isinstance(compiled, SQLCompiler)  # noqa: S101  # what a clause compiles to
        self._sql = str(compiled)
        self._names = tuple(compiled.positiontup) if compiled.positiontup is not None else None
        self._constants = {name: value for name, value in compiled.params.items() if isinstance(value, int)}

    def run(self, cursor: Cursor, **values: object) -> Cursor:
        cursor.execute(self._sql, self._bind(values))
        return cursor

    def run_many(self, cursor: Cursor, rows: list[dict[str, object]]) -> None:
        cursor.executemany(self._sql, [self._bind(row) for row in rows])

    def _bind(self, values: Mapping[str, object]) -> Any:
        known = {**self._constants, **values} if self._constants else values
        return known if self._names is None else tuple([known[name] for name in self._names])


class Statements:
    """Every statement of the journal, for one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        def ready(clause: ClauseElement) -> Statement:
            return Statement(clause, dialect)

        def add(table: Table, *without: str) -> Statement:
            columns = [column.name for column in table.c if column.name not in without]
            return ready(insert(table).values({name: bindparam(name) for name in columns}))

        older = _P.seq < bindparam("after")
        self.is_there: Final = ready(select(_P.seq).where(_P.id == bindparam("id_")))
        self.key_blocker: Final = ready(
            select(_P.id, _P.state, _P.request).where(_BY_KEY, _P.state.not_in(_words(FREED))).limit(_LIMIT)
        )
        self.repeat_blocker: Final = ready(
            select(_P.id, _P.state).where(_BLOCKING_REPEAT).order_by(_NEWEST).limit(_LIMIT)
        )
        self.sums: Final = ready(select(budgets.c.reserved, budgets.c.committed).where(_WINDOW).with_for_update())
        self.add_window: Final = add(budgets)
        self.set_window: Final = ready(
            update(budgets).where(_WINDOW).values(reserved=bindparam("reserved"), committed=bindparam("committed"))
        )
        self.add_payment: Final = add(payments, "seq")
        self.add_move: Final = add(moves)
        self.add_hold: Final = add(holds)
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
        self.by_key: Final = ready(select(*_DOCUMENT).where(_BY_KEY).order_by(_NEWEST).limit(_LIMIT))
        self.by_request: Final = ready(select(*_DOCUMENT).where(_BY_REQUEST).order_by(_NEWEST).limit(_LIMIT))
        self.any_state: Final = ready(select(*_LISTED).where(older).order_by(_NEWEST).limit(_LIMIT))
        self.one_state: Final = ready(
            select(*_LISTED).where(older, _P.state == bindparam("state")).order_by(_NEWEST).limit(_LIMIT)
        )
        self.unresolved: Final = ready(select(*_DOCUMENT).where(older, is_unresolved).order_by(_NEWEST).limit(_LIMIT))
        self.fact: Final = ready(select(meta.c.value).where(meta.c.name == bindparam("name_")))
        self.add_fact: Final = add(meta)
