"""What was agreed with agents and services is enforced, field by field."""

from dataclasses import replace
from typing import Any

import pytest

from paygent.core.budget import Hold
from paygent.core.context import Context
from paygent.core.errors import ConfigurationError
from paygent.core.money import Amount, usd
from paygent.core.verdict import Allow, Alternative, Deny, Downgrade, RequireApproval
from paygent.policy.evaluate import evaluate, holds
from paygent.policy.policy import Policy
from paygent.policy.risk import Risk
from paygent.policy.terms import AgentTerms, Priority, ServiceTerms, ToolTerms
from tests.unit.policy.cases import COIN, DAY_NAME, FREE, NOW, PAYEE, asked, codes, quiet

BOT = AgentTerms(id="bot", daily_budget=usd("5"), max_per_payment=usd("2"))
SEARCH = ServiceTerms(
    id="search",
    unit_price=usd("1"),
    provider=PAYEE.lower(),
    verified=True,
    metadata_uri="https://search.example/about",
    max_per_day=usd("3"),
    allowed_agents=frozenset({"bot"}),
)


def with_agent(**about: Any) -> Policy:
    return replace(FREE, agent_terms=(replace(BOT, **about),))


def with_service(**about: Any) -> Policy:
    return replace(FREE, service_terms=(replace(SEARCH, **about),))


def test_agent_may_pay_up_to_its_maximum() -> None:
    assert Allow() == evaluate(with_agent(), asked("2"))
    assert ["over_agent_limit"] == codes(evaluate(with_agent(), asked("2.000001")))


def test_agent_budget_is_a_hold_of_its_day() -> None:
    hold = holds(with_agent(), asked("2"), now=NOW)[1]

    assert Hold(scope="agent:bot", window=DAY_NAME, amount=usd("2"), limit=usd("5")) == hold


@pytest.mark.parametrize("agent", [None, "stranger"])
def test_agent_that_is_not_listed_is_denied_unless_others_may_pay(agent: str | None) -> None:
    ask = asked(context=Context(agent=agent))

    assert ["agent_unknown"] == codes(evaluate(with_agent(), ask, quiet()))
    assert Allow() == evaluate(replace(with_agent(priority=Priority.LOW), other_agents=True), ask)


def test_service_may_be_paid_as_agreed() -> None:
    assert Allow() == evaluate(with_service(), asked("1", metadata_uri=SEARCH.metadata_uri))
    assert Allow() == evaluate(with_service(), asked("3", quantity=3))


@pytest.mark.parametrize(
    ("terms", "ask", "expected"),
    [
        ({"active": False}, {}, "service_inactive"),
        ({"provider": f"0x{'99' * 20}"}, {}, "not_the_provider"),
        ({"allowed_agents": frozenset({"human"})}, {}, "agent_not_allowed"),
        ({"allowed_agents": frozenset()}, {}, "agent_not_allowed"),
        ({}, {"metadata_uri": "https://search.evil/about"}, "metadata_changed"),
        ({"unit_price": usd("0.999999")}, {}, "over_unit_price"),
        ({"unit_price": usd("0.499999")}, {"quantity": 2}, "over_unit_price"),
    ],
)
def test_service_is_denied_when_one_field_is_not_met(terms: Any, ask: Any, expected: str) -> None:
    assert [expected] == codes(evaluate(with_service(**terms), asked("1", **ask)))


def test_service_for_all_agents_takes_any() -> None:
    assert Allow() == evaluate(with_service(allowed_agents=None), asked(context=Context(service="search")))


def test_service_that_is_not_verified_asks_or_is_denied() -> None:
    policy = with_service(verified=False)
    strict = replace(policy, risk=Risk(deny=frozenset({"service_not_verified"})))

    assert isinstance(evaluate(policy, asked()), RequireApproval)
    assert isinstance(evaluate(replace(policy, risk=Risk()), asked(), quiet()), RequireApproval)
    assert isinstance(evaluate(strict, asked(), quiet()), Deny)


def test_service_budget_is_a_hold_of_its_day() -> None:
    hold = holds(with_service(), asked("1"), now=NOW)[1]

    assert ("service:search", usd("3")) == (hold.scope, hold.limit)
    assert 1 == len(holds(with_service(max_per_day=None), asked("1"), now=NOW))


@pytest.mark.parametrize("service", [None, "stranger"])
def test_service_that_is_not_listed_is_denied_unless_others_may_be_bought(service: str | None) -> None:
    ask = asked(context=Context(service=service))

    assert ["service_unknown"] == codes(evaluate(with_service(), ask))
    assert Allow() == evaluate(replace(with_service(), other_services=True), ask)


# --- downgrades -----------------------------------------------------------------------------------------------------

SUMMARY = Alternative(kind="mode", value="summary")
FEWER = Alternative(kind="quantity", value="2")
CHEAP = Alternative(kind="service", value="cheap")
OTHER = replace(SEARCH, id="cheap", unit_price=usd("0.1"))


def offering(*alternatives: Alternative, **other: Any) -> Policy:
    services = (replace(SEARCH, unit_price=usd("100"), alternatives=alternatives), replace(OTHER, **other))
    return replace(FREE, max_per_payment=usd("0.5"), service_terms=services)


def instead(policy: Policy, **about: Any) -> Alternative | None:
    verdict = evaluate(policy, asked("1", **about))
    assert isinstance(verdict, Deny)
    return verdict.alternative if isinstance(verdict, Downgrade) else None


def test_payment_that_is_too_much_takes_the_first_alternative() -> None:
    verdict = evaluate(offering(SUMMARY, CHEAP), asked("1"))

    assert isinstance(verdict, Downgrade)
    assert (["over_max_per_payment"], SUMMARY) == (codes(verdict), verdict.alternative)
    assert verdict.explain().endswith("take mode summary instead")


def test_payment_within_limits_takes_no_alternative() -> None:
    assert Allow() == evaluate(offering(SUMMARY), asked("0.5"))


def test_alternative_is_offered_once() -> None:
    assert CHEAP == instead(offering(SUMMARY, CHEAP), instead_of=(SUMMARY,))
    assert instead(offering(SUMMARY, CHEAP), instead_of=(SUMMARY, CHEAP)) is None


def test_quantity_is_offered_only_when_it_is_fewer() -> None:
    assert FEWER == instead(offering(FEWER), quantity=3)
    assert instead(offering(FEWER), quantity=2) is None


@pytest.mark.parametrize(
    "other", [{"active": False}, {"allowed_agents": frozenset({"x"})}, {"unit_price": usd("1")}], ids=str
)
def test_service_is_offered_only_when_it_is_cheaper_and_may_be_bought(other: Any) -> None:
    assert CHEAP == instead(offering(CHEAP))
    assert instead(offering(CHEAP, **other)) is None


def test_denial_for_another_reason_overrides_a_downgrade() -> None:
    policy = replace(offering(SUMMARY), hosts=frozenset())
    verdict = evaluate(policy, asked("1"))

    assert Deny is type(verdict)
    assert ["host_not_allowed", "over_max_per_payment"] == codes(verdict)


def test_downgrade_overrides_approval() -> None:
    """Nobody is asked about a payment that a limit forbids."""
    policy = replace(offering(SUMMARY), approve_above=usd("0"))

    assert SUMMARY == instead(policy)
    assert isinstance(evaluate(policy, asked("0.5")), RequireApproval)


def test_payment_without_a_service_has_no_alternative() -> None:
    policy = replace(offering(SUMMARY), other_services=True)

    assert instead(policy, context=Context(agent="bot")) is None


# --- what cannot be meant -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: replace(BOT, id=""), "is not the id of a agent"),
        (lambda: replace(BOT, daily_budget=Amount(1, COIN.asset)), "give it in US dollars"),
        (lambda: replace(SEARCH, unit_price=Amount(1, COIN.asset)), "give it in US dollars"),
        (lambda: replace(SEARCH, provider="0x12"), "which is no address"),
        (lambda: replace(SEARCH, alternatives=(Alternative(kind="service", value="search"),)), "its own alternative"),
        (lambda: ToolTerms(id="", approve_above=None), "is not the id of a tool"),
        (lambda: Policy(agent_terms=(BOT, BOT)), "the agent 'bot' is listed twice"),
        (lambda: Policy(service_terms=(SEARCH, SEARCH)), "the service 'search' is listed twice"),
        (lambda: Policy(tools=(ToolTerms(id="t", approve_above=None),) * 2), "the tool 't' is listed twice"),
        (lambda: Policy(service_terms=(replace(SEARCH, alternatives=(CHEAP,)),)), "which is not listed"),
        (lambda: Policy(approve_above=()), "approve_above is empty"),
    ],
)
def test_terms_refuse_what_cannot_be_meant(make: Any, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        make()
