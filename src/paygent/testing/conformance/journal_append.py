"""What `PaymentJournal.append` promises."""

import pytest
from anyio import create_task_group

from paygent.core.errors import (
    JournalConflict,
    LocalProtocolError,
)
from paygent.core.lifecycle import Event
from paygent.core.payment import Payment
from paygent.ports.storage import PaymentJournal
from paygent.testing.conformance.payments import (
    START,
    daily,
    paid,
    reserved,
    settled,
    signed,
    submitted,
    unknown,
    voided,
)
from paygent.testing.conformance.steps import put, used, walk


class AppendContract:
    """A payment is moved by who saw it last."""

    async def test_append_keeps_every_move(self, journal: PaymentJournal) -> None:
        first = await put(journal, reserved())
        second, third, fourth = signed(first), submitted(signed(first)), unknown(submitted(signed(first)))
        await walk(journal, first, second, third, fourth)

        assert fourth == await journal.get(first.id)

    async def test_append_takes_several_moves_at_once(self, journal: PaymentJournal) -> None:
        first = await put(journal, reserved())
        last = await walk(journal, first, settled(first).learn(delivered=True))

        assert last == await journal.get(first.id)

    async def test_append_keeps_what_was_learned(self, journal: PaymentJournal) -> None:
        payment = paid()
        await put(journal, reserved())
        await journal.append(reserved(), payment)

        assert payment == await journal.get(payment.id)

    async def test_append_to_another_version_writes_nothing(self, journal: PaymentJournal) -> None:
        first = await put(journal, reserved(), daily(100, limit=100))
        second = await walk(journal, first, signed(first))

        with pytest.raises(JournalConflict) as conflict:
            await journal.append(first, voided(first))

        assert first.id == conflict.value.payment_id
        assert second == await journal.get(first.id)
        assert (100, 0) == await used(journal)

    async def test_append_to_anlost_payment_is_a_conflict(self, journal: PaymentJournal) -> None:
        with pytest.raises(JournalConflict):
            await journal.append(reserved(), signed(reserved()))

        assert await journal.get(reserved().id) is None

    async def test_append_lets_one_of_fifty_racers_win(self, journal: PaymentJournal) -> None:
        first = await put(journal, reserved())
        won: list[Payment] = []

        async def move(index: int) -> None:
            after = first.move(Event.ABANDONED, at=START, note=str(index))
            try:
                await journal.append(first, after)
            except JournalConflict:
                return
            won.append(after)

        async with create_task_group() as tasks:
            for index in range(50):
                tasks.start_soon(move, index)

        assert won == [await journal.get(first.id)]

    async def test_append_refuses_what_cannot_follow(self, journal: PaymentJournal) -> None:
        first = await put(journal, reserved(1))
        others = (first, reserved(2), first.learn(authorization=None), first.learn(history=()))
        for after in others:
            with pytest.raises(LocalProtocolError):
                await journal.append(first, after)

        assert first == await journal.get(first.id)

    async def test_append_keeps_the_payload_of_a_listed_payment(self, journal: PaymentJournal) -> None:
        """A page has no payloads; what is appended to a payment from a page still can be sent again."""
        first = await put(journal, reserved())
        second = await walk(journal, first, signed(first))
        (listed,) = (await journal.page()).payments
        await journal.append(listed, submitted(listed))

        assert submitted(second) == await journal.get(first.id)
