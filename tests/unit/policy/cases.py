"""Payments and policies that the tests of rules start from."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from paygent.core.caip import ChainId, erc20
from paygent.core.context import Context
from paygent.core.money import Amount, Asset, usd
from paygent.core.price import Price
from paygent.core.requirements import Token
from paygent.core.verdict import Verdict
from paygent.policy.ask import Ask
from paygent.policy.facts import Facts, Provider, Recent
from paygent.policy.policy import Policy

CHAIN = ChainId.evm(31337)
NOW = 1_800_000_000
"""2027-01-15T08:00:00Z."""
DAY_NAME = "day:2027-01-15"
PAYER = f"0x{'aA' * 20}"
PAYEE = f"0x{'bB' * 20}"
DOLLAR = Token(
    asset=Asset(id=erc20(CHAIN, f"0x{'11' * 20}"), symbol="TUSD", decimals=6), name="T", versions=("1",), usd=True
)
COIN = Token(asset=Asset(id=erc20(CHAIN, f"0x{'22' * 20}"), symbol="COIN", decimals=18), name="C", versions=("1",))
FREE = Policy(max_per_payment=usd("1000000"), per_day=usd("1000000"), approve_above=None)
"""Lets anything in dollars pass, so that a test's own rule is the only one that speaks."""


def asked(dollars: str = "1", **about: Any) -> Ask:
    """Return a payment of so many dollars by agent `bot`."""
    ask = Ask(
        payer=PAYER,
        payee=PAYEE,
        network=CHAIN,
        token=DOLLAR,
        amount=Amount.parse(dollars, DOLLAR.asset),
        host="api.example.com",
        context=Context(agent="bot", service="search", tool="lookup"),
    )
    return replace(ask, **about)


def coins(whole: str, *, rate: str | None = None, as_of: int = NOW, **about: Any) -> Ask:
    """Return a payment of so many coins, with an oracle's price where one is given."""
    price = None if rate is None else Price(asset=COIN.asset.id, usd=Decimal(rate), as_of=as_of, source="feed")
    return asked(token=COIN, amount=Amount.parse(whole, COIN.asset), price=price, **about)


def quiet(**about: Any) -> Facts:
    """Return facts in which nothing is odd and everything is known."""
    facts = Facts(
        now=NOW,
        sums={},
        treasury=usd("1000000"),
        recent=Recent(payments=0, dollars=usd("0")),
        provider=Provider(),
        agent_payments=7,
    )
    return replace(facts, **about)


def codes(verdict: Verdict) -> list[str]:
    """Return the codes of the reasons in order."""
    return [reason.code for reason in verdict.reasons]
