"""How much a policy leaves for payments of one kind."""

from paygent.core.money import Amount
from paygent.engine.approval_facts import hold_keys
from paygent.policy.ask import Ask
from paygent.policy.case import Case
from paygent.policy.evaluate import holds
from paygent.policy.facts import UNKNOWN
from paygent.policy.policy import Policy
from paygent.ports.storage import Storage


async def room(policy: Policy, ask: Ask, storage: Storage, *, now: int, reserved: bool = False) -> Amount | None:
    """Return the most that one payment like `ask` may be now, by the limits of a payment and of windows.

    Args: reserved: the payment itself is in the sums already, and is not counted.

    Other rules, such as lists, may allow nothing. None where no limit can be compared with the asset.

    Raises: PolicyDenied: a limit applies and cannot count the asset. AdapterError: the storage does not answer.
    """
    amount = ask.amount.atomic
    case = Case.of(policy, ask, UNKNOWN)
    costs = [(limit.atomic, case.cost(limit.asset)) for limit in policy.payment_limits]
    rooms = [(most, cost) for most, cost in costs if cost is not None]
    taken = holds(policy, ask, now=now)
    sums = await storage.sums([key for hold in taken for key in hold_keys(hold)])
    for hold in taken:
        used = sum(sums[key] for key in hold_keys(hold)) - (hold.amount.atomic if reserved else 0)
        rooms.append((max(0, hold.limit.atomic - used), hold.amount.atomic))
    least = [most * amount // cost for most, cost in rooms if cost > 0]
    return Amount(min(least), ask.amount.asset) if least else None
