"""What a journal in memory answers of one moment."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from paygent.core.budget import NOTHING, Share, WindowKey
from paygent.core.history import PaymentFilter, Total
from paygent.core.ids import PaymentId
from paygent.core.lifecycle import MADE, Event
from paygent.core.payment import Payment
from paygent.ports.history import PaymentPage
from paygent.testing.history import page_by_time, totals


@dataclass(frozen=True, slots=True)
class MemoryRecords:
    """`Records` of a journal whose door the caller keeps shut."""

    payments: Mapping[PaymentId, Payment]
    order: Sequence[PaymentId]
    windows: Mapping[WindowKey, Share]
    count: Callable[[], int]

    @property
    def writes(self) -> int:
        return self.count()

    def history(self, wanted: PaymentFilter, after: str | None, limit: int) -> PaymentPage:
        return page_by_time([self.payments[each] for each in self.order], wanted, after, limit)

    def sums(self, windows: Sequence[WindowKey]) -> Mapping[WindowKey, int]:
        counted = {window: self.windows.get(window, NOTHING) for window in windows}
        return {window: sums.reserved + sums.committed for window, sums in counted.items()}

    def statistics(self, wanted: PaymentFilter) -> Sequence[Total]:
        return totals(filter(wanted.takes, self.payments.values()))

    def reserved(self, since: int, agent: str | None) -> Sequence[Total]:
        made = (each for each in self.payments.values() if each.state in MADE and agent in (None, each.context.agent))
        return totals(each for each in made if _reserved_at(each) >= since)


def _reserved_at(payment: Payment) -> int:
    return next(move.at for move in payment.history if move.event is Event.BUDGET_RESERVED)
