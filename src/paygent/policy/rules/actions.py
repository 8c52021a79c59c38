"""What may be done on chain at all: where, how far from the quote, how long, for how much gas, and by which calls."""

from collections.abc import Iterable, Iterator

from paygent.core.action import Action
from paygent.evm.batch import is_batch
from paygent.evm.calls import faults
from paygent.evm.exchange import misstatements
from paygent.policy.case import Case, Objection, deny


def unsafe_action(case: Case) -> Iterable[Objection]:
    """Object to an action on chain that its policy does not allow, or whose calls do something else."""
    action = case.ask.action
    if action is None:
        return ()
    said = (*_terms(case, action), *_time(case, action), *_gas(case, action), *_calls(case, action))
    return (*said, *_recipients(case)) if is_batch(action) else said


def _terms(case: Case, action: Action) -> Iterator[Objection]:
    policy = case.policy
    if action.purpose == "transfer":
        return
    if policy.venues is not None and action.venue not in policy.venues:
        yield deny("venue_not_allowed", f"venue {action.venue!r} is not in the policy's venues")
    if action.purpose != "swap":
        return
    if not action.receive or any(amount.atomic == 0 for amount in action.receive):
        yield deny("no_minimum", "a swap says the least that it must bring, above zero")
    if action.slippage_bps is None or action.slippage_bps > policy.max_slippage_bps:
        said = "unknown" if action.slippage_bps is None else f"{action.slippage_bps} basis points"
        yield deny("slippage", f"the slippage is {said}, and the policy allows {policy.max_slippage_bps} basis points")


def _recipients(case: Case) -> Iterator[Objection]:
    """Object to a batch where a limit counts what each recipient gets: a batch is counted as a whole."""
    limits = (*case.policy.index.per_payment, *case.policy.index.over_time)
    if any(part.kind == "recipient" for limit in limits for part in limit.scope.parts):
        yield deny(
            "batch_by_recipient", "the policy has limits of a recipient, which a batch is not; pay each by itself"
        )


def _time(case: Case, action: Action) -> Iterator[Objection]:
    now = case.facts.now
    if now is None:
        yield deny("deadline", "nobody says what time it is, so no deadline can be judged")
        return
    latest = now + case.policy.max_deadline_seconds
    if not now < action.deadline <= latest:
        yield deny("deadline", f"the deadline {action.deadline} is not after {now} and at most {latest}")


def _gas(case: Case, action: Action) -> Iterator[Objection]:
    policy = case.policy
    for name, limits in (("gas_per_transaction", policy.gas_limits), ("gas_per_day", policy.gas_day_limits)):
        if not any(limit.asset.id.chain == action.network for limit in limits):
            text = f"{name} has no limit in the coin of {action.network}; own transactions need one: set {name}"
            yield deny("no_gas_limit", text)


def _calls(case: Case, action: Action) -> Iterator[Objection]:
    for code, text in (*faults(action), *misstatements(action, case.ask.payer)):
        yield deny(code, text)
