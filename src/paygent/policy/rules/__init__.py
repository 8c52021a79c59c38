"""The rules: each a pure function of one case, in the fixed order in which their reasons are told.

1. lists       networks, assets, hosts, payees, services, agents, oracles
2. actions     what is done on chain: venue, slippage, deadline, gas, and what the calls really do
3. terms       what is agreed with the agent and the service
4. price       no price, no payment
5. amounts     limits of one payment, then limits over windows as far as their sums are known
6. reserve     what agents of higher priority still need
7. risk        burst, first payment, failing provider, price drift, payee changed, unverified service
8. approval    the thresholds of the policy or the tool
"""

from collections.abc import Callable, Iterable

from paygent.policy.case import Case, Effect, Objection
from paygent.policy.rules.actions import unsafe_action
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
    unsafe_action,
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
