"""Windows as arithmetic: a payment is in one, an instant later another may have begun, in every zone."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygent.core.window import AHEAD_SECONDS, BUCKETS, DAY, Calendar, Period, Rolling, Span

SECONDS = st.integers(0, 4_000_000_000)
ZONES = ["UTC", "Europe/Zurich", "America/Sao_Paulo", "Pacific/Apia", "Asia/Kathmandu", "Australia/Lord_Howe"]


def at(text: str, zone: str = "UTC", fold: int = 0) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp())


@pytest.mark.parametrize(
    ("period", "when", "name"),
    [
        ("day", "2026-11-21T00:00:00", "day:2026-11-21"),
        ("day", "2026-11-21T23:59:59", "day:2026-11-21"),
        ("week", "2026-11-22T23:59:59", "week:2026-W47"),
        ("week", "2027-01-03T12:00:00", "week:2026-W53"),
        ("week", "2027-01-04T00:00:00", "week:2027-W01"),
        ("month", "2026-02-28T23:59:59", "month:2026-02"),
        ("month", "2026-03-01T00:00:00", "month:2026-03"),
    ],
)
def test_span_names_the_calendar_window_of_an_instant(period: Period, when: str, name: str) -> None:
    assert Span(name) == Calendar(period=period).span(at(when))


def test_span_of_a_zone_is_the_day_there() -> None:
    zurich = Calendar(period="day", zone="Europe/Zurich")

    assert Span("day:2026-11-22@Europe/Zurich") == zurich.span(at("2026-11-21T23:00:00"))
    assert Span("day:2026-11-21@Europe/Zurich") == zurich.span(at("2026-11-21T22:59:59"))


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-21", 24)])
def test_day_has_the_hours_that_the_clocks_give_it(day: str, hours: int) -> None:
    zurich = Calendar(period="day", zone="Europe/Zurich")
    start = at(f"{day}T00:00:00", "Europe/Zurich")

    assert start + hours * 3600 == zurich.ends(start)
    assert {zurich.span(start)} == {zurich.span(start + 3600 * hour) for hour in range(hours)}
    assert zurich.span(start) != zurich.span(start + 3600 * hours)


def test_hour_that_comes_twice_is_in_one_day() -> None:
    zurich = Calendar(period="day", zone="Europe/Zurich")
    first, second = (at("2026-10-25T02:30:00", "Europe/Zurich", fold) for fold in (0, 1))

    assert 3600 == second - first
    assert zurich.span(first) == zurich.span(second)


def test_day_whose_midnight_is_skipped_begins_with_the_change() -> None:
    """In Sao Paulo the clock went from 23:59:59 to 01:00 on 2018-11-04."""
    there = Calendar(period="day", zone="America/Sao_Paulo")
    change = at("2018-11-04T03:00:00")

    assert change == there.ends(change - 1)
    assert Span("day:2018-11-04@America/Sao_Paulo") == there.span(change)


def test_day_that_a_zone_skipped_is_nobodys() -> None:
    """Samoa had no 2011-12-30."""
    there = Calendar(period="day", zone="Pacific/Apia")
    change = at("2011-12-30T10:00:00")

    assert Span("day:2011-12-29@Pacific/Apia") == there.span(change - 1)
    assert Span("day:2011-12-31@Pacific/Apia") == there.span(change)


@given(st.sampled_from(["day", "week", "month"]), st.sampled_from(ZONES), SECONDS)
def test_window_ends_at_the_first_second_of_the_next(period: Period, zone: str, now: int) -> None:
    window = Calendar(period=period, zone=zone)
    end = window.ends(now)

    assert now < end
    assert window.span(now) == window.span(end - 1) != window.span(end)


@given(st.integers(1, 10_000), st.integers(0, 100_000), st.integers(0, 30_000))
def test_rolling_window_counts_all_of_its_seconds_and_little_more(seconds: int, then: int, later: int) -> None:
    """What was spent less than `seconds` ago counts; what is older by more than a bucket does not."""
    window = Rolling(seconds=seconds)
    spent, span = window.span(then).name, window.span(then + later)
    counted = spent in (span.name, *span.also)
    width = -(-seconds // BUCKETS)

    assert counted or later >= seconds
    assert not counted or later < seconds + width
    assert counted == (then + later < window.ends(then))


@given(st.integers(1, 10_000), st.integers(0, 100_000))
def test_rolling_window_counts_a_neighbour_whose_clock_is_a_bucket_or_seconds_ahead(seconds: int, now: int) -> None:
    span = Rolling(seconds=seconds).span(now)

    assert Rolling(seconds=seconds).span(now + -(-seconds // BUCKETS)).name in span.also
    for later in range(1, AHEAD_SECONDS + 1):
        assert Rolling(seconds=seconds).span(now + later).name in (span.name, *span.also)


@given(st.integers(1, 366 * 86_400), SECONDS)
def test_rolling_window_names_few_sums_each_once(seconds: int, now: int) -> None:
    span = Rolling(seconds=seconds).span(now)

    ahead = -(-AHEAD_SECONDS // -(-seconds // BUCKETS))
    assert len({span.name, *span.also}) == 1 + len(span.also) <= BUCKETS + 1 + ahead


def test_rolling_windows_of_two_lengths_have_sums_of_their_own() -> None:
    assert not {*Rolling(seconds=60).span(600).also} & {*Rolling(seconds=61).span(600).also}


@pytest.mark.parametrize(
    "zone",
    ["", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "Europe", "Europe/", "a" * 300, "UTC\n", "Zürich"],
)
def test_calendar_refuses_a_zone_that_is_none(zone: str) -> None:
    with pytest.raises(ValueError, match="time zone"):
        Calendar(period="day", zone=zone)


def test_calendar_refuses_another_period() -> None:
    period: Any = "year"
    with pytest.raises(ValueError, match="day, week or month"):
        Calendar(period=period)


@pytest.mark.parametrize("seconds", [0, -1, True, "60", 366 * 86_400 + 1])
def test_rolling_refuses_a_length_out_of_range(seconds: Any) -> None:
    with pytest.raises(ValueError, match="1 second to 366 days"):
        Rolling(seconds=seconds)


def test_windows_say_what_they_are() -> None:
    said = [str(window) for window in (DAY, Calendar(period="week", zone="Asia/Tokyo"), Rolling(seconds=60))]

    assert ["day", "week in Asia/Tokyo", "60 seconds"] == said
    assert datetime(2026, 11, 22, tzinfo=UTC).timestamp() == DAY.ends(at("2026-11-21T05:00:00"))
