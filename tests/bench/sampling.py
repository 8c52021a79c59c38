"""Fair samples: turns in a new order each round, warmed up, and no garbage collection while the clock runs."""

import gc
import random
import statistics
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

Contender = Callable[[], Awaitable[float]]
"""Does its work once and returns the seconds that count."""
_WARM_UP = 2
_ROUNDS_OF_ONE = 20
"""Enough for a steady median."""


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


def of_processes(measure: Callable[[int], dict[str, float]], *, rounds: int) -> dict[str, float]:
    """Return the medians of what several processes measured, one after the other, with so many rounds together.

    Where a process happens to put its code and data moves a ratio by a twentieth, and stays as it is until its end.
    """
    processes = max(1, rounds // _ROUNDS_OF_ONE)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as fresh:
        runs = list(fresh.map(measure, [rounds // processes] * processes))
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


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
