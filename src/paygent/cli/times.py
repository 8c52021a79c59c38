"""Times as people read them; programs get unix seconds."""

from datetime import UTC, datetime


def local_time(seconds: int) -> str:
    """Return unix seconds as the local time of this machine, for example ``2026-11-21T15:04:05+01:00``."""
    return datetime.fromtimestamp(seconds, UTC).astimezone().isoformat(timespec="seconds")
