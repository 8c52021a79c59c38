"""When a payment within its limits is still odd enough to ask a person, or to refuse it."""

from dataclasses import dataclass
from typing import Final

from paygent.core.errors import ConfigurationError
from paygent.core.money import USD, Amount, usd

CODES: Final = frozenset(
    {"burst", "first_payment", "provider_failing", "price_drift", "payee_changed", "service_not_verified"}
)
"""The risk rules by the code of their reason."""
_FIVE_DOLLARS = usd("5")
_TEN_DOLLARS = usd("10")
_THOUSAND = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """More payments than this, and more money, within these seconds; each alone is not a burst."""

    payments: int = 5
    amount: Amount = _TEN_DOLLARS
    """USD."""
    seconds: int = 60

    def __post_init__(self) -> None:
        if self.payments < 0 or not 1 <= self.seconds <= 86_400 or self.amount.asset != USD:
            raise ConfigurationError(f"{self!r} is no burst: a count, US dollars, and 1 to 86400 seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """The risk rules. None switches one off. What a rule has to know and nobody can tell counts as the worst."""

    burst: Burst | None = Burst()
    first_payment: Amount | None = _FIVE_DOLLARS
    """USD above which the first payment of a LOW agent is odd."""
    failures: int | None = 3
    """How many failures of the provider, decayed and then rounded, are too many."""
    failure_half_life_seconds: int = 3600
    """After this time a failure counts half."""
    price_drift_percent: int | None = 25
    """How much above the last price per unit is odd."""
    payee_changed: bool = True
    """Another address than last time is odd."""
    deny: frozenset[str] = frozenset()
    """Codes of the rules that deny; the others ask a person."""

    def __post_init__(self) -> None:
        if unknown := sorted(self.deny - CODES):
            raise ConfigurationError(f"{unknown[0]!r} is no risk rule; they are {', '.join(sorted(CODES))}")
        if self.first_payment is not None and self.first_payment.asset != USD:
            raise ConfigurationError(f"first_payment is {self.first_payment}; give it in US dollars")
        if self.failures is not None and self.failures < 1:
            raise ConfigurationError(f"failures is {self.failures}; at least 1 is too many")
        if not 1 <= self.failure_half_life_seconds <= 366 * 86_400:
            raise ConfigurationError("failure_half_life_seconds must be from 1 to 31622400")
        if self.price_drift_percent is not None and not 0 <= self.price_drift_percent <= 100_000:
            raise ConfigurationError(f"price_drift_percent is {self.price_drift_percent}; it must be from 0 to 100000")


USUAL: Final = Risk(failures=None, price_drift_percent=None, payee_changed=False)
"""Bursts, and a large first payment of a LOW agent: what settings switch on, because no ordinary purchase meets it."""


def decayed(failed_at: tuple[int, ...], *, now: int, half_life_seconds: int) -> int:
    """Return the failures in thousandths: each counts 1000 when it happens, 500 a half-life later, 250 after two.

    Between half-lives it falls in a straight line. A failure dated in the future counts in full.
    """
    return sum(_weight(max(0, now - failed), half_life_seconds) for failed in failed_at)


def _weight(age: int, half_life: int) -> int:
    halvings, rest = divmod(age, half_life)
    return (_THOUSAND * (2 * half_life - rest) // (2 * half_life)) >> min(halvings, 64)
