"""A PostgreSQL server whose own writes find no room on the disk: no payment is lost, or written by half."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from functools import partial

import anyio
import pytest

from paygent.adapters.sql import SqlJournal, open_journal, upgrade
from paygent.core.errors import AdapterError
from paygent.core.payment import Payment
from paygent.testing.conformance.payments import daily, reserved, signed
from paygent.testing.conformance.steps import put
from tests.conformance.books import check, emptied
from tests.conformance.full_disk import Disk, Part, disk

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("anyio_backend", ["asyncio"]),
    pytest.mark.xdist_group("full disk"),
]
PAYMENTS = [reserved(index) for index in range(1, 41)]
"""More than a page of a table has room for."""
LAST_BYTE = pytest.mark.parametrize(
    ("part", "written"), [("wal", False), ("sync", True)], ids=["before the last byte", "after it"]
)
"""The server panics either way: it cannot tell what is written, until it has room and has read its log."""


@pytest.fixture(scope="module")
def server() -> Iterator[Disk]:
    with disk() as server:
        upgrade(server.url)
        yield server


@pytest.fixture
async def journal(server: Disk) -> AsyncIterator[SqlJournal]:
    async with open_journal(emptied(server.url), busy_seconds=2) as journal:
        yield journal


async def opened(journal: SqlJournal, payment: Payment) -> None:
    await put(journal, payment, daily(1, limit=99))


async def failures(writes: Iterable[Awaitable[object]]) -> list[AdapterError | None]:
    """Wait for all of it at once, in few commits; return what each of them raised."""
    waiting = list(writes)
    raised: list[AdapterError | None] = [None] * len(waiting)

    async def note(place: int, write: Awaitable[object]) -> None:
        try:
            await write
        except AdapterError as error:
            raised[place] = error

    async with anyio.create_task_group() as tasks:
        for place, write in enumerate(waiting):
            tasks.start_soon(note, place, write)
    return raised


def told(raised: Iterable[AdapterError | None]) -> set[str]:
    """Return what those who failed were told, which is true."""
    errors = [error for error in raised if error is not None]
    assert all(error.retryable and "No space left on device" in str(error) for error in errors)
    return {str(error) for error in errors}


async def test_disk_that_fills_anywhere_in_the_opening_of_a_payment_leaves_nothing_of_it(
    journal: SqlJournal, server: Disk
) -> None:
    """Each time there is room for a page more, which stays: so each table and index is the one without room in turn."""
    payment, places = PAYMENTS[0], set[str]()
    for _ in range(100):
        with server.full("data", writes_left=1):
            raised = await failures([opened(journal, payment)])
            assert await journal.get(payment.id) == (payment if raised == [None] else None)
        if raised == [None]:
            break
        places |= told(raised)

    assert len(places) > 10
    await check(journal, payments=1)


async def test_disk_that_fills_while_payments_are_opened_loses_none_and_opens_the_rest_later(
    journal: SqlJournal, server: Disk
) -> None:
    with server.full("data"):
        raised = await failures(opened(journal, payment) for payment in PAYMENTS)
        assert told(raised)
        for payment, error in zip(PAYMENTS, raised, strict=True):
            assert await journal.get(payment.id) == (payment if error is None else None)

    for payment, error in zip(PAYMENTS, raised, strict=True):
        if error is not None:
            await opened(journal, payment)
    await check(journal, payments=len(PAYMENTS))


async def test_disk_that_fills_while_signed_payments_are_appended_loses_none_and_appends_the_rest_later(
    journal: SqlJournal, server: Disk
) -> None:
    await failures(opened(journal, payment) for payment in PAYMENTS)
    with server.full("data"):
        raised = await failures(journal.append(payment, signed(payment)) for payment in PAYMENTS)
        assert told(raised)
        for payment, error in zip(PAYMENTS, raised, strict=True):
            assert await journal.get(payment.id) == (signed(payment) if error is None else payment)

    for payment, error in zip(PAYMENTS, raised, strict=True):
        if error is not None:
            await journal.append(payment, signed(payment))
    assert [signed(payment) for payment in PAYMENTS] == [await journal.get(payment.id) for payment in PAYMENTS]
    await check(journal, payments=len(PAYMENTS), moves=len(PAYMENTS))


async def crash(journal: SqlJournal, server: Disk, part: Part, write: Callable[[], Awaitable[object]]) -> None:
    """Fill the disk, let a write find out in its commit and others after it, and make room."""
    with server.full(part):
        with pytest.raises(AdapterError, match=r"may or may not have been written.*read the payment again") as full:
            await write()
        server.wait_for_crash()
        later = await failures([journal.get(PAYMENTS[0].id), opened(journal, PAYMENTS[-1])])
    assert [True] * 3 == [error is not None and error.retryable for error in (full.value, *later)]


@LAST_BYTE
async def test_disk_that_fills_in_the_commit_of_an_opened_payment_leaves_it_whole_or_not_at_all(
    journal: SqlJournal, server: Disk, part: Part, written: bool
) -> None:
    first, second, *_, last = PAYMENTS
    await opened(journal, first)
    await crash(journal, server, part, partial(opened, journal, second))

    assert [first, second if written else None, None] == [await journal.get(each.id) for each in (first, second, last)]
    await opened(journal, last)
    await check(journal, payments=2 + written)


@LAST_BYTE
async def test_disk_that_fills_in_the_commit_of_a_signed_payment_leaves_it_signed_or_as_it_was(
    journal: SqlJournal, server: Disk, part: Part, written: bool
) -> None:
    first = PAYMENTS[0]
    await opened(journal, first)
    await crash(journal, server, part, partial(journal.append, first, signed(first)))

    assert await journal.get(first.id) == (signed(first) if written else first)
    if not written:
        await journal.append(first, signed(first))
    assert await journal.get(first.id) == signed(first)
    await check(journal, payments=1, moves=1)
