"""Whether a payment may be made, and what it takes from which limit."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from paygent.core.budget import Hold
from paygent.core.caip import ChainId
from paygent.core.money import Amount
from paygent.core.requirements import Token
from paygent.core.verdict import Allow, Deny, Reason, Verdict
from paygent.policy.policy import Policy
from paygent.policy.valuation import valued


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A payment before it exists, as far as the policy looks at it."""

    payer: str
    """Whose wallet."""
    payee: str
    network: ChainId
    token: Token
    amount: Amount
    """The ceiling."""
    host: str
    """Host and port of the resource, lower case; empty where nothing is fetched."""
    max_amount: Amount | None = None
    """The caller's own ceiling for this payment: it takes the place of `max_per_payment`, and of nothing else."""


def evaluate(policy: Policy, ask: Ask) -> Verdict:
    """Return Allow, or Deny with every reason, in the order of the rules."""
    reasons = tuple(_objections(policy, ask))
    return Deny(reasons=reasons) if reasons else Allow()


def holds(policy: Policy, ask: Ask, *, now: int) -> tuple[Hold, ...]:
    """Return what an allowed payment takes from the limits over time; `now` in unix seconds picks the day."""
    day = datetime.fromtimestamp(now, tz=UTC).strftime("day:%Y-%m-%d")
    return tuple(
        Hold(scope=f"wallet:{ask.payer.lower()}", window=day, amount=cost, limit=limit)
        for limit in policy.day_limits
        if (cost := valued(ask.amount, limit.asset, ask.token)) is not None
    )


def _objections(policy: Policy, ask: Ask) -> Iterator[Reason]:
    if policy.networks is not None and ask.network not in policy.networks:
        yield Reason(code="network_not_allowed", text=f"network {ask.network} is not in the policy's networks")
    if policy.assets is not None and ask.token.asset.id not in policy.assets:
        yield Reason(code="asset_not_allowed", text=f"asset {ask.token.asset.id} is not in the policy's assets")
    if policy.hosts is not None and not host_allowed(ask.host, policy.hosts):
        yield Reason(code="host_not_allowed", text=f"host {ask.host!r} is not in the policy's hosts")
    if policy.payees is not None and ask.payee.lower() not in {payee.lower() for payee in policy.payees}:
        yield Reason(code="payee_not_allowed", text=f"payee {ask.payee} is not in the policy's payees")
    yield from _over_payment_limit(policy, ask)
    if all(valued(ask.amount, limit.asset, ask.token) is None for limit in policy.day_limits):
        yield _no_limit("per_day", ask)


def _over_payment_limit(policy: Policy, ask: Ask) -> Iterator[Reason]:
    limits = policy.payment_limits if ask.max_amount is None else (ask.max_amount,)
    name = "max_per_payment" if ask.max_amount is None else "max_amount"
    known = [(limit, cost) for limit in limits if (cost := valued(ask.amount, limit.asset, ask.token)) is not None]
    if not known:
        yield _no_limit(name, ask)
    for limit, cost in known:
        if cost > limit:
            yield Reason(code=f"over_{name}", text=f"{ask.amount} is above {name} of {limit}")


def _no_limit(name: str, ask: Ask) -> Reason:
    return Reason(
        code="no_limit_for_asset",
        text=f"{ask.token.asset.id} does not count as dollars and {name} has no limit for it; give it one",
    )


def host_allowed(host: str, hosts: frozenset[str]) -> bool:
    """Tell whether `host` (with a port or without) is named, or is a subdomain of a `*.` entry."""
    bare = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    for candidate in (host, bare):
        if candidate in hosts:
            return True
        parts = candidate.split(".")
        if any(f"*.{'.'.join(parts[at:])}" in hosts for at in range(1, len(parts))):
            return True
    return False
