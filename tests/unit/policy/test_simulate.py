"""What would happen, told without doing anything."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygent.core.context import Context
from paygent.core.money import Amount, usd
from paygent.core.verdict import Allow, Deny
from paygent.core.window import DAY, Rolling
from paygent.policy.evaluate import evaluate, holds
from paygent.policy.limits import Limit
from paygent.policy.policy import Policy
from paygent.policy.risk import Burst, Risk
from paygent.policy.scope import Scope
from paygent.policy.simulate import Past, simulate, simulate_history
from paygent.policy.terms import AgentTerms, Priority
from tests.unit.policy.cases import DOLLAR, FREE, NOW, asked, codes, coins, quiet


def past(at: int, dollars: str = "1", *, failed: bool = False, **about: object) -> Past:
    return Past(ask=asked(dollars, **about), at=NOW + at, failed=failed)


def said(policy: Policy, *history: Past, treasury: str | None = None) -> list[list[str]]:
    """Return the codes of each payment's reasons."""
    money = None if treasury is None else usd(treasury)
    return [codes(each.verdict) for each in simulate_history(history, policy, treasury=money)]


def test_simulation_says_what_evaluate_and_holds_say() -> None:
    simulated = simulate(asked(), FREE, quiet())

    assert (asked(), evaluate(FREE, asked(), quiet())) == (simulated.ask, simulated.verdict)
    assert holds(FREE, asked(), now=NOW) == simulated.holds


def test_simulation_without_a_time_or_leave_takes_nothing() -> None:
    assert () == simulate(asked(), FREE).holds
    denied = simulate(asked("2"), Policy(), quiet())
    assert (["over_max_per_payment"], ()) == (codes(denied.verdict), denied.holds)


def test_simulation_denies_what_holds_cannot_count() -> None:
    own = Amount.parse("10", coins("1").token.asset)
    policy = Policy(max_per_payment=own, per_day=usd("20"), approve_above=None)

    simulated = simulate(coins("1"), policy, quiet())
    assert isinstance(simulated.verdict, Deny)
    assert () == simulated.holds


def test_history_is_judged_in_the_order_of_time() -> None:
    policy = replace(FREE, limits=(Limit(amount=usd("2"), scope=Scope.parse("agent"), window=DAY),))
    late, early = past(60, "1"), past(0, "1.5")

    assert [[], ["budget_exhausted"]] == said(policy, late, early)
    assert [early.ask, late.ask] == [each.ask for each in simulate_history([late, early], policy)]


def test_history_forgets_what_a_rolling_window_leaves_behind() -> None:
    policy = replace(FREE, limits=(Limit(amount=usd("2"), scope=Scope.parse("agent"), window=Rolling(seconds=60)),))

    assert [[], [], ["budget_exhausted"], []] == said(policy, *(past(at) for at in (0, 10, 59, 70)))


def test_history_knows_bursts_first_payments_and_providers() -> None:
    burst = [past(at, "3") for at in range(6)]

    assert [[]] * 5 + [["burst"]] == said(replace(FREE, risk=Risk()), *burst)
    assert [["first_payment"], []] == said(replace(FREE, risk=Risk()), past(0, "6"), past(90, "6"))
    assert [[], ["price_drift"]] == said(replace(FREE, risk=Risk()), past(0), past(90, "2"))
    assert [[], []] == said(replace(FREE, risk=Risk()), past(0), past(90, "2", quantity=2))
    failing = [past(at, failed=True) for at in (0, 1, 2)]
    assert [[], [], [], ["provider_failing"]] == said(replace(FREE, risk=Risk()), *failing, past(3))
    moved = past(1, payee=f"0x{'99' * 20}")
    assert [[], ["payee_changed"]] == said(replace(FREE, risk=Risk()), past(0), moved)


@pytest.mark.parametrize(("at", "codes_then"), [(60, ["burst"]), (61, [])])
def test_history_counts_what_was_paid_in_the_seconds_of_a_burst_as_the_storage_does(
    at: int, codes_then: list[str]
) -> None:
    """The storage counts from `now - seconds` on (`engine.facts`)."""
    policy = replace(FREE, risk=Risk(burst=Burst(payments=1, amount=usd("1"))))

    assert codes_then == said(policy, past(0), past(at))[1]


def test_history_tells_providers_without_a_service_by_their_host() -> None:
    moved = past(1, payee=f"0x{'99' * 20}", context=Context(agent="bot"), host="other.example")

    assert [[], []] == said(replace(FREE, risk=Risk()), past(0, context=Context(agent="bot")), moved)


def test_history_spends_the_treasury() -> None:
    agents = tuple(
        AgentTerms(id=name, priority=priority, daily_budget=usd("5"), max_per_payment=usd("5"))
        for name, priority in (("boss", Priority.HIGH), ("bot", Priority.LOW))
    )
    policy = replace(FREE, agent_terms=agents)

    assert [[], ["reserved"]] == said(policy, past(0, "2"), past(1, "2"), treasury="8")
    assert [["treasury_unknown"]] == said(policy, past(0, "2"))
    boss = past(1, "5", context=Context(agent="boss"))
    assert [[], [], []] == said(policy, past(0, "2"), boss, past(2, "1"), treasury="8")


def test_history_counts_what_has_no_price_as_paid() -> None:
    own = Amount.parse("10", coins("1").token.asset)
    policy = Policy(max_per_payment=own, per_day=own, approve_above=None)
    history = [Past(ask=coins("4"), at=NOW + each) for each in range(3)]

    assert [[], [], ["budget_exhausted"]] == said(policy, *history)


def test_ask_for_no_unit_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one unit"):
        asked(quantity=0)


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 2_000_000)), max_size=20), st.integers(0, 9_000_000))
def test_replay_never_passes_a_limit(history: list[tuple[int, int]], most: int) -> None:
    limit = Limit(amount=Amount(most, usd("0").asset), scope=Scope.parse("wallet"), window=Rolling(seconds=3600))
    payments = [Past(ask=asked(amount=Amount(cost, DOLLAR.asset)), at=at) for at, cost in history]
    allowed = [
        (each.at, one.ask.amount.atomic)
        for each, one in zip(
            sorted(payments, key=lambda p: p.at),
            simulate_history(payments, replace(FREE, limits=(limit,))),
            strict=True,
        )
        if one.verdict == Allow()
    ]

    assert all(sum(cost for at, cost in allowed if end - 3600 < at <= end) <= most for end, _ in allowed)
