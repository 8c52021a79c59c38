"""Where the kill switch is kept, so that every process sees it."""

from collections.abc import Sequence
from typing import Protocol

from paygent.core.halt import Halt
from paygent.core.ids import PaymentId


class HaltStore(Protocol):
    """**Protocol:** the stored kill switch, in the database of the journal.

    A halt acts on every move into RESERVED, SIGNED and SUBMITTED that commits after it, in any process: the journal
    raises Halted in that very transaction.
    """

    async def halt(self, halt: Halt) -> Sequence[PaymentId]:
        """Store a halt, and in the same transaction deny the payments in its scope that wait for approval.

        A scope that is halted already keeps its first halt. Returns the denied payments.
        """
        ...

    async def lift(self, scope: str, *, by: str, reason: str, at: int) -> Halt | None:
        """Remove a halt and log who did; return it, or None where the scope was not halted."""
        ...

    async def halts(self) -> Sequence[Halt]:
        """Return what is halted, oldest first."""
        ...
