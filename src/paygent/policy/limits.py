"""Limits of one payment, or of all payments of a scope in a window. Reaching a limit exactly is allowed."""

from dataclasses import dataclass

from paygent.core.errors import ConfigurationError
from paygent.core.money import PAYMENTS, Amount
from paygent.core.window import Window
from paygent.policy.scope import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """The most that a scope may spend: each payment of it, or all of them in a window.

    A limit over a window is a hold: the store checks it in the transaction that reserves the payment, so no
    interleaving of tasks and processes passes it.
    """

    amount: Amount
    """In USD for all tokens with a price, in a token for that token alone, or a number of payments (`payments(5)`)."""
    scope: Scope
    """Whose payments."""
    window: Window | None = None
    """None: each single payment."""

    def __post_init__(self) -> None:
        if self.window is None and self.amount.asset == PAYMENTS:
            raise ConfigurationError(f"a limit of {self.amount} of {self.scope} needs a window to be counted in")

    def __str__(self) -> str:
        return f"{self.amount} per {'payment' if self.window is None else self.window} of {self.scope}"
