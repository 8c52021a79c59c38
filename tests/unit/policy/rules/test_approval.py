"""Thresholds above which a person is asked, for each payment and for each tool."""

from dataclasses import replace

from paygent.core.context import Context
from paygent.core.money import Amount, usd
from paygent.core.verdict import Allow, RequireApproval
from paygent.policy.evaluate import evaluate
from paygent.policy.policy import Policy
from paygent.policy.terms import ToolTerms
from tests.unit.policy.cases import COIN, FREE, asked, codes, coins

ASKING = replace(FREE, approve_above=usd("10"))


def test_default_threshold_is_ten_dollars_and_may_be_reached() -> None:
    policy = Policy(max_per_payment=usd("100"), per_day=usd("100"))
    verdict = evaluate(policy, asked("10.000001"))

    assert Allow() == evaluate(policy, asked("10"))
    assert isinstance(verdict, RequireApproval)
    assert "10.000001 TUSD is above 10.00 USD, which needs approval" == verdict.explain()


def test_tool_has_a_threshold_of_its_own() -> None:
    policy = replace(
        ASKING, tools=(ToolTerms(id="lookup", approve_above=usd("0")), ToolTerms(id="swap", approve_above=None))
    )

    assert ["above_approval_threshold"] == codes(evaluate(policy, asked("0.01")))
    assert Allow() == evaluate(policy, asked("0"))
    assert Allow() == evaluate(policy, asked("1000", context=Context(tool="swap")))
    assert ["above_approval_threshold"] == codes(evaluate(policy, asked("11", context=Context(tool="other"))))
    assert Allow() == evaluate(policy, asked("10", context=Context()))


def test_threshold_in_a_token_counts_that_token() -> None:
    own = Amount.parse("100", COIN.asset)
    policy = Policy(max_per_payment=own, per_day=own, approve_above=(usd("10"), Amount.parse("5", COIN.asset)))

    assert Allow() == evaluate(policy, coins("5"))
    assert ["above_approval_threshold"] == codes(evaluate(policy, coins("5.1")))


def test_payment_that_no_threshold_can_be_compared_with_asks() -> None:
    own = Amount.parse("100", COIN.asset)

    assert ["no_threshold_for_asset"] == codes(evaluate(Policy(max_per_payment=own, per_day=own), coins("5")))


def test_nobody_is_asked_without_a_threshold() -> None:
    assert Allow() == evaluate(FREE, asked("1000"))
