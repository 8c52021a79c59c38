"""Money: an integer number of atomic units of one asset. No floating point, no guessed decimals."""

import re
from dataclasses import dataclass, field
from decimal import Decimal
from functools import total_ordering
from html import escape
from typing import Self

from paygent.core.caip import AssetId, ChainId

MAX_ATOMIC = 2**256 - 1
"""The largest number an EVM token can hold."""
_PLAIN = re.compile(r"(0|[1-9][0-9]{0,77})(\.[0-9]{1,77})?", re.ASCII)
_ATOMIC = re.compile(r"0|[1-9][0-9]{0,77}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """What an amount counts: a token, a coin, or a unit of account. Two assets are the same when their ids are."""

    id: AssetId
    """The CAIP-19 id."""
    symbol: str = field(compare=False)
    """A short name for people; never used to decide anything."""
    decimals: int = field(compare=False)
    """How many decimal places one whole unit has, 0 to 77."""

    def __post_init__(self) -> None:
        if type(self.decimals) is not int or not 0 <= self.decimals <= 77:
            raise ValueError(f"decimals must be an integer from 0 to 77, not {self.decimals!r}")
        if not self.symbol or not self.symbol.isprintable() or len(self.symbol) > 32:
            raise ValueError(f"{self.symbol!r} cannot be the symbol of an asset: 1 to 32 printable characters")


@total_ordering
@dataclass(frozen=True, slots=True)
class Amount:
    """So many atomic units of an asset. Adding or comparing two assets raises `ValueError`."""

    atomic: int
    """Atomic units, 0 to 2**256 - 1."""
    asset: Asset
    """What is counted."""

    def __post_init__(self) -> None:
        if type(self.atomic) is not int:
            raise TypeError(f"an amount is an integer of atomic units, not {self.atomic!r}")
        if not 0 <= self.atomic <= MAX_ATOMIC:
            raise ValueError(f"an amount is from 0 to 2**256 - 1 atomic units, not {self.atomic}")

    @classmethod
    def parse(cls, text: str | Decimal, asset: Asset) -> Self:
        """Read whole units such as ``"0.10"``, exactly.

        Raises:
            TypeError: `text` is not a string or Decimal (a float never is money).
            ValueError: signs, exponents, commas, blanks or more decimal places than the asset has.
        """
        if not isinstance(text, str | Decimal):  # pyright: ignore[reportUnnecessaryIsInstance]  # types are not checked here
            raise TypeError(f"write an amount as a string such as '0.10', not {text!r}")
        plain = text if isinstance(text, str) else format(text, "f")
        if not _PLAIN.fullmatch(plain):
            raise ValueError(f"{plain!r} is not an amount: write digits with at most one dot, such as '0.10'")
        whole, _, fraction = plain.partition(".")
        if len(fraction) > asset.decimals and fraction[asset.decimals :].strip("0"):
            raise ValueError(f"{plain!r} has more decimal places than {asset.symbol}, which has {asset.decimals}")
        return cls(int(whole + fraction[: asset.decimals].ljust(asset.decimals, "0")), asset)

    @property
    def plain(self) -> str:
        """Whole units with all decimal places, exactly: ``parse(amount.plain)`` gives the amount again."""
        digits = str(self.atomic).rjust(self.asset.decimals + 1, "0")
        point = len(digits) - self.asset.decimals
        return f"{digits[:point]}.{digits[point:]}" if self.asset.decimals else digits

    def to_decimal(self) -> Decimal:
        """Return whole units, exactly."""
        return Decimal(self.plain)

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.atomic + self._same(other), self.asset)

    def __sub__(self, other: "Amount") -> "Amount":
        return Amount(self.atomic - self._same(other), self.asset)

    def __lt__(self, other: "Amount") -> bool:
        return self.atomic < self._same(other)

    def __str__(self) -> str:
        whole, _, fraction = self.plain.partition(".")
        kept = fraction.rstrip("0").ljust(min(2, len(fraction)), "0")
        return f"{whole}.{kept} {self.asset.symbol}" if kept else f"{whole} {self.asset.symbol}"

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"

    def _same(self, other: object) -> int:
        if not isinstance(other, Amount):
            raise TypeError(f"an amount of {self.asset.symbol} cannot be compared with or added to {other!r}")
        if other.asset != self.asset:
            raise ValueError(f"{self.asset.id} and {other.asset.id} are different assets; convert with a rate first")
        return other.atomic


def parse_atomic(text: object) -> int:
    """Read a wire integer of atomic units.

    Raises: ValueError: not a string of digits without sign, blanks or leading zeros, or above 2**256 - 1.
    """
    if not isinstance(text, str) or not _ATOMIC.fullmatch(text):
        raise ValueError(f"{_short(text)} is not a decimal string of atomic units")
    if (number := int(text)) > MAX_ATOMIC:
        raise ValueError(f"{_short(text)} is above 2**256 - 1")
    return number


def _short(text: object) -> str:
    said = repr(text)
    return said if len(said) <= 90 else f"{said[:87]}..."


USD = Asset(id=AssetId(ChainId("paygent:fiat"), "iso4217:USD"), symbol="USD", decimals=6)
"""The unit of account of limits, counted in millionths of a dollar. It has no token; the id is Paygent's own."""

PAYMENTS = Asset(id=AssetId(ChainId("paygent:count"), "unit:payment"), symbol="payments", decimals=0)
"""What a limit on the number of payments counts; every payment is one."""


def payments(number: int) -> Amount:
    """Return a number of payments for a limit, such as ``payments(5)``."""
    return Amount(number, PAYMENTS)


def usd(text: str | Decimal) -> Amount:
    """Return an amount of US dollars for a limit, such as ``usd("1.50")``.

    Raises: TypeError, ValueError: as `Amount.parse`.
    """
    return Amount.parse(text, USD)
