"""Unix seconds as people read them."""

from datetime import UTC, datetime


def utc(seconds: int) -> str:
    """Return unix seconds as a date and time of UTC, for example ``2026-11-22 00:04:20 UTC``."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
