"""The audit log of a journal in memory."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import ParamSpec

from paygent.core.audit import EMPTY, AuditEntry, Head
from paygent.core.notes import Note, Notes

_P = ParamSpec("_P")


class MemoryTrail:
    """Rows in the order they were written. They are worded and sealed when somebody reads: values do not change."""

    def __init__(self) -> None:
        self._unsealed: deque[Callable[[], Notes]] = deque()
        self._entries: list[AuditEntry] = []

    def add(self, word: Callable[_P, Notes], *args: _P.args, **kwargs: _P.kwargs) -> None:
        """Add the rows that `word` gives; it is a function of values alone."""
        self._unsealed.append(lambda: word(*args, **kwargs))

    def note(self, at: int, kind: str, facts: Mapping[str, str]) -> AuditEntry:
        fixed = Note(at, kind, dict(facts))
        AuditEntry.after(EMPTY, at=at, kind=kind, facts=fixed.facts)  # what cannot be sealed is refused now
        self.add(lambda: (fixed,))
        return self.entries()[-1]

    def count(self) -> int:
        """Return a number that grows with every row, sealed or not."""
        return len(self._entries) + len(self._unsealed)

    def head(self) -> Head:
        """Return where the rows end."""
        rows = self.entries()
        return Head(rows[-1].number, rows[-1].hash) if rows else EMPTY

    def entries(self) -> Sequence[AuditEntry]:
        """Return every row, first to last."""
        head: Head | AuditEntry = self._entries[-1] if self._entries else EMPTY
        while self._unsealed:
            for note in self._unsealed.popleft()():
                head = AuditEntry.after(head, at=note.at, kind=note.kind, facts=note.facts, text=note.text)
                self._entries.append(head)
        return self._entries
