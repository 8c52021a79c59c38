"""New rows of one table that wait for the end of the transaction, because nobody looks at them before."""

from collections.abc import Iterable
from typing import Final

from paygent.adapters.sql.rows import Row
from paygent.adapters.sql.statement import Cursor, Insertion


class Additions:
    """The rows that wait. Whoever reads the table inside the transaction writes them first."""

    def __init__(self, cursor: Cursor, insertion: Insertion) -> None:
        self._cursor: Final = cursor
        self._insertion: Final = insertion
        self._rows: list[Row] = []

    def add(self, rows: Iterable[Row]) -> None:
        """Have rows written later; each has every column, in the table's order."""
        self._rows += rows

    def write(self) -> None:
        """Write what waits, all at once."""
        if self._rows:
            self._insertion.run(self._cursor, self._rows)
            self._rows = []

    def forget(self) -> None:
        """Drop what waits."""
        self._rows = []
