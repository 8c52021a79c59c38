"""What a slot can hold; each check raises `CommandRefused` as malformed where a value cannot be."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from paygent.core.errors import CommandRefused
from paygent.orchestrator.commands import words
from paygent.orchestrator.commands.text import pieces
from paygent.orchestrator.commands.tokens import Kind, Token, url_problem

_VENUE: Final = re.compile(r"[a-z][a-z0-9]{0,31}", re.ASCII)
_MOST_LETTERS: Final = 200


def amount(text: str, *, what: str = "an amount") -> None:
    """Check a decimal string above 0."""
    if not words.NUMBER.fullmatch(text) or not text.strip("0."):
        raise CommandRefused("malformed", f"{what} is a number above 0, not {text!r}")


def number(text: str, *, what: str) -> None:
    """Check a decimal string of 0 or more."""
    if not words.NUMBER.fullmatch(text):
        raise CommandRefused("malformed", f"{what} is a number, not {text!r}")


def percent(text: str) -> None:
    """Check a share above 0, 100 at most."""
    amount(text, what="a percentage")
    if Decimal(text) > 100:
        raise CommandRefused("malformed", f"there is no more than 100%, and not {text}%")


def symbol(text: str) -> None:
    """Check a symbol in upper case."""
    if words.symbol_of(text, by_capitals=True) != text:
        raise CommandRefused("malformed", f"{text!r} is not a symbol such as USDC")


def pool(text: str) -> None:
    """Check a symbol, or a pair of two different ones such as CRO-USDC."""
    halves = text.split("-")
    if len(halves) > 2 or len(set(halves)) < len(halves):
        raise CommandRefused("malformed", f"{text!r} is not a pair such as CRO-USDC")
    for half in halves:
        symbol(half)


def market(text: str) -> None:
    """Check a symbol, or a pair, which may be of dollars, such as BTC-USD."""
    pool(text.removesuffix("-USD"))


def different(one: str, other: str) -> None:
    """Check that two symbols are two."""
    if one == other:
        raise CommandRefused("malformed", f"{one} stands on both sides")


def venue(text: str) -> None:
    """Check the name of a connector."""
    if not _VENUE.fullmatch(text) or text in words.RESERVED:
        raise CommandRefused("malformed", f"{text!r} is not the name of a venue such as vvs")


def slippage(bps: int) -> None:
    """Check basis points."""
    if type(bps) is not int or not 0 <= bps <= 5_000:
        raise CommandRefused("malformed", f"slippage is from 0 to 5000 basis points (50%), not {bps}")


def leverage(times: int) -> None:
    """Check a leverage."""
    if type(times) is not int or not 1 <= times <= 1_000:
        raise CommandRefused("malformed", f"leverage is a whole number from 1 to 1000, not {times}")


def url(text: str) -> None:
    """Check a URL without user and password."""
    if (problem := url_problem(text)) is not None:
        raise CommandRefused("malformed", problem)


def address(text: str) -> None:
    """Check an EVM address and its checksum.

    Raises: CommandRefused: also where it is the zero address.
    """
    if [token.kind for token in pieces(text)] != [Kind.ADDRESS]:
        raise CommandRefused("malformed", f"{text[:60]!r} is not an address")


def name(text: str) -> None:
    """Check a name that can stand in quotes."""
    if len(text) > _MOST_LETTERS:
        raise CommandRefused("malformed", f"a name has {_MOST_LETTERS} characters at most")
    if pieces(f'"{text}"') != [Token(kind=Kind.QUOTED, text=text, value=text)]:
        raise CommandRefused("malformed", f"{text!r} is not a name: no quotes, no blanks at its ends")


def one_of(text: str, choices: frozenset[str]) -> None:
    """Check a word of a closed list."""
    if text not in choices:
        raise CommandRefused("malformed", f"{text!r} is none of {', '.join(sorted(choices))}")


def price(text: str) -> None:
    """Check a price in dollars."""
    amount(text, what="a price")


def category(text: str) -> None:
    """Check a name in lower case."""
    name(text)
    if text != text.lower():
        raise CommandRefused("malformed", "a category is in lower case")


RULES: Final[Mapping[str, Callable[[Any], None]]] = {
    **dict.fromkeys(("amount", "amount_a", "amount_b", "collateral"), amount),
    **dict.fromkeys(("asset", "asset_a", "asset_b", "asset_in", "asset_out", "assets"), symbol),
    **dict.fromkeys(("price", "max_price"), price),
    **dict.fromkeys(("service", "market"), name),
    "category": category,
    "exact": lambda text: one_of(text, frozenset({"in", "out"})),
    "leverage": leverage,
    "min_reputation": lambda text: number(text, what="a reputation"),
    "outcome": lambda text: one_of(text, words.OUTCOMES),
    "percent": percent,
    "pool": pool,
    "side": lambda text: one_of(text, frozenset({"long", "short"})),
    "slippage_bps": slippage,
    "symbol": market,
    "to": address,
    "url": url,
    "venue": venue,
}
"""What a slot of a name can hold, in every command; ``mcp`` and ``steps`` hold no text."""


def slots(named: Mapping[str, str | int | tuple[str, ...] | None]) -> None:
    """Check every slot that is there, by its name; of a tuple, each part."""
    for slot, value in named.items():
        if slot in RULES and value is not None:
            for part in value if isinstance(value, tuple) else (value,):
                _check(slot, part)


def _check(slot: str, value: Any) -> None:
    RULES[slot](value)
