"""What a payment may cost without a person."""

from collections.abc import Iterable

from paygent.policy.case import Case, Objection, ask_person


def above_threshold(case: Case) -> Iterable[Objection]:
    """Ask where the payment is above a threshold of its tool or of the policy, or can be compared with none."""
    thresholds = case.policy.thresholds(case.ask.context.tool)
    if thresholds is None:
        return ()
    known = [(limit, cost) for limit in thresholds if (cost := case.cost(limit.asset)) is not None]
    if not known and case.ask.action is not None and case.ask.amount.atomic == 0:
        return ()  # it takes no money but gas
    if not known:
        text = f"approve_above cannot be compared with {case.ask.token.asset.id}; give it an amount"
        return (ask_person("no_threshold_for_asset", text),)
    return [
        ask_person("above_approval_threshold", f"{case.ask.amount} is above {limit}, which needs approval")
        for limit, cost in known
        if cost > limit.atomic
    ]
