"""One step of a command, used up part by part: what nobody has used at the end was not understood."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import Final

from paygent.core.errors import CommandRefused
from paygent.orchestrator.commands import words
from paygent.orchestrator.commands.steps import follows, plain
from paygent.orchestrator.commands.tokens import Kind, Token

_SILENT: Final = words.ARTICLES | frozenset(".,!:?")
_PHRASES: Final = {
    first: tuple(tuple(phrase.split()) for phrase in words.PHRASES if phrase.split()[0] == first)
    for first in {phrase.split()[0] for phrase in words.PHRASES}
}
"""By their first words."""
_ENDINGS: Final = tuple(tuple(phrase.split()) for phrase in words.ENDINGS)
_NO_VENUE: Final = frozenset("farm pool and with plus + - /".split())
"""What follows an asset or a pool, and not a venue."""
_BY: Final = frozenset("on via at using through".split())


class Step:
    """The tokens of a step and which of them are still to be understood."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tuple(tokens)
        self.asks = any(plain(tokens, at) == "?" for at in range(len(tokens)))
        self._silent = {at for at in range(len(tokens)) if plain(tokens, at) in _SILENT}
        self._silence_phrases()
        self._used: set[int] = set()
        self._left: list[int] | None = None
        self.head = 0
        """Where the verb stands."""

    def _silence_phrases(self) -> None:
        for at in range(len(self.tokens)):
            for phrase in _PHRASES.get(self.word(at), ()):
                if follows(self.tokens, at, phrase):
                    self._silent.update(range(at, at + len(phrase)))
        end = max((at for at in range(len(self.tokens)) if at not in self._silent), default=-1)
        for phrase in _ENDINGS:
            if end >= 0 and follows(self.tokens, end + 1 - len(phrase), phrase):
                self._silent.update(range(end + 1 - len(phrase), end + 1))

    @property
    def left(self) -> list[int]:
        """Places that are neither used nor silent."""
        if self._left is None:
            gone = self._used | self._silent
            self._left = [at for at in range(len(self.tokens)) if at not in gone]
        return self._left

    def silent(self, at: int) -> bool:
        """Tell whether what stands there says nothing between parts."""
        return at in self._silent

    def use(self, places: Iterable[int]) -> None:
        """Mark what has been understood."""
        self._used.update(places)
        self._left = None

    def used(self, at: int) -> bool:
        """Tell whether what stands there has been understood."""
        return at in self._used

    def word(self, at: int) -> str:
        """Return the word or sign there, or nothing."""
        return plain(self.tokens, at)

    def after(self, at: int, number: int = 1) -> int:
        """Return the place of what is left behind a place, or -1."""
        place = bisect_right(self.left, at) + number - 1
        return self.left[place] if place < len(self.left) else -1

    def before(self, at: int) -> int:
        """Return the place of what is left before a place, or -1."""
        place = bisect_left(self.left, at) - 1
        return self.left[place] if place >= 0 else -1

    def all(self, *kinds: Kind) -> list[int]:
        """Return the places of a kind that are left."""
        return [at for at in self.left if self.tokens[at].kind in kinds]

    def has(self, choices: Iterable[str]) -> bool:
        """Tell whether one of these words is left."""
        return not frozenset(choices).isdisjoint(self.word(at) for at in self.left)

    def drop(self, choices: Iterable[str]) -> None:
        """Use every one of these words."""
        wanted = frozenset(choices)
        self.use([at for at in self.left if self.word(at) in wanted])

    def take(self, kind: Kind, *, before: Iterable[str] = ()) -> list[Token]:
        """Use all of a kind, and the words of `before` that stand right before each; return them."""
        places = self.all(kind)
        for at in places:
            self._use_with(at, frozenset(before))
        return [self.tokens[at] for at in places]

    def _use_with(self, at: int, words_before: frozenset[str]) -> None:
        earlier = self.before(at)
        self.use([at])
        while earlier >= 0 and self.word(earlier) in words_before:
            self.use([earlier])
            earlier = self.before(earlier)

    def one(self, kind: Kind, what: str, *, before: Iterable[str] = ()) -> Token:
        """Use the only one of a kind.

        Raises: CommandRefused: there is none, or several.
        """
        found = self.take(kind, before=before)
        if len(found) != 1:
            raise CommandRefused("ambiguous", _count(found, what))
        return found[0]

    def at_most_one(self, kind: Kind, what: str, *, before: Iterable[str] = ()) -> Token | None:
        """Use the only one of a kind, if there is any.

        Raises: CommandRefused: there are several.
        """
        return None if not self.all(kind) else self.one(kind, what, before=before)

    def refuse_bare_amounts(self) -> None:
        """Refuse numbers without an asset.

        Raises: CommandRefused: there is one.
        """
        for at in self.all(Kind.NUMBER, Kind.DOLLARS):
            text = self.tokens[at].text
            raise CommandRefused(
                "ambiguous", f"{text!r} names no asset: write an amount with its asset, such as 5 USDC"
            )

    def refuse_networks(self) -> None:
        """Refuse a chain's name.

        Raises: CommandRefused: there is one.
        """
        for at in range(1, len(self.tokens)):
            if self.word(at) in words.CHAINS and self.word(at - 1) in _BY | words.ARTICLES:
                raise CommandRefused("unknown", f"a command does not choose the network, and says {self.word(at)!r}")

    def drop_venue(self, name: str) -> None:
        """Use the venue that the intent has anyway."""
        for at in self.all(Kind.WORD, Kind.SYMBOL):
            before, following = self.before(at), self.word(self.after(at))
            named = self.tokens[at].value.lower() == name and self.word(before) in _BY | {"from"}
            if named and following not in _NO_VENUE:
                self.use([before, at])

    def finish(self, noise: Iterable[str] = ()) -> None:
        """Make sure that nothing is left but noise.

        Raises: CommandRefused: a word is left over.
        """
        self.drop(noise)
        for at in self.left:
            raise CommandRefused("unknown", f"{self.tokens[at].text[:60]!r} is not understood here")


def _count(found: Sequence[Token], what: str) -> str:
    if not found:
        return f"there is no {what}"
    return f"there are {len(found)} of what can be one, {what}: {', '.join(token.text[:60] for token in found[:3])}"
