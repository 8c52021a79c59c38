"""Time and randomness do what a test says."""

import pytest

from paygent.testing.clock import START, CountedEntropy, FixedEntropy, VirtualClock


def test_virtual_clock_stands_still_until_told() -> None:
    clock = VirtualClock()

    assert (START, START) == (clock.now(), clock.now())
    assert START + 5 == clock.advance(5) == clock.now()
    assert START - 1 == clock.advance(-6)
    assert 7 == VirtualClock(7).now()


def test_counted_entropy_never_repeats_and_is_the_same_in_every_run() -> None:
    entropy = CountedEntropy()
    tokens = [entropy.token() for _ in range(3)]

    assert [number.to_bytes(16, "big") for number in (1, 2, 3)] == tokens


def test_fixed_entropy_repeats() -> None:
    entropy = FixedEntropy(b"0123456789abcdef")

    assert [b"0123456789abcdef"] * 2 == [entropy.token(), entropy.token()]
    with pytest.raises(ValueError, match="16 bytes"):
        FixedEntropy(b"short")
