"""The machine's own time and randomness."""

import time

from paygent.adapters.system import SystemClock, SystemEntropy


def test_system_clock_tells_unix_seconds() -> None:
    before, now, after = int(time.time()), SystemClock().now(), int(time.time())

    assert before <= now <= after
    assert int is type(now)


def test_system_entropy_gives_16_bytes_never_twice() -> None:
    tokens = {SystemEntropy().token() for _ in range(100)}

    assert (100, {16}) == (len(tokens), {len(token) for token in tokens})
