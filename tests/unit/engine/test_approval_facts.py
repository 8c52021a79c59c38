"""What people are shown about an action on chain."""

from dataclasses import replace

from paygent.core.context import Context
from paygent.core.money import Amount, usd
from paygent.core.transaction import Plan
from paygent.core.verdict import Reason, RequireApproval
from paygent.engine.approval_facts import action_facts, hold_keys
from paygent.policy.evaluate import holds
from paygent.testing.conformance.payments import awaiting
from tests.unit.policy.rules.test_actions import GAS, NOW, PAYER, POLICY, ROUTER, ask, swap

WHY = RequireApproval(reasons=(Reason(code="above_approval_threshold", text="too much"),))


def test_action_shows_what_it_counts_as_in_dollars_and_what_is_left() -> None:
    action = swap(40_000_000)
    taken = holds(POLICY, ask(action), now=NOW)
    sums = {key: 30_000_000 for hold in taken for key in hold_keys(hold)}
    waiting = replace(awaiting(), context=Context(agent="trader"))
    shown = action_facts(waiting, Plan.of(action, gas=GAS, first_nonce=0), taken, sums, WHY)

    assert ("40.00 USD", "40.00 USDX", ROUTER, "trader") == tuple(
        shown[name] for name in ("amount_usd", "spend", "counterparty", "agent")
    )
    limit = f"limit trades of wallet:{PAYER.lower()} day:2027-01-15"
    assert "40.00 USD of 90.00 USD, 60.00 USD left before it" == shown[limit]


def test_each_limit_of_a_window_is_shown_also_where_another_limits_another_asset() -> None:
    action = swap(40_000_000)
    policy = replace(POLICY, trade_per_day=(usd("90"), Amount(50_000_000, action.spend.asset)))
    taken = holds(policy, ask(action), now=NOW)
    sums = {key: 0 for hold in taken for key in hold_keys(hold)}
    shown = action_facts(awaiting(), Plan.of(action, gas=GAS, first_nonce=0), taken, sums, WHY)
    limits = shown[f"limit trades of wallet:{PAYER.lower()} day:2027-01-15"].split("; ")
    assert {
        "40.00 USD of 90.00 USD, 90.00 USD left before it",
        "40.00 USDX of 50.00 USDX, 50.00 USDX left before it",
    } == set(limits)


def test_action_that_no_dollars_count_says_so() -> None:
    shown = action_facts(awaiting(), Plan.of(swap(), gas=GAS, first_nonce=0), (), {}, WHY)

    assert "no price" == shown["amount_usd"]
