"""What an approver agrees to in place of what was asked."""

from dataclasses import dataclass

from paygent.core.errors import LocalProtocolError


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Less than what was asked for: a ceiling for the intent that takes its place, which meets the policy anew."""

    atomic_units: int | None = None
    """The most the new payment may cost, in the request's asset; None leaves what follows from the quantity."""
    quantity: int | None = None
    """How many units are bought at most; None leaves the number."""

    def __post_init__(self) -> None:
        given = [each for each in (self.atomic_units, self.quantity) if each is not None]
        if not given or min(given) < 1:
            raise LocalProtocolError("an edit lowers the amount, the quantity, or both, to one at least")

    def __str__(self) -> str:
        amount = [] if self.atomic_units is None else [f"at most {self.atomic_units} atomic units"]
        units = [] if self.quantity is None else [f"a quantity of {self.quantity}"]
        return " and ".join(amount + units)
