"""What agents of higher priority still need of the treasury today."""

from collections.abc import Iterable, Iterator

from paygent.core.money import USD
from paygent.core.window import DAY
from paygent.policy.case import Case, Objection, deny, too_much
from paygent.policy.facts import Facts
from paygent.policy.scope import Part
from paygent.policy.terms import AgentTerms, Priority


def into_reserve(case: Case) -> Iterable[Objection]:
    """Object where the treasury would be left with less than the unspent daily budgets of higher agents."""
    return _into_reserve(case) if case.policy.index.ranked else ()


def _into_reserve(case: Case) -> Iterator[Objection]:
    own = case.policy.index.agents.get(case.ask.context.agent or "")
    rank = Priority.LOW if own is None else own.priority
    higher = [terms for terms in case.policy.index.ranked if terms.priority > rank]
    if not higher or case.dollars is None:  # `without_price` has denied a payment without one
        return
    if case.facts.treasury is None:
        yield deny(
            "treasury_unknown", f"the treasury's balance is unknown, and agent {higher[0].id!r} needs its budget"
        )
        return
    left = case.facts.treasury.atomic - case.dollars.atomic
    for terms in higher:
        left -= _unspent(terms, case.facts)
        if left < 0:
            yield too_much("reserved", f"{case.dollars} would consume reserved budget for {terms.id}")
            return


def _unspent(terms: AgentTerms, facts: Facts) -> int:
    """Return what is left of the agent's day; all of it where what it spent is unknown."""
    if facts.now is None or facts.sums is None:
        return terms.daily_budget.atomic
    spent = facts.sums.get(day_key(terms.id, facts.now))
    return max(0, terms.daily_budget.atomic - (spent or 0))


def day_key(agent: str, now: int) -> tuple[str, str, str]:
    """Return the name of the sum of what an agent spends in the UTC day of `now`."""
    return (str(Part("agent", agent)), DAY.span(now).name, USD.id.text)
