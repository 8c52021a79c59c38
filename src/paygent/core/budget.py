"""A claim on a limit: so much of one scope's window."""

from dataclasses import dataclass
from enum import StrEnum, unique

from paygent.core.lifecycle import FREED, HOLDING, State
from paygent.core.money import Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """What a payment takes from one limit. The store checks limit and sum in the transaction that reserves it."""

    scope: str
    """What the limit is about, for example `wallet:0x…`; one scope and window have one sum."""
    window: str
    """Which window, for example `day:2026-11-21`; sums of different windows never meet."""
    amount: Amount
    """What the payment takes, in the limit's asset (a token, or USD)."""
    limit: Amount
    """The most the window may hold; reaching it exactly is allowed."""


@unique
class HoldState(StrEnum):
    """What a payment's holds count as."""

    RESERVED = "reserved"
    COMMITTED = "committed"
    RELEASED = "released"


def hold_state(state: State) -> HoldState:
    """Return what the holds of a payment in `state` count as."""
    if state in FREED:
        return HoldState.RELEASED
    if state is State.SETTLED:
        return HoldState.COMMITTED
    return HoldState.RESERVED if state in HOLDING else HoldState.RELEASED
