"""What every payment journal must do: one test a sentence of `PaymentJournal`.

Subclass `PaymentJournalContract` in a test module and override the `journal` fixture; a store that several journals can
share takes `SharedJournalContract` too and overrides `second`. The tests run under asyncio and trio.
"""

import pytest
from anyio import create_task_group

from paygent.core.errors import (
    AdapterError,
    BudgetExceeded,
    JournalConflict,
)
from paygent.ports.storage import PaymentJournal
from paygent.testing.conformance.journal_append import AppendContract
from paygent.testing.conformance.journal_budget import AncestorContract, BudgetContract, HoldContract
from paygent.testing.conformance.journal_nonces import NonceContract
from paygent.testing.conformance.journal_open import OpenContract
from paygent.testing.conformance.journal_read import ReadContract
from paygent.testing.conformance.payments import (
    daily,
    reserved,
    signed,
)
from paygent.testing.conformance.steps import put, used


@pytest.mark.anyio
class PaymentJournalContract(
    OpenContract, BudgetContract, AncestorContract, HoldContract, AppendContract, ReadContract, NonceContract
):
    """The promises of one journal. Override `journal`."""

    @pytest.fixture
    def journal(self) -> PaymentJournal:
        """Return a new, empty journal; the subclass closes it."""
        raise NotImplementedError("override the fixture `journal`")

    async def test_secret_has_32_bytes_and_stays(self, journal: PaymentJournal) -> None:
        secret = await journal.secret()

        assert 32 == len(secret)
        assert secret == await journal.secret()

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

    async def test_two_journals_count_the_windows_that_the_other_is_about_to_write(
        self, journal: PaymentJournal, second: PaymentJournal
    ) -> None:
        """Two payments on either side of a bucket's edge: neither sum is there yet, and each counts in the other's."""
        passed: list[str] = []

        async def buy(through: PaymentJournal, scope: str, window: str, also: str) -> None:
            hold = daily(60, limit=100, scope=scope, window=window, also=(also,))
            try:
                await put(through, reserved(f"{scope} {window}"), hold)
            except BudgetExceeded:
                return
            passed.append(scope)

        scopes = [f"agent:{number}" for number in range(20)]
        async with create_task_group() as tasks:
            for scope in scopes:
                tasks.start_soon(buy, journal, scope, "last:60:1", "last:60:2")
                tasks.start_soon(buy, second, scope, "last:60:2", "last:60:1")

        assert scopes == sorted(passed, key=lambda scope: int(scope.partition(":")[2]))

    async def test_one_store_survives_the_close_of_one_journal(
        self, journal: PaymentJournal, second: PaymentJournal
    ) -> None:
        first = await put(journal, reserved())
        await journal.aclose()

        assert first == await second.get(first.id)
