"""What a journal promises about limits."""

import pytest
from anyio import create_task_group

from paygent.core.budget import Hold
from paygent.core.context import Budget, Context
from paygent.core.errors import (
    BudgetExceeded,
    DuplicatePurchase,
)
from paygent.core.ids import PaymentId
from paygent.core.lifecycle import Event, State
from paygent.core.money import MAX_ATOMIC, USD, Amount
from paygent.core.payment import Payment
from paygent.ports.storage import PaymentJournal
from paygent.testing.conformance.payments import (
    PAYER,
    START,
    approved,
    confirmed,
    daily,
    reserved,
    settled,
    signed,
    submitted,
    unknown,
    voided,
)
from paygent.testing.conformance.steps import has_room, put, used, walk


class BudgetContract:
    """No window ever holds more than its limit."""

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

    async def test_budget_counts_the_windows_named_with_it(self, journal: PaymentJournal) -> None:
        await put(journal, reserved(1), daily(60, limit=100, window="last:60:1"))
        with pytest.raises(BudgetExceeded) as refusal:
            await put(journal, reserved(2), daily(41, limit=100, window="last:60:2", also=("last:60:0", "last:60:1")))
        await put(journal, reserved(3), daily(40, limit=100, window="last:60:2", also=("last:60:1",)))

        assert (0, 60) == (refusal.value.committed.atomic, refusal.value.reserved.atomic)

    async def test_budget_counts_spent_and_freed_in_the_windows_named_with_it(self, journal: PaymentJournal) -> None:
        first = await put(journal, reserved(1), daily(60, limit=100, window="last:60:1"))
        freed = await put(journal, reserved(2), daily(40, limit=100, window="last:60:1"))
        await walk(journal, first, settled(first))
        await walk(journal, freed, voided(freed))
        with pytest.raises(BudgetExceeded) as refusal:
            await put(journal, reserved(3), daily(41, limit=100, window="last:60:2", also=("last:60:1",)))

        assert (60, 0) == (refusal.value.committed.atomic, refusal.value.reserved.atomic)

    async def test_hold_adds_to_its_own_window_alone(self, journal: PaymentJournal) -> None:
        await put(journal, reserved(1), daily(60, limit=100, window="last:60:2", also=("last:60:1",)))
        await put(journal, reserved(2), daily(100, limit=100, window="last:60:1"))
        with pytest.raises(BudgetExceeded):
            await put(journal, reserved(3), daily(1, limit=100, window="last:60:3", also=("last:60:1",)))
        await put(journal, reserved(4), daily(40, limit=100, window="last:60:3", also=("last:60:2",)))

    async def test_hold_counts_what_its_own_payment_adds_to_the_windows_named_with_it(
        self, journal: PaymentJournal
    ) -> None:
        holds = (daily(60, limit=100, window="a"), daily(41, limit=100, window="b", also=("a",)))
        with pytest.raises(BudgetExceeded):
            await put(journal, reserved(1), *holds)
        await put(journal, reserved(2), daily(100, limit=100, window="a"))

    async def test_budget_keeps_windows_named_with_it_of_other_scopes_apart(self, journal: PaymentJournal) -> None:
        await put(journal, reserved(1), daily(60, limit=100, window="a", scope="host:a"))
        payment = await put(journal, reserved(2), daily(100, limit=100, window="b", also=("a",)))

        assert payment == await journal.get(payment.id)

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


def child_of_run(name: object, asked: int, *, child: str) -> tuple[Payment, tuple[Hold, Hold]]:
    """Return a payment of a child of one run, and what it holds: of the run's 100, and of the child's own 60."""
    budgets = (Budget(name="run", limit=Amount(100, USD)), Budget(name=f"run/{child}", limit=Amount(60, USD)))
    holds = [Hold(scope=f"budget:{b.name}", window="total", amount=Amount(asked, USD), limit=b.limit) for b in budgets]
    return reserved(name, context=Context(budgets=budgets)), (holds[0], holds[1])


class AncestorContract:
    """A child's budget is reserved in it and in all its ancestors, or in none of them."""

    async def test_children_never_spend_more_than_their_parent_together(self, journal: PaymentJournal) -> None:
        for number, child in enumerate("ab"):
            payment, holds = child_of_run(number, 50, child=child)
            await put(journal, payment, *holds)
        third, holds = child_of_run(2, 1, child="c")
        with pytest.raises(BudgetExceeded) as refusal:
            await put(journal, third, *holds)

        figures = (refusal.value.committed.atomic, refusal.value.reserved.atomic, refusal.value.asked.atomic)
        assert ("budget:run", (0, 100, 1)) == (refusal.value.scope, figures)

    async def test_child_without_room_takes_nothing_of_its_parent(self, journal: PaymentJournal) -> None:
        greedy, holds = child_of_run(1, 61, child="a")
        with pytest.raises(BudgetExceeded) as refusal:
            await put(journal, greedy, *holds)
        for number, child, amount in ((2, "a", 60), (3, "b", 40)):  # all of the parent is still there
            payment, holds = child_of_run(number, amount, child=child)
            await put(journal, payment, *holds)

        assert "budget:run/a" == refusal.value.scope

    async def test_children_at_once_never_pass_their_parent(self, journal: PaymentJournal) -> None:
        passed: list[int] = []

        async def buy(number: int) -> None:
            payment, holds = child_of_run(number, 10, child=str(number % 5))
            try:
                await put(journal, payment, *holds)
            except BudgetExceeded:
                return
            passed.append(number)

        async with create_task_group() as tasks:
            for number in range(30):
                tasks.start_soon(buy, number)

        assert 10 == len(passed)
        assert 20 == len((await journal.page(states=[State.DENIED], limit=100)).payments)

    async def test_payment_of_a_child_gives_both_budgets_back(self, journal: PaymentJournal) -> None:
        payment, holds = child_of_run(1, 60, child="a")
        await put(journal, payment, *holds)
        await walk(journal, payment, voided(payment))
        for number, child, amount in ((2, "a", 60), (3, "b", 40)):
            again, holds = child_of_run(number, amount, child=child)
            await put(journal, again, *holds)


class HoldContract:
    """Holds are committed and freed as the lifecycle says."""

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
