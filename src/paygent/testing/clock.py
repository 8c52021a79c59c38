"""Time and randomness that a test commands."""

from typing import Final

START: Final = 1_800_000_000
"""Unix seconds at which a `VirtualClock` begins unless told otherwise."""


class VirtualClock:
    """A `Clock` that stands still until it is told to go on, or back."""

    def __init__(self, start: int = START) -> None:
        self._now = start

    def now(self) -> int:
        return self._now

    def advance(self, seconds: int) -> int:
        """Go on by so many seconds, or back where they are negative; return the new time."""
        self._now += seconds
        return self._now


class CountedEntropy:
    """An `Entropy` whose tokens are 1, 2, 3 ... as 16 bytes: the same in every run, never the same twice in one."""

    def __init__(self) -> None:
        self._count = 0

    def token(self) -> bytes:
        self._count += 1
        return self._count.to_bytes(16, "big")


class FixedEntropy:
    """An `Entropy` that always gives the same 16 bytes."""

    def __init__(self, token: bytes = bytes(16)) -> None:
        if len(token) != 16:
            raise ValueError(f"a token has 16 bytes, not {len(token)}")
        self._token = token

    def token(self) -> bytes:
        return self._token
