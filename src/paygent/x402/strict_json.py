"""JSON and base64 from strangers: bounded in size and depth, without two readings, echoed with the same values."""

import json
import math
import re
from binascii import a2b_base64
from typing import cast

MAX_HEADER = 64 * 1024
"""Characters of a header's base64 text."""
MAX_BODY = 1024 * 1024
"""Bytes of a JSON body."""
MAX_DEPTH = 32
"""Objects and arrays inside each other."""

_WORDS = 500
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[{]|[\]}]', re.DOTALL)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def decode_base64(text: str) -> bytes:
    """Read padded standard base64.

    Raises: ValueError: another alphabet, blanks, no padding, or longer than `MAX_HEADER`.
    """
    if len(text) > MAX_HEADER:
        raise ValueError(f"it has {len(text)} characters, {MAX_HEADER} are allowed")
    try:
        return a2b_base64(text, strict_mode=True)
    except ValueError as exc:
        raise ValueError("it is not standard base64 with padding") from exc


def parse_json(raw: bytes) -> object:
    """Read one JSON text.

    Raises: ValueError: not UTF-8, not JSON, a key twice in one object, deeper than `MAX_DEPTH`, a number or text that
        cannot be written again.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise ValueError("it is not UTF-8") from exc
    check_depth(text)
    value: object = _DECODER.decode(text)
    if _SURROGATE.search(text):
        _check_surrogates(value)
    return value


def as_object(value: object) -> dict[str, object] | None:
    """Return a parsed value that is a JSON object, or None."""
    return cast("dict[str, object]", value) if isinstance(value, dict) else None


def words(value: object) -> str | None:
    """Return a stranger's text fit to be shown, cut to 500 characters; None where it is not text or empty."""
    if not isinstance(value, str) or not value:
        return None
    cut = value if len(value) <= _WORDS else f"{value[: _WORDS - 3]}..."
    return cut if cut.isprintable() else "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in cut)


def excerpt(value: object) -> str:
    """Return a stranger's value for a message, quoted and cut to 80 characters."""
    said = repr(value[:80]) if isinstance(value, str) else repr(value)
    return said if len(said) <= 80 else f"{said[:77]}..."


def check_depth(text: str, *, most: int = MAX_DEPTH) -> None:
    """Look for nesting before a parser recurses into it, which can end the process.

    Raises: ValueError: it is nested deeper than `most` levels.
    """
    if text.count("{") + text.count("[") <= most:  # fewer brackets than levels need no closer look
        return
    depth = 0
    for token in _TOKEN.finditer(text):
        first = text[token.start()]
        depth += (first in "[{") - (first in "]}")
        if depth > most:
            raise ValueError(f"it is nested deeper than {most} levels")


def _check_surrogates(value: object) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as exc:
        raise ValueError("it has half of a surrogate pair") from exc


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("it has a key twice in one object")
    return found


def _finite(text: str) -> object:
    number = json.loads(text)
    if math.isinf(number):
        raise ValueError("it has a number too large to be written again")
    return number


def _no_constant(text: str) -> object:
    raise ValueError(f"{text} is not JSON")


# Called for every object: the C scanner stays in charge, and one decoder is made once.
_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_finite, parse_constant=_no_constant)
