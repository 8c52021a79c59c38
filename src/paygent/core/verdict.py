"""What the policy says of a payment: allow, ask a person, take something cheaper, or deny. Deny overrides."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from paygent.core.requirements import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a rule spoke."""

    code: str
    """A stable word, for example `over_max_per_payment`."""
    text: str
    """For people: what was asked, what is allowed, what to change."""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Allow:
    """No rule objects."""

    reasons: tuple[Reason, ...] = ()

    def explain(self) -> str:
        """Return one line for people."""
        return "; ".join(map(str, self.reasons)) or "allowed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequireApproval:
    """A person has to agree first."""

    reasons: tuple[Reason, ...]

    def explain(self) -> str:
        """Return one line for people."""
        return "; ".join(map(str, self.reasons))


@dataclass(frozen=True, slots=True, kw_only=True)
class Deny:
    """It must not be paid."""

    reasons: tuple[Reason, ...]

    def explain(self) -> str:
        """Return one line for people."""
        return "; ".join(map(str, self.reasons))


Verdict: TypeAlias = Allow | RequireApproval | Deny


def combine(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the strictest verdict with the reasons of every rule that is as strict, in the order given."""
    by_kind: dict[type[Verdict], list[Reason]] = {Deny: [], RequireApproval: [], Allow: []}
    seen: set[type[Verdict]] = set()
    for verdict in verdicts:
        seen.add(type(verdict))
        by_kind[type(verdict)].extend(verdict.reasons)
    if Deny in seen:
        return Deny(reasons=tuple(by_kind[Deny]))
    if RequireApproval in seen:
        return RequireApproval(reasons=tuple(by_kind[RequireApproval]))
    return Allow(reasons=tuple(by_kind[Allow]))


__all__ = ["Allow", "Deny", "Reason", "Refusal", "RequireApproval", "Verdict", "combine"]
