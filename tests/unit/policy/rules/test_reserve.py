"""An agent of lower priority leaves what higher ones still need."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygent.core.context import Context
from paygent.core.money import USD, Amount, usd
from paygent.core.verdict import Allow, Verdict
from paygent.policy.evaluate import evaluate, holds, needs
from paygent.policy.facts import SumKey
from paygent.policy.rules.reserve import day_key
from paygent.policy.terms import AgentTerms, Priority
from tests.unit.policy.cases import FREE, NOW, asked, codes, coins, quiet


def agent(name: str, priority: Priority, budget: str = "10") -> AgentTerms:
    return AgentTerms(id=name, priority=priority, daily_budget=usd(budget), max_per_payment=usd("1000"))


AGENTS = (
    agent("low-agent", Priority.LOW),
    agent("normal-agent", Priority.NORMAL),
    agent("user-agent", Priority.HIGH),
    agent("medium-agent", Priority.MEDIUM),
)
POLICY = replace(FREE, agent_terms=AGENTS)


def spent(**dollars: str) -> dict[SumKey, int]:
    return {day_key(name.replace("_", "-"), NOW): usd(amount).atomic for name, amount in dollars.items()}


def judged(name: str, dollars: str, treasury: str, **sums: str) -> Verdict:
    facts = quiet(treasury=usd(treasury), sums=spent(**sums))
    return evaluate(POLICY, asked(dollars, context=Context(agent=name)), facts)


@pytest.mark.parametrize(
    ("name", "treasury", "kept_for"),
    [
        ("user-agent", "1", None),
        ("medium-agent", "11", None),
        ("medium-agent", "10.999999", "user-agent"),
        ("normal-agent", "21", None),
        ("normal-agent", "20", "medium-agent"),
        ("low-agent", "31", None),
        ("low-agent", "30.5", "normal-agent"),
        ("low-agent", "5", "user-agent"),
    ],
)
def test_agent_leaves_the_unspent_budgets_of_higher_ones(name: str, treasury: str, kept_for: str | None) -> None:
    verdict = judged(name, "1", treasury)

    if kept_for is None:
        assert Allow() == verdict
    else:
        assert f"1.00 USD would consume reserved budget for {kept_for}" == verdict.explain()


def test_what_higher_agents_spent_is_not_kept() -> None:
    assert Allow() == judged("medium-agent", "1", "3", user_agent="8")
    assert ["reserved"] == codes(judged("medium-agent", "1", "2.5", user_agent="8"))
    assert Allow() == judged("medium-agent", "1", "1", user_agent="10.000001")


def test_agent_that_is_not_listed_is_low() -> None:
    policy, ask = replace(POLICY, other_agents=True), asked("1", context=Context())

    assert ["reserved"] == codes(evaluate(policy, ask, quiet(treasury=usd("30"))))
    assert Allow() == evaluate(policy, ask, quiet(treasury=usd("31")))


def test_treasury_that_is_unknown_is_not_spent() -> None:
    assert ["treasury_unknown"] == codes(
        evaluate(POLICY, asked("1", context=Context(agent="low-agent")), quiet(treasury=None))
    )
    assert Allow() == evaluate(POLICY, asked("1", context=Context(agent="user-agent")), quiet(treasury=None))


def test_spending_that_is_unknown_keeps_the_whole_budget() -> None:
    ask = asked("1", context=Context(agent="medium-agent"))

    for facts in (quiet(sums=None, treasury=usd("10")), quiet(now=None, treasury=usd("10"))):
        assert ["reserved"] == codes(evaluate(POLICY, ask, facts))


def test_payment_without_a_price_takes_no_reserve() -> None:
    verdict = evaluate(replace(POLICY, other_agents=True), coins("1", context=Context()), quiet())

    assert "no_price" in codes(verdict)


def test_needs_name_the_sums_and_the_treasury() -> None:
    asked_for = needs(POLICY, asked(), now=NOW)

    assert asked_for.treasury
    assert {day_key(each.id, NOW) for each in AGENTS} <= set(asked_for.sums)
    assert not needs(FREE, asked(), now=NOW).treasury


@given(st.integers(0, 50_000_000), st.integers(0, 50_000_000), st.integers(0, 20_000_000))
def test_what_is_allowed_leaves_the_reserve(treasury: int, cost: int, used: int) -> None:
    facts = quiet(treasury=Amount(treasury, USD), sums={day_key("user-agent", NOW): used})
    ask = asked(context=Context(agent="medium-agent"), amount=Amount(cost, asked().amount.asset))
    allowed = evaluate(POLICY, ask, facts) == Allow()

    assert allowed == (treasury - cost >= max(0, 10_000_000 - used))


@pytest.mark.parametrize("name", ["R&D", "100%"])
def test_what_an_agent_spent_is_found_whatever_its_name_is(name: str) -> None:
    policy = replace(FREE, agent_terms=(agent(name, Priority.HIGH), agent("low", Priority.LOW)))
    (hold,) = [each for each in holds(policy, asked(context=Context(agent=name)), now=NOW) if "agent" in each.scope]
    sums = {(hold.scope, hold.window, USD.id.text): usd("10").atomic}

    assert set(sums) <= set(needs(policy, asked(context=Context(agent="low")), now=NOW).sums)
    facts = quiet(treasury=usd("1"), sums=sums)
    assert Allow() == evaluate(policy, asked(context=Context(agent="low")), facts)
