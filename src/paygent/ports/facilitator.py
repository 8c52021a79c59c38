"""Who verifies and settles payments for sellers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from paygent.core.requirements import Settlement


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """A facilitator's word on whether a payload would settle."""

    valid: bool
    reason: str | None
    """Why not, in its words."""
    payer: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportedKind:
    """One combination that a facilitator settles."""

    x402_version: int
    scheme: str
    network: str
    """As the facilitator writes it."""
    extra: Mapping[str, object]


class Facilitator(Protocol):
    """**Protocol:** a facilitator's HTTP API.

    `payload` and `requirements` are wire objects. Every method raises AdapterError where it cannot be reached, and
    RemoteProtocolError where its answer cannot be read.
    """

    async def supported(self) -> Sequence[SupportedKind]:
        """Return what it settles."""
        ...

    async def verify(self, payload: Mapping[str, object], requirements: Mapping[str, object]) -> Verification:
        """Ask whether a payload would settle; nothing is sent to the chain."""
        ...

    async def settle(self, payload: Mapping[str, object], requirements: Mapping[str, object]) -> Settlement:
        """Ask it to settle. Its answer is a claim; an error after sending says nothing about the chain."""
        ...
