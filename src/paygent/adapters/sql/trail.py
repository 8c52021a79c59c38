"""The audit log inside a transaction: rows are sealed as they happen and written together before the commit."""

from collections.abc import Sequence
from typing import Final, cast

from paygent.adapters.sql.rows import Row, parsed
from paygent.adapters.sql.statement import Cursor
from paygent.adapters.sql.statements import DecisionStatements
from paygent.core.audit import EMPTY, GENESIS, AuditEntry, Head
from paygent.core.errors import AdapterError
from paygent.core.notes import Notes


class Trail:
    """The rows that a transaction adds, while it holds the lock on the chain's head (see `Ledger.begin`)."""

    def __init__(self, cursor: Cursor, statements: DecisionStatements) -> None:
        self._cursor: Final = cursor
        self._sql: Final = statements
        self._head = EMPTY
        self._added: list[tuple[AuditEntry, str]] = []
        """Each with its facts as they are sealed and stored."""

    def begin(self) -> None:
        """Lock the head of the chain, and read it: nobody else writes until this transaction is over."""
        self._head = _head(self._sql.head.run(self._cursor).fetchone())
        self._added = []

    def stored_head(self) -> Head:
        """Return the head of the chain as it is recorded, without a lock."""
        return _head(self._sql.read_head.run(self._cursor).fetchone())

    @property
    def number(self) -> int:
        """The number of the last row, with those that this transaction adds."""
        return self.last().number if self._added else self.stored_head().number

    def add(self, notes: Notes) -> None:
        for note in notes:
            head = self.last() if self._added else self._head
            entry = AuditEntry.after(head, at=note.at, kind=note.kind, facts=note.facts, text=note.text)
            self._added.append((entry, note.text))

    def last(self) -> AuditEntry:
        """Return the row that was added last."""
        return self._added[-1][0]

    def mark(self) -> int:
        return len(self._added)

    def undo(self, mark: int) -> None:
        """Forget the rows since the mark."""
        del self._added[mark:]

    def finish(self) -> None:
        """Write the rows, and the head that they leave."""
        if not self._added:
            return
        self._sql.add_audit.run(self._cursor, [_row(*each) for each in self._added])
        last = self.last()
        self._sql.set_head.run(self._cursor, number=last.number, hash=last.hash)

    def entries(self, after: int, limit: int) -> Sequence[AuditEntry]:
        """Return rows as they are stored, from `after + 1` on."""
        rows = self._sql.audit_rows.run(self._cursor, first=after, limit=limit + (after > 0)).fetchall()
        previous = str(rows[0][4]) if rows and int(rows[0][0]) == after else GENESIS
        entries: list[AuditEntry] = []
        for number, at, kind, facts, sealed in rows:
            if int(number) <= after:
                continue
            entry = AuditEntry(
                number=int(number),
                at=_time(at),
                kind=str(kind),
                facts=_facts(facts),
                previous=previous,
                hash=str(sealed),
            )
            entries.append(entry)
            previous = entry.hash
        return tuple(entries[:limit])


def _head(row: Sequence[object] | None) -> Head:
    if row is None:
        raise AdapterError("the audit log has lost its head; restore the database from a copy", retryable=False)
    return Head(int(str(row[0])), str(row[1]))


def _row(entry: AuditEntry, facts: str) -> Row:
    return (entry.number, entry.at, entry.kind, facts, entry.hash)


def _time(stored: object) -> int:
    """Return a stored time; what somebody made unreadable is a time that was never sealed."""
    try:
        return int(str(stored))
    except ValueError:
        return -1


def _facts(text: object) -> dict[str, str]:
    """Return stored facts; what somebody made unreadable is shown, so that the broken seal is found there."""
    try:
        read = parsed(text)
    except ValueError:
        return {"unreadable": str(text)}
    if not isinstance(read, dict):
        return {"unreadable": str(text)}
    return {str(name): str(said) for name, said in cast("dict[object, object]", read).items()}
