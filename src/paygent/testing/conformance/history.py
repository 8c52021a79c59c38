"""What every `PaymentHistory` must answer."""

import pytest

from paygent.core.context import Context
from paygent.core.errors import LocalProtocolError
from paygent.core.history import DAY_SECONDS, PaymentFilter, Total
from paygent.core.ids import PaymentId
from paygent.core.lifecycle import State
from paygent.core.money import MAX_ATOMIC
from paygent.core.payment import Payment
from paygent.ports.storage import Storage
from paygent.testing.conformance.payments import START, TOKEN, daily, denied, reserved, settled, signed
from paygent.testing.conformance.steps import put, walk

SHOP = Context(agent="a", session="s", service="weather")
MIDNIGHT = START - START % DAY_SECONDS


async def all_of(storage: Storage, wanted: PaymentFilter, *, limit: int = 2) -> list[PaymentId]:
    page = await storage.history(wanted, limit=limit)
    found = list(page.payments)
    while page.next is not None:
        page = await storage.history(wanted, after=page.next, limit=limit)
        found += page.payments
    return [payment.id for payment in found]


async def several(storage: Storage) -> list[Payment]:
    """Write payments of three days, out of order."""
    times = (MIDNIGHT + 50, MIDNIGHT - 1, MIDNIGHT, MIDNIGHT + DAY_SECONDS, MIDNIGHT + 50)
    made = [await put(storage, reserved(name, at=at)) for name, at in enumerate(times)]
    made.append(await put(storage, reserved("shop", at=MIDNIGHT + 60, context=SHOP, resource="https://Other.example/")))
    made[2] = await walk(storage, made[2], settled(made[2], charged=30))
    made[3] = await walk(storage, made[3], signed(made[3]))
    return made


@pytest.mark.anyio
class HistoryContract:
    """Answers are complete, exact and in order. Override `storage`."""

    @pytest.fixture
    def storage(self) -> Storage:
        raise NotImplementedError("override the fixture `storage`")

    async def test_history_is_newest_first_by_time(self, storage: Storage) -> None:
        made = await several(storage)
        order = [made[index].id for index in (3, 5, 4, 0, 2, 1)]

        for limit in (1, 2, 5, 6, 7):
            assert order == await all_of(storage, PaymentFilter(), limit=limit)

    @pytest.mark.parametrize(
        ("wanted", "expected"),
        [
            (PaymentFilter(states=(State.SIGNED, State.SETTLED)), [3, 2]),
            (PaymentFilter(states=(State.RESERVED,)), [5, 4, 0, 1]),
            (PaymentFilter(start=MIDNIGHT), [3, 5, 4, 0, 2]),
            (PaymentFilter(end=MIDNIGHT), [1]),
            (PaymentFilter(start=MIDNIGHT, end=MIDNIGHT + 50), [2]),
            (PaymentFilter(start=MIDNIGHT, end=MIDNIGHT), []),
            (PaymentFilter(service="weather"), [5]),
            (PaymentFilter(agent="a", states=(State.RESERVED,)), [5]),
            (PaymentFilter(session="s", start=MIDNIGHT + 61), []),
            (PaymentFilter(host="seller.example"), [3, 4, 0, 2, 1]),
            (PaymentFilter(host="other.example", asset=TOKEN.id), [5]),
            (PaymentFilter(agent="nobody"), []),
        ],
    )
    async def test_history_has_what_agrees_with_the_filter(
        self, storage: Storage, wanted: PaymentFilter, expected: list[int]
    ) -> None:
        made = await several(storage)

        assert [made[index].id for index in expected] == await all_of(storage, wanted)
        assert len(expected) == sum(total.payments for total in await storage.statistics(wanted))

    async def test_history_cursor_stays_while_payments_are_added_and_moved(self, storage: Storage) -> None:
        made = await several(storage)
        page = await storage.history(limit=2)
        await put(storage, reserved("later", at=MIDNIGHT + 2 * DAY_SECONDS))
        await walk(storage, made[0], signed(made[0]))
        rest = await storage.history(after=page.next, limit=10)

        assert [made[index].id for index in (4, 0, 2, 1)] == [payment.id for payment in rest.payments]

    async def test_history_has_no_payloads(self, storage: Storage) -> None:
        first = await put(storage, reserved())
        await storage.append(first, signed(first))

        assert [None] == [payment.payload for payment in (await storage.history()).payments]

    async def test_history_refuses_what_is_no_cursor_and_no_size(self, storage: Storage) -> None:
        for after, limit in (("x", 5), ("1", 5), ("-1.1", 5), (None, 0)):
            with pytest.raises(LocalProtocolError):
                await storage.history(after=after, limit=limit)

    async def test_statistics_count_and_sum_exactly(self, storage: Storage) -> None:
        await put(storage, reserved(1, amount=MAX_ATOMIC))
        await put(storage, reserved(2, amount=MAX_ATOMIC))
        await put(storage, denied(3, context=SHOP))
        await put(storage, denied(4, context=SHOP))

        assert [
            Total(state=State.RESERVED, asset=TOKEN.id, service=None, payments=2, amount=2 * MAX_ATOMIC),
            Total(state=State.DENIED, asset=TOKEN.id, service="weather", payments=2, amount=200),
        ] == list(await storage.statistics())

    async def test_statistics_follow_payments_and_what_was_charged(self, storage: Storage) -> None:
        first = await put(storage, reserved(amount=100))
        last = await walk(storage, first, signed(first), settled(first, charged=30, final=False))
        charged = await storage.statistics()
        await walk(storage, last, last.learn(receipt=settled(first, charged=31).receipt))

        assert [(State.SETTLED, 30)] == [(total.state, total.amount) for total in charged]
        assert [(State.SETTLED, 31)] == [(total.state, total.amount) for total in await storage.statistics()]

    @pytest.mark.parametrize("start", [None, MIDNIGHT - 1, MIDNIGHT, MIDNIGHT + 50])
    @pytest.mark.parametrize("end", [None, MIDNIGHT + 51, MIDNIGHT + DAY_SECONDS, MIDNIGHT + DAY_SECONDS + 1])
    async def test_statistics_of_any_time_are_those_of_its_payments(
        self, storage: Storage, start: int | None, end: int | None
    ) -> None:
        await several(storage)
        wanted = PaymentFilter(start=start, end=end)
        payments = (await storage.history(wanted, limit=100)).payments
        found = await storage.statistics(wanted)

        assert len(payments) == sum(total.payments for total in found)
        assert {payment.state for payment in payments} == {total.state for total in found}

    async def test_sums_are_what_is_reserved_and_committed_and_0_where_nothing_ever_was(self, storage: Storage) -> None:
        first = reserved(1, amount=100)
        await storage.open(first, [daily(5, limit=100)], now=START, new_purchase=True)
        await storage.open(reserved(2), [daily(7, limit=100)], now=START, new_purchase=True)
        await walk(storage, first, signed(first), settled(first))
        taken = daily(1, limit=100)
        key = (taken.scope, taken.window, str(taken.amount.asset.id))

        assert {key: 12, ("nobody", "never", "none"): 0} == dict(await storage.sums([key, ("nobody", "never", "none")]))
