"""What the policy says of single agents, services and tools."""

from dataclasses import dataclass
from enum import IntEnum, unique

from paygent.core.caip import is_evm_address
from paygent.core.errors import ConfigurationError
from paygent.core.money import USD, Amount
from paygent.core.verdict import Alternative
from paygent.policy.lists import normal_list


@unique
class Priority(IntEnum):
    """Whose daily budget is kept for whom; who is not listed is LOW."""

    LOW = 1
    NORMAL = 2
    MEDIUM = 3
    HIGH = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTerms:
    """What one agent may spend."""

    id: str
    """`Context.agent`."""
    priority: Priority = Priority.NORMAL
    daily_budget: Amount
    """USD for each UTC day; what is left of it is kept from agents of lower priority."""
    max_per_payment: Amount
    """USD."""

    def __post_init__(self) -> None:
        _check_id("agent", self.id)
        _check_dollars(f"agent {self.id!r}", self.daily_budget, self.max_per_payment)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceTerms:
    """What one service may charge, and whom."""

    id: str
    """`Context.service`."""
    unit_price: Amount
    """USD for one unit: the most a payment may cost for each unit it buys."""
    provider: str
    """The only address that may be paid for it."""
    active: bool = True
    """An inactive service is not paid."""
    verified: bool = False
    """A service that is not needs a person's approval for each payment."""
    metadata_uri: str | None = None
    """Where its description is; a payment that was found under another one is denied."""
    max_per_day: Amount | None = None
    """USD for each UTC day, of all agents together."""
    allowed_agents: frozenset[str] | None = None
    """Agents that may buy; None means all, an empty set none."""
    alternatives: tuple[Alternative, ...] = ()
    """What to take instead where a payment is too expensive, best first."""

    def __post_init__(self) -> None:
        _check_id("service", self.id)
        _check_dollars(f"service {self.id!r}", self.unit_price, self.max_per_day or self.unit_price)
        if not is_evm_address(self.provider):
            raise ConfigurationError(f"service {self.id!r} has the provider {self.provider!r}, which is no address")
        if self.allowed_agents is not None:
            object.__setattr__(self, "allowed_agents", normal_list("allowed_agents", self.allowed_agents))
        if Alternative(kind="service", value=self.id) in self.alternatives:
            raise ConfigurationError(f"service {self.id!r} is named as its own alternative")


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolTerms:
    """What one tool may do without a person."""

    id: str
    """`Context.tool`."""
    approve_above: Amount | tuple[Amount, ...] | None
    """Takes the place of the policy's `approve_above`; zero asks for every payment, None for none."""

    def __post_init__(self) -> None:
        _check_id("tool", self.id)


def _check_id(what: str, name: str) -> None:
    if not (0 < len(name) <= 200 and name.isprintable()):
        raise ConfigurationError(f"{name!r} is not the id of a {what}: 1 to 200 printable characters")


def _check_dollars(whose: str, *amounts: Amount) -> None:
    for amount in amounts:
        if amount.asset != USD:
            raise ConfigurationError(f"{whose} has {amount}; give it in US dollars, such as usd('1.50')")
