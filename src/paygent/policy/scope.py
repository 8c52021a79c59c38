"""What a limit is about: one agent, each tool, a service within a run. One scope has one sum for each window."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, Self

from paygent.core.caip import AssetId, ChainId, is_evm_address
from paygent.policy.hosts import bare_host, host_allowed, normal_host

KINDS = (
    "wallet",
    "treasury",
    "project",
    "agent",
    "session",
    "run",
    "tool",
    "service",
    "host",
    "recipient",
    "token",
    "network",
)
"""From treasury to tool each is inside the one before, so a payment counts in all of them; the others cut across."""
Names = Mapping[str, str]
"""What each kind is called for one payment; empty where it has none."""


def _address(name: str) -> str:
    if not is_evm_address(name):
        raise ValueError(f"{name!r} is not an address: 0x and 40 hexadecimal digits")
    return name.lower()


_WRITTEN: Final[Mapping[str, Callable[[str], str]]] = {
    "wallet": _address,
    "recipient": _address,
    "host": normal_host,
    "token": lambda name: str(AssetId.parse(name)),
    "network": lambda name: str(ChainId(name)),
}
"""How names are written that have one right form; they raise ValueError for what is none, which would limit nothing."""


@dataclass(frozen=True, slots=True)
class Part:
    """One condition of a scope."""

    kind: str
    """One of `KINDS`."""
    name: str | None = None
    """Which one; None means each, and those without a name together."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            near = get_close_matches(self.kind, KINDS, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"{self.kind!r} is no scope; scopes are {', '.join(KINDS)}{hint}")
        if self.name is not None and not (self.name and self.name.isprintable()):
            raise ValueError(f"{self.name!r} is not the name of a {self.kind}")
        if self.name is not None and self.kind in _WRITTEN:
            object.__setattr__(self, "name", _WRITTEN[self.kind](self.name))

    def key(self, names: Names) -> str | None:
        """Return what the sum is called for a payment with those names, or None where it is not about it."""
        found = names[self.kind]
        if self.kind == "host":
            return self._host_key(found)
        if self.name is None or self.name == found:
            return f"{self.kind}:{_escaped(found)}"
        return None

    def _host_key(self, found: str) -> str | None:
        if self.name is None:
            return f"host:{bare_host(found)}"
        return f"host:{self.name}" if host_allowed(found, frozenset({self.name})) else None

    def __str__(self) -> str:
        return self.kind if self.name is None else f"{self.kind}:{_escaped(self.name)}"


@dataclass(frozen=True, slots=True)
class Scope:
    """A part, or several that must all be true of a payment, such as each tool in each run (``run & tool``)."""

    parts: tuple[Part, ...]

    def __post_init__(self) -> None:
        kinds = [part.kind for part in self.parts]
        if not kinds or len(set(kinds)) != len(kinds):
            raise ValueError(f"a scope names one or more kinds, each once, not {', '.join(kinds) or 'none'}")
        object.__setattr__(self, "parts", tuple(sorted(self.parts, key=lambda part: KINDS.index(part.kind))))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``agent``, ``agent:researcher`` or ``run & tool:search``; in a name, ``&`` is ``%26`` and ``%`` ``%25``.

        Raises: ValueError: it names no kind, an unknown one, or one twice.
        """
        return cls(tuple(_part(piece.strip()) for piece in text.split("&")))

    def key(self, names: Names) -> str | None:
        """Return what the sum is called for a payment with those names, or None where the scope is not about it."""
        if len(self.parts) == 1:
            return self.parts[0].key(names)
        keys = [part.key(names) for part in self.parts]
        known = [key for key in keys if key is not None]
        return "&".join(known) if len(known) == len(keys) else None

    def __str__(self) -> str:
        return " & ".join(map(str, self.parts))


def _part(text: str) -> Part:
    kind, colon, name = text.partition(":")
    named = name.strip().replace("%26", "&").replace("%25", "%")
    return Part(kind.rstrip(), named if colon else None)


def _escaped(name: str) -> str:
    return name.replace("%", "%25").replace("&", "%26") if "%" in name or "&" in name else name
