"""Rules besides the policy's own: each may make a verdict stricter, and none can make it milder or keep it waiting."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future, TimeoutError  # noqa: A004  another class than the built-in one before 3.11
from copy import deepcopy
from typing import Final

from anyio import to_thread

from paygent.core.verdict import Deny, Reason, Verdict, combine
from paygent.policy.ask import Ask
from paygent.policy.case import dollars
from paygent.policy.policy import Policy
from paygent.ports.policy_rule import PolicyRule, Proposal

ANSWER_SECONDS: Final = 5.0
"""How long a rule may take; it is a pure function of a few values."""


class OwnRules:
    """Judges by some rules, each in a thread of its own: one that hangs denies, and holds nobody up.

    While a rule has not come back from an earlier payment it denies at once, so that no threads pile up.
    """

    def __init__(self, rules: Sequence[PolicyRule] = (), *, seconds: float = ANSWER_SECONDS) -> None:
        self._rules = tuple(rules)
        self._seconds = seconds
        self._late: dict[str, Future[Verdict]] = {}

    def __bool__(self) -> bool:
        return bool(self._rules)

    async def judge(self, verdict: Verdict, policy: Policy, ask: Ask, *, now: int) -> Verdict:
        """Return the strictest of the policy's verdict and those of the rules. Args: now: unix seconds."""
        if not self._rules:
            return verdict
        proposal = proposed(policy, ask, now=now)
        said = [await to_thread.run_sync(self._said, rule, deepcopy(proposal)) for rule in self._rules]
        return combine([verdict, *said])

    def _said(self, rule: PolicyRule, proposal: Proposal) -> Verdict:
        earlier = self._late.get(rule.name)
        if earlier is not None and not earlier.done():
            return self._silent(rule)
        answer: Future[Verdict] = Future()
        threading.Thread(target=_ask, args=(rule, proposal, answer), name=f"rule {rule.name}", daemon=True).start()
        try:
            return answer.result(self._seconds)
        except TimeoutError:
            self._late[rule.name] = answer
            return self._silent(rule)

    def _silent(self, rule: PolicyRule) -> Deny:
        text = f"the rule {rule.name} did not answer within {self._seconds:g} seconds, so nothing is paid"
        return Deny(reasons=(Reason(code=f"{rule.name}.silent", text=text),))


def proposed(policy: Policy, ask: Ask, *, now: int) -> Proposal:
    """Return what rules are told of a payment."""
    return Proposal(
        purpose="x402" if ask.action is None else ask.action.purpose,
        payer=ask.payer,
        payee=ask.payee,
        network=ask.network,
        amount=ask.amount,
        dollars=dollars(policy, ask, now),
        host=ask.host,
        context=ask.context,
        now=now,
    )


def _ask(rule: PolicyRule, proposal: Proposal, answer: "Future[Verdict]") -> None:
    try:
        answer.set_result(rule.judge(proposal))
    except BaseException as broken:  # noqa: BLE001  a thread's end: whatever it is denies the payment
        text = f"the rule {rule.name} raised {type(broken).__name__}"
        answer.set_result(Deny(reasons=(Reason(code=f"{rule.name}.broken", text=text),)))


NO_RULES: Final = OwnRules()
