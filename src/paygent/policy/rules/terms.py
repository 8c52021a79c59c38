"""What was agreed with the agent that pays and the service that is paid."""

from collections.abc import Iterable, Iterator

from paygent.policy.case import Case, Objection, ask_person, deny, too_much
from paygent.policy.terms import ServiceTerms


def against_terms(case: Case) -> Iterable[Objection]:
    """Object to a payment that the listed agent may not make, or the listed service may not get."""
    index = case.policy.index
    if not index.agents and not index.services:
        return ()
    bought = index.services and case.ask.action is None  # an action on chain buys no service
    return (*(_agent(case) if index.agents else ()), *(_service(case) if bought else ()))


def _agent(case: Case) -> Iterator[Objection]:
    name = case.ask.context.agent
    terms = None if name is None else case.policy.index.agents.get(name)
    if terms is None:
        if not case.policy.other_agents:
            yield deny("agent_unknown", f"agent {name!r} is not among the policy's agents")
    elif case.dollars is not None and case.dollars > terms.max_per_payment:
        text = f"{case.dollars} is above the {terms.max_per_payment} that agent {name!r} may pay at once"
        yield too_much("over_agent_limit", text)


def _service(case: Case) -> Iterator[Objection]:
    name = case.ask.context.service
    terms = None if name is None else case.policy.index.services.get(name)
    if terms is not None:
        yield from _sale(case, terms)
        yield from _charge(case, terms)
    elif not case.policy.other_services:
        yield deny("service_unknown", f"service {name!r} is not among the policy's services")


def _sale(case: Case, terms: ServiceTerms) -> Iterator[Objection]:
    ask, agent = case.ask, case.ask.context.agent
    if not terms.active:
        yield deny("service_inactive", f"service {terms.id!r} is not active")
    if ask.payee.lower() != terms.provider.lower():
        yield deny("not_the_provider", f"service {terms.id!r} is paid to {terms.provider}, not {ask.payee}")
    if terms.allowed_agents is not None and agent not in terms.allowed_agents:
        yield deny("agent_not_allowed", f"agent {agent!r} may not buy from service {terms.id!r}")
    for found in dict.fromkeys((ask.metadata_uri, ask.declared_metadata)):
        if terms.metadata_uri is not None and found not in (None, terms.metadata_uri):
            text = f"service {terms.id!r} is described at {found!r}; the policy knows {terms.metadata_uri!r}"
            yield deny("metadata_changed", text)


def _charge(case: Case, terms: ServiceTerms) -> Iterator[Objection]:
    if case.dollars is not None and case.dollars.atomic > terms.unit_price.atomic * case.ask.quantity:
        units = f"{case.ask.quantity} x {terms.unit_price}"
        yield deny("over_unit_price", f"{case.dollars} is above the agreed {units} of service {terms.id!r}")
    if not terms.verified:
        risk = case.policy.risk
        object_ = deny if risk is not None and "service_not_verified" in risk.deny else ask_person
        yield object_("service_not_verified", f"service {terms.id!r} is not verified")
