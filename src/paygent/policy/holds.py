"""What a payment takes from every limit over time that it counts in."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from paygent.core.money import Amount
from paygent.core.window import Span, Window
from paygent.policy.ask import Ask
from paygent.policy.case import cost
from paygent.policy.facts import SumKey
from paygent.policy.limits import Limit
from paygent.policy.policy import Policy
from paygent.policy.scope import Names


class Claim(NamedTuple):
    """A limit that a payment counts in, and what it takes of it."""

    limit: Limit
    key: SumKey
    """The sum it adds to."""
    also: tuple[str, ...]
    """Windows of the same scope and asset whose sums count against the limit too."""
    cost: int
    """Atomic units of the limit's asset."""

    @property
    def amount(self) -> Amount:
        """What it takes."""
        return Amount(self.cost, self.limit.amount.asset)

    @property
    def keys(self) -> tuple[SumKey, ...]:
        """The sums that count against the limit, its own first."""
        scope, _, asset = self.key
        return (self.key, *((scope, name, asset) for name in self.also))

    def spent(self, sums: Mapping[SumKey, int]) -> int | None:
        """Return what counts against the limit already; None where a part of it is unknown."""
        own = sums.get(self.key)
        if own is None or not self.also:  # most windows have one sum
            return own
        known = [part for key in self.keys if (part := sums.get(key)) is not None]
        return sum(known) if len(known) == 1 + len(self.also) else None


def spans(policy: Policy, now: int) -> tuple[Span, ...]:
    """Return the policy's windows as they are at the unix second `now`, in the order of its index."""
    return tuple([window.span(now) for window in policy.index.windows])


def claims(policy: Policy, ask: Ask, dollars: Amount | None, names: Names, at: tuple[Span, ...]) -> tuple[Claim, ...]:
    """Return the claims of a payment, one for each sum: of several limits of one sum the smallest.

    Args: at: the windows, as `spans` returns them.
    """
    found: dict[SumKey, Claim] = {}
    span_of = dict(zip(policy.index.windows, at, strict=True))
    for limit, window, scope, taken in _counting(policy, ask, dollars, names):
        span = span_of[window]
        key = (scope, span.name, limit.amount.asset.id.text)
        if (other := found.get(key)) is None or limit.amount.atomic < other.limit.amount.atomic:
            found[key] = Claim(limit, key, span.also, taken)
    return tuple(found.values())


def day_limits(policy: Policy, ask: Ask) -> tuple[Limit, ...]:
    """Return the limits of the wallet's day that the payment counts in: those of trades where they have their own."""
    apart = policy.index.trades_per_day if ask.trades else None
    return policy.index.per_day if apart is None else apart


def _counting(
    policy: Policy, ask: Ask, dollars: Amount | None, names: Names
) -> Iterator[tuple[Limit, Window, str, int]]:
    """Yield each limit over time that counts the payment, with its window, its scope, and what is taken of it."""
    apart = policy.index.trades_per_day if ask.trades else None
    for limit in (*day_limits(policy, ask), *policy.index.over_time):
        taken, scope = cost(ask, limit.amount.asset, dollars), limit.scope.key(names)
        if taken is None or scope is None or limit.window is None:
            continue
        if apart is not None and any(limit is each for each in apart):  # a further limit may be equal to one of them
            scope = f"trades of {scope}"
        yield limit, limit.window, scope, taken
