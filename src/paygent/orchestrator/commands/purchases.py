"""Reading pay, quote, balance and transfer."""

from typing import Final

from paygent.core.errors import CommandRefused
from paygent.orchestrator.commands import words
from paygent.orchestrator.commands.names import refuse_strays, take_name
from paygent.orchestrator.commands.step import Step
from paygent.orchestrator.commands.tokens import Kind
from paygent.orchestrator.commands.values import Balance, Pay, Quote, Transfer

_BEFORE_AMOUNT: Final = frozenset("of for with at up to most max maximum exactly".split())
_BEFORE_URL: Final = frozenset("at from for to on via of".split())
_LEADS: Final = frozenset("for to on access use get call read unlock fetch buy pay of from at".split())
_BESIDE: Final = frozenset("api service endpoint resource feed data".split())
_OF_QUOTE: Final = frozenset(
    "quote price cost of for from is does would it to access use call i what what's how much check show get tell give "
    "me see view list current".split()
)
_OF_BALANCE: Final = (
    words.ASK
    | words.BALANCE
    | words.OWN
    | frozenset("wallet account of in for and , is are do i me much all get current".split())
)


def pay(step: Step) -> Pay | Transfer:
    """Read a payment; one to an address is a transfer."""
    if step.all(Kind.ADDRESS) and not step.all(Kind.URL):
        return transfer(step)
    _refuse_misleading(step)
    url = step.at_most_one(Kind.URL, "URL", before=_BEFORE_URL)
    money = step.at_most_one(Kind.MONEY, "amount with its asset", before=_BEFORE_AMOUNT)
    named = _asset_alone(step)
    if money is not None and named is not None:
        raise CommandRefused("ambiguous", f"is {money.text!r} paid, or {named}?")
    amount, asset = (None, named) if money is None else (money.value, money.asset)
    if url is not None:
        _refuse_currencies(step)
        refuse_strays(step)
    name = take_name(step, what="service", at_ends=_LEADS, beside_quotes=_BESIDE)
    if url is None and name is None:
        raise CommandRefused("ambiguous", "what is paid for is not said: name a URL, a service or an address")
    if url is not None:
        return Pay(amount=amount, asset=asset, url=url.value)
    return Pay(amount=amount, asset=asset, service=name)


def _asset_alone(step: Step) -> str | None:
    """Use "in USDC"; only symbols of the list, because a name may have words in capitals.

    Raises: CommandRefused: two of them are named so.
    """
    found: list[str] = []
    for at in step.all(Kind.SYMBOL):
        before = step.before(at)
        if step.tokens[at].value in words.SYMBOLS and step.word(before) in ("in", "with", "using"):
            step.use([before, at])
            found.append(step.tokens[at].value)
    if len(found) > 1:
        raise CommandRefused("ambiguous", f"one asset is paid with, and not {len(found)}: {', '.join(found[:3])}")
    return found[0] if found else None


def _refuse_misleading(step: Step) -> None:
    """Refuse what stands right before an amount and makes it no ceiling."""
    for at in step.all(Kind.MONEY):
        if (word := step.word(step.before(at))) in words.MISLEADING:
            raise CommandRefused("ambiguous", f"{word!r} before an amount makes it no limit of what is paid")


def _refuse_currencies(step: Step) -> None:
    """Refuse money that is no asset beside a URL; before another word it describes what is there."""
    for at in step.left:
        ends = at + 1 == len(step.tokens) or step.used(at + 1) or step.silent(at + 1)
        if ends and step.tokens[at].text.lower() in words.CURRENCIES:
            raise CommandRefused("ambiguous", f"{step.tokens[at].text!r} is no asset to pay with")


def transfer(step: Step) -> Transfer:
    """Read a transfer to an address."""
    money = step.take(Kind.MONEY, before=["exactly", "of"])
    step.refuse_bare_amounts()
    if len(money) != 1:
        raise CommandRefused(
            "ambiguous", f"a transfer has one amount with its asset, such as 5 USDC, and not {len(money)}"
        )
    to = step.one(Kind.ADDRESS, "address to send to: 0x and 40 hexadecimal digits", before=["to"])
    step.finish()
    return Transfer(amount=money[0].value, asset=money[0].asset, to=to.value)


def quote(step: Step) -> Quote:
    """Read a question for a URL's price."""
    url = step.one(Kind.URL, "URL to quote", before=_BEFORE_URL)
    step.finish(_OF_QUOTE)
    return Quote(url=url.value)


def balance(step: Step) -> Balance:
    """Read a look at the wallet."""
    assets = [token.value for token in step.take(Kind.SYMBOL)]
    step.finish(_OF_BALANCE)
    return Balance(assets=tuple(dict.fromkeys(assets)))
