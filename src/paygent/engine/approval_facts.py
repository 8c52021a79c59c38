"""What people are shown about a payment that waits for them. The digest they agree to is made of the same facts."""

from collections.abc import Mapping, Sequence

from paygent.core.budget import Hold, WindowKey
from paygent.core.money import USD, Amount
from paygent.core.payment import Payment
from paygent.core.transaction import Plan
from paygent.core.verdict import Deny, Reason, RequireApproval


def approval_facts(
    waiting: Payment, holds: Sequence[Hold], sums: Mapping[WindowKey, int], verdict: RequireApproval
) -> dict[str, str]:
    """Return the facts by name, for people: whom, what, how much, what is left of which limits, and why they are asked.

    Args: sums: what is spent and reserved of each hold's windows.
    """
    intent = waiting.intent
    facts = {
        "amount": str(intent.amount),
        "atomic_units": str(intent.amount.atomic),
        "decimals": str(intent.amount.asset.decimals),
        "quantity": str(waiting.quantity),
        "asset": str(intent.amount.asset.id),
        "payee": intent.payee,
        "resource": f"{intent.method} {intent.resource}",
        "network": str(intent.network),
        "scheme": intent.scheme,
        "payer": intent.payer,
        "reasons": verdict.explain(),
        "intent": intent.digest.hex(),
    }
    return facts | _limit_facts(holds, sums) | _who(waiting)


def action_facts(
    waiting: Payment, plan: Plan, holds: Sequence[Hold], sums: Mapping[WindowKey, int], verdict: RequireApproval
) -> dict[str, str]:
    """Return the facts by name, for people: what is done, by which calls, for how much, and why they are asked.

    Args: sums: as of `approval_facts`.
    """
    action, intent = plan.action, waiting.intent
    facts = {
        "action": action.digest.hex(),
        "asset": str(action.spend.asset.id),
        "atomic_units": str(action.spend.atomic),
        "counterparty": action.counterparty,
        "deadline": str(action.deadline),
        "decimals": str(action.spend.asset.decimals),
        "gas_at_most": str(plan.gas),
        "intent": intent.digest.hex(),
        "network": str(action.network),
        "payer": intent.payer,
        "purpose": action.purpose,
        "reasons": verdict.explain(),
        "receive_at_least": ", ".join(map(str, action.receive)) or "nothing",
        "spend": str(action.spend),
        "summary": action.summary,
        "venue": action.venue or "none",
    }
    if action.fee is not None:
        facts["fee_at_most"] = str(action.fee)
    if action.slippage_bps is not None:
        facts["slippage_bps"] = str(action.slippage_bps)
    facts |= {f"call {place}": str(call) for place, call in enumerate(action.calls, start=1)}
    return facts | _limit_facts(holds, sums) | _who(waiting)


def _limit_facts(holds: Sequence[Hold], sums: Mapping[WindowKey, int]) -> dict[str, str]:
    """Return what it counts as in dollars, what is taken of each limit, and what is left of it before.

    Args: sums: of each hold's windows.
    """
    limits: dict[str, str] = {}
    for hold in holds:
        name = f"limit {hold.scope} {hold.window}"  # one for each asset that is limited
        said = f"{hold.amount} of {hold.limit}, {_left(hold, sums)} left before it"
        limits[name] = f"{limits[name]}; {said}" if name in limits else said
    dollars = next((str(hold.amount) for hold in holds if hold.amount.asset == USD), "no price")
    return limits | {"amount_usd": dollars}


def _who(waiting: Payment) -> dict[str, str]:
    names = waiting.context
    said = {"project": names.project, "agent": names.agent, "session": names.session, "tool": names.tool}
    return {name: value for name, value in said.items() if value is not None}


def exhausted(holds: Sequence[Hold], sums: Mapping[WindowKey, int]) -> Deny | None:
    """Return the refusal of what some limit has no room for as it stands, so that no person is asked about it.

    What there is room for may be too much by the time that it is reserved: the storage looks again then.
    """
    full = [hold for hold in holds if hold.amount.atomic > _left(hold, sums).atomic]
    if not full:
        return None
    said = (
        f"the budget {each.scope!r} of {each.limit} has {_left(each, sums)} left, not {each.amount}" for each in full
    )
    return Deny(reasons=tuple(Reason(code="budget_exhausted", text=text) for text in said))


def hold_keys(hold: Hold) -> list[WindowKey]:
    """Return the sums that count against a hold's limit."""
    return [(hold.scope, window, str(hold.limit.asset.id)) for window in (hold.window, *hold.also)]


def _left(hold: Hold, sums: Mapping[WindowKey, int]) -> Amount:
    """Return what is left of a limit before the payment."""
    spent = sum(sums[key] for key in hold_keys(hold))
    return Amount(max(0, hold.limit.atomic - spent), hold.limit.asset)
