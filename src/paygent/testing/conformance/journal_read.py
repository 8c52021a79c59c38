"""What a journal promises to who asks."""

from collections.abc import Callable

import pytest

from paygent.core.errors import (
    LocalProtocolError,
)
from paygent.core.lifecycle import State
from paygent.core.payment import Payment
from paygent.ports.storage import PaymentJournal
from paygent.testing.conformance.payments import (
    PAYER,
    denied,
    expired,
    lost,
    reserved,
    sent,
    settled,
    signed,
    voided,
)
from paygent.testing.conformance.steps import put, sweep, walk


class ReadContract:
    """Answers are whole, newest first, and go on where they stopped."""

    async def test_get_of_anlost_payment_is_none(self, journal: PaymentJournal) -> None:
        assert await journal.get(reserved().id) is None

    async def test_by_key_and_by_request_give_the_newest_or_none(self, journal: PaymentJournal) -> None:
        url = "https://a.example/"
        assert await journal.by_key(PAYER, "k") is None
        assert await journal.by_request(PAYER, reserved(resource=url).intent.request) is None
        for name in (1, 2):
            await put(journal, denied(name, key="k", resource=url))
        newest = await put(journal, denied(3, key="k", resource=url))

        assert newest == await journal.by_key(PAYER, "k")
        assert newest == await journal.by_request(PAYER, newest.intent.request)

    async def test_by_key_gives_what_is_under_way_also_where_the_key_was_denied_later(
        self, journal: PaymentJournal
    ) -> None:
        first = await put(journal, reserved(1, key="k", resource="https://a.example/"))
        await put(journal, denied(2, key="k", resource="https://a.example/"))
        await put(journal, denied(3, key="k", resource="https://b.example/"))

        assert first == await journal.by_key(PAYER, "k")

        await walk(journal, first, voided(first))
        last = await journal.by_key(PAYER, "k")
        assert last is not None
        assert denied(3).id == last.id

    async def test_reads_of_one_payment_bring_its_payload(self, journal: PaymentJournal) -> None:
        first = await put(journal, reserved(key="k"))
        last = await walk(journal, first, signed(first))

        assert last == await journal.by_key(PAYER, "k")
        assert last == await journal.by_request(PAYER, last.intent.request)
        assert (last,) == (await journal.unresolved()).payments

    async def test_page_is_newest_first_and_without_payloads(self, journal: PaymentJournal) -> None:
        first = await put(journal, reserved(1))
        second = await put(journal, reserved(2))
        await walk(journal, first, signed(first))
        page = await journal.page()

        assert [second.id, first.id] == [payment.id for payment in page.payments]
        assert [None, None] == [payment.payload for payment in page.payments]
        assert page.next is None

    async def test_page_of_states_has_only_these(self, journal: PaymentJournal) -> None:
        made = [await put(journal, reserved(name)) for name in range(4)]
        await walk(journal, made[1], signed(made[1]))
        await walk(journal, made[2], voided(made[2]))
        wanted = (State.SIGNED, State.RESERVED)

        assert [made[index].id for index in (3, 1, 0)] == await sweep(journal, limit=2, states=wanted)
        assert [] == await sweep(journal, limit=2, states=(State.EXPIRED,))

    async def test_pages_join_up_whatever_their_size(self, journal: PaymentJournal) -> None:
        made = [(await put(journal, denied(name))).id for name in range(7)]

        for limit in (1, 3, 7, 8):
            assert made[::-1] == await sweep(journal, limit=limit)

    async def test_cursor_stays_valid_while_payments_are_added_and_moved(self, journal: PaymentJournal) -> None:
        made = [await put(journal, reserved(name)) for name in range(4)]
        page = await journal.page(limit=2)
        await put(journal, reserved("later"))
        await walk(journal, made[3], signed(made[3]))
        rest = await journal.page(after=page.next, limit=5)

        assert [made[3].id, made[2].id, made[1].id, made[0].id] == [
            payment.id for payment in page.payments + rest.payments
        ]
        assert rest.next is None

    async def test_page_refuses_what_is_no_cursor_and_no_size(self, journal: PaymentJournal) -> None:
        for after, limit in (("x", 5), ("-1", 5), ("", 5), (None, 0)):
            with pytest.raises(LocalProtocolError):
                await journal.page(after=after, limit=limit)

    async def test_unresolved_has_what_reconciling_may_move(self, journal: PaymentJournal) -> None:
        lives: dict[str, Callable[[Payment], Payment]] = {
            "reserved": lambda first: first,
            "signed": signed,
            "submitted": sent,
            "unknown": lost,
            "settled": lambda first: settled(first, final=False),
            "final": settled,
            "voided": voided,
            "expired": lambda first: expired(signed(first)),
        }
        for name, life in lives.items():
            first = await put(journal, reserved(name))
            if (last := life(first)) is not first:
                await journal.append(first, last)
        await put(journal, denied("denied"))
        expected = [reserved(name).id for name in ("settled", "unknown", "submitted", "signed", "reserved")]
        first_page = await journal.unresolved(limit=2)
        second_page = await journal.unresolved(limit=3, after=first_page.next)

        assert expected == [payment.id for payment in first_page.payments + second_page.payments]
        assert second_page.next is None
