"""What every `AuditLog`, and the stores that write it, must do."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from anyio import create_task_group

from paygent.core.audit import EMPTY, AuditEntry, Head, first_break
from paygent.core.errors import BudgetExceeded, JournalConflict, PaygentError
from paygent.core.lifecycle import Event
from paygent.ports.storage import Storage
from paygent.testing.conformance.approvals import asked, granted
from paygent.testing.conformance.halts import stop
from paygent.testing.conformance.payments import (
    PAYER,
    SIGNED_BYTES,
    START,
    awaiting,
    daily,
    decision_on,
    denied,
    released,
    reserved,
    settled,
    signed,
)
from paygent.testing.conformance.steps import put, walk


def said(entries: Sequence[AuditEntry]) -> list[str]:
    """Return what the rows say in short."""
    return [f"{entry.kind} {entry.facts.get('events') or entry.facts.get('state') or ''}".strip() for entry in entries]


@pytest.mark.anyio
class AuditLogContract:
    """What was written has its row, and what has a row was written. Override `storage`."""

    @pytest.fixture
    def storage(self) -> Storage:
        raise NotImplementedError("override the fixture `storage`")

    async def test_rows_of_a_life_are_one_chain(self, storage: Storage) -> None:
        first = await put(storage, reserved(), daily(1, limit=5))
        await walk(storage, first, signed(first), settled(first).learn(alarm="paid another"))
        rows = await storage.entries()

        assert [
            "payment allowed, budget reserved",
            "payment signed",
            "payment send begins, confirmed",
            "alarm",
        ] == said(rows)
        assert [1, 2, 3, 4] == [row.number for row in rows]
        assert first_break(rows) is None
        assert {first.id} == {row.facts["payment"] for row in rows}

    async def test_row_names_what_is_bought(self, storage: Storage) -> None:
        await put(storage, denied(key="secret key", resource="https://a.example/x?token=hidden"))
        (row,) = await storage.entries()

        assert {
            "amount": "100",
            "host": "a.example",
            "payer": PAYER,
            "note": "over the limit",
            "state": "DENIED",
            "treasury": "default",
        }.items() <= row.facts.items()

    async def test_rows_have_no_secrets(self, storage: Storage) -> None:
        first = await put(storage, reserved(key="secret key", resource="https://a.example/x?token=hidden"))
        await storage.append(first, signed(first))
        text = str([row.record() for row in await storage.entries()])

        assert not [word for word in (SIGNED_BYTES, "secret key", "hidden") if word in text]

    async def test_decisions_halts_and_lifts_have_rows(self, storage: Storage) -> None:
        first, second = awaiting(1), awaiting(2)
        request = await granted(storage, first)
        await storage.reserve(first, released(first), [], approval=request.id, now=START + 6)
        refused = await asked(storage, second)
        await storage.decide(refused.id, decision_on(refused, granted=False))
        await storage.halt(stop())
        await storage.lift("everything", by="ben", reason="fine", at=START + 9)
        rows = await storage.entries()

        assert [
            "payment approval needed",
            "approval PENDING",
            "approval GRANTED",
            "payment granted, budget reserved",
            "approval USED",
            "payment approval needed",
            "approval PENDING",
            "approval REFUSED",
            "payment refused",
            "halt",
            "lift",
        ] == said(rows)
        assert first_break(rows) is None

    async def test_row_of_a_request_holds_what_is_shown(self, storage: Storage) -> None:
        request = await asked(storage, awaiting())
        row = (await storage.entries())[-1]

        assert {
            "digest": request.digest,
            **{f"shown {name}": text for name, text in request.facts.items()},
        }.items() <= (row.facts.items())

    async def test_void_of_an_edited_request_has_a_row(self, storage: Storage) -> None:
        payment = awaiting()
        await asked(storage, payment)
        await storage.append(payment, payment.move(Event.REPLACED, at=START + 9))

        assert ["payment replaced", "approval VOID"] == said((await storage.entries())[2:])

    async def test_what_was_not_written_has_no_row(self, storage: Storage) -> None:
        first = await put(storage, reserved())
        with pytest.raises(JournalConflict):
            await put(storage, reserved())
        with pytest.raises(JournalConflict):
            await storage.append(signed(first), settled(first))
        payment = awaiting(2)
        request = await asked(storage, payment)
        with pytest.raises(PaygentError):
            await storage.reserve(payment, released(payment), [], approval=request.id, now=START)

        assert 3 == len(await storage.entries())

    async def test_refusal_for_lack_of_budget_has_a_row(self, storage: Storage) -> None:
        with pytest.raises(BudgetExceeded):
            await put(storage, reserved(), daily(2, limit=1))

        assert ["payment allowed, refused"] == said(await storage.entries())

    async def test_note_adds_a_row_and_refuses_an_odd_kind(self, storage: Storage) -> None:
        noted = await storage.note(at=START, kind="policy", facts={"text": "käse \u0000 \n \U0001f9c0"})
        for kind in ("", "two words", "nul\0"):
            with pytest.raises(PaygentError):
                await storage.note(at=START, kind=kind, facts={})

        assert [noted] == list(await storage.entries())
        assert first_break([noted]) is None

    async def test_entries_come_in_pages(self, storage: Storage) -> None:
        for number in range(5):
            await storage.note(at=START + number, kind="policy", facts={})
        first, second = await storage.entries(limit=3), await storage.entries(after=3, limit=3)

        assert [1, 2, 3, 4, 5] == [row.number for row in [*first, *second]]
        assert first_break(second, after=first[-1]) is None
        assert [] == list(await storage.entries(after=5))

    async def test_head_is_where_the_rows_end(self, storage: Storage) -> None:
        assert EMPTY == await storage.head()
        await put(storage, reserved(), daily(1, limit=5))
        await storage.note(at=START, kind="policy", facts={})
        last = (await storage.entries())[-1]

        assert Head(2, last.hash) == await storage.head()

    async def test_rows_of_fifty_tasks_are_one_chain(self, storage: Storage) -> None:
        async def buy(index: int) -> None:
            first = await put(storage, reserved(index), daily(1, limit=50))
            await storage.append(first, signed(first))

        async with create_task_group() as tasks:
            for index in range(50):
                tasks.start_soon(buy, index)
        rows = await storage.entries()

        assert 100 == len(rows)
        assert first_break(rows) is None
        assert all(one.number + 1 == other.number for one, other in pairwise(rows))
