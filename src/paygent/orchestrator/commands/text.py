"""What is looked for in a whole text, before anything of it is understood: hidden characters, orders to a machine."""

import re
import unicodedata
from typing import Final

from paygent.core.errors import CommandRefused
from paygent.orchestrator.commands import words
from paygent.orchestrator.commands.tokens import Fault, Kind, Token, merged, read

_PLAIN: Final = str.maketrans(
    {"\u2019": "'", "\u2018": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-", "\u2212": "-"}
)
_HIDING: Final = frozenset({"Cf", "Co", "Mn", "Mc", "Me"})
_BLANK_LETTERS: Final = frozenset("\u115f\u1160\u3164\uffa0\u2800")
"""Letters that are drawn as nothing."""
_URL: Final = re.compile(r"\S+://\S*")
_RULES: Final = r"instructions?|rules?|prompts?|directions|orders"
_CONTROLS: Final = (
    r"polic(?:y|ies)|limits?|budgets?|approvals?|confirmations?|firewall|safety|guards|guardrails|restrictions|checks"
)
_ORDERS: Final = (
    rf"\b(?:ignore|disregard|forget|override)\b(?:\W+\w+){{0,4}}?\W+(?:{_RULES})\b",
    r"\b(?:ignore|disregard|forget)\W+(?:all|everything|anything|previous|prior|above|earlier|your)\b",
    r"\byou\W+are\W+now\b|\bact\W+as\b|\bpretend\b|\bsystem\W+prompt\b|\bdeveloper\W+mode\b|\bjail-?break\b|\bnew\W+instructions\b",
    r"\b(?:system|assistant|user|human|developer|tool)\s*:",
    r"<\|[^|]*\|>|\[/?inst\]|<<\W*sys\W*>>|<\s*/?\s*[a-z][a-z_-]*\s*/?>|###|```",
    (
        r"\b(?:ignore|bypass|skip|disable|override|circumvent|evade|remove|raise|lift|increase|turn\W+off|without|no)\b"
        rf"(?:\W+\w+){{0,3}}?\W+(?:{_CONTROLS})\b"
    ),
    r"\bprivate\W+keys?\b|\bseed\W+phrases?\b|\bmnemonics?\b|\brecovery\W+phrases?\b",
)
_ORDER: Final = re.compile("|".join(_ORDERS))


def understood_characters(text: str) -> str:
    """Return the text on one line with plain quotes, dashes and blanks.

    Raises: CommandRefused: a character hides something, or has no place in a command.
    """
    stripped = text.strip(" \t\r\n")
    is_plain = stripped.isascii() and stripped.isprintable()
    plain = stripped if is_plain else _in_plain_signs(stripped)
    _refuse_orders(plain)
    if not plain:
        raise CommandRefused("malformed", "there is no command")
    if len(text) > words.MOST_CHARACTERS:
        raise CommandRefused("malformed", f"it is longer than {words.MOST_CHARACTERS} characters")
    if not is_plain and (odd := next((sign for sign in plain if not _has_a_place(sign)), None)) is not None:
        raise CommandRefused("malformed", f"{odd!r} has no place in a command, which is one line of plain text")
    return plain


def _in_plain_signs(stripped: str) -> str:
    """Return a text with plain quotes, dashes and blanks. Raises: CommandRefused: a character hides something."""
    if any(unicodedata.category(sign) in _HIDING or sign in _BLANK_LETTERS for sign in stripped):
        raise CommandRefused("injection", "it has characters that hide or reorder text: type it anew")
    said = stripped.replace("\u2192", "->").translate(_PLAIN)
    return "".join(" " if unicodedata.category(sign) == "Zs" else sign for sign in said)


def _has_a_place(sign: str) -> bool:
    return " " <= sign <= "~" or unicodedata.category(sign)[0] == "L" or unicodedata.category(sign) in ("Nd", "Nl")


def _refuse_orders(text: str) -> None:
    if (found := _ORDER.search(_URL.sub(" ", text[: words.MOST_CHARACTERS]).lower())) is not None:
        raise CommandRefused("injection", f"{found.group()!r} is an order to a machine or an attempt on its controls")


def pieces(text: str) -> list[Token]:
    """Return the tokens of a text.

    Raises: CommandRefused: a token is malformed or ambiguous, or a quote holds a command.
    """
    found = list(read(understood_characters(text)))
    tokens = [token for token in found if isinstance(token, Token)]
    faults = [fault for fault in found if isinstance(fault, Fault)]
    if any(_is_command(token.value) for token in tokens if token.kind is Kind.QUOTED):
        raise CommandRefused("injection", "a quote holds a command, and quotes hold names")
    for fault in sorted(faults, key=lambda fault: fault.why != "malformed"):
        raise CommandRefused(fault.why, fault.problem)
    _refuse_other_scripts(text)
    _refuse_doubt(tokens)
    return merged(tokens)


def _is_command(quoted: str) -> bool:
    """Tell whether a quoted text has a verb and something that a command acts on."""
    tokens = merged([token for token in read(quoted) if isinstance(token, Token)])
    acts = any(token.kind in (Kind.MONEY, Kind.ADDRESS, Kind.URL) for token in tokens)
    return acts and any(token.value in words.VERBS for token in tokens if token.kind is Kind.WORD)


def _refuse_other_scripts(text: str) -> None:
    if text.isascii() or not any(letter > "~" and letter.isalnum() for letter in text):
        return
    if any("a" <= letter <= "z" for letter in text.lower()):
        raise CommandRefused(
            "ambiguous", "it mixes scripts, and letters that look alike may not be: type it in plain ASCII"
        )
    raise CommandRefused("unknown", "commands are in English")


def _refuse_doubt(tokens: list[Token]) -> None:
    for token in tokens:
        if token.kind is Kind.QUOTED and (found := _negation(token.value)) is not None:
            raise CommandRefused("ambiguous", f"{found!r} in a name may be meant to take the command back")
    plain = [token.value if token.kind is Kind.WORD else "" for token in tokens]
    for at, word in enumerate(plain):
        if word and (
            problem := _doubt(word, plain[at - 1] if at else "", tokens[at + 1] if at + 1 < len(tokens) else None)
        ):
            raise CommandRefused("ambiguous", problem)


def _negation(name: str) -> str | None:
    found = re.findall(r"[\w']+", name.lower())
    return next((word for word in found if word in words.NEGATIONS or word == "no" or word.endswith("n't")), None)


def _doubt(word: str, before: str, after: Token | None) -> str | None:
    """Return why a word makes a command uncertain; `all` and `no` depend on the intent and are seen there."""
    following = None if after is None else after.value
    number = after is not None and after.kind in (Kind.NUMBER, Kind.PERCENT)
    if word in words.NEGATIONS or word.endswith("n't"):
        return f"{word!r} negates: leave out what is not to be done"
    if word in words.RETREATS and (word, following) != ("stop", "loss"):
        return f"{word!r} takes something back: say only what is to be done"
    if word in words.QUANTITIES and not _measures(word, before, following, number):
        return f"{word!r} is not a certain quantity: write a number"
    if word in words.ROUGHLY and number:
        return f"{word!r} is not a certain quantity: write the number alone"
    if word in words.CONDITIONS and not (word == "or" and following in ("more", "better", "higher")):
        return f"{word!r} is a condition, a doubt or a schedule: a command is done now, or not given"
    return None


def _measures(word: str, before: str, following: str | None, number: bool) -> bool:
    if word in ("max", "maximum"):
        return number or following in ("slippage", "price")
    return (word, before) in (("most", "at"), ("much", "how"))
