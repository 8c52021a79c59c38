"""Fair samples: contenders take turns, warmed up, with the garbage collector held off while the clock runs."""

import gc
import statistics
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager

Contender = Callable[[], Awaitable[float]]
"""Does its work once and returns the seconds that count."""
_WARM_UP = 2


async def medians(contenders: Mapping[str, Contender], *, rounds: int, in_a_row: int = 1) -> dict[str, float]:
    """Return each contender's median seconds.

    In every round each has one turn, and another one begins. A turn is so many times `in_a_row` and counts as their
    mean; who comes after somebody else finds cold caches, so short work is done more often. Two rounds warm up.
    """
    samples: dict[str, list[float]] = {name: [] for name in contenders}
    turns = list(contenders.items())
    with _no_collection():
        for number in range(_WARM_UP + rounds):
            gc.collect()
            turns.append(turns.pop(0))
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
