"""What a payment takes from every limit over time that it counts in."""

from collections.abc import Iterator
from dataclasses import dataclass

from paygent.core.money import Amount
from paygent.core.window import Span
from paygent.policy.ask import Ask
from paygent.policy.case import cost, said
from paygent.policy.facts import SumKey
from paygent.policy.limits import Limit
from paygent.policy.policy import Policy
from paygent.policy.scope import Names


@dataclass(frozen=True, slots=True)
class Claim:
    """A limit that a payment counts in, and what it takes of it."""

    limit: Limit
    scope: str
    span: Span
    cost: int
    """Atomic units of the limit's asset."""

    @property
    def amount(self) -> Amount:
        """What it takes."""
        return Amount(self.cost, self.limit.amount.asset)

    @property
    def key(self) -> SumKey:
        """The sum it adds to."""
        return (self.scope, self.span.name, said(self.limit.amount.asset.id))

    @property
    def keys(self) -> tuple[SumKey, ...]:
        """The sums that count against the limit, its own first."""
        asset = said(self.limit.amount.asset.id)
        return tuple((self.scope, name, asset) for name in (self.span.name, *self.span.also))


def claims(policy: Policy, ask: Ask, dollars: Amount | None, names: Names, now: int) -> tuple[Claim, ...]:
    """Return the claims of a payment, one for each sum: of several limits of one sum the smallest."""
    found: dict[SumKey, Claim] = {}
    for claim in _claims(policy, ask, dollars, names, now):
        key = claim.key
        if (other := found.get(key)) is None or claim.limit.amount.atomic < other.limit.amount.atomic:
            found[key] = claim
    return tuple(found.values())


def _claims(policy: Policy, ask: Ask, dollars: Amount | None, names: Names, now: int) -> Iterator[Claim]:
    spans: dict[object, Span] = {}
    apart = policy.index.trades_per_day if ask.trades else None
    by_day = policy.index.per_day if apart is None else apart
    for limit in (*by_day, *policy.index.over_time):
        taken = cost(ask, limit.amount.asset, dollars)
        scope = limit.scope.key(names)
        if apart is not None and scope is not None and limit in apart:
            scope = f"trades of {scope}"
        window = limit.window
        if taken is None or scope is None or window is None:
            continue
        span = spans.get(id(window))
        if span is None:
            span = spans[id(window)] = window.span(now)
        yield Claim(limit, scope, span, taken)
