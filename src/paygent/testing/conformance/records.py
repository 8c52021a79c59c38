"""What every storage must answer of one moment: to whoever looks, and to a guard while it reserves."""

from collections.abc import Callable

import anyio
import pytest

from paygent.core.budget import Hold, WindowKey
from paygent.core.context import Context
from paygent.core.errors import JournalConflict, PaymentNotAttempted
from paygent.core.history import EVERY_PAYMENT, PaymentFilter
from paygent.core.lifecycle import Event, State
from paygent.core.payment import Payment
from paygent.ports.history import Records
from paygent.ports.storage import Storage
from paygent.testing.conformance.payments import (
    START,
    TOKEN,
    awaiting,
    daily,
    decision_on,
    released,
    request_for,
    reserved,
    settled,
    signed,
)
from paygent.testing.conformance.steps import count, put, used, walk

MANY = 20


def usual(amount: int) -> Hold:
    return daily(amount, limit=1000)


def window() -> WindowKey:
    hold = usual(1)
    return hold.scope, hold.window, str(hold.amount.asset.id)


def refuse(records: Records) -> None:
    raise PaymentNotAttempted(f"refused by a guard after {records.writes} writes")


@pytest.mark.anyio
class RecordsContract:
    """A guard sees everything that was reserved before, and nothing that was not. Override `storage`."""

    @pytest.fixture
    def storage(self) -> Storage:
        raise NotImplementedError("override the fixture `storage`")

    async def test_look_answers_as_each_question_by_itself(self, storage: Storage) -> None:
        first = await put(storage, reserved(1), usual(10))
        await walk(storage, first, signed(first), settled(first))
        await put(storage, reserved(2), usual(5))

        sums = await storage.look(lambda records: records.sums([window()]))
        totals = await storage.look(lambda records: records.statistics(PaymentFilter(asset=TOKEN.id)))
        page = await storage.look(lambda records: records.history(EVERY_PAYMENT, None, 1))

        assert {window(): 15} == sums == await storage.sums([window()])
        assert list(totals) == list(await storage.statistics())
        assert page == await storage.history(limit=1)

    async def test_number_of_writes_grows_with_every_write_and_with_nothing_else(self, storage: Storage) -> None:
        numbers = [await storage.look(lambda records: records.writes)]
        first = reserved(1)
        for before, after in ((None, first), (first, signed(first)), (signed(first), settled(first))):
            if before is None:
                await put(storage, after, usual(10))
            else:
                await storage.append(before, after)
            await storage.history()
            numbers.append(await storage.look(lambda records: records.writes))
            numbers.append(await storage.look(lambda records: records.writes))

        assert numbers[1::2] == numbers[2::2]
        assert [numbers[0], *numbers[1::2]] == sorted({numbers[0], *numbers[1::2]})

    async def test_guard_that_raises_leaves_nothing_of_a_new_payment(self, storage: Storage) -> None:
        before = await storage.head()

        with pytest.raises(PaymentNotAttempted, match="refused by a guard"):
            await storage.open(reserved(1), [usual(10)], now=START, new_purchase=False, guard=refuse)

        assert (0, before) == (await count(storage), await storage.head())
        assert {window(): 0} == await storage.sums([window()])

    async def test_guard_that_raises_leaves_what_waits_as_it_was(self, storage: Storage) -> None:
        waiting = awaiting(1)
        request = await storage.ask(waiting, request_for(waiting))
        granted = await storage.decide(request.id, decision_on(request))
        before = await storage.head()

        with pytest.raises(PaymentNotAttempted, match="refused by a guard"):
            await storage.reserve(
                waiting, released(waiting), [usual(10)], approval=request.id, now=START + 6, guard=refuse
            )

        assert (waiting, granted) == (await storage.get(waiting.id), await storage.approval(request.id))
        assert before == await storage.head()

    async def test_guard_sees_each_reservation_that_was_made_before(self, storage: Storage) -> None:
        """However many are handed in at once: the first sees none, the last all the others."""
        seen: list[tuple[int, int, int]] = []
        numbers: set[int] = set()

        def look(records: Records) -> None:
            [taken] = records.sums([window()]).values()
            totals = records.statistics(PaymentFilter(states=(State.RESERVED,), asset=TOKEN.id))
            newest = records.history(PaymentFilter(states=(State.RESERVED,)), None, 1000).payments
            seen.append((taken, sum(total.amount for total in totals), len(newest)))
            numbers.add(records.writes)

        async def buy(name: int) -> None:
            await storage.open(reserved(name), [usual(10)], now=START, new_purchase=False, guard=look)

        async with anyio.create_task_group() as tasks:
            for name in range(MANY):
                tasks.start_soon(buy, name)

        assert [(10 * place, 100 * place, place) for place in range(MANY)] == seen
        assert MANY == len(numbers)
        assert (10 * MANY, 0) == await used(storage)

    async def test_guard_counts_what_others_gave_back_and_not_its_own(self, storage: Storage) -> None:
        waiting = awaiting(1)
        request = await storage.ask(waiting, request_for(waiting))
        await storage.decide(request.id, decision_on(request))
        seen: list[int] = []

        def look(records: Records) -> None:
            totals = records.statistics(PaymentFilter(states=(State.RESERVED, State.SIGNED), asset=TOKEN.id))
            seen.append(sum(total.payments for total in totals))

        await storage.reserve(waiting, released(waiting), [usual(10)], approval=request.id, now=START + 6, guard=look)

        assert [0] == seen

    async def test_reserved_counts_from_when_a_payment_went_on(self, storage: Storage) -> None:
        """What waited counts from START + 6 and not from when it was proposed; what waits, or is freed, not at all."""
        await put(storage, reserved(1, context=Context(agent="b")))
        old = awaiting(2, at=START - 1000, context=Context(agent="a", service="weather"))
        for waiting in (old, awaiting(3, context=Context(agent="a"))):
            await storage.ask(waiting, request_for(waiting))
        await storage.reserve(old, released(old), [], approval=None, now=START + 6)
        freed = await put(storage, reserved(4, context=Context(agent="b")))
        await walk(storage, freed, freed.move(Event.ABANDONED, at=START + 7))

        def counted(since: int, agent: str | None) -> Callable[[Records], list[tuple[str | None, int, int]]]:
            return lambda records: [
                (total.service, total.payments, total.amount) for total in records.reserved(since, agent)
            ]

        both = [(None, 1, 100), ("weather", 1, 100)]
        assert both == await storage.look(counted(START, None))
        assert both[:1] == await storage.look(counted(START, "b"))
        assert both[1:] == await storage.look(counted(START - 1001, "a"))
        assert both[1:] == await storage.look(counted(START + 6, None))
        assert [] == await storage.look(counted(START + 7, "a"))

    async def test_reserved_counts_what_was_charged(self, storage: Storage) -> None:
        waiting = awaiting(1, at=START - 1000)
        await storage.ask(waiting, request_for(waiting))
        made = released(waiting)
        await storage.reserve(waiting, made, [], approval=None, now=START + 6)
        await walk(storage, made, signed(made), settled(made, charged=30))

        [total] = await storage.look(lambda records: records.reserved(START, None))

        assert (State.SETTLED, TOKEN.id, 1, 30) == (total.state, total.asset, total.payments, total.amount)

    async def test_guard_sees_each_payment_that_went_on_before(self, storage: Storage) -> None:
        """However many are handed in at once."""
        seen: list[int] = []

        def look(records: Records) -> None:
            seen.append(sum(total.payments for total in records.reserved(START, None)))

        async def go_on(waiting: Payment) -> None:
            await storage.reserve(waiting, released(waiting), [], approval=None, now=START + 6, guard=look)

        waited = [awaiting(name, at=START - 1000) for name in range(MANY)]
        for each in waited:
            await storage.ask(each, request_for(each))
        async with anyio.create_task_group() as tasks:
            for each in waited:
                tasks.start_soon(go_on, each)

        assert list(range(MANY)) == seen

    async def test_guard_is_asked_after_what_stands_in_the_way(self, storage: Storage) -> None:
        await put(storage, reserved(1), usual(10))

        with pytest.raises(JournalConflict):
            await storage.open(reserved(1), [usual(10)], now=START, new_purchase=True, guard=refuse)
