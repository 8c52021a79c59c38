"""A claim on a limit: so much of one scope's window."""

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final, TypeAlias

from paygent.core.errors import BudgetExceeded
from paygent.core.ids import PaymentId
from paygent.core.lifecycle import HOLDING, State
from paygent.core.money import MAX_ATOMIC, Amount
from paygent.core.payment import Payment

WindowKey: TypeAlias = tuple[str, str, str]
"""Scope, window and asset id: what the sum of a window is called."""


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
    also: tuple[str, ...] = ()
    """Windows of the same scope and asset whose sums count against the limit too; the hold adds to `window` alone."""
    gas: bool = False
    """It is about what the gas of own transactions costs: spent also where they revert."""

    def __post_init__(self) -> None:
        if self.also and len({self.window, *self.also}) != 1 + len(self.also):
            raise ValueError(f"a hold counts {self.window!r} and each window of `also` once, not {self.also!r}")
        if self.amount.asset is not self.limit.asset and self.amount.asset != self.limit.asset:
            raise ValueError(f"a hold of {self.amount.asset.id} has no limit in {self.limit.asset.id}")


@unique
class HoldState(StrEnum):
    """What a payment's holds count as."""

    RESERVED = "reserved"
    COMMITTED = "committed"
    RELEASED = "released"


def hold_state(state: State) -> HoldState:
    """Return what the holds of a payment in `state` count as."""
    return _COUNTED.get(state, HoldState.RELEASED)


_COUNTED: Final = {State.SETTLED: HoldState.COMMITTED} | dict.fromkeys(HOLDING, HoldState.RESERVED)


@dataclass(frozen=True, slots=True)
class Share:
    """What one hold adds to its window's two sums, in atomic units."""

    reserved: int
    committed: int

    def __add__(self, other: "Share") -> "Share":
        return Share(self.reserved + other.reserved, self.committed + other.committed)


NOTHING: Final = Share(0, 0)


def share(held: int, payment: Payment, *, gas: bool = False) -> Share:
    """Return what a hold of `held` atomic units adds to its window while its payment is as given.

    A payment settled for less than its ceiling (`upto`) commits that part of the hold, rounded up; the rest is free. A
    trade with a fee commits all of it: what it took in less says nothing about the fee.
    Gas is committed as far as it was burnt, whatever became of the payment.
    """
    if gas and payment.state not in HOLDING:
        return Share(0, min(held, _burnt(payment)))
    match hold_state(payment.state):
        case HoldState.RESERVED:
            return Share(held, 0)
        case HoldState.COMMITTED:
            return Share(0, _charged(held, payment))
        case HoldState.RELEASED:  # pragma: no branch  there is no fourth state
            return NOTHING


def same_share(before: Payment, after: Payment) -> bool:
    """Tell whether every hold of the payment adds the same to its window before and after."""
    if hold_state(before.state) is not hold_state(after.state) or _burnt(before) != _burnt(after):
        return False
    return before.receipt is after.receipt or _moved(before) == _moved(after)


def _moved(payment: Payment) -> int | None:
    """Return the atomic units that the chain proves were paid."""
    return None if payment.state is not State.SETTLED or payment.receipt is None else payment.receipt.amount.atomic


def _burnt(payment: Payment) -> int:
    """Return what gas has cost so far, in atomic units of the chain's coin."""
    return 0 if payment.plan is None else payment.plan.gas_spent


def _charged(held: int, payment: Payment) -> int:
    ceiling, moved = payment.intent.amount.atomic, _moved(payment)
    pays_fee = payment.plan is not None and payment.plan.action.fee is not None
    if moved is None or moved >= ceiling or pays_fee:
        return held
    return -(-held * moved // ceiling)


def room(hold: Hold, sums: Share, payment_id: PaymentId) -> BudgetExceeded | None:
    """Return the refusal of a hold for which `sums` leave no room, or None.

    Args: sums: of the hold's window and all that count with it (`Hold.also`), together.
    """
    if sums.committed + sums.reserved + hold.amount.atomic <= hold.limit.atomic:
        return None
    return BudgetExceeded(
        hold.scope,
        limit=hold.limit,
        committed=_figure(sums.committed, hold),
        reserved=_figure(sums.reserved, hold),
        asked=hold.amount,
        payment_id=payment_id,
    )


def _figure(atomic: int, hold: Hold) -> Amount:
    """Return a sum as an amount: after a reorganisation it can pass the largest one, and is shown as that."""
    return Amount(min(atomic, MAX_ATOMIC), hold.limit.asset)
