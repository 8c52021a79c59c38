"""Fair samples: turns in a new order each round, warmed up, and no garbage collection while the clock runs."""

import gc
import random
import statistics
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager

Contender = Callable[[], Awaitable[float]]
"""Does its work once and returns the seconds that count."""
_WARM_UP = 2


async def medians(contenders: Mapping[str, Contender], *, rounds: int, in_a_row: int = 1) -> dict[str, float]:
    """Return each contender's median seconds.

    In every round each has one turn, in an order that is drawn anew (the same in every run): who comes after somebody
    else finds the caches that the other left, so nobody always follows the same one. A turn is so many times `in_a_row`
    and counts as their mean. Two rounds warm up.
    """
    samples: dict[str, list[float]] = {name: [] for name in contenders}
    turns = list(contenders.items())
    order = random.Random(_WARM_UP)
    with _no_collection():
        for number in range(_WARM_UP + rounds):
            gc.collect()
            order.shuffle(turns)
            for name, contend in turns:
                seconds = sum([await contend() for _ in range(in_a_row)]) / in_a_row
                if number >= _WARM_UP:
                    samples[name].append(seconds)
    return {name: statistics.median(taken) for name, taken in samples.items()}


@contextmanager
def _no_collection() -> Iterator[None]:
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()
