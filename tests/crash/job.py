"""What one worker process is told to do, and what it leaves behind in its diary."""

import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

When = Literal["before", "after", "pause"]
"""Die before the call, die after it, or stand still before it until somebody else lets go or kills."""
Work = Literal["pay", "reconcile", "approve", "halt"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Everything a worker needs; one line of JSON."""

    work: Work
    storage: str
    diary: str
    """A file that the worker appends to as it goes; what it wrote survives it."""
    private_key: str
    rpc: str
    token: str
    """The devnet token's address."""
    url: str
    key: str | None = None
    """The caller's idempotency key."""
    approve_above: str = "10"
    """Dollars."""
    ahead: int = 0
    """By how many seconds the worker's clock is ahead of the machine's; behind where negative."""
    at: int | None = None
    """The number of the port call at which it dies or pauses; None lets it live."""
    when: When = "before"

    def line(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, line: str) -> "Job":
        return cls(**json.loads(line))


class Pen:
    """Writes a diary. One line is one write to the kernel: a SIGKILL does not take it back."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, **said: object) -> None:
        os.write(self._file, json.dumps(said).encode() + b"\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Diary:
    """What a worker has done, by its own word."""

    lines: Sequence[dict[str, Any]]

    @classmethod
    def read(cls, path: Path) -> "Diary":
        text = path.read_text() if path.exists() else ""
        return cls(lines=[json.loads(line) for line in text.splitlines()])

    @property
    def calls(self) -> list[str]:
        """The port calls it began, in order."""
        return [line["call"] for line in self.lines if "call" in line]

    @property
    def signed(self) -> Counter[tuple[str, str]]:
        """How often it signed what: the authorization's nonce and the digest."""
        return Counter((line["nonce"], line["signs"]) for line in self.lines if "signs" in line)

    @property
    def outcome(self) -> str | None:
        """How the work ended: `delivered`, the name of an error, or None where the process did not live to say."""
        return next((line["outcome"] for line in self.lines if "outcome" in line), None)

    @property
    def broken(self) -> str | None:
        """The traceback of what should never be raised."""
        return next((line["broken"] for line in self.lines if "broken" in line), None)
