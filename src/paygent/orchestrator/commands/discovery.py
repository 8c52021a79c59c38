"""Reading a search for services."""

from typing import Final

from paygent.core.errors import CommandRefused
from paygent.orchestrator.commands import words
from paygent.orchestrator.commands.names import take_name
from paygent.orchestrator.commands.step import Step
from paygent.orchestrator.commands.tokens import Kind, Token
from paygent.orchestrator.commands.values import Discover

_BELOW: Final = frozenset(
    "under below up to at most for less cheaper than max maximum price of priced costing with and that "
    "which cost costs".split()
)
_LIMIT: Final = frozenset("under below costing max maximum".split())
_LIMITS: Final = frozenset(
    {("up", "to"), ("at", "most"), ("less", "than"), ("cheaper", "than"), ("max", "price"), ("maximum", "price")}
)
_ABOVE: Final = frozenset("with and reputation of at least above over min minimum rated >=".split())
_BETTER: Final = frozenset("or more better higher above".split())
_WISHES: Final = frozenset(
    "cheap cheapest best top good newest that which cost costs than price reputation rated".split()
)
_PER: Final = frozenset("per call request".split())
_MCP: Final = frozenset("mcp mcp-compatible".split())
_AROUND_MCP: Final = frozenset("with that support supports supporting compatible and".split())
_LEADS: Final = (
    words.DISCOVER
    | words.ASK
    | words.SERVICES
    | frozenset(
        "for in of category about and with there available are is paid x402 all me which have get , from".split()
    )
)


def discover(step: Step) -> Discover:
    """Read what the services have to be like."""
    reputation = _reputation(step)
    price = _price(step)
    mcp = _mcp(step)
    step.refuse_bare_amounts()
    if step.all(Kind.MONEY):
        raise CommandRefused("ambiguous", "a price of services is a limit: write under 0.10 USDC")
    if not step.all(Kind.QUOTED):
        _refuse_wishes(step)
    category = take_name(step, what="category", at_ends=_LEADS, beside_quotes=frozenset())
    return Discover(
        category=None if category is None else category.lower(), max_price=price, min_reputation=reputation, mcp=mcp
    )


def _refuse_wishes(step: Step) -> None:
    """Refuse what would only be taken for a part of the category."""
    for at in step.left:
        if step.word(at) in _WISHES:
            raise CommandRefused(
                "unknown", f"{step.word(at)!r} is no condition of a search; quotes make it part of a category"
            )


def _reputation(step: Step) -> str | None:
    found = [at for at in step.left if step.word(at) in ("reputation", "rated")]
    if not found:
        return None
    number = step.after(found[0])
    while step.word(number) in _ABOVE:
        number = step.after(number)
    if len(found) > 1 or number < 0 or step.tokens[number].kind is not Kind.NUMBER:
        raise CommandRefused("ambiguous", "a reputation has one number, such as reputation above 4")
    _use_around(step, number, _ABOVE, _BETTER)
    return step.tokens[number].value


def _price(step: Step) -> str | None:
    found = [at for at in step.all(Kind.NUMBER, Kind.DOLLARS, Kind.MONEY) if _is_limit(step, at)]
    if not found:
        return None
    if len(found) > 1:
        raise CommandRefused("ambiguous", "two prices are named, and one can be the limit")
    price = price_of(step, found[0])
    _use_around(step, found[0], _BELOW, _PER)
    return price


def _is_limit(step: Step, at: int) -> bool:
    """Tell whether the words before a price make it the most that a service may cost."""
    place = step.before(at)
    if step.word(place) == "of":
        place = step.before(place)
    last, second = step.word(place), step.word(step.before(place))
    return last in _LIMIT or (second, last) in _LIMITS


def price_of(step: Step, at: int) -> str:
    """Return a price in dollars, and use the word that says so.

    Raises: CommandRefused: it is in another asset.
    """
    token: Token = step.tokens[at]
    if token.kind is Kind.MONEY and token.asset not in words.STABLE:
        raise CommandRefused("ambiguous", f"a price is in dollars, and not {token.text!r}")
    if step.word(step.after(at)) in words.DOLLARS:
        step.use([step.after(at)])
    return token.value


def _use_around(step: Step, at: int, before: frozenset[str], behind: frozenset[str]) -> None:
    places = [at]
    place = step.before(at)
    while step.word(place) in before:
        places, place = [*places, place], step.before(place)
    place = step.after(at)
    while step.word(place) in behind:
        places, place = [*places, place], step.after(place)
    step.use(places)


def _mcp(step: Step) -> bool:
    found = [at for at in step.left if step.word(at) in _MCP]
    for at in found:
        _use_around(step, at, _AROUND_MCP, _AROUND_MCP)
    return bool(found)
