"""One statement: written in SQLAlchemy Core, compiled once for a database, then run on its driver's cursor.

An `execute` of SQLAlchemy costs more than a whole statement of SQLite, so the hot path leaves it out.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, Final, Protocol

from sqlalchemy import ClauseElement, Dialect, Table, bindparam, insert
from sqlalchemy.sql.compiler import SQLCompiler

ROWS_AT_ONCE: Final = 16
"""The most rows that one statement adds: few enough that the database keeps each number's statement prepared."""


class Cursor(Protocol):
    """**Protocol:** what a driver's cursor has (PEP 249) and is used here."""

    @property
    def rowcount(self) -> int: ...

    def execute(self, sql: str, parameters: Any = ..., /) -> object: ...

    def executemany(self, sql: str, rows: Any, /) -> object: ...

    def fetchone(self) -> Any: ...

    def fetchmany(self, size: int, /) -> list[Any]: ...

    def fetchall(self) -> list[Any]: ...


class Statement:
    """One compiled statement. It takes its parameters by name, or in the order of its text."""

    __slots__ = ("_constants", "_sql", "_values")

    def __init__(self, clause: ClauseElement, dialect: Dialect) -> None:
        compiled = _compiled(clause, dialect)
        self._sql = str(compiled)
        self._values = _values(compiled.positiontup or ())
        self._constants = {name: value for name, value in compiled.params.items() if isinstance(value, int)}

    def run(self, cursor: Cursor, **values: object) -> Cursor:
        cursor.execute(self._sql, self._bind(values))
        return cursor

    def run_in_order(self, cursor: Cursor, values: Sequence[object]) -> Cursor:
        cursor.execute(self._sql, values)
        return cursor

    def run_many(self, cursor: Cursor, rows: Sequence[Mapping[str, object]]) -> None:
        cursor.executemany(self._sql, list(map(self._bind, rows)))

    def _bind(self, values: Mapping[str, object]) -> tuple[object, ...]:
        return self._values({**self._constants, **values} if self._constants else values)


def _values(names: Sequence[str]) -> Callable[[Mapping[str, object]], tuple[object, ...]]:
    """Return what takes the values of these names, in their order, out of a row."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda values: tuple([values[name] for name in names])


class Insertion:
    """Adds rows to a table, many with one statement. A row has every column, in the table's order."""

    __slots__ = ("_texts",)

    def __init__(self, table: Table, dialect: Dialect, *, on_conflict: str = "") -> None:
        clause = insert(table).values({column.name: bindparam(column.name) for column in table.c}).inline()
        head, values, row = str(_compiled(clause, dialect)).partition("VALUES ")
        rest = on_conflict and f" ON CONFLICT {on_conflict}"
        self._texts = [head + values + ", ".join([row] * rows) + rest for rows in range(ROWS_AT_ONCE + 1)]

    def run(self, cursor: Cursor, rows: Sequence[Sequence[object]]) -> None:
        for start in range(0, len(rows), ROWS_AT_ONCE):
            some = rows[start : start + ROWS_AT_ONCE]
            cursor.execute(self._texts[len(some)], tuple(chain.from_iterable(some)))


def _compiled(clause: ClauseElement, dialect: Dialect) -> SQLCompiler:
    compiled = clause.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)  # noqa: S101  # what a clause compiles to
    return compiled


_Ready = Callable[[ClauseElement], Statement]
_Add = Callable[..., Statement]


def words_of_dialect(dialect: Dialect) -> tuple[_Ready, _Add]:
    """Return what makes a clause ready for a dialect, and what makes the statement that adds a row to a table."""

    def ready(clause: ClauseElement) -> Statement:
        return Statement(clause, dialect)

    def add(table: Table, *without: str) -> Statement:
        columns = [column.name for column in table.c if column.name not in without]
        return ready(insert(table).values({name: bindparam(name) for name in columns}).inline())

    return ready, add
