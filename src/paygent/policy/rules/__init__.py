"""The rules: each a pure function of one case, in the fixed order in which their reasons are told.

1. lists       networks, assets, hosts, payees, services, agents, oracles
2. terms       what is agreed with the agent and the service
3. price       no price, no payment
4. amounts     limits of one payment, then limits over windows as far as their sums are known
5. reserve     what agents of higher priority still need
6. risk        burst, first payment, failing provider, price drift, payee changed, unverified service
7. approval    the thresholds of the policy or the tool
"""

from collections.abc import Callable, Iterable

from paygent.policy.case import Case, Effect, Objection
from paygent.policy.rules.amounts import over_payment_limits, over_window_limits, without_day_limit
from paygent.policy.rules.approval import above_threshold
from paygent.policy.rules.lists import outside_lists
from paygent.policy.rules.price import without_price
from paygent.policy.rules.reserve import into_reserve
from paygent.policy.rules.risk import odd
from paygent.policy.rules.terms import against_terms

Rule = Callable[[Case], Iterable[Objection]]
RULES: tuple[Rule, ...] = (
    outside_lists,
    against_terms,
    without_price,
    over_payment_limits,
    without_day_limit,
    over_window_limits,
    into_reserve,
    odd,
    above_threshold,
)

__all__ = ["RULES", "Case", "Effect", "Objection", "Rule"]
