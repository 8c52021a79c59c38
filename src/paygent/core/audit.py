"""The audit log as values: a chain in which every row seals the one before it.

A row's canonical JSON has sorted keys, no blanks, UTF-8, and only strings as values, which is within RFC 8785.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from json.encoder import encode_basestring as quoted
from typing import Final

GENESIS = "0" * 64
"""What the first row names as the one before it."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ends: what the next row has to follow."""

    number: int = 0
    hash: str = GENESIS


EMPTY: Final = Head()
"""The head of a chain without rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One row, written in the transaction of what it records."""

    number: int
    """1, 2, 3 … without a gap."""
    at: int
    """Unix seconds by the clock of the process that wrote it."""
    kind: str
    """`payment`, `approval`, `halt`, `lift`, `policy`, `alarm`."""
    facts: Mapping[str, str]
    """What happened; no secrets."""
    previous: str
    """64 hexadecimal digits: the hash of the row before."""
    hash: str
    """64 hexadecimal digits over everything above."""

    @classmethod
    def after(
        cls, head: "AuditEntry | Head | None", *, at: int, kind: str, facts: Mapping[str, str], text: str | None = None
    ) -> "AuditEntry":
        """Return the row that follows `head`; None where it is the first.

        Args: text: `canonical(facts)`, from who has it already.
        """
        number, previous = (1, GENESIS) if head is None else (head.number + 1, head.hash)
        return cls(
            number=number,
            at=at,
            kind=kind,
            facts=facts,
            previous=previous,
            hash=_hash(number, at, kind, canonical(facts) if text is None else text, previous),
        )

    def record(self) -> dict[str, object]:
        """Return the row as JSON holds it."""
        return {
            "number": str(self.number),
            "at": str(self.at),
            "kind": self.kind,
            "facts": dict(self.facts),
            "previous": self.previous,
            "hash": self.hash,
        }


def seal(number: int, at: int, kind: str, facts: Mapping[str, str], previous: str) -> str:
    """Return the hash of a row, 64 hexadecimal digits of SHA-256."""
    return _hash(number, at, kind, canonical(facts), previous)


def _hash(number: int, at: int, kind: str, facts: str, previous: str) -> str:
    row = f'{{"at":"{at}","facts":{facts},"kind":{quoted(kind)},"number":"{number}"'
    return hashlib.sha256(f'{row},"previous":{quoted(previous)}}}'.encode()).hexdigest()


def canonical(facts: Mapping[str, str]) -> str:
    """Return the facts as canonical JSON, by the order of RFC 8785: that of UTF-16."""
    names = sorted(facts) if "".join(facts).isascii() else sorted(facts, key=lambda name: name.encode("utf-16-be"))
    return "{" + ",".join([f"{quoted(name)}:{quoted(facts[name])}" for name in names]) + "}"


def first_break(entries: Iterable[AuditEntry], *, after: AuditEntry | Head | None = None) -> str | None:
    """Return what is wrong with the first row that does not follow, for people, or None where the chain is whole."""
    head = after
    for entry in entries:
        number, previous = (1, GENESIS) if head is None else (head.number + 1, head.hash)
        if entry.number != number:
            return f"row {number} is missing: row {entry.number} stands in its place"
        if entry.previous != previous:
            return f"row {number} does not follow the row before it"
        if entry.hash != seal(entry.number, entry.at, entry.kind, entry.facts, entry.previous):
            return f"row {number} was changed"
        head = entry
    return None


def end_break(read: Head, written: Head) -> str | None:
    """Return what is wrong with where the rows of a chain end, for people; None where it is where they were written to.

    Args: read: where the rows end. written: where the storage's own record says that they end.
    """
    if read.number != written.number:
        return f"the log ends after row {read.number}, and row {written.number} was written"
    return None if read.hash == written.hash else f"row {read.number}, the last one, was changed"
