"""Times for people."""

from datetime import datetime

from paygent.cli.times import local_time


def test_time_is_local_iso_with_its_offset() -> None:
    shown = datetime.fromisoformat(local_time(1_700_000_000))

    assert (1_700_000_000, 0) == (int(shown.timestamp()), shown.microsecond)
    assert shown.utcoffset() == datetime.fromtimestamp(1_700_000_000).astimezone().utcoffset()
