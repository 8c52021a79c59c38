"""Time as a parameter."""

from typing import Protocol


class Clock(Protocol):
    """**Protocol:** the time of this process. It may be wrong; block time decides what an authorization is worth."""

    def now(self) -> int:
        """Return unix seconds."""
        ...
