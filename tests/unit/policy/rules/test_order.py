"""Reasons come in the order of the rules, whatever the policy; deny overrides whatever else is said."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from paygent.core.context import Context
from paygent.core.money import usd
from paygent.core.verdict import Allow, Alternative, Deny, Downgrade, RequireApproval
from paygent.core.window import DAY
from paygent.policy.case import Case, Effect, Objection
from paygent.policy.evaluate import evaluate
from paygent.policy.facts import Facts, Provider, Recent
from paygent.policy.limits import Limit
from paygent.policy.policy import Denied, Policy
from paygent.policy.risk import Risk
from paygent.policy.rules import RULES
from paygent.policy.scope import Scope
from paygent.policy.terms import AgentTerms, Priority, ServiceTerms
from tests.unit.policy.cases import CHAIN, DAY_NAME, DOLLAR, NOW, PAYEE, asked, codes, quiet

HIGH = AgentTerms(id="boss", priority=Priority.HIGH, daily_budget=usd("100"), max_per_payment=usd("100"))
BOT = AgentTerms(id="bot", priority=Priority.LOW, daily_budget=usd("10"), max_per_payment=usd("0.1"))
SEARCH = ServiceTerms(id="search", unit_price=usd("0.1"), provider=f"0x{'99' * 20}", active=False)
WORST = Policy(
    max_per_payment=usd("0.1"),
    per_day=usd("0.1"),
    networks=frozenset(),
    assets=frozenset(),
    hosts=frozenset(),
    payees=frozenset(),
    services=frozenset(),
    agents=frozenset(),
    deny=Denied(
        networks=frozenset({CHAIN}),
        assets=frozenset({DOLLAR.asset.id}),
        hosts=frozenset({"api.example.com"}),
        payees=frozenset({PAYEE}),
        services=frozenset({"search"}),
        agents=frozenset({"bot"}),
    ),
    limits=(
        Limit(amount=usd("0.1"), scope=Scope.parse("tool")),
        Limit(amount=usd("0.1"), scope=Scope.parse("tool"), window=DAY),
    ),
    approve_above=usd("0"),
    agent_terms=(BOT, HIGH),
    service_terms=(SEARCH,),
    risk=Risk(deny=frozenset({"burst"})),
)
ODD = quiet(
    treasury=usd("0"),
    sums={("tool:lookup", DAY_NAME, "paygent:fiat/iso4217:USD"): 0},
    recent=Recent(payments=9, dollars=usd("100")),
    provider=Provider(failed_at=(NOW,) * 5, last_unit_price=usd("0.1"), last_payee=f"0x{'88' * 20}"),
    agent_payments=0,
)
IN_ORDER = """
network_not_allowed asset_not_allowed host_not_allowed payee_not_allowed service_not_allowed agent_not_allowed
network_denied asset_denied host_denied payee_denied service_denied agent_denied
over_agent_limit service_inactive not_the_provider over_unit_price
over_max_per_payment over_limit budget_exhausted reserved burst
""".split()


def test_all_reasons_come_in_the_order_of_the_rules() -> None:
    assert IN_ORDER == codes(evaluate(WORST, asked("6"), ODD))


def test_reasons_that_ask_come_in_the_order_of_the_rules() -> None:
    policy = Policy(
        max_per_payment=usd("100"),
        per_day=usd("100"),
        approve_above=usd("0"),
        service_terms=(replace(SEARCH, active=True, provider=PAYEE, unit_price=usd("6")),),
        risk=Risk(),
    )
    verdict = evaluate(policy, asked("6"), ODD)

    assert isinstance(verdict, RequireApproval)
    assert [
        "service_not_verified",
        "burst",
        "first_payment",
        "provider_failing",
        "price_drift",
        "payee_changed",
        "above_approval_threshold",
    ] == codes(verdict)


FIELDS = ["networks", "hosts", "agents", "deny", "limits", "agent_terms", "service_terms", "risk", "approve_above"]


@given(st.sets(st.sampled_from([*FIELDS, "max_per_payment"])), st.sampled_from(["0", "0.1", "0.2", "6"]), st.booleans())
def test_deny_overrides_whatever_rules_speak(chosen: set[str], dollars: str, known: bool) -> None:
    """The verdict is the strictest objection's, and its reasons are those that deny, in order."""
    base = Policy(max_per_payment=usd("100"), per_day=usd("100"), approve_above=None)
    policy = replace(base, **{name: getattr(WORST, name) for name in chosen})
    ask, facts = asked(dollars), ODD if known else Facts()
    verdict = evaluate(policy, ask, facts)
    case = Case.of(policy, ask, facts)
    objections: list[Objection] = [objection for rule in RULES for objection in rule(case)]
    against = [each.reason for each in objections if each.effect is not Effect.ASK]

    assert isinstance(verdict, Deny) == bool(against)
    assert isinstance(verdict, Allow) == (not objections)
    assert tuple(against or [each.reason for each in objections]) == verdict.reasons


@given(st.sampled_from(["0.1", "0.100001", "0.05", "1"]), st.booleans(), st.booleans())
def test_downgrade_is_never_a_leave_to_pay(dollars: str, allowed: bool, approval: bool) -> None:
    terms = replace(
        SEARCH,
        active=True,
        verified=True,
        provider=PAYEE,
        unit_price=usd("1"),
        alternatives=(Alternative(kind="mode", value="summary"),),
    )
    policy = Policy(
        max_per_payment=usd("0.1"),
        service_terms=(terms,),
        hosts=None if allowed else frozenset(),
        approve_above=usd("0") if approval else None,
    )
    amount = asked(dollars, context=Context(service="search"))
    verdict = evaluate(policy, amount)
    above = amount.amount.atomic > 100_000

    assert above == isinstance(verdict, Downgrade) or not allowed
    assert isinstance(verdict, Deny) == (above or not allowed)
