"""What every payment journal must do: one test a sentence of `PaymentJournal`.

Subclass `PaymentJournalContract` in a test module and override the `journal` fixture; a store that several journals can
share overrides `second` too and takes `SharedJournalContract`. The tests run under asyncio and trio.
"""

import pytest
from anyio import create_task_group

from paygent.core.budget import Hold
from paygent.core.errors import (
    AdapterError,
    BudgetExceeded,
    DuplicatePurchase,
    IdempotencyConflict,
    JournalConflict,
    LocalProtocolError,
)
from paygent.core.ids import PaymentId
from paygent.core.lifecycle import Event, State
from paygent.core.money import MAX_ATOMIC, USD, Amount
from paygent.core.payment import Payment
from paygent.ports.storage import PaymentJournal, PaymentPage
from paygent.testing.conformance.payments import (
    PAYER,
    START,
    approved,
    confirmed,
    daily,
    denied,
    expired,
    paid,
    reserved,
    settled,
    signed,
    submitted,
    unknown,
    voided,
)

OTHER_PAYER = f"0x{'44' * 20}"


async def put(
    journal: PaymentJournal, payment: Payment, *holds: Hold, now: int = START, new_purchase: bool = False
) -> Payment:
    """Open a payment and return it."""
    await journal.open(payment, holds, now=now, new_purchase=new_purchase)
    return payment


async def walk(journal: PaymentJournal, *lives: Payment) -> Payment:
    """Append each payment to the one before it and return the last."""
    for before, after in zip(lives, lives[1:], strict=False):
        await journal.append(before, after)
    return lives[-1]


async def has_room(journal: PaymentJournal, amount: int, *, limit: int, name: str = "probe") -> bool:
    """Tell whether a hold of `amount` fits into the usual window; takes nothing: what it reserved is voided."""
    probe = reserved(name)
    try:
        await put(journal, probe, daily(amount, limit=limit), new_purchase=True)
    except BudgetExceeded:
        return False
    await journal.append(probe, voided(probe))
    return True


async def used(journal: PaymentJournal) -> tuple[int, int]:
    """Return what the usual window holds as (reserved, committed), by asking for more than there can be."""
    probe = reserved(f"figures {await count(journal)}")
    with pytest.raises(BudgetExceeded) as refusal:
        await put(journal, probe, daily(1_000_000, limit=999_999), new_purchase=True)
    return refusal.value.reserved.atomic, refusal.value.committed.atomic


async def count(journal: PaymentJournal) -> int:
    return len((await journal.page(limit=1000)).payments)


async def sweep(journal: PaymentJournal, *, limit: int, states: tuple[State, ...] = ()) -> list[PaymentId]:
    """Return the ids of every page in order."""
    found: list[PaymentId] = []
    page = PaymentPage(payments=(), next=None)
    while True:
        page = await journal.page(states=states, after=page.next, limit=limit)
        found.extend(payment.id for payment in page.payments)
        if page.next is None:
            return found


@pytest.mark.anyio
class PaymentJournalContract:
    """The promises of one journal. Override `journal`."""

    @pytest.fixture
    def journal(self) -> PaymentJournal:
        """Return a new, empty journal; the subclass closes it."""
        raise NotImplementedError("override the fixture `journal`")

    # secret

    async def test_secret_has_32_bytes_and_stays(self, journal: PaymentJournal) -> None:
        secret = await journal.secret()

        assert 32 == len(secret)
        assert secret == await journal.secret()

    # open

    async def test_open_keeps_the_whole_payment(self, journal: PaymentJournal) -> None:
        payment = await put(journal, reserved(key="k"), daily(100, limit=100))

        assert payment == await journal.get(payment.id)

    async def test_open_keeps_a_denied_payment_and_holds_nothing(self, journal: PaymentJournal) -> None:
        payment = await put(journal, denied(), daily(100, limit=100))

        assert payment == await journal.get(payment.id)
        assert await has_room(journal, 100, limit=100)

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
        for index, life in enumerate((signed, _submitted, _unknown, settled)):
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

    # budgets

    async def test_budget_may_be_reached_and_not_passed(self, journal: PaymentJournal) -> None:
        await put(journal, reserved(1), daily(60, limit=100))
        await put(journal, reserved(2), daily(40, limit=100))

        with pytest.raises(BudgetExceeded) as refusal:
            await put(journal, reserved(3), daily(1, limit=100))

        figures = (refusal.value.limit, refusal.value.committed, refusal.value.reserved, refusal.value.asked)
        assert (100, 0, 100, 1) == tuple(figure.atomic for figure in figures)
        assert [USD] * 4 == [figure.asset for figure in figures]
        assert refusal.value.payment_id == reserved(3).id

    async def test_budget_refusal_is_recorded_as_denied(self, journal: PaymentJournal) -> None:
        asked = reserved(1, key="k")
        with pytest.raises(BudgetExceeded) as refusal:
            await put(journal, asked, daily(2, limit=1), now=START + 5)

        recorded = await journal.get(asked.id)
        assert asked.out_of_budget(at=START + 5, note=str(refusal.value)) == recorded
        assert recorded is not None
        assert (State.DENIED, Event.REFUSED) == (recorded.state, recorded.history[-1].event)

    async def test_budget_refusal_blocks_nothing(self, journal: PaymentJournal) -> None:
        with pytest.raises(BudgetExceeded):
            await put(journal, reserved(1, key="k", resource="https://a.example/"), daily(2, limit=1))
        again = await put(journal, reserved(2, key="k", resource="https://a.example/"), daily(1, limit=1))

        assert again == await journal.by_key(PAYER, "k")

    async def test_budget_refusal_of_one_hold_takes_nothing_of_the_others(self, journal: PaymentJournal) -> None:
        with pytest.raises(BudgetExceeded) as refusal:
            await put(journal, reserved(1), daily(100, limit=100), daily(2, limit=1, scope="host:a"))

        assert "host:a" == refusal.value.scope
        assert await has_room(journal, 100, limit=100)

    async def test_budgets_of_scopes_windows_and_assets_are_apart(self, journal: PaymentJournal) -> None:
        token = approved().intent.amount.asset
        holds = (
            daily(100, limit=100),
            daily(100, limit=100, scope="host:a"),
            daily(100, limit=100, window="day:2027-01-16"),
            Hold(scope=f"wallet:{PAYER}", window="day:2027-01-15", amount=Amount(9, token), limit=Amount(9, token)),
        )
        payment = await put(journal, reserved(1), *holds)

        assert payment == await journal.get(payment.id)

    async def test_two_holds_of_one_window_add_up(self, journal: PaymentJournal) -> None:
        with pytest.raises(BudgetExceeded):
            await put(journal, reserved(1), daily(60, limit=100), daily(41, limit=100))
        await put(journal, reserved(2), daily(60, limit=100), daily(40, limit=100))

        assert (100, 0) == await used(journal)

    async def test_budget_counts_numbers_beyond_64_bits_exactly(self, journal: PaymentJournal) -> None:
        await put(journal, reserved(1), daily(MAX_ATOMIC - 2, limit=MAX_ATOMIC))
        await put(journal, reserved(2), daily(1, limit=MAX_ATOMIC))

        assert await has_room(journal, 1, limit=MAX_ATOMIC, name="fits")
        assert not await has_room(journal, 2, limit=MAX_ATOMIC, name="does not")

    async def test_budget_for_ten_lets_ten_of_fifty_tasks_pass(self, journal: PaymentJournal) -> None:
        passed: list[int] = []

        async def buy(index: int) -> None:
            try:
                await put(journal, reserved(index), daily(10, limit=100))
            except BudgetExceeded:
                return
            passed.append(index)

        async with create_task_group() as tasks:
            for index in range(50):
                tasks.start_soon(buy, index)

        assert 10 == len(passed)
        assert 10 == len((await journal.page(states=[State.RESERVED], limit=100)).payments)
        assert 40 == len((await journal.page(states=[State.DENIED], limit=100)).payments)
        assert (100, 0) == await used(journal)

    async def test_one_of_fifty_equal_purchases_is_opened(self, journal: PaymentJournal) -> None:
        refused: list[PaymentId | None] = []

        async def buy(index: int) -> None:
            try:
                await put(journal, reserved(index, resource="https://a.example/", key="k"))
            except DuplicatePurchase as duplicate:
                refused.append(duplicate.payment_id)

        async with create_task_group() as tasks:
            for index in range(50):
                tasks.start_soon(buy, index)

        (opened,) = (await journal.page(limit=100)).payments
        assert [opened.id] * 49 == refused

    # append

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

    async def test_append_to_an_unknown_payment_is_a_conflict(self, journal: PaymentJournal) -> None:
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

    # what holds count as

    async def test_settled_payment_is_committed(self, journal: PaymentJournal) -> None:
        first = await put(journal, reserved(), daily(100, limit=1000))
        await walk(journal, first, settled(first))

        assert (0, 100) == await used(journal)

    async def test_payment_that_is_out_stays_reserved(self, journal: PaymentJournal) -> None:
        first = await put(journal, reserved(), daily(100, limit=1000))
        lives = (signed(first), submitted(signed(first)), unknown(submitted(signed(first))))
        for before, after in zip((first, *lives), lives, strict=False):
            await journal.append(before, after)

            assert (100, 0) == await used(journal)

    async def test_payment_that_cannot_settle_is_released(self, journal: PaymentJournal) -> None:
        ends = (Event.EXPIRED_UNUSED, Event.CANCELLED_UNUSED, Event.TRANSACTION_REVERTED)
        for index, end in enumerate(ends):
            first = await put(journal, reserved(index), daily(100, limit=100))
            await walk(journal, first, signed(first).move(end, at=START))

            assert await has_room(journal, 100, limit=100, name=f"probe {index}")

    async def test_voided_payment_is_released(self, journal: PaymentJournal) -> None:
        first = await put(journal, reserved(), daily(100, limit=100))
        await walk(journal, first, voided(first))

        assert await has_room(journal, 100, limit=100)

    async def test_payment_settled_for_less_releases_the_rest(self, journal: PaymentJournal) -> None:
        first = await put(journal, reserved(amount=1000), daily(100, limit=1000))
        await walk(journal, first, settled(first, charged=300))

        assert (0, 30) == await used(journal)

    async def test_payment_settled_for_less_commits_no_less_than_its_part(self, journal: PaymentJournal) -> None:
        first = await put(journal, reserved(amount=3), daily(100, limit=1000))
        await walk(journal, first, settled(first, charged=1))

        assert (0, 34) == await used(journal)

    async def test_reorganised_payment_is_reserved_again(self, journal: PaymentJournal) -> None:
        first = await put(journal, reserved(amount=100), daily(100, limit=1000))
        last = await walk(journal, first, settled(first, charged=40, final=False))
        assert (0, 40) == await used(journal)
        last = await walk(journal, last, last.move(Event.REORGANISED, at=START, receipt=None))
        assert (100, 0) == await used(journal)
        await walk(journal, last, confirmed(last, charged=70))

        assert (0, 70) == await used(journal)

    async def test_learning_that_a_block_is_final_moves_no_money(self, journal: PaymentJournal) -> None:
        first = await put(journal, reserved(amount=100), daily(100, limit=1000))
        last = await walk(journal, first, settled(first, charged=40, final=False))
        await walk(journal, last, last.learn(receipt=settled(first, charged=40).receipt))

        assert (0, 40) == await used(journal)

    # reads

    async def test_get_of_an_unknown_payment_is_none(self, journal: PaymentJournal) -> None:
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
        lives = {
            "reserved": lambda first: first,
            "signed": signed,
            "submitted": _submitted,
            "unknown": _unknown,
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

    # the end

    async def test_closed_journal_answers_nothing(self, journal: PaymentJournal) -> None:
        await put(journal, reserved(1))
        await journal.aclose()
        await journal.aclose()

        with pytest.raises(AdapterError):
            await journal.get(reserved(1).id)
        with pytest.raises(AdapterError):
            await put(journal, reserved(2))


@pytest.mark.anyio
class SharedJournalContract:
    """The promises of two journals on one store. Override `journal` and `second`."""

    @pytest.fixture
    def journal(self) -> PaymentJournal:
        raise NotImplementedError("override the fixture `journal`")

    @pytest.fixture
    def second(self) -> PaymentJournal:
        """Return another journal on the store of `journal`."""
        raise NotImplementedError("override the fixture `second`")

    async def test_secret_is_one_for_the_store(self, journal: PaymentJournal, second: PaymentJournal) -> None:
        assert await journal.secret() == await second.secret()

    async def test_one_sees_what_the_other_wrote(self, journal: PaymentJournal, second: PaymentJournal) -> None:
        first = await put(journal, reserved(), daily(60, limit=100))
        await second.append(first, signed(first))

        assert signed(first) == await journal.get(first.id)
        assert (60, 0) == await used(second)

    async def test_two_journals_share_budget_and_conflicts(
        self, journal: PaymentJournal, second: PaymentJournal
    ) -> None:
        outcomes: list[str] = []

        async def buy(through: PaymentJournal, index: int) -> None:
            try:
                await put(through, reserved(index), daily(10, limit=100))
                outcomes.append("reserved")
            except (BudgetExceeded, JournalConflict) as refusal:
                outcomes.append(type(refusal).__name__)

        async with create_task_group() as tasks:
            for index in range(40):
                tasks.start_soon(buy, journal, index)
                tasks.start_soon(buy, second, index)

        assert (10, 40) == (outcomes.count("reserved"), outcomes.count("JournalConflict"))
        assert (100, 0) == await used(second)

    async def test_one_store_survives_the_close_of_one_journal(
        self, journal: PaymentJournal, second: PaymentJournal
    ) -> None:
        first = await put(journal, reserved())
        await journal.aclose()

        assert first == await second.get(first.id)


def _submitted(first: Payment) -> Payment:
    return submitted(signed(first))


def _unknown(first: Payment) -> Payment:
    return unknown(submitted(signed(first)))
