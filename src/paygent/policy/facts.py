"""What rules need to know about the past. None is "unknown", and a rule that needs it then does not allow.

Facts are read before a payment is judged, and again where it is reserved (`engine.guard`): two payments at the same
instant may see the same facts, and only the first of them is reserved by these.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from paygent.core.budget import WindowKey
from paygent.core.money import Amount

SumKey = WindowKey
"""What one sum of the store is called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """What the payer's agent paid within the seconds of `Risk.burst`, unsettled payments included."""

    payments: int
    dollars: Amount
    """USD."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """What is remembered of the service, or of the host where the payment names no service."""

    failed_at: tuple[int, ...] = ()
    """Unix seconds of its newest failures: paid and not delivered, a false claim, an alarm. A hundred are enough."""
    last_unit_price: Amount | None = None
    """USD for one unit at the last payment; None: never paid."""
    last_payee: str | None = None
    """Whom the last payment paid; None: never paid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known when a payment is judged; `needs` says what of it a policy asks for."""

    now: int | None = None
    """Unix seconds. Without it no price is fresh and no window is known."""
    sums: Mapping[SumKey, int] | None = None
    """Atomic units, committed and reserved together; a key that is missing is unknown."""
    treasury: Amount | None = None
    """USD that the treasury can still pay with: its balance less what is reserved."""
    recent: Recent | None = None
    provider: Provider | None = None
    agent_payments: int | None = None
    """How many payments the agent has made before this one."""


UNKNOWN = Facts()
"""Nothing is known."""
