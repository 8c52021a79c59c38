"""Looking back over many payments."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, TypeVar

from paygent.core.budget import WindowKey
from paygent.core.history import EVERY_PAYMENT, PaymentFilter, Total
from paygent.core.payment import Payment

R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentPage:
    """Some payments, newest first."""

    payments: tuple[Payment, ...]
    next: str | None
    """Pass it as `after` to go on; None where this was the last page."""

    def __str__(self) -> str:
        return "\n".join([*map(str, self.payments), *(["and more"] if self.next is not None else [])]) or "no payments"


class Records(Protocol):
    """**Protocol:** the answers of a `PaymentHistory`, all of one moment. Good within the call that they are given to.

    A guard's moment is the one in which its payment is reserved; the payment itself is not counted.
    """

    @property
    def writes(self) -> int:
        """A number that grows with every write: while it is the same, nothing was written."""
        ...

    def history(self, wanted: PaymentFilter, after: str | None, limit: int) -> PaymentPage:
        """Return as `PaymentHistory.history`."""
        ...

    def sums(self, windows: Sequence[WindowKey]) -> Mapping[WindowKey, int]:
        """Return as `PaymentHistory.sums`."""
        ...

    def statistics(self, wanted: PaymentFilter) -> Sequence[Total]:
        """Return as `PaymentHistory.statistics`."""
        ...

    def reserved(self, since: int, agent: str | None) -> Sequence[Total]:
        """Return counts and sums of what was reserved at that unix second or later and is not freed.

        A payment that waited for people counts from when it went on. Args: agent: whose payments; None for everybody's.
        """
        ...


Guard: TypeAlias = Callable[[Records], None]
"""Raises where a payment must not be reserved by now. It reads and compares, without waiting for anything."""


class PaymentHistory(Protocol):
    """**Protocol:** questions about the payments of a journal. Nothing here changes anything."""

    async def history(
        self, wanted: PaymentFilter = EVERY_PAYMENT, *, after: str | None = None, limit: int = 50
    ) -> PaymentPage:
        """Return payments by the time they were proposed, newest first, without payloads.

        Cursors stay valid while payments are added and moved: no payment comes twice, and none is left out that was
        there and still agrees with the filter.

        Raises: LocalProtocolError: no such cursor, or not even one payment a page.
        """
        ...

    async def sums(self, windows: Sequence[WindowKey]) -> Mapping[WindowKey, int]:
        """Return what is reserved and committed in each window, in atomic units; 0 where nothing ever was.

        It informs: what it returns may be out of date at once. Limits are checked where budget is reserved.
        """
        ...

    async def look(self, question: Callable[[Records], R]) -> R:
        """Return what `question` makes of the payments as they are at one moment. It may be run in another thread."""
        ...

    async def statistics(self, wanted: PaymentFilter = EVERY_PAYMENT) -> Sequence[Total]:
        """Return counts and exact sums, sorted by asset, service and state; what has no payments is left out."""
        ...
