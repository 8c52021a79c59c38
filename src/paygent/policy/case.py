"""What a rule sees of one payment, and what it may say."""

from dataclasses import dataclass
from enum import Enum, unique

from paygent.core.money import PAYMENTS, USD, Amount, Asset
from paygent.core.verdict import Reason
from paygent.policy.ask import Ask
from paygent.policy.facts import Facts
from paygent.policy.policy import Policy
from paygent.policy.scope import Names
from paygent.policy.valuation import valued


@unique
class Effect(Enum):
    """How much an objection weighs."""

    ASK = 1
    """A person has to agree."""
    TOO_MUCH = 2
    """Denied, unless the service has something cheaper."""
    DENY = 3


@dataclass(frozen=True, slots=True)
class Objection:
    """What a rule says against a payment."""

    effect: Effect
    reason: Reason


@dataclass(frozen=True, slots=True)
class Case:
    """One payment under one policy with what is known, and what every rule would work out again."""

    policy: Policy
    ask: Ask
    facts: Facts
    dollars: Amount | None
    """What the payment counts as in USD; None where nothing says what it is worth."""
    names: Names
    """What the scopes are called."""

    @classmethod
    def of(cls, policy: Policy, ask: Ask, facts: Facts) -> "Case":
        """Work out what the rules share."""
        return cls(policy, ask, facts, dollars(policy, ask, facts.now), names(ask))

    def cost(self, unit: Asset) -> int | None:
        """Return what the payment takes from a limit in `unit`, in its atomic units; None where it is not of it."""
        return cost(self.ask, unit, self.dollars)


def dollars(policy: Policy, ask: Ask, now: int | None) -> Amount | None:
    """Return what the payment counts as in USD at the unix second `now`."""
    return valued(ask.amount, USD, ask.token, ask.price, rules=policy.valuation, now=now)


def cost(ask: Ask, unit: Asset, in_dollars: Amount | None) -> int | None:
    """Return what the payment takes from a limit in `unit`, in its atomic units; None where it is not of it."""
    if unit is USD or unit == USD:
        return None if in_dollars is None else in_dollars.atomic
    if unit == ask.amount.asset:
        return ask.amount.atomic
    return 1 if unit == PAYMENTS else None


def names(ask: Ask) -> Names:
    """Return what each scope is called for this payment, empty where it has no name."""
    context = ask.context
    return {
        "wallet": ask.payer.lower(),
        "treasury": context.treasury,
        "project": context.project or "",
        "agent": context.agent or "",
        "session": context.session or "",
        "run": context.run or "",
        "tool": context.tool or "",
        "service": context.service or "",
        "host": ask.host,
        "recipient": ask.payee.lower(),
        "token": ask.token.asset.id.text,
        "network": ask.network.text,
    }


def ask_person(code: str, text: str) -> Objection:
    return Objection(Effect.ASK, Reason(code=code, text=text))


def too_much(code: str, text: str) -> Objection:
    return Objection(Effect.TOO_MUCH, Reason(code=code, text=text))


def deny(code: str, text: str) -> Objection:
    return Objection(Effect.DENY, Reason(code=code, text=text))
