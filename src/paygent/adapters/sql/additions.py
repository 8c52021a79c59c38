"""New rows of one table that wait for the end of the transaction, because nobody looks at them before."""

from collections.abc import Mapping, Sequence
from typing import Final

from paygent.adapters.sql.statements import Cursor, Statement


class Additions:
    """The rows that wait. Whoever reads the table inside the transaction writes them first."""

    def __init__(self, cursor: Cursor, statement: Statement) -> None:
        self._cursor: Final = cursor
        self._statement: Final = statement
        self._rows: list[Mapping[str, object]] = []

    def add(self, rows: Sequence[Mapping[str, object]]) -> None:
        self._rows += rows

    def write(self) -> None:
        """Write what waits, all at once."""
        if self._rows:
            self._statement.run_many(self._cursor, self._rows)
            self._rows = []

    def forget(self) -> None:
        """Drop what waits."""
        self._rows = []
