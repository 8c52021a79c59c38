"""The limits of a wallet, as one frozen value."""

from collections.abc import Iterable
from dataclasses import dataclass

from paygent.core.caip import AssetId, ChainId
from paygent.core.errors import ConfigurationError
from paygent.core.money import Amount, usd

_ONE_DOLLAR = usd("1")
_TWENTY_DOLLARS = usd("20")
MAX_VALIDITY_SECONDS = 600
"""How long an authorization may be usable unless the user says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a wallet may pay. The defaults: a known dollar token, at most 1 USD a payment and 20 USD a day.

    An amount of a token limits that token; an amount of USD limits every token that counts as dollars. A payment that
    no limit covers is denied: what has no price and no limit of its own cannot be paid. None in a list allows any; an
    empty list allows none.
    """

    max_per_payment: Amount | tuple[Amount, ...] = _ONE_DOLLAR
    """The most one payment may cost; reaching it exactly is allowed."""
    per_day: Amount | tuple[Amount, ...] = _TWENTY_DOLLARS
    """The most all payments of a wallet may cost in a UTC day, unsettled ones included."""
    networks: frozenset[ChainId] | None = None
    """Chains that may be paid on."""
    assets: frozenset[AssetId] | None = None
    """Tokens that may be paid with."""
    hosts: frozenset[str] | None = None
    """Hosts that may be paid, as `host` or `host:port` in lower case; `*.example.com` means every subdomain."""
    payees: frozenset[str] | None = None
    """Addresses that may be paid, compared without case."""
    max_validity_seconds: int = MAX_VALIDITY_SECONDS
    """The longest an authorization may be usable, from 10 to 86,400 seconds."""

    def __post_init__(self) -> None:
        if not 10 <= self.max_validity_seconds <= 86_400:
            raise ConfigurationError(
                f"max_validity_seconds is {self.max_validity_seconds}; it must be from 10 to 86400 seconds"
            )
        for name in ("max_per_payment", "per_day"):
            limits: Amount | tuple[Amount, ...] = getattr(self, name)
            _check_one_limit_each(name, limits)

    @property
    def payment_limits(self) -> tuple[Amount, ...]:
        """`max_per_payment` as a tuple."""
        return _limits(self.max_per_payment)

    @property
    def day_limits(self) -> tuple[Amount, ...]:
        """`per_day` as a tuple."""
        return _limits(self.per_day)


def _limits(limits: Amount | tuple[Amount, ...]) -> tuple[Amount, ...]:
    return (limits,) if isinstance(limits, Amount) else limits


def _check_one_limit_each(name: str, limits: Amount | Iterable[Amount]) -> None:
    seen = [limit.asset for limit in ((limits,) if isinstance(limits, Amount) else limits)]
    if not seen:
        raise ConfigurationError(f"{name} is empty; give a limit such as usd('1')")
    if len(set(seen)) != len(seen):
        raise ConfigurationError(f"{name} has two limits for one asset; keep the one that is meant")
