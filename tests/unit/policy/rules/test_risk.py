"""Odd payments ask a person or are denied; what is unknown is taken for the worst."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygent.core.context import Context
from paygent.core.errors import ConfigurationError
from paygent.core.money import Amount, usd
from paygent.core.verdict import Allow, Deny, RequireApproval, Verdict
from paygent.policy.evaluate import evaluate, needs
from paygent.policy.facts import Facts, Provider, Recent
from paygent.policy.policy import Policy
from paygent.policy.risk import CODES, Burst, Risk, decayed
from paygent.policy.terms import AgentTerms, Priority
from tests.unit.policy.cases import COIN, FREE, NOW, PAYEE, asked, codes, coins, quiet

OTHER = f"0x{'99' * 20}"
OFF = Risk(burst=None, first_payment=None, failures=None, price_drift_percent=None, payee_changed=False)


def judged(dollars: str = "1", facts: Facts | None = None, risk: Risk | None = None, **about: Any) -> Verdict:
    policy = replace(FREE, risk=Risk() if risk is None else risk)
    return evaluate(policy, asked(dollars, **about), quiet() if facts is None else facts)


def test_usual_payment_is_not_odd() -> None:
    assert Allow() == judged()


@pytest.mark.parametrize(
    ("payments", "before", "odd"),
    [(5, "9.000001", True), (5, "9", False), (4, "1000", False), (0, "0", False), (6, "50", True)],
)
def test_burst_is_more_payments_and_more_money(payments: int, before: str, odd: bool) -> None:
    """The default: more than 5 payments in 60 s and more than 10 USD, this one included."""
    facts = quiet(recent=Recent(payments=payments, dollars=usd(before)))

    assert (["burst"] if odd else []) == codes(judged("1", facts))


def test_burst_of_unknown_worth_is_one() -> None:
    own = Amount.parse("10", COIN.asset)
    policy = Policy(max_per_payment=own, per_day=own, approve_above=None, risk=replace(OFF, burst=Burst()))
    facts = quiet(recent=Recent(payments=5, dollars=usd("0")))

    assert ["burst"] == codes(evaluate(policy, coins("1"), facts))
    assert "6 payments of unknown worth in 60 seconds" in evaluate(policy, coins("1"), facts).explain()


@pytest.mark.parametrize(
    ("dollars", "payments", "odd"), [("5.000001", 0, True), ("5", 0, False), ("50", 1, False), ("6", None, True)]
)
def test_first_payment_above_five_dollars_is_odd(dollars: str, payments: int | None, odd: bool) -> None:
    assert (["first_payment"] if odd else []) == codes(judged(dollars, quiet(agent_payments=payments)))


@pytest.mark.parametrize("priority", Priority)
def test_first_payment_is_odd_for_low_agents_alone(priority: Priority) -> None:
    agent = AgentTerms(id="bot", priority=priority, daily_budget=usd("100"), max_per_payment=usd("100"))
    policy = replace(FREE, risk=Risk(), agent_terms=(agent,))
    verdict = evaluate(policy, asked("6"), quiet(agent_payments=0))

    assert (priority is Priority.LOW) == (["first_payment"] == codes(verdict))


def test_first_payment_of_unknown_worth_is_odd() -> None:
    own = Amount.parse("10", COIN.asset)
    policy = Policy(max_per_payment=own, per_day=own, approve_above=None, risk=replace(OFF, first_payment=usd("5")))

    assert ["first_payment"] == codes(evaluate(policy, coins("1"), quiet(agent_payments=0)))


@pytest.mark.parametrize(
    ("ago", "odd"), [((0, 0, 0), True), ((0, 0), False), ((0, 0, 3600), True), ((0, 0, 3602), False), ((), False)]
)
def test_provider_that_failed_often_lately_is_odd(ago: tuple[int, ...], odd: bool) -> None:
    facts = quiet(provider=Provider(failed_at=tuple(NOW - seconds for seconds in ago)))

    assert (["provider_failing"] if odd else []) == codes(judged("1", facts))


def test_failures_do_not_decay_where_the_time_is_unknown() -> None:
    facts = quiet(now=None, provider=Provider(failed_at=(1, 2, 3)))

    assert ["provider_failing"] == codes(judged("1", facts))


@given(st.lists(st.integers(0, 10**6), max_size=5), st.integers(0, 10**5), st.integers(1, 10**5))
def test_failures_count_less_the_older_they_are(ago: list[int], later: int, half_life: int) -> None:
    times = tuple(10**6 - seconds for seconds in ago)
    now, then = (decayed(times, now=10**6 + each, half_life_seconds=half_life) for each in (0, later))
    halved = decayed(times, now=10**6 + half_life, half_life_seconds=half_life)

    assert 1000 * len(ago) >= now >= then >= 0
    assert abs(2 * halved - now) <= 2 * len(ago)


@pytest.mark.parametrize(
    ("dollars", "quantity", "odd"), [("1.25", 1, False), ("1.250001", 1, True), ("2.5", 2, False), ("0.01", 1, False)]
)
def test_price_far_above_the_last_one_is_odd(dollars: str, quantity: int, odd: bool) -> None:
    facts = quiet(provider=Provider(last_unit_price=usd("1")))

    assert (["price_drift"] if odd else []) == codes(judged(dollars, facts, quantity=quantity))


def test_price_that_cannot_be_compared_is_odd() -> None:
    own = Amount.parse("10", COIN.asset)
    policy = Policy(max_per_payment=own, per_day=own, approve_above=None, risk=replace(OFF, price_drift_percent=0))

    assert ["price_drift"] == codes(evaluate(policy, coins("1"), quiet(provider=Provider(last_unit_price=usd("1")))))


@pytest.mark.parametrize(("last", "odd"), [(OTHER, True), (PAYEE, False), (PAYEE.lower(), False), (None, False)])
def test_payee_that_changed_is_odd(last: str | None, odd: bool) -> None:
    assert (["payee_changed"] if odd else []) == codes(judged("1", quiet(provider=Provider(last_payee=last))))


def test_facts_that_are_unknown_count_as_the_worst() -> None:
    verdict = judged("6", Facts())

    assert ["burst", "first_payment", "provider_failing", "price_drift", "payee_changed"] == codes(verdict)
    assert isinstance(verdict, RequireApproval)


def test_rules_that_are_off_say_nothing() -> None:
    facts = Facts()

    assert Allow() == judged("6", facts, OFF)
    loud = Provider(failed_at=(NOW,) * 9, last_unit_price=usd("0"), last_payee=OTHER)
    assert Allow() == judged("6", quiet(provider=loud), OFF)
    needed = needs(replace(FREE, risk=OFF), asked(), now=NOW)
    assert (None, False, False) == (needed.recent_seconds, needed.provider, needed.agent_payments)
    needed = needs(replace(FREE, risk=Risk()), asked("5.000001"), now=NOW)
    assert (60, True, True) == (needed.recent_seconds, needed.provider, needed.agent_payments)
    assert not needs(replace(FREE, risk=Risk()), asked("5"), now=NOW).agent_payments


@pytest.mark.parametrize("code", sorted(CODES - {"service_not_verified"}))
def test_rule_denies_where_the_policy_says_so(code: str) -> None:
    verdict = judged("6", Facts(), Risk(deny=frozenset({code})))

    assert isinstance(verdict, Deny)
    assert [code] == codes(verdict)


def test_payment_of_nobody_is_low() -> None:
    assert ["first_payment"] == codes(judged("6", quiet(agent_payments=0), context=Context()))


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: Risk(deny=frozenset({"bursts"})), "'bursts' is no risk rule"),
        (lambda: Risk(first_payment=Amount(1, COIN.asset)), "US dollars"),
        (lambda: Risk(failures=0), "at least 1"),
        (lambda: Risk(failure_half_life_seconds=0), "from 1 to"),
        (lambda: Risk(price_drift_percent=-1), "from 0 to"),
        (lambda: Burst(seconds=0), "is no burst"),
        (lambda: Burst(payments=-1), "is no burst"),
        (lambda: Burst(amount=Amount(1, COIN.asset)), "is no burst"),
    ],
)
def test_risk_refuses_what_cannot_be_meant(make: Any, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        make()
