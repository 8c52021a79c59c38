"""What `PaymentJournal.open` promises about ids, keys and requests."""

import pytest

from paygent.core.errors import (
    DuplicatePurchase,
    IdempotencyConflict,
    JournalConflict,
    LocalProtocolError,
)
from paygent.ports.storage import PaymentJournal
from paygent.testing.conformance.payments import (
    OTHER_PAYER,
    PAYER,
    START,
    approved,
    daily,
    denied,
    downgraded,
    expired,
    lost,
    reserved,
    sent,
    settled,
    signed,
    voided,
)
from paygent.testing.conformance.steps import count, has_room, put, used, walk


class OpenContract:
    """A payment is opened once."""

    async def test_open_keeps_the_whole_payment(self, journal: PaymentJournal) -> None:
        payment = await put(journal, reserved(key="k"), daily(100, limit=100))

        assert payment == await journal.get(payment.id)

    async def test_open_keeps_a_denied_payment_and_holds_nothing(self, journal: PaymentJournal) -> None:
        payment = await put(journal, denied(), daily(100, limit=100))

        assert payment == await journal.get(payment.id)
        assert await has_room(journal, 100, limit=100)

    async def test_open_keeps_a_superseded_payment_that_holds_and_blocks_nothing(self, journal: PaymentJournal) -> None:
        first = await put(journal, downgraded(1, key="k", resource="https://a.example/"), daily(100, limit=100))
        await put(journal, reserved(2, key="k", resource="https://a.example/b"), daily(100, limit=100))

        assert first == await journal.get(first.id)

    async def test_open_refuses_other_states(self, journal: PaymentJournal) -> None:
        for payment in (approved(), signed(reserved())):
            with pytest.raises(LocalProtocolError):
                await put(journal, payment)

        assert 0 == await count(journal)

    async def test_open_refuses_an_id_that_is_there(self, journal: PaymentJournal) -> None:
        """Looked at first: a copy with no room is a conflict and leaves the payment as it is."""
        payment = await put(journal, reserved(key="k"), daily(60, limit=100))

        with pytest.raises(JournalConflict) as conflict:
            await put(journal, payment, daily(60, limit=100))

        assert payment.id == conflict.value.payment_id
        assert payment == await journal.get(payment.id)
        assert (60, 0) == await used(journal)

    async def test_open_refuses_a_key_that_is_under_way(self, journal: PaymentJournal) -> None:
        first = await put(journal, reserved(1, key="k", resource="https://a.example/"))

        with pytest.raises(DuplicatePurchase) as duplicate:
            await put(journal, reserved(2, key="k", resource="https://a.example/"), new_purchase=True)

        assert (first.id, "RESERVED") == (duplicate.value.payment_id, duplicate.value.state)
        assert 1 == await count(journal)

    async def test_open_refuses_a_key_that_settled_and_was_delivered(self, journal: PaymentJournal) -> None:
        first = await put(journal, reserved(1, key="k", resource="https://a.example/"))
        await walk(journal, first, settled(first).learn(delivered=True))

        with pytest.raises(DuplicatePurchase):
            await put(journal, reserved(2, key="k", resource="https://a.example/"))

    async def test_open_refuses_a_key_of_another_request(self, journal: PaymentJournal) -> None:
        first = await put(journal, reserved(1, key="k"))

        with pytest.raises(IdempotencyConflict) as conflict:
            await put(journal, reserved(2, key="k"))

        assert (first.id, "k") == (conflict.value.payment_id, conflict.value.key)
        assert 1 == await count(journal)

    async def test_open_takes_a_key_again_after_it_was_freed(self, journal: PaymentJournal) -> None:
        first = await put(journal, reserved(1, key="k"))
        await walk(journal, first, voided(first))
        second = await put(journal, reserved(2, key="k"))

        assert second == await journal.by_key(PAYER, "k")

    async def test_open_sees_a_blocking_key_behind_a_denied_one(self, journal: PaymentJournal) -> None:
        """The newest payment of the key is over, an older one is not."""
        await put(journal, reserved(1, key="k", resource="https://a.example/"))
        await put(journal, denied(2, key="k", resource="https://a.example/"))

        with pytest.raises(DuplicatePurchase):
            await put(journal, reserved(3, key="k", resource="https://a.example/"))

    async def test_open_keeps_the_keys_of_payers_apart(self, journal: PaymentJournal) -> None:
        await put(journal, reserved(1, key="k"))
        other = await put(journal, reserved(2, key="k", payer=OTHER_PAYER))

        assert other == await journal.by_key(OTHER_PAYER, "k")

    async def test_open_refuses_a_request_that_is_out_or_settled_undelivered(self, journal: PaymentJournal) -> None:
        for index, life in enumerate((signed, sent, lost, settled)):
            url = f"https://a.example/{index}"
            first = await put(journal, reserved((index, 1), resource=url))
            await walk(journal, first, life(first))

            with pytest.raises(DuplicatePurchase) as duplicate:
                await put(journal, reserved((index, 2), resource=url), now=START + 10_000)

            assert first.id == duplicate.value.payment_id

    async def test_open_refuses_a_reserved_request_only_during_its_lease(self, journal: PaymentJournal) -> None:
        url = "https://a.example/"
        first = await put(journal, reserved(1, resource=url, lease_until=START + 60))

        with pytest.raises(DuplicatePurchase):
            await put(journal, reserved(2, resource=url), now=first.lease_until - 1)
        second = await put(journal, reserved(3, resource=url), now=first.lease_until)

        assert second == await journal.by_request(PAYER, second.intent.request)

    async def test_open_takes_a_request_again_when_delivered_or_freed(self, journal: PaymentJournal) -> None:
        url = "https://a.example/"
        first = await put(journal, reserved(1, resource=url))
        await walk(journal, first, settled(first).learn(delivered=True))
        second = await put(journal, reserved(2, resource=url))
        await walk(journal, second, expired(signed(second)))
        third = await put(journal, reserved(3, resource=url))

        assert third == await journal.get(third.id)

    async def test_open_sees_a_blocking_request_behind_a_delivered_one(self, journal: PaymentJournal) -> None:
        url = "https://a.example/"
        first = await put(journal, reserved(1, resource=url))
        await walk(journal, first, signed(first))
        await put(journal, denied(2, resource=url))

        with pytest.raises(DuplicatePurchase):
            await put(journal, reserved(3, resource=url))

    async def test_open_lets_a_new_purchase_pass(self, journal: PaymentJournal) -> None:
        url = "https://a.example/"
        first = await put(journal, reserved(1, resource=url))
        await walk(journal, first, signed(first))
        second = await put(journal, reserved(2, resource=url), new_purchase=True)
        third = await put(journal, reserved(3, resource=url, key="another"))

        assert [second, third] == [await journal.get(second.id), await journal.get(third.id)]

    async def test_open_keeps_the_requests_of_payers_apart(self, journal: PaymentJournal) -> None:
        url = "https://a.example/"
        first = await put(journal, reserved(1, resource=url))
        second = await put(journal, reserved(2, resource=url, payer=OTHER_PAYER))

        assert first == await journal.by_request(PAYER, first.intent.request)
        assert second == await journal.by_request(OTHER_PAYER, second.intent.request)

    async def test_open_looks_for_duplicates_before_budgets(self, journal: PaymentJournal) -> None:
        url = "https://a.example/"
        await put(journal, reserved(1, resource=url))

        with pytest.raises(DuplicatePurchase):
            await put(journal, reserved(2, resource=url), daily(2, limit=1))

        assert 1 == await count(journal)
