"""What the policy says of a payment. Deny overrides, then downgrade, then a person's approval, then allow.

A downgrade is a denial that knows a way out: the payment asked for is not made, something cheaper may be asked for
instead. So it goes before approval (nobody is asked about a payment that a limit forbids), and whoever knows only
`Deny` denies it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

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
        return _said(self.reasons) or "allowed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequireApproval:
    """A person has to agree first."""

    reasons: tuple[Reason, ...]

    def explain(self) -> str:
        """Return one line for people."""
        return _said(self.reasons)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deny:
    """It must not be paid."""

    reasons: tuple[Reason, ...]

    def explain(self) -> str:
        """Return one line for people."""
        return _said(self.reasons)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """Something cheaper to ask for: another service, fewer units, or another mode of the same service."""

    kind: Literal["service", "quantity", "mode"]
    value: str
    """The other service's id, the number of units in digits, or the mode's name, for example `summary`."""

    def __post_init__(self) -> None:
        if self.kind not in ("service", "quantity", "mode"):
            raise ValueError(f"an alternative is a service, quantity or mode, not {self.kind!r}")
        digits = self.value.isascii() and self.value.isdigit() and len(self.value) <= 18
        if not self.value or (self.kind == "quantity" and not (digits and int(self.value) > 0)):
            raise ValueError(f"{self.value!r} is no {self.kind}: name a service or mode, or a whole number of units")

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Downgrade(Deny):
    """It must not be paid, but something cheaper may be asked for: a new intent, which meets the whole policy again."""

    alternative: Alternative

    def explain(self) -> str:
        """Return one line for people."""
        return f"{_said(self.reasons)}; take {self.alternative} instead"


Verdict: TypeAlias = Allow | RequireApproval | Downgrade | Deny
_STRICTEST_FIRST: tuple[type[Verdict], ...] = (Deny, Downgrade, RequireApproval, Allow)


def combine(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the strictest verdict with the reasons of every rule that is as strict, in the order given.

    Of several downgrades the first one's alternative is taken.
    """
    given = list(verdicts)
    for kind in _STRICTEST_FIRST:
        if alike := [verdict for verdict in given if type(verdict) is kind]:
            reasons = tuple(reason for verdict in alike for reason in verdict.reasons)
            first = alike[0]
            if isinstance(first, Downgrade):
                return Downgrade(reasons=reasons, alternative=first.alternative)
            return kind(reasons=reasons)  # type: ignore[call-arg]  # a Downgrade was returned above
    return Allow()


def _said(reasons: Iterable[Reason]) -> str:
    return "; ".join(map(str, reasons))


__all__ = [
    "Allow",
    "Alternative",
    "Deny",
    "Downgrade",
    "Reason",
    "Refusal",
    "RequireApproval",
    "Verdict",
    "combine",
]
