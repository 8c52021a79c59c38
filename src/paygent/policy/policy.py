"""The limits of a wallet, as one frozen value."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, cast

from paygent.core.budget import Hold
from paygent.core.caip import AssetId, ChainId
from paygent.core.errors import ConfigurationError
from paygent.core.money import Amount, usd
from paygent.core.window import DAY, Span, Window
from paygent.policy.ask import Ask
from paygent.policy.limits import Limit
from paygent.policy.lists import LISTS, normal_list
from paygent.policy.risk import Risk
from paygent.policy.scope import Part, Scope
from paygent.policy.terms import AgentTerms, ServiceTerms, ToolTerms
from paygent.policy.valuation import DEFAULT, Valuation

_ONE_DOLLAR = usd("1")
_TEN_DOLLARS = usd("10")
_TWENTY_DOLLARS = usd("20")
_WALLET = Scope((Part("wallet"),))
LONGEST_VALIDITY_SECONDS = 86_400
"""The most that `max_validity_seconds` may be."""
MAX_VALIDITY_SECONDS = 600
"""How long an authorization may be usable unless the user says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """What is never paid, whatever else allows it."""

    networks: frozenset[ChainId] = frozenset()
    assets: frozenset[AssetId] = frozenset()
    hosts: frozenset[str] = frozenset()
    """As in `Policy.hosts`."""
    payees: frozenset[str] = frozenset()
    """Addresses, compared without case."""
    services: frozenset[str] = frozenset()
    agents: frozenset[str] = frozenset()
    oracles: frozenset[str] = frozenset()
    """Sources of prices that do not count."""

    def __post_init__(self) -> None:
        for name in LISTS:
            object.__setattr__(self, name, normal_list(name, getattr(self, name)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a wallet may pay. The defaults: a known dollar token, at most 1 USD a payment and 20 USD a day.

    An amount of a token limits that token; an amount of USD limits every token that counts as dollars. A payment that
    no limit covers is denied: what has no price and no limit of its own cannot be paid. None in a list allows any; an
    empty list allows none.
    """

    max_per_payment: Amount | tuple[Amount, ...] = _ONE_DOLLAR
    """The most one payment may cost; reaching it exactly is allowed."""
    per_day: Amount | tuple[Amount, ...] = _TWENTY_DOLLARS
    """The most all payments of a wallet may cost in a UTC day, unsettled ones included."""
    max_per_trade: Amount | tuple[Amount, ...] | None = None
    """The most one swap or position may take in, in place of `max_per_payment`, which holds where it is None."""
    trade_per_day: Amount | tuple[Amount, ...] | None = None
    """The most all swaps and positions of a wallet may take in a UTC day; it stands in place of `per_day`."""
    gas_per_transaction: Amount | tuple[Amount, ...] | None = None
    """The most that the gas of one own transaction may cost, in the coin of each chain; None: no own transactions."""
    gas_per_day: Amount | tuple[Amount, ...] | None = None
    """The most that gas may cost a wallet in a UTC day, reverted transactions included; None: no own transactions."""
    max_slippage_bps: int = 100
    """How far below its quote a swap may end, in hundredths of a percent."""
    max_deadline_seconds: int = 1_800
    """How long an action on chain may wait for its block."""
    venues: frozenset[str] | None = None
    """Where may be traded, by the connector's name; None allows any that `payees` allows."""
    networks: frozenset[ChainId] | None = None
    """Chains that may be paid on."""
    assets: frozenset[AssetId] | None = None
    """Tokens that may be paid with."""
    hosts: frozenset[str] | None = None
    """Hosts that may be paid, as `host` or `host:port` in lower case; `*.example.com` means every subdomain."""
    payees: frozenset[str] | None = None
    """Addresses that may be paid, compared without case."""
    services: frozenset[str] | None = None
    """Services that may be paid, by their id; where this is set, a payment for no known service is denied."""
    agents: frozenset[str] | None = None
    """Agents that may pay; where this is set, a payment of no known agent is denied."""
    oracles: frozenset[str] | None = None
    """Sources whose prices count."""
    deny: Denied = Denied()
    """What is never paid."""
    limits: tuple[Limit, ...] = ()
    """Further limits: all hold at once."""
    approve_above: Amount | tuple[Amount, ...] | None = _TEN_DOLLARS
    """What a payment may cost without a person; one that no threshold can be compared with asks. None never asks."""
    tools: tuple[ToolTerms, ...] = ()
    """Tools with a threshold of their own."""
    agent_terms: tuple[AgentTerms, ...] = ()
    """Agents with a priority and budgets; a payment of any other agent is denied unless `other_agents`."""
    other_agents: bool = False
    """Agents that `agent_terms` does not list may pay too, with LOW priority; where it lists none, all may."""
    service_terms: tuple[ServiceTerms, ...] = ()
    """Services with a price and an owner; a payment for any other is denied unless `other_services`."""
    other_services: bool = False
    """What `service_terms` does not list may be bought too; where it lists none, all may."""
    risk: Risk | None = None
    """What is odd enough to ask a person; these rules need `Facts`."""
    valuation: Valuation = DEFAULT
    """How tokens become dollars."""
    max_validity_seconds: int = MAX_VALIDITY_SECONDS
    """The longest an authorization may be usable, from 10 to 86,400 seconds."""
    index: "Index" = field(init=False, repr=False, compare=False)
    """The same, sorted for judging."""

    def __post_init__(self) -> None:
        for name in (*LISTS, "venues"):
            if (given := getattr(self, name)) is not None:
                object.__setattr__(self, name, normal_list(name, given))
        _check_denied(self.deny)
        if not 10 <= self.max_validity_seconds <= LONGEST_VALIDITY_SECONDS:
            raise ConfigurationError(
                f"max_validity_seconds is {self.max_validity_seconds}; it must be from 10 to 86400 seconds"
            )
        _check_one_limit_each("max_per_payment", self.max_per_payment)
        _check_one_limit_each("per_day", self.per_day)
        self._check_actions()
        if self.approve_above is not None:
            _check_one_limit_each("approve_above", self.approve_above)
        for what, terms in (("agent", self.agent_terms), ("service", self.service_terms), ("tool", self.tools)):
            _check_one_term_each(what, terms)
        _check_alternatives(self.service_terms)
        object.__setattr__(self, "index", Index.of(self))

    def _check_actions(self) -> None:
        for name in ("max_per_trade", "trade_per_day", "gas_per_transaction", "gas_per_day"):
            if (limit := getattr(self, name)) is not None:
                _check_one_limit_each(name, limit)
        for limit in (*self.gas_limits, *self.gas_day_limits):
            if not limit.asset.id.native:
                raise ConfigurationError(
                    f"gas is paid in a chain's own coin; {limit} is not: see paygent.evm.coins.coin"
                )
        if not 0 <= self.max_slippage_bps <= 10_000:
            raise ConfigurationError(f"max_slippage_bps is {self.max_slippage_bps}; it must be from 0 to 10000")
        if not 10 <= self.max_deadline_seconds <= LONGEST_VALIDITY_SECONDS:
            raise ConfigurationError(
                f"max_deadline_seconds is {self.max_deadline_seconds}; it must be from 10 to 86400 seconds"
            )

    @property
    def trade_limits(self) -> tuple[Amount, ...]:
        """`max_per_trade` as a tuple, or what stands in for it."""
        return self.payment_limits if self.max_per_trade is None else _amounts(self.max_per_trade)

    @property
    def trade_day_limits(self) -> tuple[Amount, ...]:
        """`trade_per_day` as a tuple, or what stands in for it."""
        return self.day_limits if self.trade_per_day is None else _amounts(self.trade_per_day)

    @property
    def gas_limits(self) -> tuple[Amount, ...]:
        """`gas_per_transaction` as a tuple."""
        return () if self.gas_per_transaction is None else _amounts(self.gas_per_transaction)

    @property
    def gas_day_limits(self) -> tuple[Amount, ...]:
        """`gas_per_day` as a tuple."""
        return () if self.gas_per_day is None else _amounts(self.gas_per_day)

    @property
    def payment_limits(self) -> tuple[Amount, ...]:
        """`max_per_payment` as a tuple."""
        return _amounts(self.max_per_payment)

    @property
    def day_limits(self) -> tuple[Amount, ...]:
        """`per_day` as a tuple."""
        return _amounts(self.per_day)

    def thresholds(self, tool: str | None) -> tuple[Amount, ...] | None:
        """Return what may be paid through a tool without a person; None where nobody is asked."""
        own = None if tool is None else self.index.tools.get(tool)
        above = self.approve_above if own is None else own.approve_above
        return None if above is None else _amounts(above)


@dataclass(frozen=True, slots=True)
class Kept:
    """What a payment takes from the limits while its windows last."""

    ask: Ask
    at: tuple[Span, ...]
    """The windows it holds for."""
    holds: tuple[Hold, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """What judging looks up, made once for a policy."""

    allows: bool
    """Some list says what may be paid."""
    denies: bool
    """Some list says what is never paid."""
    payees: frozenset[str] | None
    """Allowed addresses in lower case."""
    denied_payees: frozenset[str]
    """Denied addresses in lower case."""
    agents: dict[str, AgentTerms]
    services: dict[str, ServiceTerms]
    tools: dict[str, ToolTerms]
    ranked: tuple[AgentTerms, ...]
    """Agents by priority, highest first, as listed within one."""
    per_payment: tuple[Limit, ...]
    """Limits of each single payment."""
    over_time: tuple[Limit, ...]
    """Limits over windows, those of agents and services included; not `per_day`."""
    per_day: tuple[Limit, ...]
    """`per_day` as limits of the wallet."""
    trades_per_day: tuple[Limit, ...] | None
    """`trade_per_day` as limits of the wallet's trades; None where they count as payments."""
    windows: tuple[Window, ...]
    """What the limits over time are counted in."""
    kept: dict[int, Kept] = field(default_factory=dict[int, Kept], compare=False, repr=False)
    """What payments took lately, by the identity of what was asked."""

    @classmethod
    def of(cls, policy: Policy) -> "Index":
        """Sort a policy."""
        ranked = sorted(policy.agent_terms, key=lambda terms: -terms.priority)
        over_time = (*(limit for limit in policy.limits if limit.window is not None), *_budgets(policy))
        return cls(
            allows=_allows(policy),
            denies=policy.deny != Denied(),
            payees=None if policy.payees is None else _lower(policy.payees),
            denied_payees=_lower(policy.deny.payees),
            agents={terms.id: terms for terms in policy.agent_terms},
            services={terms.id: terms for terms in policy.service_terms},
            tools={terms.id: terms for terms in policy.tools},
            ranked=tuple(ranked),
            per_payment=tuple(limit for limit in policy.limits if limit.window is None),
            over_time=over_time,
            per_day=tuple(Limit(amount=amount, scope=_WALLET, window=DAY) for amount in policy.day_limits),
            trades_per_day=None
            if policy.trade_per_day is None
            else tuple(Limit(amount=amount, scope=_WALLET, window=DAY) for amount in policy.trade_day_limits),
            windows=tuple({DAY: DAY} | {limit.window: limit.window for limit in over_time if limit.window is not None}),
        )


def _allows(policy: Policy) -> bool:
    where = (policy.networks, policy.assets, policy.hosts, policy.payees)
    who = (policy.services, policy.agents, policy.oracles)
    return any(each is not None for each in (*where, *who))


def _budgets(policy: Policy) -> Iterable[Limit]:
    for agent in policy.agent_terms:
        yield Limit(amount=agent.daily_budget, scope=Scope((Part("agent", agent.id),)), window=DAY)
    for service in policy.service_terms:
        if service.max_per_day is not None:
            yield Limit(amount=service.max_per_day, scope=Scope((Part("service", service.id),)), window=DAY)


def _lower(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.lower() for name in names)


def _amounts(amounts: Amount | tuple[Amount, ...]) -> tuple[Amount, ...]:
    return (amounts,) if isinstance(amounts, Amount) else amounts


def _check_one_limit_each(name: str, limits: Amount | tuple[Amount, ...]) -> None:
    _check_amounts(name, limits)
    seen = [limit.asset for limit in _amounts(limits)]
    if not seen:
        raise ConfigurationError(f"{name} is empty; give a limit such as usd('1')")
    if len(set(seen)) != len(seen):
        raise ConfigurationError(f"{name} has two limits for one asset; keep the one that is meant")


def _check_denied(given: object) -> None:
    if not isinstance(given, Denied):
        raise ConfigurationError(f"deny is {given!r}; write paygent.policy.policy.Denied(hosts=..., payees=...)")


def _check_amounts(name: str, given: object) -> None:
    each = cast("tuple[object, ...]", given) if isinstance(given, tuple) else (given,)
    if not all(isinstance(one, Amount) for one in each):
        raise ConfigurationError(f"{name} is {given!r}; give an amount such as usd('1'), or a tuple of amounts")


def _check_one_term_each(what: str, terms: tuple[Any, ...]) -> None:
    ids = [each.id for each in terms]
    twice = next((name for name in ids if ids.count(name) > 1), None)
    if twice is not None:
        raise ConfigurationError(f"the {what} {twice!r} is listed twice; keep the one that is meant")


def _check_alternatives(services: tuple[ServiceTerms, ...]) -> None:
    known = {service.id for service in services}
    for service in services:
        for other in service.alternatives:
            if other.kind == "service" and other.value not in known:
                raise ConfigurationError(
                    f"service {service.id!r} names {other.value!r} as an alternative, which is not listed"
                )
