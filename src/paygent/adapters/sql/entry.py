"""What a write of a payment puts into the tables, worked out before its transaction: others wait for that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

from paygent.adapters.sql.rows import Row, Window, changing, hold_row, move_row, payment_row, windows_of
from paygent.core import notes
from paygent.core.budget import Hold
from paygent.core.payment import Move, Payment


@dataclass(frozen=True, slots=True)
class Entry:
    """A payment that is new, or what became of one."""

    payment: Payment
    columns: Mapping[str, object]
    """Every column of a new payment; of one that is there, those that change."""
    moves: Sequence[Row]
    notes: notes.Notes

    @classmethod
    def opened(cls, payment: Payment) -> Self:
        """Return the entry of a new payment."""
        return cls(payment, payment_row(payment), _move_rows(payment, payment.history), notes.opened(payment))

    @classmethod
    def moved(cls, before: Payment, after: Payment) -> Self:
        """Return the entry of what became of a payment."""
        moves = _move_rows(after, before.lines_to(after))
        return cls(after, changing(after), moves, notes.moved(before, after))


class Claim(NamedTuple):
    """A hold of a new reservation, the windows that count against its limit (its own first), and its row."""

    hold: Hold
    windows: Sequence[Window]
    row: Row


def claims(payment: Payment, holds: Sequence[Hold]) -> Sequence[Claim]:
    """Return what a payment claims of its limits, in their order."""
    return [_claim(payment, at, hold, windows_of(hold)) for at, hold in enumerate(holds)]


def _claim(payment: Payment, position: int, hold: Hold, windows: Sequence[Window]) -> Claim:
    return Claim(hold, windows, hold_row(payment, position, hold, windows[0]))


def _move_rows(payment: Payment, lines: Sequence[Move]) -> Sequence[Row]:
    """Return the rows of new lines of history as the last versions; what was only learned has a line of its own."""
    first = payment.version - len(lines) + 1
    rows = [move_row(payment, first + index, line) for index, line in enumerate(lines)]
    return rows or [move_row(payment, payment.version, None)]
