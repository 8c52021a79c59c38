"""The life of a payment as one table: state and event give the next state, or nothing.

Two promises hold by the table's shape and are proven by walking it (tests/unit/core/test_lifecycle.py): no path signs a
second authorization, and once signed, reserved money is freed only by EXPIRED, CANCELLED or REVERTED.
"""

from enum import StrEnum, unique
from typing import Final

from paygent.core.errors import LocalProtocolError


@unique
class State(StrEnum):
    """Where a payment stands."""

    PROPOSED = "PROPOSED"
    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    APPROVED = "APPROVED"
    RESERVED = "RESERVED"
    SIGNED = "SIGNED"
    SUBMITTED = "SUBMITTED"
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
    SETTLED = "SETTLED"
    DENIED = "DENIED"
    SUPERSEDED = "SUPERSEDED"
    VOIDED = "VOIDED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"
    REVERTED = "REVERTED"

    __hash__ = str.__hash__  # it equals its text, and the tables below are read several times a payment


@unique
class Event(StrEnum):
    """What happened to a payment."""

    ALLOWED = "allowed"
    REPLACED = "replaced"
    """Downgraded or edited: another intent takes over."""
    REFUSED = "refused"
    """Denied, abandoned, refused by a person, lapsed, halted, or out of budget: nothing was signed."""
    APPROVAL_NEEDED = "approval needed"
    GRANTED = "granted"
    BUDGET_RESERVED = "budget reserved"
    SIGNATURE_MADE = "signed"
    STEP_SIGNED = "step signed"
    """Of an action on chain whose first step was signed: the next step, or a step again with the same account nonce."""
    ABANDONED = "abandoned"
    """Signing failed, was halted, or its lease is over; no signature left the process."""
    SEND_BEGUN = "send begins"
    OUTCOME_LOST = "outcome lost"
    CONFIRMED = "confirmed"
    EXPIRED_UNUSED = "expired unused"
    CANCELLED_UNUSED = "cancelled"
    TRANSACTION_REVERTED = "transaction reverted"
    REORGANISED = "reorganised away"

    __hash__ = str.__hash__


_S, _E = State, Event
_PROOFS: Final = {
    _E.CONFIRMED: _S.SETTLED,
    _E.EXPIRED_UNUSED: _S.EXPIRED,
    _E.CANCELLED_UNUSED: _S.CANCELLED,
    _E.TRANSACTION_REVERTED: _S.REVERTED,
}

TRANSITIONS: Final[dict[State, dict[Event, State]]] = {
    _S.PROPOSED: {
        _E.ALLOWED: _S.APPROVED,
        _E.REPLACED: _S.SUPERSEDED,
        _E.REFUSED: _S.DENIED,
        _E.APPROVAL_NEEDED: _S.AWAITING_APPROVAL,
    },
    _S.AWAITING_APPROVAL: {_E.GRANTED: _S.APPROVED, _E.REPLACED: _S.SUPERSEDED, _E.REFUSED: _S.DENIED},
    _S.APPROVED: {_E.BUDGET_RESERVED: _S.RESERVED, _E.REFUSED: _S.DENIED},
    _S.RESERVED: {_E.SIGNATURE_MADE: _S.SIGNED, _E.ABANDONED: _S.VOIDED},
    _S.SIGNED: {_E.SEND_BEGUN: _S.SUBMITTED, **_PROOFS},
    _S.SUBMITTED: {_E.STEP_SIGNED: _S.SUBMITTED, _E.OUTCOME_LOST: _S.OUTCOME_UNKNOWN, **_PROOFS},
    _S.OUTCOME_UNKNOWN: {_E.SEND_BEGUN: _S.SUBMITTED, _E.STEP_SIGNED: _S.SUBMITTED, **_PROOFS},
    _S.SETTLED: {_E.REORGANISED: _S.OUTCOME_UNKNOWN},
    _S.DENIED: {},
    _S.SUPERSEDED: {},
    _S.VOIDED: {},
    _S.EXPIRED: {},
    _S.CANCELLED: {},
    _S.REVERTED: {},
}
"""Every move there is. A final SETTLED payment moves no more; `Payment.move` refuses it."""

OUT: Final = frozenset({_S.SIGNED, _S.SUBMITTED, _S.OUTCOME_UNKNOWN})
"""An authorization exists and the chain has not decided."""
HOLDING: Final = OUT | {_S.RESERVED}
"""Budget is reserved."""
MADE: Final = HOLDING | {_S.SETTLED}
"""Budget is reserved or spent."""
FREED: Final = frozenset({_S.DENIED, _S.SUPERSEDED, _S.VOIDED, _S.EXPIRED, _S.CANCELLED, _S.REVERTED})
"""Budget is free again, or was never reserved."""
OPENING: Final = frozenset({_S.RESERVED, _S.DENIED, _S.SUPERSEDED})
"""How a payment may enter a journal that nobody is asked about: decided, and nothing signed."""


def advance(state: State, event: Event) -> State:
    """Return the state after `event`.

    Raises: LocalProtocolError: the table has no such move.
    """
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        allowed = ", ".join(TRANSITIONS[state]) or "nothing"
        raise LocalProtocolError(f"a payment that is {state} cannot be {event.value!r}; it allows {allowed}") from None
