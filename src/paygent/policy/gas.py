"""What the gas of own transactions may cost."""

from paygent.core.budget import Hold
from paygent.core.caip import ChainId
from paygent.core.errors import PolicyDenied
from paygent.core.money import Amount
from paygent.core.verdict import Deny, Reason
from paygent.core.window import DAY
from paygent.policy.policy import Policy


def gas_cap(policy: Policy, network: ChainId) -> Amount:
    """Return the most that one transaction's gas may cost on a chain.

    Raises: PolicyDenied: the policy names none.
    """
    return _of(policy.gas_limits, network, "gas_per_transaction")


def gas_hold(policy: Policy, payer: str, gas: Amount, *, now: int) -> Hold:
    """Return what transactions take from the day's limit on gas, at most.

    Raises: PolicyDenied: the policy names none.
    """
    limit = _of(policy.gas_day_limits, gas.asset.id.chain, "gas_per_day")
    return Hold(scope=f"gas of wallet:{payer.lower()}", window=DAY.span(now).name, amount=gas, limit=limit, gas=True)


def _of(limits: tuple[Amount, ...], network: ChainId, name: str) -> Amount:
    for limit in limits:
        if limit.asset.id.chain == network:
            return limit
    text = f"{name} has no limit in the coin of {network}; own transactions need one: set {name}"
    raise PolicyDenied(Deny(reasons=(Reason(code="no_gas_limit", text=text),)))
