"""Values as they were at every block: what an in-memory chain remembers, and forgets when it is reorganised."""

from bisect import bisect_right
from collections.abc import Hashable


class Ledger:
    """Integers by key and height. What was never written is 0."""

    def __init__(self) -> None:
        self._heights: dict[Hashable, list[int]] = {}
        self._values: dict[Hashable, list[int]] = {}

    def read(self, key: Hashable, height: int) -> int:
        """Return the value after the block at `height`."""
        heights = self._heights.get(key)
        if heights is None:
            return 0
        place = bisect_right(heights, height)
        return self._values[key][place - 1] if place else 0

    def write(self, key: Hashable, height: int, value: int) -> None:
        """Set the value from the block at `height` on; heights only grow."""
        heights = self._heights.setdefault(key, [])
        values = self._values.setdefault(key, [])
        if heights and heights[-1] == height:
            values[-1] = value
        else:
            heights.append(height)
            values.append(value)

    def forget_above(self, height: int) -> None:
        """Drop what was written above `height`."""
        for key, heights in self._heights.items():
            kept = bisect_right(heights, height)
            del heights[kept:]
            del self._values[key][kept:]
