"""Asking about many payments: which ones, and what they come to."""

from dataclasses import dataclass
from typing import Final, cast

from paygent.core.caip import AssetId
from paygent.core.errors import LocalProtocolError
from paygent.core.lifecycle import State
from paygent.core.payment import Payment

DAY_SECONDS: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFilter:
    """Which payments are meant: those that every given field agrees with."""

    states: tuple[State, ...] = ()
    """Any of these; empty means any at all."""
    start: int | None = None
    """Unix seconds: proposed then or later."""
    end: int | None = None
    """Unix seconds: proposed before."""
    service: str | None = None
    asset: AssetId | None = None
    host: str | None = None
    """Host and port in lower case, as `PaymentIntent.host`."""
    agent: str | None = None
    session: str | None = None

    def __post_init__(self) -> None:
        _check_states(self.states)
        _check_asset(self.asset)
        if self.start is not None and self.end is not None and self.start > self.end:
            raise LocalProtocolError(f"a time from {self.start} to {self.end} has no payments: the end is first")

    def takes(self, payment: Payment) -> bool:
        """Tell whether the payment is meant."""
        intent, context = payment.intent, payment.context
        return (
            (not self.states or payment.state in self.states)
            and (self.start is None or payment.created_at >= self.start)
            and (self.end is None or payment.created_at < self.end)
            and self.service in (None, context.service)
            and self.asset in (None, intent.amount.asset.id)
            and self.host in (None, intent.host)
            and self.agent in (None, context.agent)
            and self.session in (None, context.session)
        )


def _check_states(given: object) -> None:
    if not isinstance(given, tuple) or not all(isinstance(each, State) for each in cast("tuple[object, ...]", given)):
        raise LocalProtocolError(f"states is {given!r}; write a tuple such as (State.SETTLED,)")


def _check_asset(given: object) -> None:
    if given is not None and not isinstance(given, AssetId):
        raise LocalProtocolError(f"asset is {given!r}, which no payment has; write its id, such as token.asset.id")


EVERY_PAYMENT: Final = PaymentFilter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """How many payments of one state, asset and service there are, and what they come to."""

    state: State
    asset: AssetId
    service: str | None
    payments: int
    amount: int
    """Atomic units, exact: what was charged by settled payments, the ceilings of all others."""


def counted(payment: Payment) -> int:
    """Return the atomic units that statistics count for a payment."""
    if payment.state is State.SETTLED and payment.receipt is not None:
        return payment.receipt.amount.atomic
    return payment.intent.amount.atomic
