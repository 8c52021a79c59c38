"""Times as people read them."""

from paygent.core.utc import utc


def test_time_is_told_in_utc_to_the_second() -> None:
    assert ["1970-01-01 00:00:00 UTC", "2026-11-22 00:04:20 UTC"] == [utc(0), utc(1_795_305_860)]
