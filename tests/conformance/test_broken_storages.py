"""The kit for storages can fail: each of these breaks one promise, and the kit finds it."""

import inspect
import itertools
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from paygent.core import notes
from paygent.core.approval import ApprovalDecision, ApprovalRequest, ApprovalState
from paygent.core.approval_errors import ApprovalRefused, NotAnApprover
from paygent.core.audit import EMPTY, AuditEntry, Head
from paygent.core.budget import Hold
from paygent.core.errors import Halted, LocalProtocolError
from paygent.core.halt import Halt
from paygent.core.history import EVERY_PAYMENT, PaymentFilter, Total
from paygent.core.ids import ApprovalId, PaymentId
from paygent.core.lifecycle import MADE, Event
from paygent.core.payment import Payment
from paygent.ports.approval_store import ApprovalPage
from paygent.ports.storage import PaymentPage
from paygent.testing.conformance import StorageContract
from paygent.testing.journal import MemoryJournal
from paygent.testing.records import MemoryRecords
from paygent.testing.trail import MemoryTrail


class AsksTwice(MemoryJournal):
    def _asked_already(self, payment: Payment, request: ApprovalRequest) -> ApprovalRequest | None:
        return None


class FindsWhatLapsed(MemoryJournal):
    def _asked_already(self, payment: Payment, request: ApprovalRequest) -> ApprovalRequest | None:
        return super()._asked_already(payment, replace(request, created_at=0))


class FindsOtherOffers(MemoryJournal):
    def _asked_already(self, payment: Payment, request: ApprovalRequest) -> ApprovalRequest | None:
        for payment_id in self._waiting:
            if self._payments[payment_id].intent.request == payment.intent.request:
                return self._approvals.of(payment_id)
        return None


class AsksBesidesTheKey(MemoryJournal):
    async def ask(self, payment: Payment, request: ApprovalRequest) -> ApprovalRequest:
        keyed, self._by_key = self._by_key, type(self._by_key)(list)
        try:
            return await super().ask(payment, request)
        finally:
            self._by_key = keyed


class KeepsWhatNobodyHasToAnswer(MemoryJournal):
    async def reserve(self, before: Payment, after: Payment, holds: Sequence[Hold], **about: Any) -> None:
        asked = self._approvals.of(before.id)
        await super().reserve(before, after, holds, **about)
        if asked is not None and about["approval"] is None:
            self._approvals.put(asked)


class GrantsForEver(MemoryJournal):
    """Does not look at the clock when a grant is used."""

    async def reserve(self, before: Payment, after: Payment, holds: Sequence[Hold], **about: Any) -> None:
        await super().reserve(before, after, holds, **{**about, "now": 0})


class GrantsAnybody(MemoryJournal):
    """Takes the grant of another payment."""

    async def reserve(self, before: Payment, after: Payment, holds: Sequence[Hold], **about: Any) -> None:
        own = self._approvals.of(before.id)
        assert own is not None
        await super().reserve(before, after, holds, **{**about, "approval": own.id})


class GrantsWithoutPeople(MemoryJournal):
    async def reserve(self, before: Payment, after: Payment, holds: Sequence[Hold], **about: Any) -> None:
        request = self._approvals.known(about["approval"])
        if request.state is ApprovalState.PENDING:
            self._approvals.put(replace(request, state=ApprovalState.GRANTED))
        await super().reserve(before, after, holds, **about)


class KeepsGrants(MemoryJournal):
    """Does not mark a grant as used."""

    async def reserve(self, before: Payment, after: Payment, holds: Sequence[Hold], **about: Any) -> None:
        request = self._approvals.known(about["approval"])
        await super().reserve(before, after, holds, **about)
        self._approvals.put(request)


class ReservesWithoutHolds(MemoryJournal):
    async def reserve(self, before: Payment, after: Payment, holds: Sequence[Hold], **about: Any) -> None:
        await super().reserve(before, after, (), **about)


class ReservesRepeats(MemoryJournal):
    async def reserve(self, before: Payment, after: Payment, holds: Sequence[Hold], **about: Any) -> None:
        await super().reserve(before, after, holds, **{**about, "new_purchase": True})


class LeavesGrantsOfWhatLeaves(MemoryJournal):
    def _void_approval(self, payment: Payment) -> None:
        return


class RefusalChangesNoPayment(MemoryJournal):
    def _turn(self, payment: Payment, event: Event, at: int, note: str) -> None:
        if event is not Event.REFUSED:
            super()._turn(payment, event, at, note)


class EditChangesNoPayment(MemoryJournal):
    def _turn(self, payment: Payment, event: Event, at: int, note: str) -> None:
        if event is not Event.REPLACED:
            super()._turn(payment, event, at, note)


class LosesTheEdit(MemoryJournal):
    async def decide(self, approval_id: ApprovalId, decision: ApprovalDecision) -> ApprovalRequest:
        return await super().decide(approval_id, replace(decision, edit=None))


class OneApproverIsEnough(MemoryJournal):
    async def ask(self, payment: Payment, request: ApprovalRequest) -> ApprovalRequest:
        return await super().ask(payment, replace(request, needed=1))


class ForgetsDecisions(MemoryJournal):
    """Gives way between reading a request and writing the decision."""

    async def decide(self, approval_id: ApprovalId, decision: ApprovalDecision) -> ApprovalRequest:
        before = self._approvals.known(approval_id)
        await checkpoint()
        self._approvals.put(before)
        return await super().decide(approval_id, decision)


class CountsAnApproverTwice(MemoryJournal):
    async def decide(self, approval_id: ApprovalId, decision: ApprovalDecision) -> ApprovalRequest:
        try:
            return await super().decide(approval_id, decision)
        except ApprovalRefused:
            return await super().decide(approval_id, replace(decision, approver=f"{decision.approver} again"))


class CountsAnybody(MemoryJournal):
    """Leaves it to its caller who may decide."""

    async def decide(self, approval_id: ApprovalId, decision: ApprovalDecision) -> ApprovalRequest:
        try:
            return await super().decide(approval_id, decision)
        except NotAnApprover as refusal:
            return await super().decide(approval_id, replace(decision, approver=refusal.allowed[0]))


class ListsWhatLapsed(MemoryJournal):
    async def pending(self, *, now: int, after: str | None = None, limit: int = 50) -> ApprovalPage:
        return await super().pending(now=0, after=after, limit=limit)


class NeverHalts(MemoryJournal):
    async def halt(self, halt: Halt) -> Sequence[PaymentId]:
        denied = await super().halt(halt)
        self._halts = {}
        return denied


class HaltsOnlyNewPayments(MemoryJournal):
    async def append(self, before: Payment, after: Payment) -> None:
        halts, self._halts = self._halts, {}
        try:
            await super().append(before, after)
        finally:
            self._halts = halts


class HaltsProofs(MemoryJournal):
    """Writes nothing at all about what is halted."""

    async def append(self, before: Payment, after: Payment) -> None:
        self._refuse_halted_append(after)
        await super().append(before, after)

    def _refuse_halted_append(self, after: Payment) -> None:
        if self._halts:
            raise LocalProtocolError(f"payment {after.id} is halted")


class HaltsAgents(MemoryJournal):
    """Knows agents only by the scope of everything."""

    async def halt(self, halt: Halt) -> Sequence[PaymentId]:
        return await super().halt(replace(halt, scope="everything") if halt.scope.startswith("agent") else halt)


class HaltLeavesWhatWaits(MemoryJournal):
    async def halt(self, halt: Halt) -> Sequence[PaymentId]:
        waiting, self._waiting = self._waiting, {}
        await super().halt(halt)
        self._waiting = waiting
        return ()


class LastHaltWins(MemoryJournal):
    async def halt(self, halt: Halt) -> Sequence[PaymentId]:
        self._halts.pop(halt.scope, None)
        return await super().halt(halt)


class ForgetsRefusedByHalt(MemoryJournal):
    def _refuse_halted(self, payment: Payment, now: int) -> None:
        try:
            super()._refuse_halted(payment, now)
        except Halted:
            self._payments.pop(payment.id, None)
            raise


class NeverLifts(MemoryJournal):
    async def lift(self, scope: str, *, by: str, reason: str, at: int) -> Halt | None:
        return self._halts.get(scope)


class SilentTrail(MemoryTrail):
    """Leaves out what is no payment."""

    def add(self, word: Callable[..., notes.Notes], *args: Any, **kwargs: Any) -> None:
        if word in (notes.opened, notes.moved):
            super().add(word, *args, **kwargs)


class LosesDecisions(MemoryJournal):
    def __init__(self) -> None:
        super().__init__()
        self._trail = SilentTrail()


class GapTrail(MemoryTrail):
    def entries(self) -> Sequence[AuditEntry]:
        return [entry for entry in super().entries() if entry.number != 2]


class LosesARow(MemoryJournal):
    def __init__(self) -> None:
        super().__init__()
        self._trail = GapTrail()


class LosesTheEnd(MemoryJournal):
    async def head(self) -> Head:
        return EMPTY


class TellsTrail(MemoryTrail):
    def add(self, word: Callable[..., notes.Notes], *args: Any, **kwargs: Any) -> None:
        rows = word(*args, **kwargs)
        said = {"whole": repr((args, [getattr(each, "payload", None) and each.payload.value for each in args]))}
        super().add(lambda: tuple(replace(row, facts={**row.facts, **said}) for row in rows))


class TellsSecrets(MemoryJournal):
    def __init__(self) -> None:
        super().__init__()
        self._trail = TellsTrail()


class NotesBeforeItWrites(MemoryJournal):
    """Has a row for what was never written."""

    async def append(self, before: Payment, after: Payment) -> None:
        self._trail.add(notes.moved, before, after)
        await super().append(before, after)


class AnyKind(MemoryJournal):
    async def note(self, *, at: int, kind: str, facts: Mapping[str, str]) -> AuditEntry:
        return await super().note(at=at, kind=kind if kind.isidentifier() else "other", facts=facts)


class HistoryInOrderOfWriting(MemoryJournal):
    async def history(
        self, wanted: PaymentFilter = EVERY_PAYMENT, *, after: str | None = None, limit: int = 50
    ) -> PaymentPage:
        return await self.page(states=wanted.states, after=after, limit=limit)


class HistoryWithoutEnd(MemoryJournal):
    async def history(
        self, wanted: PaymentFilter = EVERY_PAYMENT, *, after: str | None = None, limit: int = 50
    ) -> PaymentPage:
        return await super().history(replace(wanted, end=None), after=after, limit=limit)


class SumsCeilings(MemoryJournal):
    async def statistics(self, wanted: PaymentFilter = EVERY_PAYMENT) -> Sequence[Total]:
        whole = self._payments
        self._payments = {each.id: replace(each, receipt=None) for each in whole.values()}
        try:
            return await super().statistics(wanted)
        finally:
            self._payments = whole


class SumsThroughFloat(MemoryJournal):
    async def statistics(self, wanted: PaymentFilter = EVERY_PAYMENT) -> Sequence[Total]:
        return [replace(total, amount=int(float(total.amount))) for total in await super().statistics(wanted)]


class MixesServices(MemoryJournal):
    async def statistics(self, wanted: PaymentFilter = EVERY_PAYMENT) -> Sequence[Total]:
        return [replace(total, service=None) for total in await super().statistics(wanted)]


class CountsByProposal(MemoryJournal):
    def _records(self) -> MemoryRecords:
        return _ByProposal(self._payments, self._order, self._sums, self._trail.count)


class _ByProposal(MemoryRecords):
    def reserved(self, since: int, agent: str | None) -> Sequence[Total]:
        return self.statistics(PaymentFilter(states=tuple(MADE), start=since, agent=agent))


class CountsWhatWaits(MemoryJournal):
    def _records(self) -> MemoryRecords:
        return _AllProposed(self._payments, self._order, self._sums, self._trail.count)


class _AllProposed(MemoryRecords):
    def reserved(self, since: int, agent: str | None) -> Sequence[Total]:
        return self.statistics(PaymentFilter(agent=agent))


BROKEN: list[tuple[type[MemoryJournal], str]] = [
    (AsksTwice, "test_ask_again_finds_the_pending_request"),
    (FindsWhatLapsed, "test_ask_after_the_first_lapsed_makes_another"),
    (FindsOtherOffers, "test_ask_keeps_other_offers_and_keys_apart"),
    (AsksBesidesTheKey, "test_ask_refuses_another_request_under_one_key"),
    (AsksBesidesTheKey, "test_ask_points_to_what_its_key_has_already"),
    (KeepsWhatNobodyHasToAnswer, "test_reserve_without_an_approval_voids_what_people_were_asked"),
    (GrantsForEver, "test_reserve_needs_a_grant_in_time"),
    (GrantsAnybody, "test_reserve_refuses_the_grant_of_another_payment"),
    (GrantsWithoutPeople, "test_reserve_needs_a_grant_in_time"),
    (KeepsGrants, "test_reserve_spends_the_grant_and_the_budget"),
    (ReservesWithoutHolds, "test_reserve_without_room_denies_and_voids"),
    (ReservesRepeats, "test_reserve_refuses_a_repeated_purchase"),
    (LeavesGrantsOfWhatLeaves, "test_append_cannot_reserve_and_voids_what_leaves"),
    (RefusalChangesNoPayment, "test_refusal_denies_the_payment"),
    (EditChangesNoPayment, "test_edit_supersedes_the_payment_and_keeps_what_was_edited"),
    (LosesTheEdit, "test_edit_supersedes_the_payment_and_keeps_what_was_edited"),
    (LosesTheEdit, "test_edit_that_is_not_less_changes_nothing"),
    (OneApproverIsEnough, "test_k_of_n_distinct_approvers_grant"),
    (ForgetsDecisions, "test_one_of_fifty_racing_decisions_counts"),
    (CountsAnApproverTwice, "test_k_of_n_distinct_approvers_grant"),
    (CountsAnybody, "test_only_who_may_decide_is_counted"),
    (ListsWhatLapsed, "test_pending_is_oldest_first_in_pages_and_without_what_is_over"),
    (NeverHalts, "test_halt_of_any_scope_stops_a_payment_in_it"),
    (HaltsOnlyNewPayments, "test_halt_stops_signing_and_sending_and_writes_nothing"),
    (HaltsProofs, "test_halt_lets_pass_what_frees_or_proves"),
    (HaltsAgents, "test_halt_of_others_stops_nothing"),
    (HaltLeavesWhatWaits, "test_halt_denies_what_waits_in_its_scope"),
    (LastHaltWins, "test_halts_are_listed_oldest_first_until_lifted"),
    (ForgetsRefusedByHalt, "test_halt_of_any_scope_stops_a_payment_in_it"),
    (NeverLifts, "test_lift_lets_payments_pass_again"),
    (LosesDecisions, "test_decisions_halts_and_lifts_have_rows"),
    (LosesARow, "test_rows_of_a_life_are_one_chain"),
    (LosesTheEnd, "test_head_is_where_the_rows_end"),
    (TellsSecrets, "test_rows_have_no_secrets"),
    (NotesBeforeItWrites, "test_what_was_not_written_has_no_row"),
    (AnyKind, "test_note_adds_a_row_and_refuses_an_odd_kind"),
    (HistoryInOrderOfWriting, "test_history_is_newest_first_by_time"),
    (HistoryWithoutEnd, "test_history_has_what_agrees_with_the_filter"),
    (SumsCeilings, "test_statistics_follow_payments_and_what_was_charged"),
    (SumsThroughFloat, "test_statistics_count_and_sum_exactly"),
    (MixesServices, "test_statistics_count_and_sum_exactly"),
    (CountsByProposal, "test_reserved_counts_from_when_a_payment_went_on"),
    (CountsWhatWaits, "test_guard_sees_each_payment_that_went_on_before"),
]


def cases(test: Any) -> Iterator[dict[str, Any]]:
    """Yield the arguments of each case of a test."""
    marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
    for chosen in itertools.product(*(mark.args[1] for mark in marks)):
        arguments: dict[str, Any] = {}
        for mark, values in zip(marks, chosen, strict=True):
            names = [mark.args[0]] if isinstance(mark.args[0], str) else list(mark.args[0])
            arguments |= zip(names, [values] if len(names) == 1 else values, strict=True)
        yield arguments


def failing(make: type[MemoryJournal]) -> set[str]:
    """Return the names of the kit's tests that fail for such a storage."""
    tests = dict(inspect.getmembers(StorageContract(), inspect.iscoroutinefunction))
    return {name for name, test in tests.items() if not all(passes(test, make(), case) for case in cases(test))}


def passes(test: Callable[..., Awaitable[None]], storage: MemoryJournal, case: dict[str, Any]) -> bool:
    async def run() -> None:
        await test(storage, **case)

    try:
        anyio.run(run)
    except (Exception, pytest.fail.Exception):  # noqa: BLE001  # a broken storage may raise anything
        return False
    return True


def test_kit_fails_nothing_of_a_whole_storage() -> None:
    assert set() == failing(MemoryJournal)


@pytest.mark.parametrize(("broken", "finding"), BROKEN, ids=[broken.__name__ for broken, _ in BROKEN])
def test_kit_fails_a_storage_that_breaks_a_promise(broken: type[MemoryJournal], finding: str) -> None:
    assert {finding} <= failing(broken)
