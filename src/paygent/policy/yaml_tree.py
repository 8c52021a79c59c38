"""YAML as a tree that remembers where everything stands and how numbers were written. Nothing is converted.

Read is the plain part of YAML: one document, no anchors, aliases or tags, no key twice. So `NO` is a word, a number is
its digits, and no text grows when it is read.  Source: YAML 1.2.2, chapter 3.2 (serialization tree).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from paygent.core.errors import PolicyFileError

if TYPE_CHECKING:
    from yaml.events import Event

MAX_CHARACTERS = 1_000_000
MAX_DEPTH = 16
_NULL = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A scalar, a list or a map of the file."""

    kind: Literal["scalar", "list", "map"]
    file: str
    line: int
    """From 1."""
    column: int
    """From 1."""
    text: str = ""
    """A scalar as it is written, without its quotes."""
    plain: bool = False
    """A scalar without quotes, which YAML may take for a number."""
    items: tuple["Node", ...] = ()
    """The items of a list."""
    entries: tuple[tuple["Node", "Node"], ...] = ()
    """The keys and values of a map; keys are scalars, none is there twice."""

    @property
    def is_null(self) -> bool:
        """Nothing is written here."""
        return self.kind == "scalar" and self.plain and self.text in _NULL

    @property
    def found(self) -> str:
        """What is here, for messages; long text is cut."""
        if self.kind != "scalar":
            return f"a {self.kind}"
        return "nothing" if self.is_null else repr(self.text if len(self.text) <= 60 else f"{self.text[:57]}...")

    def wrong(self, expected: str, hint: str = "") -> PolicyFileError:
        """Return the error that says what was expected here."""
        return PolicyFileError(self.file, self.line, self.column, expected=expected, found=self.found, hint=hint)


def read_yaml(text: str, *, file: str) -> Node:
    """Read one document.

    Raises: PolicyFileError: it is no YAML, or not of the plain part.
    """
    from yaml import SafeLoader, parse
    from yaml.error import MarkedYAMLError, YAMLError

    if len(text) > MAX_CHARACTERS:
        raise PolicyFileError(file, 1, 1, expected=f"at most {MAX_CHARACTERS} characters", found=f"{len(text)}")
    try:
        events = list(parse(text, Loader=SafeLoader))
    except MarkedYAMLError as wrong:
        mark = wrong.problem_mark or wrong.context_mark
        line, column = (1, 1) if mark is None else (mark.line + 1, mark.column + 1)
        raise PolicyFileError(file, line, column, expected="YAML", found=f"{wrong.problem}") from None
    except YAMLError as wrong:
        raise PolicyFileError(file, 1, 1, expected="YAML", found=str(wrong).partition("\n")[0]) from None
    return _Tree(file, iter(events)).document()


class _Tree:
    """Builds nodes from the events of one document."""

    def __init__(self, file: str, events: Iterator["Event"]) -> None:
        self._file = file
        self._events = events

    def document(self) -> Node:
        from yaml.events import DocumentStartEvent

        next(self._events)  # the stream begins
        first = next(self._events)
        if not isinstance(first, DocumentStartEvent):
            raise self._wrong(first, "a policy", "an empty file")
        node = self._node(next(self._events), 0)
        next(self._events)  # the document ends
        after = next(self._events)
        if isinstance(after, DocumentStartEvent):
            raise self._wrong(after, "one document", "another")
        return node

    def _node(self, event: "Event", depth: int) -> Node:
        from yaml.events import AliasEvent, MappingStartEvent, NodeEvent, ScalarEvent, SequenceStartEvent

        if isinstance(event, AliasEvent) or (isinstance(event, NodeEvent) and event.anchor is not None):
            raise self._wrong(event, "a value", "an anchor or alias", "write the value out")
        if depth > MAX_DEPTH:
            raise self._wrong(event, f"at most {MAX_DEPTH} levels", "more")
        line, column = _place(event)
        match event:
            case ScalarEvent():
                if event.tag is not None:
                    raise self._wrong(event, "a value", f"the tag {event.tag!r}", "write the value without it")
                plain = event.style is None
                return Node(kind="scalar", file=self._file, line=line, column=column, text=event.value, plain=plain)
            case SequenceStartEvent(tag=None):
                items = tuple(self._items(depth))
                return Node(kind="list", file=self._file, line=line, column=column, items=items)
            case MappingStartEvent(tag=None):
                entries = tuple(self._entries(depth))
                return Node(kind="map", file=self._file, line=line, column=column, entries=entries)
            case _:
                raise self._wrong(event, "a value", "a tag", "write the value without it")

    def _items(self, depth: int) -> Iterator[Node]:
        from yaml.events import SequenceEndEvent

        while not isinstance(event := next(self._events), SequenceEndEvent):
            yield self._node(event, depth + 1)

    def _entries(self, depth: int) -> Iterator[tuple[Node, Node]]:
        from yaml.events import MappingEndEvent

        seen: set[str] = set()
        while not isinstance(event := next(self._events), MappingEndEvent):
            key = self._node(event, depth + 1)
            if key.kind != "scalar" or key.is_null:
                raise key.wrong("a key")
            if key.text in seen:
                raise key.wrong("each key once", "keep the one that is meant")
            seen.add(key.text)
            yield key, self._node(next(self._events), depth + 1)

    def _wrong(self, event: "Event", expected: str, found: str, hint: str = "") -> PolicyFileError:
        line, column = _place(event)
        return PolicyFileError(self._file, line, column, expected=expected, found=found, hint=hint)


def _place(event: "Event") -> tuple[int, int]:
    mark = event.start_mark
    return (1, 1) if mark is None else (mark.line + 1, mark.column + 1)
