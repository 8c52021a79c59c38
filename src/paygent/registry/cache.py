"""Answers that are kept for some time, the oldest thrown away first."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Cache(Generic[K, V]):
    """At most `most` answers, each for at most `seconds` by the given clock. Belongs to one process."""

    def __init__(self, *, now: Callable[[], int], seconds: int, most: int = 1024) -> None:
        self._now = now
        self._seconds = seconds
        self._most = most
        self._kept: OrderedDict[K, tuple[int, V]] = OrderedDict()

    def get(self, key: K) -> V | None:
        """Return the answer to a question, unless it is too old; None where there is none."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        until, answer = kept
        if not until - self._seconds <= self._now() < until:  # a clock that was set back makes nothing young again
            del self._kept[key]
            return None
        return answer

    def put(self, key: K, answer: V) -> V:
        """Keep an answer, and return it."""
        self._kept[key] = (self._now() + self._seconds, answer)
        self._kept.move_to_end(key)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return answer

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
