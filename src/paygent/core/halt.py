"""The kill switch as a value: what is stopped, by whom, why."""

from collections.abc import Mapping
from dataclasses import dataclass

from paygent.core.errors import Halted
from paygent.core.payment import Payment

EVERYTHING = "everything"
"""The scope that stops all payments of a storage."""
KINDS = ("wallet", "agent", "session", "budget")
"""What else can be stopped, written `kind:name`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """One thing that is stopped until somebody lifts it."""

    scope: str
    """`everything`, or `wallet:0x…`, `agent:…`, `session:…`, `budget:…`."""
    by: str
    """Who stopped it."""
    reason: str
    at: int
    """Unix seconds."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "scope", normal_scope(self.scope))


def normal_scope(scope: str) -> str:
    """Return the scope as it is stored; addresses in lower case.

    Raises: ValueError: not a scope.
    """
    kind, colon, name = scope.partition(":")
    if scope == EVERYTHING:
        return scope
    if kind not in KINDS or not colon or not name:
        raise ValueError(
            f"{scope!r} is not a scope; write {EVERYTHING!r} or one of {', '.join(f'{k}:…' for k in KINDS)}"
        )
    return f"wallet:{name.lower()}" if kind == "wallet" else scope


def scopes_of(payer: str, *, agent: str | None, session: str | None) -> tuple[str, ...]:
    """Return every scope whose halt stops a payment."""
    named = (("agent", agent), ("session", session))
    return (EVERYTHING, f"wallet:{payer.lower()}", *(f"{kind}:{name}" for kind, name in named if name is not None))


def scopes_of_payment(payment: Payment) -> tuple[str, ...]:
    """Return every scope whose halt stops this payment: a budget's stops all that counts in it, children included."""
    context = payment.context
    named = scopes_of(payment.intent.payer, agent=context.agent, session=context.session)
    return (*named, *(f"budget:{budget.name}" for budget in context.budgets))


def stopped(payment: Payment, halts: Mapping[str, Halt]) -> Halted | None:
    """Return what to raise where one of the halts, by scope, stops the payment."""
    for scope in scopes_of_payment(payment) if halts else ():
        if scope in halts:
            return Halted(scope, reason=halts[scope].reason, payment_id=payment.id)
    return None
