"""Windows of time that limits are counted in, as arithmetic on unix seconds. No clock is read here."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

Period = Literal["day", "week", "month"]
BUCKETS = 12
"""Into how many buckets a rolling window is cut; it counts up to one bucket too much, never too little."""
AHEAD_SECONDS = 15
"""How far ahead of a payment others may be dated and still count with it: longer than a storage waits for its lock."""
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*")


@dataclass(frozen=True, slots=True)
class Span:
    """A window at one instant: the sum that a payment adds to, and the sums that are counted with it."""

    name: str
    """For example `day:2026-11-21`."""
    also: tuple[str, ...] = ()
    """Further sums that count against the same limit (rolling windows); never `name` itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """A calendar day, week (from Monday, ISO 8601) or month, in UTC or a zone. Days of 23 and 25 hours are days."""

    period: Period
    zone: str = "UTC"
    """An IANA name such as `Europe/Zurich`."""

    def __post_init__(self) -> None:
        if self.period not in ("day", "week", "month"):
            raise ValueError(f"a calendar window is a day, week or month, not {self.period!r}")
        _zone(self.zone)

    def span(self, now: int) -> Span:
        """Return the window that the unix second `now` is in."""
        return _calendar_span(self, now)

    def ends(self, now: int) -> int:
        """Return the first unix second of the next window."""
        return int(_midnight(_next(self.period, _day(now, self.zone)), self.zone).timestamp())

    def __str__(self) -> str:
        return self.period if self.zone == "UTC" else f"{self.period} in {self.zone}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rolling:
    """The last so many seconds, at any instant.

    Sums are kept in `BUCKETS` buckets. Counted are all that overlap the window, and those of the `AHEAD_SECONDS` after
    it: another process's clock may be ahead of this one's, or have gone on while this one waited for its transaction.
    """

    seconds: int

    def __post_init__(self) -> None:
        if type(self.seconds) is not int or not 1 <= self.seconds <= 366 * 86_400:
            raise ValueError(f"a rolling window is 1 second to 366 days long, not {self.seconds!r} seconds")

    def span(self, now: int) -> Span:
        """Return the bucket that the unix second `now` is in, and the others that count."""
        width = self._width
        return _rolling_span(self.seconds, now // width, (now - self.seconds + 1) // width, -(-AHEAD_SECONDS // width))

    def ends(self, now: int) -> int:
        """Return the first unix second at which a payment made at `now` no longer counts."""
        width = self._width
        return (now // width + 1) * width + self.seconds - 1

    @property
    def _width(self) -> int:
        return -(-self.seconds // BUCKETS)

    def __str__(self) -> str:
        return f"{self.seconds} seconds"


@lru_cache(maxsize=256)
def _rolling_span(seconds: int, here: int, first: int, ahead: int) -> Span:
    names = [f"last:{seconds}:{bucket}" for bucket in range(first, here + ahead + 1) if bucket != here]
    return Span(f"last:{seconds}:{here}", tuple(names))


@lru_cache(maxsize=64)
def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    if not _ZONE.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of a time zone such as 'Europe/Zurich'")
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # what zoneinfo raises for names that are no zones, folders among them
        raise ValueError(f"{name!r} is not a time zone that this machine knows, such as 'Europe/Zurich'") from None


def _day(now: int, zone: str) -> date:
    return datetime.fromtimestamp(now, tz=_zone(zone)).date()


@lru_cache(maxsize=256)
def _calendar_span(window: Calendar, now: int) -> Span:
    day = _day(now, window.zone)
    where = "" if window.zone == "UTC" else f"@{window.zone}"
    if window.period == "day":
        return Span(f"day:{day.isoformat()}{where}")
    if window.period == "month":
        return Span(f"month:{day:%Y-%m}{where}")
    year, week, _ = day.isocalendar()
    return Span(f"week:{year:04}-W{week:02}{where}")


def _next(period: Period, day: date) -> date:
    if period == "day":
        return day + timedelta(days=1)
    if period == "month":
        return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return day + timedelta(days=7 - day.weekday())


def _midnight(day: date, zone: str) -> datetime:
    """Return the first instant of a day. Where the clock skips midnight, fold=0 names the instant of the change."""
    return datetime(day.year, day.month, day.day, tzinfo=_zone(zone))


Window: TypeAlias = Calendar | Rolling
DAY = Calendar(period="day")
"""A day in UTC."""
