"""The journal in memory beyond its contract: its secret, and threads."""

from threading import Thread

import anyio

from paygent.core.errors import BudgetExceeded
from paygent.core.lifecycle import State
from paygent.testing.conformance.payments import START, daily, reserved
from paygent.testing.journal import MemoryJournal


def test_memory_journal_takes_a_secret() -> None:
    assert bytes(range(32)) == anyio.run(MemoryJournal(bytes(range(32))).secret)


def test_memory_journals_have_different_secrets() -> None:
    assert anyio.run(MemoryJournal().secret) != anyio.run(MemoryJournal().secret)


def test_memory_journal_keeps_a_budget_across_threads() -> None:
    journal = MemoryJournal()

    async def buy(start: int) -> None:
        for index in range(start, start + 50):
            try:
                await journal.open(reserved(index), [daily(1, limit=70)], now=START, new_purchase=False)
            except BudgetExceeded:
                continue

    threads = [Thread(target=anyio.run, args=(buy, start)) for start in (0, 100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    async def opened() -> int:
        return len((await journal.page(states=[State.RESERVED], limit=1000)).payments)

    assert 70 == anyio.run(opened)
