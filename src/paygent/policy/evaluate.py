"""Whether a payment may be made, what it takes from which limit, and what has to be known to say so."""

from collections.abc import Iterator
from dataclasses import dataclass

from paygent.core.budget import Hold
from paygent.core.errors import PolicyDenied
from paygent.core.money import USD, Amount
from paygent.core.verdict import Allow, Alternative, Deny, Downgrade, Reason, RequireApproval, Verdict
from paygent.core.window import Span
from paygent.policy.ask import Ask
from paygent.policy.case import cost, dollars, names
from paygent.policy.facts import UNKNOWN, Facts, SumKey
from paygent.policy.holds import claims, day_limits, spans
from paygent.policy.hosts import host_allowed
from paygent.policy.policy import Kept, Policy
from paygent.policy.rules import RULES, Case, Effect, Objection
from paygent.policy.rules.price import missing
from paygent.policy.rules.reserve import day_key
from paygent.policy.scope import Names
from paygent.policy.terms import ServiceTerms

KEPT = 256
"""How many payments' holds a policy keeps, to be found again when the same is asked again."""


def evaluate(policy: Policy, ask: Ask, facts: Facts = UNKNOWN) -> Verdict:
    """Return what the policy says, with every reason of that weight in the order of `rules`.

    Deny overrides. What is only too much becomes a downgrade where the service has something cheaper; then no person is
    asked. Limits over windows are checked here as far as their sums are known, and all of them by the store (`holds`).
    """
    case = Case.of(policy, ask, facts)
    objections = [objection for rule in RULES for objection in rule(case)]
    if not objections:
        return Allow()
    against = [objection for objection in objections if objection.effect is not Effect.ASK]
    return _refusal(case, against) if against else RequireApproval(reasons=_reasons(objections))


def cheaper(policy: Policy, ask: Ask, *, now: int) -> Alternative | None:
    """Return what the service offers in place of a payment that turned out to be too much, if it offers anything."""
    case = Case.of(policy, ask, Facts(now=now))
    return next((each for each in _offered(case) if _is_cheaper(case, each)), None)


def holds(policy: Policy, ask: Ask, *, now: int) -> tuple[Hold, ...]:
    """Return what an allowed payment takes from the limits over time, and from the budgets of its context.

    Args: now: in unix seconds, picks the windows.

    Raises: PolicyDenied: a limit applies and cannot count the payment, for example because its price is too old by now.
    """
    at = spans(policy, now)
    kept = policy.index.kept.get(id(ask))
    if kept is not None and kept.ask is ask and kept.at == at:  # the very objects: equal assets may differ in decimals
        return kept.holds
    taken = _holds(policy, ask, at, now)
    if ask.price is None:  # what a price counts as depends on its age
        _keep(policy, Kept(ask, at, taken))
    return taken


def _keep(policy: Policy, kept: Kept) -> None:
    if len(policy.index.kept) >= KEPT:
        policy.index.kept.clear()
    policy.index.kept[id(kept.ask)] = kept


def _holds(policy: Policy, ask: Ask, at: tuple[Span, ...], now: int) -> tuple[Hold, ...]:
    worth, called = dollars(policy, ask, now), names(ask)
    _check_counted(policy, ask, worth, called, now)
    limited = tuple(
        Hold(
            scope=claim.key[0],
            window=claim.key[1],
            amount=claim.amount,
            limit=claim.limit.amount,
            also=claim.also,
        )
        for claim in claims(policy, ask, worth, called, at)
    )
    return (*limited, *_budgeted(policy, ask, worth, now)) if ask.context.budgets else limited


def _budgeted(policy: Policy, ask: Ask, worth: Amount | None, now: int) -> Iterator[Hold]:
    for budget in ask.context.budgets:
        taken = cost(ask, budget.limit.asset, worth)
        if taken is None:
            text = f"the budget {budget.name} is in {budget.limit.asset.symbol}; {missing(policy, ask, now)}"
            raise PolicyDenied(Deny(reasons=(Reason(code="no_price", text=text),)))
        amount = Amount(taken, budget.limit.asset)
        yield Hold(scope=f"budget:{budget.name}", window="total", amount=amount, limit=budget.limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What of the past a policy asks for, to judge one payment."""

    sums: tuple[SumKey, ...]
    """Sums of windows; without them only the store knows whether there is room."""
    treasury: bool
    recent_seconds: int | None
    """How far back `Facts.recent` looks; None where no rule asks."""
    provider: bool
    agent_payments: bool
    price: bool
    """The token is worth nothing without an oracle."""


def needs(policy: Policy, ask: Ask, *, now: int) -> Needs:
    """Return which facts `evaluate` would use, so that nothing else is looked up."""
    worth = dollars(policy, ask, now)
    keys = [key for claim in claims(policy, ask, worth, names(ask), spans(policy, now)) for key in claim.keys]
    keys += [day_key(terms.id, now) for terms in policy.index.ranked]
    risk = policy.risk
    provider = risk is not None and (
        risk.failures is not None or risk.price_drift_percent is not None or risk.payee_changed
    )
    return Needs(
        sums=tuple(dict.fromkeys(keys)),
        treasury=bool(policy.index.ranked),
        recent_seconds=None if risk is None or risk.burst is None else risk.burst.seconds,
        provider=provider,
        agent_payments=risk is not None
        and risk.first_payment is not None
        and (worth is None or worth > risk.first_payment),
        price=worth is None,
    )


def _refusal(case: Case, against: list[Objection]) -> Deny:
    reasons = _reasons(against)
    if any(objection.effect is Effect.DENY for objection in against):
        return Deny(reasons=reasons)
    less = next((each for each in _offered(case) if _is_cheaper(case, each)), None)
    return Deny(reasons=reasons) if less is None else Downgrade(reasons=reasons, alternative=less)


def _offered(case: Case) -> tuple[Alternative, ...]:
    terms = case.policy.index.services.get(case.ask.context.service or "")
    return () if terms is None else terms.alternatives


def _is_cheaper(case: Case, alternative: Alternative) -> bool:
    """Tell whether an alternative was not tried yet and is known to be less; a mode is taken at its word."""
    if alternative in case.ask.instead_of:
        return False
    if alternative.kind == "service":
        return _sells_cheaper(case, case.policy.index.services[alternative.value])
    return alternative.kind == "mode" or int(alternative.value) < case.ask.quantity


def _sells_cheaper(case: Case, other: ServiceTerms) -> bool:
    may_buy = other.allowed_agents is None or case.ask.context.agent in other.allowed_agents
    worth = case.dollars
    return other.active and may_buy and (worth is None or other.unit_price.atomic * case.ask.quantity < worth.atomic)


def _reasons(objections: list[Objection]) -> tuple[Reason, ...]:
    return tuple(objection.reason for objection in objections)


def _check_counted(policy: Policy, ask: Ask, worth: Amount | None, called: Names, now: int) -> None:
    """Refuse a payment that a limit applies to and cannot count: leaving the hold out would leave the limit out."""
    by_day = any(cost(ask, limit.amount.asset, worth) is not None for limit in day_limits(policy, ask))
    in_dollars = worth is None and any(
        limit.amount.asset == USD and limit.scope.key(called) is not None for limit in policy.index.over_time
    )
    if in_dollars or not by_day:
        raise PolicyDenied(Deny(reasons=(Reason(code="no_price", text=missing(policy, ask, now)),)))


__all__ = ["Ask", "Needs", "cheaper", "evaluate", "holds", "host_allowed", "needs"]
