"""Shapes of a file: each reads a node into a value, and says in JSON Schema (2020-12) what it reads."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Generic, TypeVar

from paygent.core.errors import ConfigurationError
from paygent.policy.yaml_tree import Node

T = TypeVar("T")
Schema = Mapping[str, Any]
_WHOLE = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)
_NUMBER = re.compile(r"[-+]?[0-9][0-9_.eE+-]*", re.ASCII)
_FLAGS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
"""Source: YAML 1.2.2, chapter 10.3.2 (core schema)."""
DECIMAL = r"^(0|[1-9][0-9]{0,77})(\.[0-9]{1,77})?$"
"""An exact amount in digits."""


@dataclass(frozen=True, slots=True)
class Shape(Generic[T]):
    """What stands somewhere in a file."""

    read: Callable[[Node], T]
    """Returns the value; raises PolicyFileError."""
    schema: Schema
    """What `read` accepts, as far as JSON Schema can say it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of a record."""

    shape: Shape[Any]
    about: str
    """For people."""
    becomes: str
    """The argument of the record's `build`."""
    required: bool = False


def text(expected: str, build: Callable[[str], T], *, pattern: str | None = None) -> Shape[T]:
    """Return the shape of a word or line that `build` understands; it raises ValueError for others."""
    said = {"type": "string"} if pattern is None else {"type": "string", "pattern": pattern}

    def read(node: Node) -> T:
        if node.kind != "scalar" or node.is_null or (pattern is not None and not re.fullmatch(pattern, node.text)):
            raise node.wrong(expected)
        try:
            return build(node.text)
        except (ValueError, ConfigurationError) as wrong:
            raise node.wrong(expected, str(wrong)) from None

    return Shape(read, said)


def word(*choices: str) -> Shape[str]:
    """Return the shape of one of a few words."""
    expected = f"one of {', '.join(choices)}"

    def read(node: Node) -> str:
        if node.kind != "scalar" or node.text not in choices:
            raise node.wrong(expected, near(node.text, choices))
        return node.text

    return Shape(read, {"enum": list(choices)})


def whole(least: int, most: int) -> Shape[int]:
    """Return the shape of a whole number."""

    def read(node: Node) -> int:
        if not (node.plain and _WHOLE.fullmatch(node.text) and least <= int(node.text) <= most):
            raise node.wrong(f"a whole number from {least} to {most}")
        return int(node.text)

    return Shape(read, {"type": "integer", "minimum": least, "maximum": most})


def _read_flag(node: Node) -> bool:
    if not node.plain or node.text not in _FLAGS:
        raise node.wrong("true or false")
    return _FLAGS[node.text]


flag = Shape(_read_flag, {"type": "boolean"})
"""The shape of true and false."""


def exactly(expected: str, build: Callable[[str], T], *, pattern: str, fractions: bool) -> Shape[T]:
    """Return the shape of money: text in quotes, or a plain whole number; with `fractions` any plain number.

    A plain number is read from its digits, never through floating point.
    """
    written = text(expected, build, pattern=pattern)

    def read(node: Node) -> T:
        if not fractions and node.plain and "." in node.text and _NUMBER.fullmatch(node.text):
            advice = f'other programs read {node.text} as floating point; write it in quotes: "{node.text}"'
            raise node.wrong(expected, advice)
        return written.read(node)

    number = {"type": "number" if fractions else "integer", "minimum": 0}
    return Shape(read, {"anyOf": [written.schema, number]})


def listed(item: Shape[T], *, empty: str | None = None) -> Shape[tuple[T, ...]]:
    """Return the shape of a list. Args: empty: why it may not be empty, and what to do; None where it may."""

    def read(node: Node) -> tuple[T, ...]:
        if node.kind != "list":
            raise node.wrong("a list")
        if empty is not None and not node.items:
            raise node.wrong("a list of one at least", empty)
        return tuple(item.read(each) for each in node.items)

    said = {"type": "array", "items": item.schema}
    return Shape(read, said if empty is None else {**said, "minItems": 1})


def one_or_many(item: Shape[T]) -> Shape[T | tuple[T, ...]]:
    """Return the shape of a value or a list of them."""
    many = listed(item)

    def read(node: Node) -> T | tuple[T, ...]:
        return many.read(node) if node.kind == "list" else item.read(node)

    return Shape(read, {"anyOf": [item.schema, many.schema]})


def unless(literal: str, other: Shape[T]) -> Shape[T | None]:
    """Return the shape of a value, or of a word that means None."""

    def read(node: Node) -> T | None:
        return None if node.kind == "scalar" and node.text == literal else other.read(node)

    return Shape(read, {"anyOf": [{"const": literal}, other.schema]})


def converted(shape: Shape[Any], build: Callable[[Any], T]) -> Shape[T]:
    """Return the same shape read into another value."""
    return Shape(lambda node: build(shape.read(node)), shape.schema)


def record(keys: Mapping[str, Key], build: Callable[..., T]) -> Shape[T]:
    """Return the shape of a map with these keys and no others; what is left out keeps `build`'s default."""

    def read(node: Node) -> T:
        if node.kind != "map":
            raise node.wrong("keys and values")
        found = arguments(node, keys)
        try:
            return build(**found)
        except (ValueError, ConfigurationError) as wrong:
            raise node.wrong("values that go together", str(wrong)) from None

    return Shape(read, record_schema(keys))


def arguments(node: Node, keys: Mapping[str, Key]) -> dict[str, Any]:
    """Return what each key of a map becomes."""
    given = {key.text for key, _ in node.entries}
    for name, key in keys.items():
        if key.required and name not in given:
            raise node.wrong(f"the key {name!r}", f"it says: {key.about}")
    found: dict[str, Any] = {}
    for key_node, value in node.entries:
        if key_node.text not in keys:
            raise key_node.wrong(f"one of {', '.join(keys)}", near(key_node.text, tuple(keys)))
        key = keys[key_node.text]
        found[key.becomes] = key.shape.read(value)
    return found


def record_schema(keys: Mapping[str, Key]) -> Schema:
    """Return the schema of a map with these keys."""
    said: dict[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: {"description": key.about, **key.shape.schema} for name, key in keys.items()},
    }
    required = [name for name, key in keys.items() if key.required]
    return {**said, "required": required} if required else said


def near(name: str, known: Sequence[str]) -> str:
    """Return the question whether a similar name was meant, or nothing."""
    close = get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else ""
