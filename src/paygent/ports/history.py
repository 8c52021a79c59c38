"""Looking back over many payments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from paygent.core.budget import WindowKey
from paygent.core.history import EVERY_PAYMENT, PaymentFilter, Total
from paygent.core.payment import Payment


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentPage:
    """Some payments, newest first."""

    payments: tuple[Payment, ...]
    next: str | None
    """Pass it as `after` to go on; None where this was the last page."""


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

    async def statistics(self, wanted: PaymentFilter = EVERY_PAYMENT) -> Sequence[Total]:
        """Return counts and exact sums, sorted by asset, service and state; what has no payments is left out."""
        ...
