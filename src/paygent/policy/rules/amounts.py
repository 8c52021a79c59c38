"""How much one payment may cost, and how much is left of the windows whose sums are known."""

from collections.abc import Iterable, Iterator, Mapping

from paygent.core.money import Amount
from paygent.policy.case import Case, Objection, deny, too_much
from paygent.policy.facts import SumKey
from paygent.policy.holds import claims, day_limits, spans


def over_payment_limits(case: Case) -> Iterable[Objection]:
    """Object to a payment above `max_per_payment`, a ceiling of caller or approver, or further limits of a payment."""
    found = _over(case, *_one_at_most(case))
    if case.ask.max_amount is not None:
        found += _over(case, "max_amount", (case.ask.max_amount,))
    if case.ask.edited is not None:
        found += _over(case, "edit", (case.ask.edited,))
    return [*found, *_over_further(case)] if case.policy.index.per_payment else found


def _one_at_most(case: Case) -> tuple[str, tuple[Amount, ...]]:
    """Return the name and the amounts of the limit of one payment, or of one trade where that has its own."""
    if case.ask.trades and case.policy.max_per_trade is not None:
        return "max_per_trade", case.policy.trade_limits
    return "max_per_payment", case.policy.payment_limits


def _over_further(case: Case) -> Iterator[Objection]:
    for each in case.policy.index.per_payment:
        cost_of_it = case.cost(each.amount.asset)
        if cost_of_it is not None and cost_of_it > each.amount.atomic and each.scope.key(case.names) is not None:
            yield too_much("over_limit", f"{case.ask.amount} is above the limit of {each}")


def _over(case: Case, name: str, limits: tuple[Amount, ...]) -> list[Objection]:
    known = [(limit, cost) for limit in limits if (cost := case.cost(limit.asset)) is not None]
    if not known:
        return [] if _moves_nothing(case) else [_no_limit(name, case)]
    return [
        too_much(f"over_{name}", f"{case.ask.amount} is above {name} of {limit}")
        for limit, cost in known
        if cost > limit.atomic
    ]


def without_day_limit(case: Case) -> Iterable[Objection]:
    """Object where no limit of a day can count the payment."""
    if _moves_nothing(case):
        return ()
    for limit in day_limits(case.policy, case.ask):
        if case.cost(limit.amount.asset) is not None:
            return ()
    trades = case.ask.trades and case.policy.trade_per_day is not None
    return (_no_limit("trade_per_day" if trades else "per_day", case),)


def _moves_nothing(case: Case) -> bool:
    """Tell whether an action takes no money but gas, such as a change of an AgentWallet's settings."""
    return case.ask.action is not None and case.ask.amount.atomic == 0


def over_window_limits(case: Case) -> Iterable[Objection]:
    """Object where the known sum of a window leaves no room. An unknown sum is left to the store, which checks all."""
    now, sums = case.facts.now, case.facts.sums
    return () if now is None or sums is None else _over_windows(case, sums, now)


def _over_windows(case: Case, sums: Mapping[SumKey, int], now: int) -> Iterator[Objection]:
    for claim in claims(case.policy, case.ask, case.dollars, case.names, spans(case.policy, now)):
        spent = claim.spent(sums)
        if spent is not None and spent + claim.cost > claim.limit.amount.atomic:
            left = Amount(max(0, claim.limit.amount.atomic - spent), claim.limit.amount.asset)
            text = f"{claim.amount} is more than the {left} left of the limit of {claim.limit}"
            yield too_much("budget_exhausted", text)


def _no_limit(name: str, case: Case) -> Objection:
    asset = case.ask.token.asset.id
    text = f"{name} has no limit for {asset}"
    if case.dollars is None:
        text = f"{asset} does not count as dollars and {name} has no limit for it"
    return deny("no_limit_for_asset", f'{text}; give it one in the policy, such as "5 {asset}"')
