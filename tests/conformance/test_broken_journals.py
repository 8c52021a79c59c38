"""The kit can fail: each of these journals breaks one promise, and the kit finds it."""

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import anyio
import pytest
from anyio.lowlevel import checkpoint

from paygent.core.budget import NOTHING, Hold, Share, share
from paygent.core.errors import BudgetExceeded, JournalConflict
from paygent.core.lifecycle import State
from paygent.core.money import MAX_ATOMIC
from paygent.core.payment import Payment
from paygent.ports.history import Guard
from paygent.ports.storage import PaymentJournal, PaymentPage
from paygent.testing.conformance import PaymentJournalContract
from paygent.testing.journal import MemoryJournal
from paygent.testing.nonces import MemoryNonces


class FreshSecrets(MemoryJournal):
    async def secret(self) -> bytes:
        return MemoryJournal()._secret


class NoLimit(MemoryJournal):
    def _reserve(self, payment: Payment, holds: Sequence[Hold], now: int) -> None:
        boundless = [replace(hold, limit=replace(hold.limit, atomic=MAX_ATOMIC)) for hold in holds]
        super()._reserve(payment, boundless, now)


class ExclusiveLimit(MemoryJournal):
    def _reserve(self, payment: Payment, holds: Sequence[Hold], now: int) -> None:
        lower = [replace(hold, limit=replace(hold.limit, atomic=hold.limit.atomic - 1)) for hold in holds]
        super()._reserve(payment, lower, now)


class ForgetsHolds(MemoryJournal):
    def _reserve(self, payment: Payment, holds: Sequence[Hold], now: int) -> None:
        super()._reserve(payment, holds, now)
        self._sums.clear()
        self._holds.clear()


class TakesWhatItCan(MemoryJournal):
    """Adds the holds that fit although a later one does not."""

    def _reserve(self, payment: Payment, holds: Sequence[Hold], now: int) -> None:
        for hold in holds:
            super()._reserve(payment, [hold], now)


class MixesScopes(MemoryJournal):
    def _reserve(self, payment: Payment, holds: Sequence[Hold], now: int) -> None:
        super()._reserve(payment, [replace(hold, scope="all") for hold in holds], now)


class CountsOneWindow(MemoryJournal):
    def _reserve(self, payment: Payment, holds: Sequence[Hold], now: int) -> None:
        super()._reserve(payment, [replace(hold, also=()) for hold in holds], now)


class CountsOtherScopes(MemoryJournal):
    def _reserve(self, payment: Payment, holds: Sequence[Hold], now: int) -> None:
        every = {window[1] for window in self._sums}
        wide = [replace(hold, also=tuple(every - {hold.window})) if hold.also else hold for hold in holds]
        super()._reserve(payment, [replace(hold, scope="all") for hold in wide], now)


class AddsToEveryWindow(MemoryJournal):
    def _reserve(self, payment: Payment, holds: Sequence[Hold], now: int) -> None:
        super()._reserve(payment, holds, now)
        for hold in holds:
            for name in hold.also:
                window = (hold.scope, name, str(hold.amount.asset.id))
                self._sums[window] = self._sum(window, {}) + Share(hold.amount.atomic, 0)


class RoundsThroughFloat(MemoryJournal):
    def _reserve(self, payment: Payment, holds: Sequence[Hold], now: int) -> None:
        super()._reserve(payment, holds, now)
        self._sums = {window: Share(int(float(sums.reserved)), sums.committed) for window, sums in self._sums.items()}


class ForgetsRefusals(MemoryJournal):
    def _reserve(self, payment: Payment, holds: Sequence[Hold], now: int) -> None:
        try:
            super()._reserve(payment, holds, now)
        except BudgetExceeded:
            del self._payments[self._order.pop()]
            raise


class ChecksThenActs(MemoryJournal):
    """Gives way to other tasks between the check and the write."""

    async def open(
        self, payment: Payment, holds: Sequence[Hold], *, now: int, new_purchase: bool, guard: Guard | None = None
    ) -> None:
        before = dict(self._sums)
        await checkpoint()
        after, self._sums = self._sums, before
        try:
            await super().open(payment, holds, now=now, new_purchase=new_purchase, guard=guard)
        finally:
            self._sums = {**after, **self._sums}


class NoDuplicateCheck(MemoryJournal):
    def _refuse_duplicates(self, payment: Payment, now: int, new_purchase: bool) -> None:
        return


class LooksAtTheNewestOnly(MemoryJournal):
    def _refuse_duplicates(self, payment: Payment, now: int, new_purchase: bool) -> None:
        kept = self._by_key, self._by_request
        for index in kept:
            for words, ids in index.items():
                index[words] = ids[-1:]
        super()._refuse_duplicates(payment, now, new_purchase)


class LeasesForEver(MemoryJournal):
    def _refuse_duplicates(self, payment: Payment, now: int, new_purchase: bool) -> None:
        super()._refuse_duplicates(payment, 0, new_purchase)


class KeysOfEverybody(MemoryJournal):
    def _refuse_duplicates(self, payment: Payment, now: int, new_purchase: bool) -> None:
        for other in self._payments.values():
            one = replace(payment, intent=replace(payment.intent, payer=other.intent.payer))
            super()._refuse_duplicates(one, now, new_purchase)


class OverwritesIds(MemoryJournal):
    async def open(
        self, payment: Payment, holds: Sequence[Hold], *, now: int, new_purchase: bool, guard: Guard | None = None
    ) -> None:
        self._payments.pop(payment.id, None)
        await super().open(payment, holds, now=now, new_purchase=new_purchase, guard=guard)


class LastWriterWins(MemoryJournal):
    """Has no compare in its compare-and-set."""

    async def append(self, before: Payment, after: Payment) -> None:
        stored = self._payments.get(after.id)
        if stored is None:
            raise JournalConflict(after.id)
        self._payments[after.id] = replace(stored, version=before.version)
        await super().append(before, after)


class AnythingFollows(MemoryJournal):
    async def append(self, before: Payment, after: Payment) -> None:
        self._payments[after.id] = after


class LosesPayloads(MemoryJournal):
    async def append(self, before: Payment, after: Payment) -> None:
        await super().append(before, after)
        self._payments[after.id] = after


class CommitsEarly(MemoryJournal):
    """Counts a payment as spent when it is sent."""

    async def append(self, before: Payment, after: Payment) -> None:
        await super().append(before, after)
        if after.state is State.SUBMITTED:
            for window, asked, _ in self._holds[after.id]:
                self._sums[window] = Share(self._sums[window].reserved - asked, self._sums[window].committed + asked)


class FreesWhenUnknown(MemoryJournal):
    """Takes a lost answer for a failed payment."""

    async def append(self, before: Payment, after: Payment) -> None:
        await super().append(before, after)
        if after.state is State.OUTCOME_UNKNOWN:
            for window, asked, _ in self._holds[after.id]:
                self._sums[window] = Share(self._sums[window].reserved - asked, self._sums[window].committed)


class NeverFrees(MemoryJournal):
    def _move_holds(self, before: Payment, after: Payment) -> None:
        if after.state is State.SETTLED:
            super()._move_holds(before, after)


class ChargesTheCeiling(MemoryJournal):
    def _move_holds(self, before: Payment, after: Payment) -> None:
        super()._move_holds(before, replace(after, receipt=None))


class RoundsDown(MemoryJournal):
    def _move_holds(self, before: Payment, after: Payment) -> None:
        super()._move_holds(before, after)
        for window, asked, _ in self._holds[after.id]:
            if after.receipt is not None:
                less = asked * after.receipt.amount.atomic // after.intent.amount.atomic - share(asked, after).committed
                self._sums[window] = Share(self._sums[window].reserved, self._sums[window].committed + less)


class ForgetsReorganisations(MemoryJournal):
    def _move_holds(self, before: Payment, after: Payment) -> None:
        if before.state is not State.SETTLED:
            super()._move_holds(before, after)
        else:
            for window, asked, _ in self._holds[after.id]:
                self._sums[window] = NOTHING if asked else self._sums[window]


class ListsPayloads(MemoryJournal):
    async def page(self, *, states: Sequence[State] = (), after: str | None = None, limit: int = 50) -> PaymentPage:
        return self._page(lambda payment: not states or payment.state in states, after, limit)


class CountsFromTheTop(MemoryJournal):
    """Its cursors are offsets, and slide when a payment is added."""

    async def page(self, *, states: Sequence[State] = (), after: str | None = None, limit: int = 50) -> PaymentPage:
        from_top = None if after is None else str(len(self._order) - int(after))
        found = await super().page(states=states, after=from_top, limit=limit)
        return replace(found, next=None if found.next is None else str(len(self._order) - int(found.next)))


class LosesTheLastPage(MemoryJournal):
    async def page(self, *, states: Sequence[State] = (), after: str | None = None, limit: int = 50) -> PaymentPage:
        found = await super().page(states=states, after=after, limit=limit)
        return found if len(found.payments) > 1 or after is None else PaymentPage(payments=(), next=None)


class ResolvesTooEarly(MemoryJournal):
    async def unresolved(self, *, limit: int = 100, after: str | None = None) -> PaymentPage:
        out = (State.SIGNED, State.SUBMITTED, State.OUTCOME_UNKNOWN)
        return self._page(lambda payment: payment.state in out, after, limit)


class OldestOfAKey(MemoryJournal):
    async def by_key(self, payer: str, key: str) -> Payment | None:
        ids = self._by_key.get((payer, key), ())
        return self._payments[ids[0]] if ids else None


class NeverCloses(MemoryJournal):
    async def aclose(self) -> None:
        return


class GivesNoncesTwice(MemoryJournal):
    def _reserve(self, payment: Payment, holds: Sequence[Hold], now: int) -> None:
        super()._reserve(payment, holds, now)
        self._nonces = MemoryNonces()
        if payment.plan is not None:
            self._nonces.claim(payment, 0, payment.plan.first_nonce)


class _NothingGivenBack(MemoryNonces):
    def settle(self, after: Payment) -> None:
        pass


class KeepsNonces(MemoryJournal):
    def __init__(self) -> None:
        super().__init__()
        self._nonces = _NothingGivenBack()


class _EverythingGivenBack(MemoryNonces):
    def settle(self, after: Payment) -> None:
        if after.plan is not None:
            after = replace(after, plan=replace(after.plan, steps=()))
        super().settle(after)


class FreesWhatWasSigned(MemoryJournal):
    def __init__(self) -> None:
        super().__init__()
        self._nonces = _EverythingGivenBack()


class FreesGas(MemoryJournal):
    def _reserve(self, payment: Payment, holds: Sequence[Hold], now: int) -> None:
        super()._reserve(payment, [replace(hold, gas=False) for hold in holds], now)


BROKEN: list[tuple[type[MemoryJournal], str]] = [
    (FreshSecrets, "test_secret_has_32_bytes_and_stays"),
    (NoLimit, "test_budget_for_ten_lets_ten_of_fifty_tasks_pass"),
    (ExclusiveLimit, "test_budget_may_be_reached_and_not_passed"),
    (ForgetsHolds, "test_budget_may_be_reached_and_not_passed"),
    (TakesWhatItCan, "test_budget_refusal_of_one_hold_takes_nothing_of_the_others"),
    (MixesScopes, "test_budgets_of_scopes_windows_and_assets_are_apart"),
    (CountsOneWindow, "test_budget_counts_the_windows_named_with_it"),
    (CountsOneWindow, "test_budget_counts_spent_and_freed_in_the_windows_named_with_it"),
    (CountsOneWindow, "test_hold_counts_what_its_own_payment_adds_to_the_windows_named_with_it"),
    (CountsOtherScopes, "test_budget_keeps_windows_named_with_it_of_other_scopes_apart"),
    (AddsToEveryWindow, "test_hold_adds_to_its_own_window_alone"),
    (RoundsThroughFloat, "test_budget_counts_numbers_beyond_64_bits_exactly"),
    (ForgetsRefusals, "test_budget_refusal_is_recorded_as_denied"),
    (ChecksThenActs, "test_budget_for_ten_lets_ten_of_fifty_tasks_pass"),
    (NoDuplicateCheck, "test_one_of_fifty_equal_purchases_is_opened"),
    (LooksAtTheNewestOnly, "test_open_sees_a_blocking_key_behind_a_denied_one"),
    (LeasesForEver, "test_open_refuses_a_reserved_request_only_during_its_lease"),
    (KeysOfEverybody, "test_open_keeps_the_keys_of_payers_apart"),
    (OverwritesIds, "test_open_refuses_an_id_that_is_there"),
    (LastWriterWins, "test_append_lets_one_of_fifty_racers_win"),
    (AnythingFollows, "test_append_refuses_what_cannot_follow"),
    (LosesPayloads, "test_append_keeps_the_payload_of_a_listed_payment"),
    (CommitsEarly, "test_payment_that_is_out_stays_reserved"),
    (FreesWhenUnknown, "test_payment_that_is_out_stays_reserved"),
    (NeverFrees, "test_payment_that_cannot_settle_is_released"),
    (ChargesTheCeiling, "test_payment_settled_for_less_releases_the_rest"),
    (RoundsDown, "test_payment_settled_for_less_commits_no_less_than_its_part"),
    (ForgetsReorganisations, "test_reorganised_payment_is_reserved_again"),
    (ListsPayloads, "test_page_is_newest_first_and_without_payloads"),
    (CountsFromTheTop, "test_cursor_stays_valid_while_payments_are_added_and_moved"),
    (LosesTheLastPage, "test_pages_join_up_whatever_their_size"),
    (ResolvesTooEarly, "test_unresolved_has_what_reconciling_may_move"),
    (OldestOfAKey, "test_by_key_and_by_request_give_the_newest_or_none"),
    (GivesNoncesTwice, "test_claims_side_by_side_get_nonces_of_their_own"),
    (KeepsNonces, "test_append_gives_back_the_nonce_of_a_voided_payment"),
    (FreesWhatWasSigned, "test_append_keeps_a_nonce_that_was_signed_for"),
    (FreesGas, "test_reverted_action_commits_its_gas_and_nothing_else"),
    (NeverCloses, "test_closed_journal_answers_nothing"),
]


def failing(make: type[MemoryJournal]) -> set[str]:
    """Return the names of the kit's tests that fail for such a journal."""
    kit = PaymentJournalContract()
    tests = dict(inspect.getmembers(kit, inspect.iscoroutinefunction))
    return {name for name, test in tests.items() if not passes(test, make())}


def passes(test: Callable[[PaymentJournal], Awaitable[None]], journal: PaymentJournal) -> bool:
    try:
        anyio.run(test, journal)
    except (Exception, pytest.fail.Exception):  # noqa: BLE001  # a broken journal may raise anything
        return False
    return True


def test_kit_fails_nothing_of_a_whole_journal() -> None:
    assert set() == failing(MemoryJournal)


@pytest.mark.parametrize(("broken", "finding"), BROKEN, ids=[broken.__name__ for broken, _ in BROKEN])
def test_kit_fails_a_journal_that_breaks_a_promise(broken: type[MemoryJournal], finding: str) -> None:
    assert {finding} <= failing(broken)
