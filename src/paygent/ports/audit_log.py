"""What happened, in an order that nobody can change unnoticed."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from paygent.core.audit import AuditEntry, Head


class AuditLog(Protocol):
    """**Protocol:** the hash chain of audit rows, in the database of the journal.

    Each write of the journal, the approval store and the halt store adds its rows in its own transaction: what was
    written has its row, and what has a row was written.
    """

    async def note(self, *, at: int, kind: str, facts: Mapping[str, str]) -> AuditEntry:
        """Add a row about something that is not stored elsewhere, such as a new policy."""
        ...

    async def entries(self, *, after: int = 0, limit: int = 1000) -> Sequence[AuditEntry]:
        """Return rows in order, from number `after + 1` on."""
        ...

    async def head(self) -> Head:
        """Return where the rows end, by a record kept beside them, which tells that rows at the end are missing."""
        ...
