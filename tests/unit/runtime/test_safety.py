"""What the command line does about payments, on a storage in a file."""

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from paygent.adapters.local_signer import LocalSigner
from paygent.adapters.sql import open_journal
from paygent.adapters.sql.journal import SqlJournal
from paygent.core.approval import ApprovalRequest, ApprovalState
from paygent.core.approval_errors import ApprovalRefused
from paygent.core.errors import AdapterError, AuditLogBroken, ConfigurationError, Halted
from paygent.core.halt import EVERYTHING
from paygent.core.ids import ApprovalId
from paygent.core.lifecycle import Event, State
from paygent.core.payment import Payment
from paygent.runtime import safety
from paygent.runtime.audit_file import verify
from paygent.runtime.settings import Secret, Settings
from paygent.testing.clock import START, VirtualClock
from paygent.testing.conformance import payments
from paygent.testing.keys import dev_accounts

pytestmark = pytest.mark.anyio

CLOCK = VirtualClock()
ACCOUNT = dev_accounts()[0]
BY: Any = {"by": "ada", "reason": "odd"}


def settings(folder: Path, **changes: Any) -> Settings:
    given: dict[str, Any] = {"private_key": Secret(ACCOUNT.private_key), "storage": str(folder / "pay.db")} | changes
    return Settings(**given)


@asynccontextmanager
async def storage_of(folder: Path) -> AsyncIterator[SqlJournal]:
    journal = open_journal(str(folder / "pay.db"))
    try:
        yield journal
    finally:
        await journal.aclose()


async def with_sent(folder: Path) -> Payment:
    async with storage_of(folder) as journal:
        reserved = payments.reserved()
        await journal.open(reserved, (), now=START, new_purchase=True)
        await journal.append(reserved, payments.sent(reserved))
        return reserved


async def with_waiting(folder: Path, *, needed: int = 1, names: Sequence[int] = (1,)) -> list[ApprovalRequest]:
    asked: list[ApprovalRequest] = []
    async with storage_of(folder) as journal:
        for name in names:
            intent = payments.approved(name).intent
            proposed = replace(payments.approved(name), state=State.PROPOSED, version=0, history=())
            request = ApprovalRequest(
                id=ApprovalId(f"apr_{name:032x}"),
                payment_id=proposed.id,
                facts={"amount": str(intent.amount), "intent": intent.digest.hex()},
                needed=needed,
                created_at=START,
                expires_at=START + 600,
            )
            asked.append(await journal.ask(proposed.move(Event.APPROVAL_NEEDED, at=START), request))
    return asked


# --- halting --------------------------------------------------------------------------------------------------------


async def test_halt_stops_every_process_until_it_is_resumed(tmp_path: Path) -> None:
    report = await safety.halt(settings(tmp_path), EVERYTHING, **BY, clock=CLOCK)

    assert (report.halt,) == await safety.halts(settings(tmp_path))
    async with storage_of(tmp_path) as journal:
        with pytest.raises(Halted):
            await journal.open(payments.reserved(), (), now=START, new_purchase=True)

    assert report.halt == await safety.resume(settings(tmp_path), EVERYTHING, **BY, clock=CLOCK)
    assert await safety.resume(settings(tmp_path), EVERYTHING, **BY) is None
    assert () == await safety.halts(settings(tmp_path))
    async with storage_of(tmp_path) as journal:
        await journal.open(payments.reserved(2), (), now=START, new_purchase=True)


async def test_halt_denies_what_waits_for_people(tmp_path: Path) -> None:
    [request] = await with_waiting(tmp_path)

    report = await safety.halt(settings(tmp_path), EVERYTHING, **BY, clock=CLOCK)

    assert (request.payment_id,) == report.denied
    assert ApprovalState.VOID is (await safety.show_approval(settings(tmp_path), request.id, clock=CLOCK)).state


UNREACHABLE = "http://127.0.0.1:1/"


@pytest.mark.parametrize(
    ("changes", "trouble"),
    [
        ({"private_key": None}, "no key to cancel with"),
        ({}, "no relayer: set PAYGENT_RELAYER_KEY"),
        ({"rpc": UNREACHABLE}, "no endpoint"),
    ],
)
async def test_halt_is_stored_whatever_is_missing_to_cancel(
    tmp_path: Path, changes: dict[str, Any], trouble: str
) -> None:
    payment = await with_sent(tmp_path)

    report = await safety.halt(settings(tmp_path, **changes), EVERYTHING, **BY, clock=CLOCK)

    assert [payment.id] == [left.payment.id for left in report.uncancelled]
    assert 1 == sum(said.startswith(trouble) for said in report.troubles)
    assert (report.halt,) == await safety.halts(settings(tmp_path))


async def test_halt_with_everything_at_hand_has_no_trouble(tmp_path: Path) -> None:
    relayer = Secret(dev_accounts()[4].private_key)

    report = await safety.halt(
        settings(tmp_path, relayer_key=relayer, private_key=None),
        EVERYTHING,
        **BY,
        signer=LocalSigner(ACCOUNT.private_key),
    )

    assert ((), True) == (report.troubles, report.complete)


async def test_halt_refuses_what_is_no_scope(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is not a scope"):
        await safety.halt(settings(tmp_path), "all", **BY)


# --- deciding -------------------------------------------------------------------------------------------------------


async def test_approvals_lists_what_waits_on_every_page(tmp_path: Path) -> None:
    asked = await with_waiting(tmp_path, names=range(1, 61))

    assert tuple(asked) == await safety.approvals(settings(tmp_path), clock=CLOCK)
    assert () == await safety.approvals(settings(tmp_path), clock=VirtualClock(START + 600))


async def test_decide_approval_needs_distinct_people(tmp_path: Path) -> None:
    [request] = await with_waiting(tmp_path, needed=2)
    shown = await safety.show_approval(settings(tmp_path), request.id, clock=CLOCK)

    async def approve(approver: str) -> ApprovalRequest:
        return await safety.decide_approval(
            settings(tmp_path), request.id, granted=True, approver=approver, digest=shown.digest, clock=CLOCK
        )

    assert ApprovalState.PENDING is (await approve("ada")).state
    with pytest.raises(ApprovalRefused):
        await approve("ada")
    assert ApprovalState.GRANTED is (await approve("bob")).state


async def test_decide_approval_rejects_with_a_reason_and_denies_the_payment(tmp_path: Path) -> None:
    [request] = await with_waiting(tmp_path)

    refused = await safety.decide_approval(
        settings(tmp_path), request.id, granted=False, approver="ada", reason="too much", clock=CLOCK
    )

    assert (ApprovalState.REFUSED, "too much") == (refused.state, refused.decisions[0].reason)
    async with storage_of(tmp_path) as journal:
        payment = await journal.get(request.payment_id)
    assert payment is not None
    assert State.DENIED is payment.state


async def test_show_approval_refuses_when_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no request for approval"):
        await safety.show_approval(settings(tmp_path), ApprovalId("apr_none"))


# --- the audit log --------------------------------------------------------------------------------------------------


async def test_export_audit_seals_everything_that_happened(tmp_path: Path) -> None:
    await with_sent(tmp_path)
    await with_waiting(tmp_path, names=[2])
    await safety.halt(settings(tmp_path), EVERYTHING, **BY, clock=CLOCK)

    seal = await safety.export_audit(settings(tmp_path), tmp_path / "audit.jsonl", clock=CLOCK)

    assert seal == verify(tmp_path / "audit.jsonl", signer=ACCOUNT.address)
    assert seal.count > 4
    assert START == seal.exported_at


async def test_export_audit_needs_a_key(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no key to pay with"):
        await safety.export_audit(settings(tmp_path, private_key=None), tmp_path / "audit.jsonl")


async def test_export_audit_refuses_a_storage_whose_log_was_changed(tmp_path: Path) -> None:
    await with_sent(tmp_path)
    _tamper(tmp_path / "pay.db")

    with pytest.raises(AuditLogBroken, match="the audit log of this storage is broken: row 1 was changed; find out"):
        await safety.export_audit(settings(tmp_path), tmp_path / "audit.jsonl")


@pytest.mark.parametrize("last", [1, 2, 3])
async def test_export_audit_finds_rows_that_are_missing_at_the_end(tmp_path: Path, last: int) -> None:
    """Before anything else is written: the storage has a record of its own of where the log ends."""
    await with_sent(tmp_path)
    await with_waiting(tmp_path, names=[2, 3])
    before = await safety.export_audit(settings(tmp_path), tmp_path / "before.jsonl")
    _tamper(tmp_path / "pay.db", f"DELETE FROM audit WHERE number > {before.count - last}")

    with pytest.raises(AuditLogBroken) as caught:
        await safety.export_audit(settings(tmp_path), tmp_path / "after.jsonl")

    assert f"the log ends after row {before.count - last}, and row {before.count} was written" == caught.value.wrong
    assert not (tmp_path / "after.jsonl").exists()


async def test_export_audit_finds_that_every_row_is_missing(tmp_path: Path) -> None:
    await with_sent(tmp_path)
    _tamper(tmp_path / "pay.db", "DELETE FROM audit")

    with pytest.raises(AuditLogBroken, match="the log ends after row 0"):
        await safety.export_audit(settings(tmp_path), tmp_path / "audit.jsonl")


async def test_export_audit_finds_that_the_last_row_is_another(tmp_path: Path) -> None:
    """Somebody sealed it anew; only the storage's record of the end tells."""
    await with_sent(tmp_path)
    _tamper(tmp_path / "pay.db", f"UPDATE audit_head SET hash = '{'ab' * 32}'")

    with pytest.raises(AuditLogBroken, match="was changed"):
        await safety.export_audit(settings(tmp_path), tmp_path / "audit.jsonl")


def _tamper(
    database: Path, sql: str = "UPDATE audit SET facts = replace(facts, 'pay_', 'pax_') WHERE number = 1"
) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(sql)
        connection.commit()


# --- a process that stands in the way -------------------------------------------------------------------------------

BRIEF = safety.Patience(tries=3, try_seconds=0)


async def test_halt_tells_who_stands_in_the_way_and_halts_once_it_is_gone(tmp_path: Path) -> None:
    await with_sent(tmp_path)
    told: list[str] = []
    with closing(sqlite3.connect(tmp_path / "pay.db", isolation_level=None)) as stopped:
        stopped.execute("BEGIN IMMEDIATE")

        def tell(said: str) -> None:
            told.append(said)
            stopped.rollback()

        await safety.halt(settings(tmp_path), EVERYTHING, **BY, tell=tell, patience=BRIEF)

    assert ["everything"] == [halt.scope for halt in await safety.halts(settings(tmp_path))]
    assert 1 == len(told)
    assert told[0].startswith("not halted yet, trying again (1 of 3)")
    assert "kill -CONT PID" in told[0]


async def test_halt_says_that_it_is_none_where_nobody_gives_way(tmp_path: Path) -> None:
    await with_sent(tmp_path)
    told: list[str] = []
    with closing(sqlite3.connect(tmp_path / "pay.db", isolation_level=None)) as stopped:
        stopped.execute("BEGIN IMMEDIATE")
        with pytest.raises(AdapterError, match=r"NOT HALTED after 3 tries: .*locked.*kill -CONT PID"):
            await safety.halt(settings(tmp_path), EVERYTHING, **BY, tell=told.append, patience=BRIEF)

    assert 2 == len(told)
    assert () == await safety.halts(settings(tmp_path))
