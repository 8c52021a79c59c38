"""Times as people read them."""

from paygent.core.utc import utc


def test_time_is_told_in_utc_to_the_second() -> None:
    assert ["1970-01-01 00:00:00 UTC", "2026-11-22 00:04:20 UTC"] == [utc(0), utc(1_795_305_860)]


def test_seconds_that_are_no_date_are_told_as_they_are() -> None:
    """A halt that ends in an error of the calendar would have told nobody what can still settle."""
    assert "9999-12-31 23:59:59 UTC" == utc(253_402_300_799)
    assert ["253402300800 (unix seconds)", "-1 (unix seconds)"] == [utc(253_402_300_800), utc(-1)]
    assert f"{2**255} (unix seconds)" == utc(2**255)
