"""The audit log as values: a chain in which every row seals the one before it.

A row's canonical JSON has sorted keys, no blanks, UTF-8, and only strings as values, which is within RFC 8785.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

GENESIS = "0" * 64
"""What the first row names as the one before it."""


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
    def after(cls, head: "AuditEntry | None", *, at: int, kind: str, facts: Mapping[str, str]) -> "AuditEntry":
        """Return the row that follows `head`; None where it is the first."""
        number, previous = (1, GENESIS) if head is None else (head.number + 1, head.hash)
        return cls(
            number=number,
            at=at,
            kind=kind,
            facts=facts,
            previous=previous,
            hash=seal(number, at, kind, facts, previous),
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
    row = {"at": str(at), "facts": dict(facts), "kind": kind, "number": str(number), "previous": previous}
    return hashlib.sha256(
        json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    ).hexdigest()


def first_break(entries: Iterable[AuditEntry], *, after: AuditEntry | None = None) -> str | None:
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
