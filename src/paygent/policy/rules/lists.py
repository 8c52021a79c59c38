"""Who and what may be paid at all."""

from collections.abc import Iterable, Iterator

from paygent.policy.case import Case, Objection, deny
from paygent.policy.hosts import host_allowed


def outside_lists(case: Case) -> Iterable[Objection]:
    """Object to what an allow list leaves out, then to what a deny list names."""
    index = case.policy.index
    allowed = (*_not_allowed(case), *_names_not_allowed(case)) if index.allows else ()
    return (*allowed, *_denied(case)) if index.denies else allowed


def _not_allowed(case: Case) -> Iterator[Objection]:
    policy, ask = case.policy, case.ask
    if policy.networks is not None and ask.network not in policy.networks:
        yield deny("network_not_allowed", f"network {ask.network} is not in the policy's networks")
    if policy.assets is not None and ask.token.asset.id not in policy.assets:
        yield deny("asset_not_allowed", f"asset {ask.token.asset.id} is not in the policy's assets")
    if ask.action is None and policy.hosts is not None and not host_allowed(ask.host, policy.hosts):
        yield deny("host_not_allowed", f"host {ask.host!r} is not in the policy's hosts")
    if policy.index.payees is not None:
        for payee in ask.payees:
            if payee.lower() not in policy.index.payees:
                yield deny("payee_not_allowed", f"payee {payee} is not in the policy's payees")


def _names_not_allowed(case: Case) -> Iterator[Objection]:
    policy, ask = case.policy, case.ask
    if ask.action is None and policy.services is not None and ask.context.service not in policy.services:
        yield deny("service_not_allowed", f"service {ask.context.service!r} is not in the policy's services")
    if policy.agents is not None and ask.context.agent not in policy.agents:
        yield deny("agent_not_allowed", f"agent {ask.context.agent!r} is not in the policy's agents")
    if policy.oracles is not None and ask.price is not None and ask.price.source not in policy.oracles:
        yield deny("oracle_not_allowed", f"oracle {ask.price.source!r} is not in the policy's oracles")


def _denied(case: Case) -> Iterator[Objection]:
    listed, ask = case.policy.deny, case.ask
    found = {
        "network": ask.network in listed.networks,
        "asset": ask.token.asset.id in listed.assets,
        "host": host_allowed(ask.host, listed.hosts),
        "payee": any(payee.lower() in case.policy.index.denied_payees for payee in ask.payees),
        "service": ask.context.service in listed.services,
        "agent": ask.context.agent in listed.agents,
        "oracle": ask.price is not None and ask.price.source in listed.oracles,
    }
    for what, is_listed in found.items():
        if is_listed:
            yield deny(f"{what}_denied", f"the {what} is on the policy's deny list: {_name(case, what)}")


def _name(case: Case, what: str) -> str:
    ask = case.ask
    match what:
        case "network":
            return str(ask.network)
        case "asset":
            return str(ask.token.asset.id)
        case "oracle" if ask.price is not None:
            return ask.price.source
        case "payee":
            return next(payee for payee in ask.payees if payee.lower() in case.policy.index.denied_payees)
        case _:
            return case.names[what]
