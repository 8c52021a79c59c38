"""The long form: `python -m tests.crash --kills 1000`. Every call of every way to pay once, then random moments.

It pays on anvil, through the devnet's official seller and facilitator. A purse sees up to three kills in a row before
somebody finishes its purchase. The books of every fifty purses are checked against the chain, and a line tells how far
it is. `--storage postgresql` puts the wallets' storages on a server; `--seconds` ends a run that takes too long, after
the books of what was killed until then.
"""

import argparse
import math
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from paygent.core.lifecycle import State
from tests.crash.job import When
from tests.crash.town import PAST_LEASE, Purse, Town, killed_everywhere, open_town
from tests.crash.vaults import databases
from tests.interop.install import find_installed

BATCH = 50
WAYS: tuple[tuple[str | None, When], ...] = (("one", "before"), (None, "after"), ("one", "after"), (None, "before"))


@dataclass(kw_only=True)
class Score:
    """What happened so far."""

    kills: int = 0
    planned: int = 0
    """Of the kills, those at a call of a port."""
    purses: int = 0
    transfers: int = 0
    states: Counter[State] = field(default_factory=Counter[State])
    began: float = field(default_factory=time.monotonic)

    def __str__(self) -> str:
        seconds = time.monotonic() - self.began
        states = ", ".join(f"{count} {state}" for state, count in sorted(self.states.items()))
        return (
            f"{self.kills} kills ({self.planned} at a call, {self.kills - self.planned} at a random time), "
            f"{self.purses} wallets, {self.transfers} transfers, payments: {states}; {seconds:.0f} s"
        )


def planned(town: Town, score: Score) -> Iterator[Purse]:
    """Kill a payer at each call of a port, in each way, and let others go on."""
    for key, when in WAYS:
        for purse in killed_everywhere(town, key=key, when=when):
            score.kills += 1
            score.planned += 1
            town.retry(purse)
            yield purse


def by_chance(town: Town, score: Score, dice: random.Random) -> Iterator[Purse]:
    """Kill payers from outside, anywhere from their first instruction to their last, for ever."""
    town.run(town.purse())
    began = time.monotonic()
    town.run(town.purse())
    longest = (time.monotonic() - began) * 1.2
    while True:
        purse = town.purse(key=dice.choice([None, "one"]))
        later = 0
        for _ in range(dice.randint(1, 3)):
            score.kills += town.run_killed(purse, after_seconds=dice.uniform(0, longest), later=later)
            later = dice.choice([0, PAST_LEASE])
        town.retry(purse)
        yield purse


def judge(town: Town, purses: list[Purse], score: Score) -> None:
    """Check the books, and that whoever named the purchase has it exactly once."""
    for purse, end in zip(purses, town.end(purses), strict=True):
        moved = len(town.transfers(purse))
        assert purse.job.key is None or moved == 1, purse.said
        score.transfers += moved
        score.states.update(payment.state for payment in end.payments)
    score.purses += len(purses)
    purses.clear()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--planned", type=int, help="at most so many of them at a call; default: all there are")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=math.inf, help="begin no kill later than this")
    parser.add_argument("--storage", choices=["sqlite", "postgresql"], default="sqlite")
    asked = parser.parse_args(arguments)
    score = Score()
    with (
        tempfile.TemporaryDirectory(prefix="crash-") as folder,
        open_town(Path(folder), anvil=find_installed().anvil) as town,
        ExitStack() as opened,
    ):
        if asked.storage == "postgresql":
            town.vault = opened.enter_context(databases())
        purses: list[Purse] = []
        for source in (islice(planned(town, score), asked.planned), by_chance(town, score, random.Random(asked.seed))):
            for purse in source:
                purses.append(purse)
                over = score.kills >= asked.kills or time.monotonic() - score.began > asked.seconds
                if len(purses) == BATCH or over:
                    judge(town, purses, score)
                    print(score, flush=True)
                if over:
                    return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
