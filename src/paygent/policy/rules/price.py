"""No price, no payment: what a budget in dollars cannot count is not paid."""

from collections.abc import Iterable

from paygent.core.money import USD
from paygent.policy.ask import Ask
from paygent.policy.case import Case, Objection, deny
from paygent.policy.policy import Policy
from paygent.policy.valuation import objection


def without_price(case: Case) -> Iterable[Objection]:
    """Object where a limit in dollars applies and nothing says what the payment is worth."""
    if case.dollars is not None or not _counted_in_dollars(case):
        return ()
    return (deny("no_price", missing(case.policy, case.ask, case.facts.now)),)


def missing(policy: Policy, ask: Ask, now: int | None) -> str:
    """Say why a token has no price, and what to do."""
    asset = ask.token.asset.id
    why = "no price" if ask.price is None else objection(ask.price, asset, policy.valuation, now) or "too high a price"
    return f"{asset} cannot be counted in dollars ({why}); configure a price oracle or a fixed rate for it"


def _counted_in_dollars(case: Case) -> bool:
    index, context = case.policy.index, case.ask.context
    if index.ranked or context.service in index.services:  # a budget of any agent may have to be kept for it
        return True
    limits = (*index.per_payment, *index.over_time)
    return any(limit.amount.asset == USD and limit.scope.key(case.names) is not None for limit in limits)
