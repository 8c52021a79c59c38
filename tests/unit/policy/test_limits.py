"""Limits hold up to the limit and not above it, of every scope, alone and together."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygent.core.budget import Hold
from paygent.core.context import Context
from paygent.core.errors import BudgetExceeded, ConfigurationError, PolicyDenied
from paygent.core.money import PAYMENTS, USD, Amount, payments, usd
from paygent.core.verdict import Allow
from paygent.core.window import DAY, Calendar, Rolling
from paygent.policy.evaluate import KEPT, evaluate, holds, needs
from paygent.policy.limits import Limit
from paygent.policy.policy import Policy
from paygent.policy.scope import Scope
from paygent.testing.conformance.payments import reserved
from paygent.testing.journal import MemoryJournal
from tests.unit.policy.cases import COIN, DAY_NAME, DOLLAR, FREE, NOW, PAYER, asked, codes, coins, quiet

SCOPES = ["wallet", "treasury", "project", "agent", "session", "run", "tool", "service", "host", "recipient", "token"]


def limit(amount: str, scope: str, window: Calendar | Rolling | None = None) -> Limit:
    return Limit(amount=usd(amount), scope=Scope.parse(scope), window=window)


def taken(*limits: Limit, dollars: str = "1") -> list[Hold]:
    """Return the holds of the limits, without the wallet's own."""
    return list(holds(replace(FREE, limits=limits), asked(dollars), now=NOW)[1:])


@pytest.mark.parametrize("scope", SCOPES)
def test_limit_of_one_payment_may_be_reached_and_not_passed(scope: str) -> None:
    policy = replace(FREE, limits=(limit("1", scope),))

    assert Allow() == evaluate(policy, asked("1"))
    assert ["over_limit"] == codes(evaluate(policy, asked("1.000001")))


def test_limit_of_one_payment_of_another_scope_is_silent() -> None:
    policy = replace(FREE, limits=(limit("1", "agent:other"), limit("1", "host:other.example")))

    assert Allow() == evaluate(policy, asked("2"))


def test_limit_says_what_it_is() -> None:
    verdict = evaluate(replace(FREE, limits=(limit("1", "agent"),)), asked("2"))

    assert "2.00 TUSD is above the limit of 1.00 USD per payment of agent" == verdict.explain()


@pytest.mark.parametrize("scope", SCOPES[1:])
def test_limit_over_a_window_is_a_hold(scope: str) -> None:
    (hold,) = taken(limit("5", scope, DAY))

    assert hold.scope.startswith(f"{scope}:")
    assert (DAY_NAME, usd("1"), usd("5"), ()) == (hold.window, hold.amount, hold.limit, hold.also)


def test_wallet_of_every_policy_has_a_day() -> None:
    (hold,) = holds(Policy(), asked(), now=NOW)

    assert Hold(scope=f"wallet:{PAYER.lower()}", window=DAY_NAME, amount=usd("1"), limit=usd("20")) == hold


def test_rolling_limit_counts_its_other_buckets() -> None:
    window = Rolling(seconds=60)
    (hold,) = taken(limit("5", "agent", window))

    assert (window.span(NOW).name, window.span(NOW).also) == (hold.window, hold.also)


def test_limit_on_the_number_of_payments_counts_each_as_one() -> None:
    (hold,) = taken(Limit(amount=payments(5), scope=Scope.parse("agent"), window=Rolling(seconds=60)), dollars="0")

    assert (1, 5, PAYMENTS) == (hold.amount.atomic, hold.limit.atomic, hold.amount.asset)


def test_of_two_limits_of_one_sum_the_smaller_is_held_once() -> None:
    (hold,) = taken(limit("5", "agent", DAY), limit("3", "agent:bot", DAY), limit("4", "agent", DAY))

    assert usd("3") == hold.limit


def test_limits_of_two_windows_are_two_holds() -> None:
    assert 3 == len(taken(*(limit("5", "agent", Calendar(period=each)) for each in ("day", "week", "month"))))


def test_limit_of_a_token_counts_that_token() -> None:
    in_coins = Limit(amount=Amount(7, COIN.asset), scope=Scope.parse("agent"), window=DAY)
    policy = Policy(
        max_per_payment=Amount(10, COIN.asset), per_day=Amount(10, COIN.asset), limits=(in_coins,), approve_above=None
    )
    ask = coins("0.000000000000000001")

    assert [] == taken(in_coins)
    assert [1, 1] == [hold.amount.atomic for hold in holds(policy, ask, now=NOW)]


def test_count_without_a_window_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="needs a window"):
        Limit(amount=payments(5), scope=Scope.parse("agent"))


def test_limit_in_dollars_is_not_left_out_where_a_token_has_no_price() -> None:
    """A token with a limit of its own still cannot slip past a budget in dollars."""
    own = Amount.parse("10", COIN.asset)
    policy = Policy(
        max_per_payment=own, per_day=own, approve_above=None, limits=(limit("5", "agent", DAY), limit("5", "agent"))
    )

    assert ["no_price"] == codes(evaluate(policy, coins("1")))
    with pytest.raises(PolicyDenied, match="no price"):
        holds(policy, coins("1"), now=NOW)


def test_holds_refuse_where_the_price_went_stale_after_judging() -> None:
    policy = replace(FREE, limits=(limit("5", "agent", DAY),))
    ask = coins("1", rate="0.5", as_of=NOW)

    assert Allow() == evaluate(policy, ask, quiet())
    with pytest.raises(PolicyDenied, match="301 seconds old"):
        holds(policy, ask, now=NOW + 301)


def test_holds_refuse_where_no_day_counts_the_token() -> None:
    with pytest.raises(PolicyDenied, match="configure a price oracle"):
        holds(FREE, coins("1"), now=NOW)


@pytest.mark.parametrize(("spent", "expected"), [(4_000_000, []), (4_000_001, ["budget_exhausted"])])
def test_known_sum_of_a_window_is_judged(spent: int, expected: list[str]) -> None:
    policy = replace(FREE, limits=(limit("5", "agent", DAY),))
    facts = quiet(sums={("agent:bot", DAY_NAME, str(USD.id)): spent})

    assert expected == codes(evaluate(policy, asked("1"), facts))


def test_known_sums_of_a_rolling_window_are_judged_together() -> None:
    policy = replace(FREE, limits=(limit("5", "agent", Rolling(seconds=60)),))
    keys = [key for key in needs(policy, asked(), now=NOW).sums if key[0] == "agent:bot"]
    every = dict.fromkeys(keys, 1_000_000)

    assert len(keys) > 5
    verdict = evaluate(policy, asked(), quiet(sums=every))
    assert ["budget_exhausted"] == codes(verdict)
    assert "1.00 USD is more than the 0.00 USD left of the limit of 5.00 USD per 60 seconds of agent" == str(
        verdict.reasons[0]
    )
    assert Allow() == evaluate(policy, asked(), quiet(sums={key: every[key] for key in keys[1:]}))


@given(
    st.lists(st.integers(0, 3_000_000), max_size=12),
    st.integers(0, 9_000_000),
    st.sampled_from(["agent", "session", "run", "tool", "host", "recipient", "token", "treasury", "project"]),
    st.sampled_from([DAY, Rolling(seconds=3600), Calendar(period="month", zone="Asia/Tokyo")]),
)
@pytest.mark.anyio
async def test_no_path_leads_above_a_limit(costs: list[int], most: int, scope: str, window: Calendar | Rolling) -> None:
    """Whatever is asked, what the policy allows and the store takes never sums to more, and what fits is taken."""
    policy = replace(FREE, limits=(Limit(amount=Amount(most, USD), scope=Scope.parse(scope), window=window),))
    journal, total = MemoryJournal(b""), 0
    for index, cost in enumerate(costs):
        ask = asked(context=Context(agent="bot"), amount=Amount(cost, asked().amount.asset))
        assert Allow() == evaluate(policy, ask)
        try:
            await journal.open(reserved(index), holds(policy, ask, now=NOW), now=NOW, new_purchase=True)
        except BudgetExceeded:
            assert total + cost > most
        else:
            total += cost

    assert total <= most


def test_caller_ceiling_leaves_other_limits_alone() -> None:
    policy = Policy(max_per_payment=usd("5"), limits=(limit("2", "agent"),), approve_above=None)

    assert Allow() == evaluate(policy, asked("2", max_amount=usd("3")))
    assert ["over_limit"] == codes(evaluate(policy, asked("2.5", max_amount=usd("3"))))
    assert ["over_max_amount"] == codes(evaluate(policy, asked("0.2", max_amount=usd("0.1"))))


def test_holds_are_worked_out_anew_when_a_window_has_ended() -> None:
    policy, ask = replace(FREE, limits=(limit("5", "agent", Rolling(seconds=1200)),)), asked()
    first = holds(policy, ask, now=NOW)
    day, rolling = holds(policy, ask, now=NOW + 100)

    assert first is not holds(policy, asked(), now=NOW)
    assert (first[0], first[1].amount) == (day, rolling.amount)
    assert first[1].window != rolling.window


def test_holds_are_found_again_where_the_same_is_asked() -> None:
    ask = asked()

    assert holds(FREE, ask, now=NOW) is holds(FREE, ask, now=NOW + 1)


def test_holds_are_of_the_very_payment_when_another_equals_it() -> None:
    fine = replace(DOLLAR, asset=replace(DOLLAR.asset, decimals=18))
    equal = replace(asked(), token=fine, amount=Amount(asked().amount.atomic, fine.asset))

    assert equal == asked()
    assert holds(FREE, asked(), now=NOW) != holds(FREE, equal, now=NOW)


def test_holds_are_kept_of_so_many_payments() -> None:
    policy = replace(FREE)
    for number in range(1, 2 * KEPT):
        holds(policy, asked(str(number)), now=NOW)

    assert len(policy.index.kept) <= KEPT
