"""Unix seconds as people read them."""

from datetime import UTC, datetime
from typing import Final

_LAST: Final = 253_402_300_799
"""The last second of the year 9999."""


def utc(seconds: int) -> str:
    """Return unix seconds as a date and time of UTC, for example ``2026-11-22 00:04:20 UTC``, up to the year 9999."""
    if not 0 <= seconds <= _LAST:
        return f"{seconds} (unix seconds)"
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
