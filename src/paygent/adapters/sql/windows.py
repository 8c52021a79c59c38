"""The sums of windows inside a transaction: read once, kept while callers take from them, written before the commit."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice
from typing import Final

from paygent.adapters.sql.rows import Window
from paygent.adapters.sql.statements import WINDOWS_AT_ONCE, Cursor, Statements
from paygent.core.budget import NOTHING, Share


class Windows:
    """Sums that nobody else changes until the transaction is over (see `Ledger.begin`)."""

    def __init__(self, cursor: Cursor, statements: Statements) -> None:
        self._cursor: Final = cursor
        self._sql: Final = statements
        self._stored: dict[Window, Share | None] = {}
        self._now: dict[Window, Share] = {}
        self._changes: list[tuple[Window, Share]] = []

    def begin(self) -> None:
        self._stored, self._now, self._changes = {}, {}, []

    def look(self, windows: Iterable[Window]) -> None:
        """Read the sums of windows that are about to be asked for, those that are not known yet."""
        unknown = sorted(set(windows) - self._now.keys())
        if not unknown:
            return
        stored = self._read(unknown, lock=True)
        for window in unknown:
            self._stored[window] = found = stored.get(window)
            self._now[window] = found or NOTHING

    def peek(self, windows: Sequence[Window]) -> Mapping[Window, Share]:
        """Return what is in windows, with what this transaction put there, for who does not add to them."""
        stored = self._read([window for window in windows if window not in self._now], lock=False)
        return {window: self._now.get(window) or stored.get(window, NOTHING) for window in windows}

    def sum(self, window: Window) -> Share:
        """Return what is in a window, with what this transaction put there."""
        if window not in self._now:
            self.look((window,))
        return self._now[window]

    def add(self, window: Window, more: Share) -> None:
        """Add to a window; what is given back is negative."""
        before = self.sum(window)
        self._changes.append((window, before))
        self._now[window] = before + more

    def mark(self) -> int:
        return len(self._changes)

    def undo(self, mark: int) -> None:
        """Take back what was added since the mark."""
        while len(self._changes) > mark:
            window, before = self._changes.pop()
            self._now[window] = before

    def finish(self) -> None:
        """Write the sums that changed, each once."""
        new: list[dict[str, object]] = []
        changed: list[dict[str, object]] = []
        for window in sorted({window for window, _ in self._changes}):
            now, stored = self._now[window], self._stored[window]
            if now == stored:
                continue
            (scope, span, asset), figures = window, {"reserved": str(now.reserved), "committed": str(now.committed)}
            if stored is None:
                new.append({"scope": scope, "span": span, "asset": asset, **figures})
            else:
                changed.append({"scope_": scope, "span_": span, "asset_": asset, **figures})
        if new:
            self._sql.add_window.run_many(self._cursor, new)
        if changed:
            self._sql.set_window.run_many(self._cursor, changed)

    def _read(self, windows: Sequence[Window], *, lock: bool) -> Mapping[Window, Share]:
        """Return the sums that are stored; a window that nothing was ever taken from has none."""
        found: dict[Window, Share] = {}
        rest = iter(windows)
        while some := list(islice(rest, WINDOWS_AT_ONCE)):
            statement = self._sql.sums(len(some), lock=lock)
            parts = list(chain.from_iterable(some))
            for scope, span, asset, reserved, committed in statement.run_in_order(self._cursor, parts).fetchall():
                found[str(scope), str(span), str(asset)] = Share(int(reserved), int(committed))
        return found
