"""The parts of a policy file: amounts, limits, agents, services, projects, tools, risk and prices."""

import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from paygent.core.caip import AssetId, ChainId, native
from paygent.core.money import PAYMENTS, Amount, usd
from paygent.core.requirements import Token
from paygent.core.verdict import Alternative
from paygent.core.window import DAY, Calendar, Period, Rolling, Window
from paygent.evm.coins import coin
from paygent.policy.hosts import normal_host
from paygent.policy.limits import Limit
from paygent.policy.risk import CODES, Burst, Risk
from paygent.policy.scope import Part, Scope
from paygent.policy.shape import (
    DECIMAL,
    Key,
    Shape,
    converted,
    exactly,
    flag,
    listed,
    one_or_many,
    record,
    text,
    unless,
    whole,
    word,
)
from paygent.policy.terms import AgentTerms, Priority, ServiceTerms, ToolTerms
from paygent.policy.valuation import FixedRate, Valuation

Tokens = Mapping[AssetId, Token]
_MONEY = r"^(0|[1-9][0-9]{0,77})(\.[0-9]{1,77})?( [^ ]+)?$"
_CALENDAR: dict[str, Period] = {"day": "day", "week": "week", "month": "month"}
_SPAN = re.compile(r"([1-9][0-9]{0,8}) (second|minute|hour|day)s?", re.ASCII)
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
_ADDRESS = r"^0x[0-9a-fA-F]{40}$"


def money(tokens: Tokens, *, counts: bool = False) -> Shape[Amount]:
    """Return the shape of an amount: dollars, so much of a token by its CAIP-19 id, or a number of payments."""

    def build(said: str) -> Amount:
        number, _, unit = said.partition(" ")
        if unit in ("", "USD"):
            return usd(number)
        if unit == "payments" and counts:
            return Amount.parse(number, PAYMENTS)
        asset = AssetId.parse(unit)
        if asset == native(asset.chain):
            return Amount.parse(number, coin(asset.chain))
        token = tokens.get(asset)
        if token is None:
            raise ValueError(f"{unit} is not a known token; add it to the settings' tokens")
        return Amount.parse(number, token.asset)

    units = 'or "5 payments"' if counts else 'or "5 eip155:25/erc20:0x…"'
    return exactly(f'an amount such as "1.50" {units}', build, pattern=_MONEY, fractions=False)


def _name(said: str) -> str:
    if not said.isprintable():
        raise ValueError("names have printable characters alone, so this is nobody's")
    return said


DOLLARS = exactly("US dollars such as 1.50", usd, pattern=DECIMAL, fractions=True)
"""Dollars as the older files write them: a number or text, read digit for digit."""
NAME = text("a name of 1 to 200 characters", _name, pattern=r"^.{1,200}$")
ADDRESS = text("an address: 0x and 40 hexadecimal digits, in quotes", str, pattern=_ADDRESS)
NETWORK = text("a chain such as eip155:25", ChainId)
ASSET = text("a token such as eip155:25/erc20:0x…", AssetId.parse)
HOST = text("a host such as api.example.com or *.example.com", normal_host, pattern=r"^[!-.0-?A-~]+$")
ORIGIN = text("an absolute URI", str, pattern=r"^[A-Za-z][A-Za-z0-9+.-]*:\S+$")


def names(item: Shape[Any]) -> Shape[frozenset[Any]]:
    return converted(listed(item), frozenset)


def limit_shape(tokens: Tokens) -> Shape[Limit]:
    def build(*, amount: Amount, scope: Scope, per: str, zone: str | None = None) -> Limit:
        return Limit(amount=amount, scope=scope, window=_window(per, zone))

    keys = {
        "scope": Key(
            shape=text("a scope such as agent, agent:researcher or run & tool", Scope.parse),
            about="Whose payments: wallet, treasury, project, agent, session, run, tool, service, host, recipient, "
            "token or network, each one or by name (agent:researcher), or several together (run & tool).",
            becomes="scope",
            required=True,
        ),
        "amount": Key(shape=money(tokens, counts=True), about="The most.", becomes="amount", required=True),
        "per": Key(
            shape=text(
                "payment, day, week, month, or a time such as 60 seconds",
                str,
                pattern=r"^(payment|day|week|month|[1-9][0-9]{0,8} (second|minute|hour|day)s?)$",
            ),
            about="payment, a calendar day, week or month, or a rolling time such as 60 seconds or 24 hours.",
            becomes="per",
            required=True,
        ),
        "zone": Key(
            shape=text("a time zone such as Europe/Zurich", _zone),
            about="The time zone of a calendar window; UTC if it is left out.",
            becomes="zone",
        ),
    }
    return record(keys, build)


def _zone(name: str) -> str:
    return Calendar(period="day", zone=name).zone


def _window(per: str, zone: str | None) -> Window | None:
    if per in _CALENDAR:
        return Calendar(period=_CALENDAR[per], zone="UTC" if zone is None else zone)
    if zone is not None:
        raise ValueError(f"only a day, week or month has a zone, not {per!r}")
    span = _SPAN.fullmatch(per)
    return None if span is None else Rolling(seconds=int(span[1]) * _SECONDS[span[2]])


def _id(what: str) -> Key:
    return Key(shape=NAME, about=f"The {what}'s id.", becomes="id", required=True)


_BUDGET = Key(shape=DOLLARS, about="US dollars a day (UTC).", becomes="daily_budget", required=True)
_PER_CALL = Key(shape=DOLLARS, about="US dollars of one payment.", becomes="max_per_payment", required=True)
_PRIORITY: Shape[Priority] = converted(
    word(*(each.name for each in reversed(Priority))), lambda name: Priority[str(name)]
)
AGENT = record(
    {
        "id": _id("agent"),
        "priority": Key(
            shape=_PRIORITY, about="Whose unspent budget is kept from whom.", becomes="priority", required=True
        ),
        "dailyBudget": _BUDGET,
        "maxPerCall": _PER_CALL,
    },
    AgentTerms,
)


def _alternative(**given: str | int) -> Alternative:
    if len(given) != 1:
        raise ValueError("an alternative is one of service, quantity, mode")
    ((kind, value),) = given.items()
    return Alternative(kind=kind, value=str(value))  # type: ignore[arg-type]  # the keys of its record


ALTERNATIVE = record(
    {
        "service": Key(shape=NAME, about="Another listed service.", becomes="service"),
        "quantity": Key(shape=whole(1, 10**9), about="Fewer units.", becomes="quantity"),
        "mode": Key(shape=NAME, about="A mode of the same service, such as summary.", becomes="mode"),
    },
    _alternative,
)
SERVICE = record(
    {
        "id": _id("service"),
        "unitPrice": Key(
            shape=DOLLARS, about="US dollars: the most one unit may cost.", becomes="unit_price", required=True
        ),
        "providerAddress": Key(
            shape=ADDRESS, about="The only address that is paid for it.", becomes="provider", required=True
        ),
        "active": Key(shape=flag, about="An inactive service is not paid.", becomes="active", required=True),
        "isVerified": Key(
            shape=flag, about="Each payment for one that is not needs approval.", becomes="verified", required=True
        ),
        "metadataURI": Key(shape=ORIGIN, about="Found under another one it is not paid.", becomes="metadata_uri"),
        "maxDailySpending": Key(shape=DOLLARS, about="US dollars a day (UTC) of all agents.", becomes="max_per_day"),
        "allowedAgents": Key(
            shape=names(NAME), about="Who may buy; left out: all, empty: none.", becomes="allowed_agents"
        ),
        "alternatives": Key(
            shape=listed(ALTERNATIVE), about="What to take where it is too expensive.", becomes="alternatives"
        ),
    },
    ServiceTerms,
)


def _project(*, id: str, daily_budget: Amount, max_per_payment: Amount | None = None) -> tuple[Limit, ...]:  # noqa: A002
    scope = Scope((Part("project", id),))
    each = () if max_per_payment is None else (Limit(amount=max_per_payment, scope=scope),)
    return (Limit(amount=daily_budget, scope=scope, window=DAY), *each)


PROJECT = record(
    {"id": _id("project"), "dailyBudget": _BUDGET, "maxPerCall": replace(_PER_CALL, required=False)}, _project
)
BURST = record(
    {
        "payments": Key(shape=whole(0, 10**6), about="More than so many.", becomes="payments"),
        "amount": Key(shape=DOLLARS, about="And more than so many US dollars.", becomes="amount"),
        "seconds": Key(shape=whole(1, 86_400), about="Within these seconds.", becomes="seconds"),
    },
    Burst,
)
RISK = record(
    {
        "burst": Key(shape=unless("off", BURST), about="Many payments at once.", becomes="burst"),
        "first_payment": Key(
            shape=unless("off", DOLLARS), about="First payment of a LOW agent above this.", becomes="first_payment"
        ),
        "failures": Key(shape=unless("off", whole(1, 100)), about="So many, decayed.", becomes="failures"),
        "failure_half_life_seconds": Key(
            shape=whole(1, 366 * 86_400), about="When a failure counts half.", becomes="failure_half_life_seconds"
        ),
        "price_drift_percent": Key(
            shape=unless("off", whole(0, 100_000)), about="Above the last price.", becomes="price_drift_percent"
        ),
        "payee_changed": Key(shape=flag, about="Another address than last time.", becomes="payee_changed"),
        "deny": Key(shape=names(word(*sorted(CODES))), about="Rules that deny instead of asking.", becomes="deny"),
    },
    Risk,
)
PRICES = record(
    {
        "fixed": Key(
            shape=listed(
                record(
                    {
                        "asset": Key(shape=ASSET, about="A stable asset.", becomes="asset", required=True),
                        "usd": Key(
                            shape=exactly('dollars such as "1.00"', Decimal, pattern=DECIMAL, fractions=False),
                            about="What one whole unit counts as.",
                            becomes="usd",
                            required=True,
                        ),
                    },
                    FixedRate,
                )
            ),
            about="Stable assets and what they count as.",
            becomes="fixed",
        ),
        "max_age_seconds": Key(shape=whole(1, 604_800), about="How old a price may be.", becomes="max_age_seconds"),
        "haircut_bps": Key(
            shape=whole(0, 10_000), about="How much dearer it counts, in 0.01 %.", becomes="haircut_bps"
        ),
    },
    Valuation,
)


def tool_shape(tokens: Tokens) -> Shape[ToolTerms]:
    threshold = Key(
        shape=unless("never", one_or_many(money(tokens))),
        about="What it may pay without a person; 0 asks for every payment.",
        becomes="approve_above",
        required=True,
    )
    return record({"id": _id("tool"), "approve_above": threshold}, ToolTerms)
