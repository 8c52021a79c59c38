"""Where one step of a command ends and the next begins."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from paygent.core.errors import CommandRefused
from paygent.orchestrator.commands import words
from paygent.orchestrator.commands.tokens import Kind, Token

_STRONG: Final = {"then": ("then",), ";": (";",), "after": ("after", "that"), "afterwards": ("afterwards",)} | {
    "followed": ("followed", "by")
}
_WEAK: Final = frozenset("and & also , . !".split())
_OPENINGS: Final = {
    first: sorted((tuple(p.split()) for p in words.OPENINGS if p.split()[0] == first), key=len, reverse=True)
    for first in {phrase.split()[0] for phrase in words.OPENINGS}
}
"""By their first words, longest first."""
_COURTESIES: Final = frozenset(tuple(phrase.split()) for phrase in words.COURTESIES)
_PARTS: Final = frozenset(
    {Kind.SYMBOL, Kind.PAIR, Kind.MONEY, Kind.LEVERAGE, Kind.ADDRESS, Kind.URL, Kind.WORD, Kind.PERCENT}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A text in steps."""

    steps: tuple[tuple[Token, ...], ...]
    courteous: bool
    """Whether it begins like "could you", which is a request and not a question."""


def plain(tokens: Sequence[Token], at: int) -> str:
    """Return the word or sign at a place; nothing where there is another token, or none."""
    inside = 0 <= at < len(tokens) and tokens[at].kind in (Kind.WORD, Kind.SIGN)
    return tokens[at].value if inside else ""


def follows(tokens: Sequence[Token], at: int, phrase: Sequence[str]) -> bool:
    """Tell whether a phrase stands at a place."""
    return all(plain(tokens, at + number) == word for number, word in enumerate(phrase))


def verb_at(tokens: Sequence[Token], at: int) -> bool:
    """Tell whether a step's verb stands at a place."""
    if follows(tokens, at, ("stop", "loss")) or follows(tokens, at, ("take", "profit")):
        return True
    return plain(tokens, at) in words.VERBS


def split(tokens: Sequence[Token]) -> Split:
    """Cut a text into steps.

    Raises: CommandRefused: there are too many, or a last one is announced and missing.
    """
    steps: list[tuple[Token, ...]] = []
    courteous = False
    start = 0
    while start < len(tokens):
        start, polite = _opened(tokens, start)
        courteous = courteous or polite
        end, following = _end(tokens, start)
        if following == len(tokens) and (word := _dangling(tokens[end:])) is not None:
            raise CommandRefused("unknown", f"nothing follows {word!r}")
        if end > start:
            steps.append(tuple(tokens[start:end]))
        start = following
    if len(steps) > words.MOST_STEPS:
        raise CommandRefused("malformed", f"a command has {words.MOST_STEPS} steps at most, not {len(steps)}")
    return Split(steps=tuple(steps), courteous=courteous)


def _dangling(rest: Sequence[Token]) -> str | None:
    """Return what joins a step to nothing."""
    return next((token.value for token in rest if token.value in ("and", "&", "then", "followed")), None)


def _opened(tokens: Sequence[Token], at: int) -> tuple[int, bool]:
    """Return where a step begins behind words that only lead up to it, and whether they are a courtesy."""
    polite = False
    while True:
        if plain(tokens, at) in words.ARTICLES or plain(tokens, at) in (",", ":", "!", "."):
            at += 1
            continue
        phrase = next((one for one in _OPENINGS.get(plain(tokens, at), ()) if follows(tokens, at, one)), None)
        if phrase is None:
            return at, polite
        polite = polite or phrase in _COURTESIES
        at += len(phrase)


def _end(tokens: Sequence[Token], start: int) -> tuple[int, int]:
    """Return where the step ends, and where the next one can begin; a verb has to be said before "and" can end it."""
    at, said = start, False
    while at < len(tokens):
        following, strong = _joined(tokens, at)
        if following > at and (strong or following == len(tokens) or (said and _begins(tokens, following))):
            return at, following
        said = said or verb_at(tokens, at)
        at = max(following, at + 1)
    return at, at


def _joined(tokens: Sequence[Token], at: int) -> tuple[int, bool]:
    """Return where what joins two steps ends, and whether it always does; the place itself where nothing joins."""
    strong = False
    while True:
        word = plain(tokens, at)
        phrase = _STRONG.get(word)
        if phrase is not None and follows(tokens, at, phrase):
            strong = True
            at += len(phrase)
        elif word in _WEAK:
            at += 1
        else:
            return at, strong


def _begins(tokens: Sequence[Token], at: int) -> bool:
    """Tell whether a step stands there: its verb, or one part with a preposition and then its verb."""
    at, polite = _opened(tokens, at)
    if polite or _verb_of_step(tokens, at):
        return True
    if plain(tokens, at) not in words.PREPOSITIONS:
        return False
    at += 1
    while plain(tokens, at) in words.ARTICLES:
        at += 1
    return at < len(tokens) and tokens[at].kind in _PARTS and _verb_of_step(tokens, at + 1)


def _verb_of_step(tokens: Sequence[Token], at: int) -> bool:
    """Tell whether a verb begins a step there; price and quote do so only of a URL, else they are part of a name."""
    if plain(tokens, at) in words.PRICE:
        return any(token.kind is Kind.URL for token in tokens[at + 1 : at + 4])
    return verb_at(tokens, at)
