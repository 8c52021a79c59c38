"""What is told about payments while they move."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from paygent.core.ids import PaymentId
from paygent.core.lifecycle import Event, State
from paygent.core.money import Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentMoved:
    """A payment has entered a state, and the journal has it. No secrets, and no bytes that move money."""

    payment: PaymentId
    state: State
    event: Event
    """What brought it there."""
    at: int
    """Unix seconds by the clock of the process that wrote it."""
    amount: Amount
    payee: str
    """Checksummed address."""


@runtime_checkable
class PaymentEvents(Protocol):
    """**Protocol:** somebody who is told. What it does or raises changes nothing about the payment."""

    def moved(self, event: PaymentMoved) -> None:
        """Take note; called after the journal's commit, in order for each payment."""
        ...
