"""What goes wrong with a database, and that nothing is lost or half written by it."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from paygent.adapters.sql import SqlJournal, open_journal
from paygent.core.audit import first_break
from paygent.core.errors import AdapterError, BudgetExceeded, JournalConflict, LocalProtocolError
from paygent.core.ids import ApprovalId, PaymentId
from paygent.core.lifecycle import State
from paygent.core.payment import Payment
from paygent.testing.conformance.payments import START, daily, reserved, settled, signed
from paygent.testing.conformance.steps import put, used

pytestmark = pytest.mark.anyio

WRITE_FOR_EVER = """
import sys, anyio
from paygent.adapters.sql import open_journal
from paygent.testing.conformance.payments import START, daily, reserved, settled, signed, submitted
async def main():
    async with open_journal(sys.argv[1]) as journal:
        async def buy(name):
            while True:
                name += 10
                first = reserved(name)
                await journal.open(first, [daily(1, limit=10**9)], now=START, new_purchase=False)
                print("reserved", name, flush=True)
                await journal.append(first, signed(first))
                print("signed", name, flush=True)
                await journal.append(signed(first), settled(first))
                print("settled", name, flush=True)
        async with anyio.create_task_group() as tasks:
            for start in range(10):
                tasks.start_soon(buy, start)
anyio.run(main)
"""

BUY_TWENTY = """
import sys, anyio
from paygent.adapters.sql import open_journal
from paygent.core.errors import BudgetExceeded
from paygent.testing.conformance.payments import START, daily, reserved
async def main():
    won = []
    async with open_journal(sys.argv[1]) as journal:
        async def buy(index):
            try:
                payment = reserved((sys.argv[2], index))
                await journal.open(payment, [daily(10, limit=150)], now=START, new_purchase=False)
                won.append(index)
            except BudgetExceeded:
                pass
        async with anyio.create_task_group() as tasks:
            for index in range(20):
                tasks.start_soon(buy, index)
    print(len(won))
anyio.run(main)
"""

FILL_THE_DISK = """
import resource, sys, anyio
from paygent.adapters.sql import open_journal
from paygent.core.errors import AdapterError
from paygent.testing.conformance.payments import START, daily, reserved
async def main():
    async with open_journal(sys.argv[1]) as journal:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, -1))
        written = 0
        try:
            while written < 1000:
                await journal.open(reserved(written), [daily(1, limit=10**9)], now=START, new_purchase=False)
                written += 1
        except AdapterError as full:
            assert full.__cause__ is not None or "disk" in str(full), full
        resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
        assert await journal.get(reserved(written).id) is None
        await journal.open(reserved(written), [daily(1, limit=10**9)], now=START, new_purchase=False)
        print(written)
anyio.run(main)
"""


def start(program: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, text=True)


@asynccontextmanager
async def held_back(journal: SqlJournal) -> AsyncIterator[None]:
    """Keep the journal's writer waiting for the lock, until a while after the block's own tasks have started."""
    assert journal.file is not None
    blocker = sqlite3.connect(journal.file, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_let_go, blocker)
            yield
    finally:
        blocker.close()


async def _let_go(blocker: sqlite3.Connection) -> None:
    await anyio.sleep(0.15)
    blocker.execute("ROLLBACK")


async def refused(journal: SqlJournal, payment: Payment) -> None:
    with pytest.raises(JournalConflict):
        await put(journal, payment)


def integrity(file: Path) -> str:
    connection = sqlite3.connect(file)
    try:
        assert [] == connection.execute("PRAGMA foreign_key_check").fetchall()
        return str(connection.execute("PRAGMA integrity_check").fetchone()[0])
    finally:
        connection.close()


def kill_while_writing(file: Path, after_lines: int) -> dict[int, str]:
    """Return what the writer said of each payment before it was killed."""
    process = start(WRITE_FOR_EVER, str(file))
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(after_lines)]
    process.kill()
    lines += process.stdout.readlines()
    process.stdout.close()
    assert -signal.SIGKILL == process.wait(timeout=30)
    return {int(name): word for word, name in (line.split() for line in lines if line.endswith("\n"))}


LATER = {"reserved": ("RESERVED", "SIGNED"), "signed": ("SIGNED", "SETTLED"), "settled": ("SETTLED",)}


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("after_lines", [1, 37, 200])
async def test_killed_process_loses_nothing_and_writes_nothing_by_half(file: Path, after_lines: int) -> None:
    said = kill_while_writing(file, after_lines)
    async with open_journal(str(file)) as journal:
        for name, word in said.items():
            payment = await journal.get(reserved(name).id)
            assert payment is not None
            assert payment.state in LATER[word]
        payments = (await journal.page(limit=1000)).payments
        reserved_sum, committed_sum = await used(journal)

    assert committed_sum == sum(payment.state is State.SETTLED for payment in payments)
    assert reserved_sum == sum(payment.state in (State.RESERVED, State.SIGNED) for payment in payments)
    assert "ok" == integrity(file)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_two_processes_spend_one_budget_exactly(file: Path) -> None:
    processes = [start(BUY_TWENTY, str(file), name) for name in ("a", "b")]
    won = [int(process.communicate(timeout=60)[0]) for process in processes]
    async with open_journal(str(file)) as journal:
        assert (150, 0) == await used(journal)

    assert 15 == sum(won)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_full_disk_is_an_error_and_writing_goes_on_after_it(file: Path) -> None:
    process = start(FILL_THE_DISK, str(file))
    written = int(process.communicate(timeout=60)[0])
    async with open_journal(str(file)) as journal:
        payments = (await journal.page(limit=1000)).payments

        assert (written + 1, 0) == await used(journal)
    assert 0 < written < 1000
    assert written + 1 == len(payments)
    assert "ok" == integrity(file)


async def test_locked_database_is_retryable_and_works_when_it_is_free(journal: SqlJournal) -> None:
    assert journal.file is not None
    blocker = sqlite3.connect(journal.file, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(AdapterError, match="locked") as locked:
        await put(journal, reserved())
    blocker.execute("ROLLBACK")
    blocker.close()

    assert locked.value.retryable
    assert await put(journal, reserved()) == await journal.get(reserved().id)


async def test_reads_do_not_wait_for_writers(journal: SqlJournal) -> None:
    payment = await put(journal, reserved())
    assert journal.file is not None
    blocker = sqlite3.connect(journal.file, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    try:
        with anyio.fail_after(0.5):
            found = await journal.get(payment.id)
    finally:
        blocker.close()

    assert payment == found


async def test_short_lock_is_waited_for_and_nobody_hears_of_it(journal: SqlJournal) -> None:
    assert journal.file is not None
    blocker = sqlite3.connect(journal.file, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    async with anyio.create_task_group() as tasks:
        for index in range(5):
            tasks.start_soon(put, journal, reserved(index), daily(1, limit=5))
        await anyio.sleep(0.2)
        blocker.execute("ROLLBACK")
    blocker.close()

    assert (5, 0) == await used(journal)


async def test_deleted_database_is_an_error_and_not_a_success(journal: SqlJournal) -> None:
    """SQLite itself goes on writing to the deleted file, as if somebody could ever read it."""
    assert journal.file is not None
    journal.file.unlink()
    with pytest.raises(AdapterError, match="moved or deleted") as gone:
        await put(journal, reserved())
    with pytest.raises(AdapterError, match="moved or deleted"):
        await journal.get(reserved().id)

    assert not gone.value.retryable


async def test_replaced_database_is_an_error(journal: SqlJournal, empty: Path) -> None:
    assert journal.file is not None
    copy = journal.file.with_suffix(".copy")
    shutil.copy(empty, copy)
    copy.replace(journal.file)

    with pytest.raises(AdapterError, match="moved or deleted"):
        await put(journal, reserved())


async def test_row_that_cannot_be_read_is_an_error_that_names_it(journal: SqlJournal) -> None:
    payment = await put(journal, reserved())
    assert journal.file is not None
    for record in ("{", '{"format": 3}', "[]"):
        with sqlite3.connect(journal.file) as vandal:
            vandal.execute("UPDATE payments SET record = ?", [record])
        vandal.close()
        with pytest.raises(AdapterError, match="row 1 of the payments") as broken:
            await journal.get(payment.id)

        assert not broken.value.retryable


async def test_closed_journal_can_be_closed_without_a_loop(file: Path) -> None:
    journal = open_journal(str(file))
    journal.close()
    journal.close()
    await journal.aclose()

    with pytest.raises(AdapterError, match="is closed"):
        await journal.secret()


async def test_writes_that_were_handed_in_are_finished_at_the_close(journal: SqlJournal, file: Path) -> None:
    async with anyio.create_task_group() as tasks:
        for index in range(20):
            tasks.start_soon(put, journal, reserved(index), daily(1, limit=20))
        await anyio.lowlevel.checkpoint()
        tasks.start_soon(journal.aclose)
    async with open_journal(str(file)) as again:
        assert (20, 0) == await used(again)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_journal_refuses_to_work_in_a_forked_process(journal: SqlJournal) -> None:
    """The child has no writer thread: without this it would wait for ever."""
    job = reserved()
    assert journal._writer._process == os.getpid()
    journal._writer._process = -1
    try:
        with pytest.raises(AdapterError, match="forked"):
            await put(journal, job)
    finally:
        journal._writer._process = os.getpid()


async def test_value_that_the_database_cannot_hold_fails_its_caller_alone(journal: SqlJournal) -> None:
    """The row of the payment is written already when its history turns out to be impossible."""
    late = reserved("bad")
    too_long = replace(late, history=(*late.history[:-1], replace(late.history[-1], at=2**70)))
    errors: list[Exception] = []

    async def bad() -> None:
        try:
            await put(journal, too_long, daily(1, limit=10))
        except OverflowError as error:
            errors.append(error)

    async with anyio.create_task_group() as tasks:
        for index in range(3):
            tasks.start_soon(put, journal, reserved(index), daily(1, limit=10))
        tasks.start_soon(bad)

    assert 1 == len(errors)
    assert await journal.get(too_long.id) is None
    assert (3, 0) == await used(journal)


async def test_refused_caller_undoes_only_its_own_work(journal: SqlJournal) -> None:
    """All of them share one commit."""
    refused: list[BudgetExceeded] = []

    async def too_much(name: str) -> None:
        try:
            await put(journal, reserved(name), daily(4, limit=10), daily(99, limit=10))
        except BudgetExceeded as refusal:
            refused.append(refusal)

    async with anyio.create_task_group() as tasks:
        for index in range(10):
            tasks.start_soon(put, journal, reserved(index), daily(1, limit=10))
            tasks.start_soon(too_much, f"much {index}")

    assert 10 == len(refused)
    assert (10, 0) == await used(journal)


async def test_cancelled_caller_leaves_all_or_nothing(journal: SqlJournal) -> None:
    for index in range(60):
        with anyio.move_on_after(0.0001 * (index % 12)):
            await put(journal, reserved(index), daily(1, limit=1000))
    await journal.secret()  # a write: what was under way is over after it
    payments = (await journal.page(limit=100)).payments

    assert (len(payments), 0) == await used(journal)


async def test_cancelled_caller_that_still_waited_wrote_nothing(journal: SqlJournal) -> None:
    assert journal.file is not None
    blocker = sqlite3.connect(journal.file, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with anyio.move_on_after(0.05):
        await put(journal, reserved(), daily(1, limit=10))
    blocker.execute("ROLLBACK")
    blocker.close()

    assert (0, 0) == await used(journal)
    assert await journal.get(reserved().id) is None


async def test_journal_serves_event_loops_in_several_threads(journal: SqlJournal) -> None:
    def other_loop(index: int, backend: str) -> None:
        anyio.run(put, journal, reserved(index), daily(1, limit=4), backend=backend)

    async with anyio.create_task_group() as tasks:
        for index in range(4):
            backend = ("asyncio", "trio")[index % 2]
            tasks.start_soon(anyio.to_thread.run_sync, other_loop, index, backend)

    assert (4, 0) == await used(journal)


async def test_waiters_share_commits(journal: SqlJournal) -> None:
    """A hundred callers at once need far fewer than a hundred durable commits."""
    commits: list[str] = []
    connection = journal._writer._connection
    assert isinstance(connection, sqlite3.Connection)
    connection.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
    async with anyio.create_task_group() as tasks:
        for index in range(100):
            tasks.start_soon(put, journal, reserved(index))

    assert len(commits) <= 10


async def test_savepoints_are_made_only_where_somebody_failed(journal: SqlJournal) -> None:
    first = await put(journal, reserved())
    statements: list[str] = []
    connection = journal._writer._connection
    assert isinstance(connection, sqlite3.Connection)
    connection.set_trace_callback(statements.append)
    async with anyio.create_task_group() as tasks:
        for index in range(5):
            tasks.start_soon(put, journal, reserved(index + 2), daily(1, limit=10))
    assert "SAVEPOINT work" not in statements

    async with held_back(journal), anyio.create_task_group() as tasks:
        tasks.start_soon(put, journal, reserved("before"), daily(1, limit=10))
        tasks.start_soon(refused, journal, first)
        tasks.start_soon(put, journal, reserved("after"), daily(1, limit=10))

    assert "SAVEPOINT work" in statements
    assert 8 == len(await journal.entries())
    assert (7, 0) == await used(journal)
    assert first_break(await journal.entries()) is None


async def test_who_comes_while_the_lock_is_awaited_takes_part_in_the_commit(journal: SqlJournal) -> None:
    commits: list[str] = []
    connection = journal._writer._connection
    assert isinstance(connection, sqlite3.Connection)
    connection.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
    async with anyio.create_task_group() as tasks, held_back(journal):
        for index in range(5):
            tasks.start_soon(put, journal, reserved(index))
            await anyio.sleep(0.02)

    assert ["COMMIT"] == commits


async def test_signed_payload_is_durable_before_append_returns(journal: SqlJournal) -> None:
    """Another connection, as after a crash, reads it at once."""
    first = await put(journal, reserved())
    await journal.append(first, signed(first))
    assert journal.file is not None
    witness = sqlite3.connect(journal.file)
    (value,) = witness.execute("SELECT payload_value FROM payments").fetchone()
    witness.close()
    payload = signed(first).payload

    assert payload is not None
    assert payload.value == value


async def test_moves_are_kept_line_by_line(journal: SqlJournal) -> None:
    first = await put(journal, reserved())
    last = settled(first)
    await journal.append(first, last)
    await journal.append(last, last.learn(delivered=True))
    assert journal.file is not None
    witness = sqlite3.connect(journal.file)
    rows = witness.execute("SELECT version, event, state FROM moves ORDER BY version").fetchall()
    witness.close()
    lines = [(index + 1, move.event.value, move.state.value) for index, move in enumerate(last.history)]

    assert [*lines, (last.version + 1, None, "SETTLED")] == rows


async def test_name_that_no_database_can_have_is_an_error_of_ours(journal: SqlJournal) -> None:
    """Such as bytes of a command line that are not UTF-8."""
    for ask in (journal.get(PaymentId("pay_\udcff")), journal.approval(ApprovalId("apr_\udcff"))):
        with pytest.raises(LocalProtocolError, match="half of a surrogate pair"):
            await ask


async def test_journal_does_not_show_payloads_in_its_repr(journal: SqlJournal) -> None:
    first = await put(journal, reserved())
    await journal.append(first, signed(first))
    payload = signed(first).payload

    assert payload is not None
    assert payload.value not in repr((journal, await journal.get(first.id)))


async def test_slow_writer_does_not_block_the_event_loop(journal: SqlJournal) -> None:
    assert journal.file is not None
    blocker = sqlite3.connect(journal.file, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    ticks = 0
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(put, journal, reserved())
        until = time.monotonic() + 0.2
        while time.monotonic() < until:
            await anyio.sleep(0.01)
            ticks += 1
        blocker.execute("ROLLBACK")
    blocker.close()

    assert ticks >= 5
    assert START == reserved().created_at


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_process_that_closes_leaves_the_log_to_those_that_go_on(journal: SqlJournal) -> None:
    """It deletes the log when it believes to be the last; what others commit to a deleted log is lost."""
    assert journal.file is not None
    for index in range(3):
        await put(journal, reserved(index))
        program = "import sys; from paygent.adapters.sql import open_journal; open_journal(sys.argv[1]).close()"
        await anyio.run_process([sys.executable, "-c", program, str(journal.file)])

        assert journal.file.with_name(f"{journal.file.name}-wal").exists()
    await put(journal, reserved("after"))
    async with open_journal(str(journal.file)) as other:
        assert await other.get(reserved("after").id) is not None
