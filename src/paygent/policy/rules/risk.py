"""What is odd about a payment. A fact that is unknown counts as the worst it could be."""

from collections.abc import Iterable, Iterator

from paygent.policy.case import Case, Objection, ask_person, deny
from paygent.policy.facts import Provider
from paygent.policy.risk import Risk, decayed
from paygent.policy.terms import Priority


def odd(case: Case) -> Iterable[Objection]:
    """Object to bursts, a large first payment, a failing provider, a price that drifted, and a payee that changed."""
    risk = case.policy.risk
    if risk is None:
        return ()
    return [deny(code, text) if code in risk.deny else ask_person(code, text) for code, text in _oddities(case, risk)]


def _oddities(case: Case, risk: Risk) -> Iterator[tuple[str, str]]:
    yield from _burst(case, risk)
    yield from _first_payment(case, risk)
    provider = case.facts.provider
    if provider is not None:
        yield from _failing(case, risk, provider)
        yield from _drift(case, risk, provider)
        yield from _payee(case, risk, provider)
        return
    for code, rule in (
        ("provider_failing", risk.failures is not None),
        ("price_drift", risk.price_drift_percent is not None),
        ("payee_changed", risk.payee_changed),
    ):
        if rule:
            yield code, "what happened with this provider before is unknown"


def _burst(case: Case, risk: Risk) -> Iterator[tuple[str, str]]:
    burst, recent = risk.burst, case.facts.recent
    if burst is None:
        return
    if recent is None:
        yield "burst", f"what was paid in the last {burst.seconds} seconds is unknown"
        return
    number = recent.payments + 1
    total = None if case.dollars is None else recent.dollars + case.dollars
    if number > burst.payments and (total is None or total > burst.amount):
        sums = f"{number} payments of {'unknown worth' if total is None else total}"
        yield "burst", f"{sums} in {burst.seconds} seconds; {burst.payments} or {burst.amount} are usual"


def _first_payment(case: Case, risk: Risk) -> Iterator[tuple[str, str]]:
    agent = case.ask.context.agent
    own = None if agent is None else case.policy.index.agents.get(agent)
    if risk.first_payment is None or (own is not None and own.priority is not Priority.LOW):
        return
    if case.facts.agent_payments or (case.dollars is not None and case.dollars <= risk.first_payment):
        return
    known = "the first" if case.facts.agent_payments == 0 else "perhaps the first"
    yield "first_payment", f"{case.ask.amount} is {known} payment of agent {agent!r} and above {risk.first_payment}"


def _failing(case: Case, risk: Risk, provider: Provider) -> Iterator[tuple[str, str]]:
    if risk.failures is None or not provider.failed_at:
        return
    now = min(provider.failed_at) if case.facts.now is None else case.facts.now
    score = decayed(provider.failed_at, now=now, half_life_seconds=risk.failure_half_life_seconds)
    if score + 500 >= 1000 * risk.failures:  # to the nearest whole one: three just now are not 2.999
        times = f"{score // 1000}.{score % 1000 // 100}"
        yield "provider_failing", f"the provider has failed {times} times lately; {risk.failures} are too many"


def _drift(case: Case, risk: Risk, provider: Provider) -> Iterator[tuple[str, str]]:
    last = provider.last_unit_price
    if risk.price_drift_percent is None or last is None:
        return
    if case.dollars is None:
        yield "price_drift", f"{case.ask.amount} cannot be compared with the last price of {last}"
    elif case.dollars.atomic * 100 > last.atomic * case.ask.quantity * (100 + risk.price_drift_percent):
        price = f"{case.dollars} for {case.ask.quantity}"
        yield "price_drift", f"{price} is more than {risk.price_drift_percent} % above the last price of {last} a unit"


def _payee(case: Case, risk: Risk, provider: Provider) -> Iterator[tuple[str, str]]:
    last = provider.last_payee
    if risk.payee_changed and last is not None and last.lower() != case.ask.payee.lower():
        yield "payee_changed", f"the provider is paid at {case.ask.payee}; last time it was {last}"
