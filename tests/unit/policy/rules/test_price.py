"""Budgets in dollars over many assets: no price, no payment; rounding and haircut never favour spending."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygent.core.errors import ConfigurationError
from paygent.core.money import MAX_ATOMIC, PAYMENTS, USD, Amount, usd
from paygent.core.price import Price
from paygent.core.verdict import Allow
from paygent.policy.evaluate import evaluate, holds, needs
from paygent.policy.facts import UNKNOWN
from paygent.policy.policy import Policy
from paygent.policy.terms import AgentTerms
from paygent.policy.valuation import FixedRate, Valuation, objection, valued
from tests.unit.policy.cases import COIN, DOLLAR, FREE, NOW, asked, codes, coins, quiet

PLAIN = Valuation(haircut_bps=0)


def price(rate: str, as_of: int = NOW) -> Price:
    return Price(asset=COIN.asset.id, usd=Decimal(rate), as_of=as_of, source="feed")


def worth(whole: str, rate: str, rules: Valuation = PLAIN, now: int | None = NOW) -> Amount | None:
    return valued(Amount.parse(whole, COIN.asset), USD, COIN, price(rate), rules=rules, now=now)


@pytest.mark.parametrize(
    ("whole", "rate", "dollars"),
    [
        ("2", "0.25", "0.5"),
        ("1", "0.0000001", "0.000001"),
        ("0.000000000000000001", "1", "0.000001"),
        ("0", "1", "0"),
        ("3", "0.333333333333333333333", "1"),
    ],
)
def test_price_counts_exactly_and_rounds_up(whole: str, rate: str, dollars: str) -> None:
    assert usd(dollars) == worth(whole, rate)


def test_haircut_makes_a_payment_dearer() -> None:
    assert usd("1.01") == worth("1", "1", Valuation())
    assert usd("1.000001") == worth("1", "1.000000000001", PLAIN)
    assert usd("2") == worth("1", "1", Valuation(haircut_bps=10_000))


@given(st.integers(0, 10**30), st.decimals("0.000001", "1000000", places=9), st.integers(0, 10_000))
def test_dollars_are_never_less_than_the_payment_is_worth(atomic: int, rate: Decimal, haircut: int) -> None:
    rules = Valuation(haircut_bps=haircut)
    counted = valued(Amount(atomic, COIN.asset), USD, COIN, price(str(rate)), rules=rules, now=NOW)
    above, below = rate.as_integer_ratio()
    exact = atomic * above * (10_000 + haircut) * 10**6

    assert counted is not None
    assert counted.atomic * below * 10_000 * 10**18 >= exact > (counted.atomic - 1) * below * 10_000 * 10**18


@pytest.mark.parametrize(("age", "counts"), [(0, True), (300, True), (301, False), (-60, True), (-61, False)])
def test_price_counts_while_it_is_fresh(age: int, counts: bool) -> None:
    assert counts == (worth("1", "1", now=NOW + age) is not None)


def test_price_does_not_count_without_a_time() -> None:
    assert worth("1", "1", now=None) is None
    assert "no price is fresh" in (objection(price("1"), COIN.asset.id, PLAIN, None) or "")


def test_price_of_another_asset_does_not_count() -> None:
    other = replace(price("1"), asset=DOLLAR.asset.id)

    assert valued(Amount(1, COIN.asset), USD, COIN, other, now=NOW) is None


def test_fixed_rate_goes_before_everything_and_has_no_haircut() -> None:
    rates = Valuation(fixed=tuple(FixedRate(asset=each.asset.id, usd=Decimal("1.5")) for each in (COIN, DOLLAR)))

    assert usd("1.5") == worth("1", "7", rates)
    assert usd("1.5") == valued(Amount.parse("1", DOLLAR.asset), USD, DOLLAR, rules=rates)


def test_amount_beyond_all_numbers_has_no_worth() -> None:
    assert valued(Amount(MAX_ATOMIC, COIN.asset), USD, COIN, price("1e30"), now=NOW) is None


def test_payment_counts_as_one_in_a_number_of_payments() -> None:
    assert Amount(1, PAYMENTS) == valued(Amount(0, COIN.asset), PAYMENTS, COIN)


def test_token_with_a_price_is_paid_within_dollar_limits() -> None:
    policy = Policy(approve_above=None)

    assert Allow() == evaluate(policy, coins("0.99", rate="1"), quiet())
    assert ["over_max_per_payment"] == codes(evaluate(policy, coins("0.9901", rate="1"), quiet()))
    assert usd("0.9999") == holds(policy, coins("0.99", rate="1"), now=NOW)[0].amount


def test_token_without_a_price_is_denied() -> None:
    verdict = evaluate(FREE, coins("1"), quiet())

    assert ["no_limit_for_asset"] * 2 == codes(verdict)
    assert codes(verdict) == codes(evaluate(FREE, coins("1", rate="1"), UNKNOWN))


def test_budget_of_an_agent_denies_what_it_cannot_count() -> None:
    own = Amount.parse("10", COIN.asset)
    agent = AgentTerms(id="bot", daily_budget=usd("5"), max_per_payment=usd("5"))
    policy = Policy(max_per_payment=own, per_day=own, approve_above=None, agent_terms=(agent,))
    verdict = evaluate(policy, coins("1", rate="1", as_of=NOW - 400), quiet())

    assert ["no_price"] == codes(verdict)
    assert "400 seconds old, 300 is the most" in verdict.explain()


def test_token_with_a_limit_of_its_own_needs_no_price() -> None:
    own = Amount.parse("10", COIN.asset)

    assert Allow() == evaluate(Policy(max_per_payment=own, per_day=own, approve_above=own), coins("10"))


def test_needs_a_price_only_where_the_token_has_no_rate() -> None:
    assert needs(FREE, coins("1"), now=NOW).price
    assert not needs(FREE, asked("1"), now=NOW).price


@pytest.mark.parametrize("about", [{"max_age_seconds": 0}, {"haircut_bps": -1}, {"haircut_bps": 10_001}])
def test_valuation_refuses_what_cannot_be_meant(about: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError, match="it must be from"):
        Valuation(**about)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_valuation_refuses_two_rates_and_wrong_ones() -> None:
    rate = FixedRate(asset=COIN.asset.id, usd=Decimal(1))

    with pytest.raises(ConfigurationError, match="two fixed rates"):
        Valuation(fixed=(rate, rate))
    with pytest.raises(ConfigurationError, match="the fixed rate of"):
        FixedRate(asset=COIN.asset.id, usd=Decimal(0))
