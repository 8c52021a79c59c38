"""The sums of windows inside a transaction: read once, kept while callers take from them, written before the commit."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Final

from paygent.adapters.sql.rows import Row, Window
from paygent.adapters.sql.statement import Cursor
from paygent.adapters.sql.statements import WINDOWS_AT_ONCE, Statements
from paygent.core.budget import NOTHING, Share


class Windows:
    """Sums that nobody else changes until the transaction is over (see `Ledger.begin`)."""

    def __init__(self, cursor: Cursor, statements: Statements) -> None:
        self._cursor: Final = cursor
        self._sql: Final = statements
        self._stored: dict[Window, Share] = {}
        self._now: dict[Window, Share] = {}
        self._changes: list[tuple[Window, Share]] = []

    def begin(self) -> None:
        self._stored, self._now, self._changes = {}, {}, []

    def look(self, windows: Iterable[Window]) -> None:
        """Read the sums of windows that are about to be asked for, those that are not known yet."""
        unknown = dict.fromkeys(window for window in windows if window not in self._now)
        if unknown:
            stored = self._read(tuple(unknown))
            self._stored.update(stored)
            for window in unknown:
                self._now[window] = stored.get(window, NOTHING)

    def peek(self, windows: Sequence[Window]) -> Mapping[Window, Share]:
        """Return what is in windows, with what this transaction put there, for who does not add to them."""
        stored = self._read([window for window in windows if window not in self._now])
        return {window: self._now.get(window) or stored.get(window, NOTHING) for window in windows}

    def sum(self, windows: Sequence[Window]) -> Share:
        """Return what is in windows together, with what this transaction put there; `look` has read them."""
        if len(windows) == 1:
            return self._now[windows[0]]
        return sum(map(self._now.__getitem__, windows), NOTHING)

    def add(self, window: Window, reserved: int, committed: int) -> None:
        """Add to a window that `look` has read; what is given back is negative."""
        before = self._now[window]
        self._changes.append((window, before))
        self._now[window] = Share(before.reserved + reserved, before.committed + committed)

    def mark(self) -> int:
        return len(self._changes)

    def undo(self, mark: int) -> None:
        """Take back what was added since the mark."""
        while len(self._changes) > mark:
            window, before = self._changes.pop()
            self._now[window] = before

    def finish(self) -> None:
        """Write the sums that changed, each once."""
        changed: list[Row] = []
        for window in dict.fromkeys(window for window, _ in self._changes):
            now = self._now[window]
            if now != self._stored.get(window):
                changed.append((*window, str(now.reserved), str(now.committed)))
        self._sql.set_windows.run(self._cursor, changed)

    def _read(self, windows: Sequence[Window]) -> Mapping[Window, Share]:
        """Return the sums that are stored; a window that nothing was ever taken from has none."""
        found: dict[Window, Share] = {}
        for start in range(0, len(windows), WINDOWS_AT_ONCE):
            some = windows[start : start + WINDOWS_AT_ONCE]
            parts = tuple(chain.from_iterable(some))
            sums = self._sql.sums(len(some)).run_in_order(self._cursor, parts).fetchone()
            for window, stored in zip(some, sums, strict=True):
                if stored is not None:
                    reserved, committed = stored.split()
                    found[window] = Share(int(reserved), int(committed))
        return found
