"""Rules about the past in every interleaving: a verdict has to hold in the transaction that reserves the payment.

Reservations of one storage are made one after the other. Each is judged again there, by what the ones before it left;
so of two payments that both fit but not together, the second is the one that is refused.
"""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from paygent.core.errors import VerdictOvertaken
from paygent.core.payment import Payment
from paygent.core.verdict import Allow, Deny, RequireApproval, Verdict
from paygent.engine.facts import Finding, facts_of
from paygent.policy.ask import Ask
from paygent.policy.evaluate import evaluate
from paygent.policy.policy import Policy
from paygent.ports.history import Guard, Records

C = TypeVar("C")
W = TypeVar("W")
JUDGEMENTS: Final = 5
"""How often an order is judged that others overtake; the second verdict nearly always is one that nobody can."""


def guard(verdict: Verdict, policy: Policy, ask: Ask, finding: Finding, *, now: int) -> Guard | None:
    """Return what raises VerdictOvertaken where the verdict is a stricter one by now; None where it cannot change.

    What people have agreed to (`RequireApproval`) needs nobody again, and can still be denied.
    """
    if finding.writes is None:
        return None

    def check(records: Records) -> None:
        if records.writes == finding.writes and now == finding.facts.now:
            return
        fresh = evaluate(policy, ask, facts_of(records, policy, ask, now=now, funds=finding.funds))
        if isinstance(fresh, Deny) or (isinstance(fresh, RequireApproval) and isinstance(verdict, Allow)):
            raise VerdictOvertaken(fresh)

    return check


async def judged_and_reserved(
    judge: Callable[[W], Awaitable[C]], reserve: Callable[[W, C], Awaitable[Payment]], order: W
) -> tuple[C, Payment]:
    """Judge an order and reserve its payment, once more where others came in between.

    Raises: VerdictOvertaken: they did so each time.
    """
    for _ in range(JUDGEMENTS - 1):
        choice = await judge(order)
        try:
            return choice, await reserve(order, choice)
        except VerdictOvertaken:
            continue
    choice = await judge(order)
    return choice, await reserve(order, choice)
