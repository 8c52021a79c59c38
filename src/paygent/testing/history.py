"""Questions about many payments, answered by looking at every one."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from paygent.core.errors import LocalProtocolError
from paygent.core.history import PaymentFilter, Total, counted
from paygent.core.ids import PaymentId
from paygent.core.payment import Payment
from paygent.ports.storage import PaymentPage


def page_by_time(payments: Sequence[Payment], wanted: PaymentFilter, after: str | None, limit: int) -> PaymentPage:
    """Return a page of what is wanted of all payments, which come in the order they were written."""
    if limit < 1:
        raise LocalProtocolError(f"a page has at least one payment, not {limit}")
    place = None if after is None else cursor(after)
    found = sorted(
        ((payment.created_at, index) for index, payment in enumerate(payments, start=1) if wanted.takes(payment)),
        reverse=True,
    )
    rest = [key for key in found if place is None or key < place]
    kept = rest[:limit]
    return PaymentPage(
        payments=tuple(replace(payments[index - 1], payload=None) for _, index in kept),
        next=written(*kept[-1]) if len(rest) > limit else None,
    )


def page_by_writing(
    payments: Mapping[PaymentId, Payment],
    order: Sequence[PaymentId],
    wanted: Callable[[Payment], bool],
    after: str | None,
    limit: int,
) -> PaymentPage:
    """Return a page of what is wanted, the last written first. Args: order: the ids as they were written."""
    if limit < 1:
        raise LocalProtocolError(f"a page has at least one payment, not {limit}")
    if after is not None and not (after.isascii() and after.isdigit()):
        raise LocalProtocolError(f"{after!r} is not a cursor of this journal; pass the `next` of a page")
    found: list[tuple[int, Payment]] = []
    place = len(order) if after is None else min(int(after), len(order))
    while place > 0 and len(found) <= limit:
        place -= 1
        payment = payments[order[place]]
        if wanted(payment):
            found.append((place, payment))
    kept = found[:limit]
    more = len(found) > limit
    return PaymentPage(payments=tuple(payment for _, payment in kept), next=str(kept[-1][0]) if more else None)


def cursor(text: str) -> tuple[int, int]:
    """Return the time and the number that a cursor names.

    Raises: LocalProtocolError: it is none.
    """
    time, dot, number = text.partition(".")
    if not dot or not all(part.isascii() and part.isdigit() and len(part) <= 18 for part in (time, number)):
        raise LocalProtocolError(f"{text!r} is not a cursor of this history; pass the `next` of a page")
    return int(time), int(number)


def written(time: int, number: int) -> str:
    return f"{time}.{number}"


def totals(payments: Iterable[Payment]) -> Sequence[Total]:
    """Return counts and sums by asset, service and state."""
    sums: defaultdict[tuple[str, str, str], list[Payment]] = defaultdict(list)
    for payment in payments:
        service = payment.context.service
        sums[str(payment.intent.amount.asset.id), service or "", payment.state.value].append(payment)
    return tuple(
        Total(
            state=some[0].state,
            asset=some[0].intent.amount.asset.id,
            service=some[0].context.service,
            payments=len(some),
            amount=sum(map(counted, some)),
        )
        for _, some in sorted(sums.items())
    )
