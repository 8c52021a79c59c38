"""The pieces of a text: numbers, symbols, addresses, URLs, quotes, words and signs."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final
from urllib.parse import urlsplit

from paygent.core.caip import is_evm_address
from paygent.core.errors import CommandWhy
from paygent.evm.address import checksum
from paygent.orchestrator.commands import words

_PIECE: Final = re.compile(
    r"""(?P<url>(?<![A-Za-z0-9+.\-])[A-Za-z][A-Za-z0-9+.\-]{0,30}://\S*)
    |"(?P<quote>[^"]*)"
    |(?<!\S)'(?P<single>[^']*)'(?=[\s,.;:!?]|$)
    |(?P<number>[$~+\-]{0,3}\.?[0-9](?:[^\s;,&"()!?]|,(?=[0-9]))*)
    |(?P<word>[^\W0-9_](?:[^\W_]|[-_'/&.](?=[^\W_]))*)
    |(?P<sign>->|=>|>=|<=|[.,;:!?&\-/%>+$])
    |(?P<odd>\S)""",
    re.VERBOSE,
)
_URL: Final = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+", re.ASCII)
_DOMAIN: Final = re.compile(r"(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}(?:/\S*)?", re.ASCII)
_HEXADECIMAL: Final = re.compile(r"0[xX][0-9a-zA-Z]*", re.ASCII)


class Kind(Enum):
    """What a token is."""

    WORD = "word"
    SYMBOL = "symbol"
    PAIR = "pair"
    MONEY = "amount with asset"
    NUMBER = "number"
    DOLLARS = "dollars"
    PERCENT = "percent"
    LEVERAGE = "leverage"
    ADDRESS = "address"
    URL = "URL"
    QUOTED = "quote"
    SIGN = "sign"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One piece of a text."""

    kind: Kind
    text: str
    """As typed."""
    value: str = ""
    """What it means: the number, the symbol or pair in upper case, the quoted name; a word in lower case."""
    asset: str = ""
    """The symbol of an amount with asset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A piece that is not one."""

    why: CommandWhy
    problem: str


def read(text: str) -> Iterator[Token | Fault]:
    """Yield the tokens of a text of which the guards have seen the characters."""
    by_capitals = any(letter.islower() for letter in text)
    for found in _PIECE.finditer(text):
        piece = found.group()
        match found.lastgroup:
            case "url":
                yield from _url(piece)
            case "quote" | "single":
                yield _quoted(found[found.lastgroup])
            case "number":
                yield from _number(piece)
            case "word":
                yield _word(piece, by_capitals)
            case "sign":
                yield Token(kind=Kind.SIGN, text=piece, value="->" if piece == "=>" else piece)
            case _:
                yield Fault(why="malformed", problem=_odd(piece))


def _odd(piece: str) -> str:
    if piece == '"':
        return "a quote is not closed"
    return f"{piece!r} has no meaning in a command"


def _quoted(inside: str) -> Token | Fault:
    name = " ".join(inside.split())
    if not name or '"' in name:
        return Fault(why="malformed", problem="quotes hold a name, without quotes in it")
    return Token(kind=Kind.QUOTED, text=inside, value=name)


def _url(piece: str) -> Iterator[Token | Fault]:
    address = piece.rstrip(".,;:!?\"')]}")
    rest = piece[len(address) :]
    if (problem := url_problem(address)) is not None:
        yield Fault(why="malformed", problem=problem)
        return
    yield Token(kind=Kind.URL, text=address, value=address)
    for sign in rest:
        if sign in ".,;:!?":
            yield Token(kind=Kind.SIGN, text=sign, value=sign)


def url_problem(address: str) -> str | None:
    """Return what is wrong with a URL; the text of it is not repeated, it may hold a password."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "a URL cannot be read: write it as https://host/path"
    if "@" in parts.netloc:
        return "a URL has a user or password in it: leave them out, they do not belong in a command"
    fine = parts.scheme.lower() in ("http", "https") and host and port != 0 and _URL.fullmatch(address)
    return None if fine else "a URL cannot be read: write it as https://host/path"


def _number(piece: str) -> Iterator[Token | Fault]:
    number = piece.rstrip(".:'")
    yield _of_number(number)
    for sign in piece[len(number) :]:
        yield Token(kind=Kind.SIGN, text=sign, value=sign)


def _of_number(text: str) -> Token | Fault:
    if _HEXADECIMAL.fullmatch(text):
        return _address(text)
    for kind, before, after in _WRITTEN:
        inside = text.removeprefix(before).removesuffix(after)
        if text.lower() == f"{before}{inside}{after}".lower() and words.NUMBER.fullmatch(inside):
            return Token(kind=kind, text=text, value=inside)
    if re.search(r"[0-9],[0-9]", text):
        return Fault(why="ambiguous", problem=f"{_short(text)} can be read in two ways: write a dot, and no thousands")
    if text.startswith("~"):
        return Fault(why="ambiguous", problem=f"{_short(text)} is not a certain amount")
    return Fault(
        why="malformed", problem=f"{_short(text)} is not a number: write digits with at most one dot, like 0.10"
    )


_WRITTEN: Final = (
    (Kind.NUMBER, "", ""),
    (Kind.PERCENT, "", "%"),
    (Kind.LEVERAGE, "", "x"),
    (Kind.LEVERAGE, "", "X"),
    (Kind.DOLLARS, "$", ""),
)


def _address(text: str) -> Token | Fault:
    if not is_evm_address(text):
        return Fault(why="malformed", problem=f"{_short(text)} is not an address: 0x and 40 hexadecimal digits")
    if not text[2:].strip("0"):
        return Fault(why="malformed", problem="the zero address belongs to nobody")
    mixed = text[2:] not in (text[2:].lower(), text[2:].upper())
    if mixed and checksum(text) != text:
        return Fault(why="malformed", problem=f"{text} has a wrong checksum (ERC-55): a digit may be mistyped")
    return Token(kind=Kind.ADDRESS, text=text, value=text)


def _word(piece: str, by_capitals: bool) -> Token | Fault:
    if (symbol := words.symbol_of(piece, by_capitals=by_capitals)) is not None:
        return Token(kind=Kind.SYMBOL, text=piece, value=symbol)
    if (pair := words.pair_of(piece, by_capitals=by_capitals)) is not None:
        return Token(kind=Kind.PAIR, text=piece, value=pair)
    if _DOMAIN.fullmatch(piece):
        return Fault(
            why="malformed", problem=f"{_short(piece)} is not a URL: write https:// before it, or quotes around it"
        )
    if piece.lower() in words.NUMBER_WORDS:
        return Fault(why="malformed", problem=f"write {piece.lower()!r} in digits")
    return Token(kind=Kind.WORD, text=piece, value=piece.lower())


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


def merged(tokens: list[Token]) -> list[Token]:
    """Return the tokens with those put together that are one value: 100 USDC, 50 percent, leverage of 10."""
    joined: list[Token] = []
    position = 0
    while position < len(tokens):
        token, length = _merge(tokens, position)
        joined.append(token)
        position += length
    return joined


def _merge(tokens: list[Token], at: int) -> tuple[Token, int]:
    first = tokens[at]
    if first.kind is Kind.WORD and first.value == "leverage":
        number = at + (2 if _value(tokens, at + 1) == "of" else 1)
        if number < len(tokens) and tokens[number].kind in (Kind.NUMBER, Kind.LEVERAGE):
            return _joined(tokens[at : number + 1], Kind.LEVERAGE, tokens[number].value)
    if first.value == "basis" and _value(tokens, at + 1) in ("point", "points"):
        return _joined(tokens[at : at + 2], Kind.WORD, "bps")
    return _merge_number(tokens, at) if first.kind is Kind.NUMBER and at + 1 < len(tokens) else (first, 1)


def _merge_number(tokens: list[Token], at: int) -> tuple[Token, int]:
    first, second = tokens[at], tokens[at + 1]
    if second.kind is Kind.SYMBOL:
        token, length = _joined(tokens[at : at + 2], Kind.MONEY, first.value)
        return replace(token, asset=second.value), length
    if second.value in ("%", "percent"):
        return _joined(tokens[at : at + 2], Kind.PERCENT, first.value)
    if second.value in ("x", "times") and _value(tokens, at + 2) == "leverage":
        return _joined(tokens[at : at + 3], Kind.LEVERAGE, first.value)
    return first, 1


def _value(tokens: list[Token], at: int) -> str | None:
    return tokens[at].value if at < len(tokens) and tokens[at].kind is Kind.WORD else None


def _joined(tokens: list[Token], kind: Kind, value: str) -> tuple[Token, int]:
    return Token(kind=kind, text=" ".join(token.text for token in tokens), value=value), len(tokens)
