"""How fast processes reserve on one PostgreSQL server, beside as many that commit as many bare rows."""

import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg

from paygent.adapters.sql import upgrade
from tests.bench.report import Row
from tests.postgres import server

ROOT = Path(__file__).parents[2]
ROUNDS = 3
TASKS = 50
ROWS = 25
"""What a reservation of ten scopes writes: a payment, two moves, ten holds, ten sums, an audit row, the log's head."""
_BARE = "CREATE TABLE bare (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body TEXT NOT NULL)"

_RESERVE = f"""
import sys, time, anyio
from paygent.adapters.sql import open_journal
from paygent.testing.conformance.payments import START, reserved
from tests.bench.storing import HOLDS

async def main():
    url, name, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
    payments = [reserved((name, each)) for each in range(number)]
    async with open_journal(url, busy_seconds=60) as journal:
        await journal.open(reserved((name, "first")), HOLDS, now=START, new_purchase=False)
        print("ready", flush=True)
        sys.stdin.readline()
        start = time.time()
        async def work():
            while payments:
                await journal.open(payments.pop(), HOLDS, now=START, new_purchase=False)
        async with anyio.create_task_group() as tasks:
            for _ in range({TASKS}):
                tasks.start_soon(work)
        print(start, time.time(), flush=True)

anyio.run(main)
"""
_COMMIT = f"""
import sys, time, psycopg
with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    rows = [("x" * 100,)] * {ROWS - 1} + [("x" * 2_000,)]
    cursor = connection.cursor()
    def commit():
        with connection.transaction():
            cursor.executemany("INSERT INTO bare (body) VALUES (%s)", rows)
    commit()
    print("ready", flush=True)
    sys.stdin.readline()
    start = time.time()
    for _ in range(int(sys.argv[3])):
        commit()
    print(start, time.time(), flush=True)
"""


def rows(together: Sequence[int], payments: int) -> list[Row]:
    """Return what one reservation takes of the time of all, with so many by each process. The server is durable."""
    with server({"fsync": "on", "shared_buffers": "256MB"}) as url:
        upgrade(url)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(_BARE)
        return [_row(url, processes, payments, ROUNDS if payments > 100 else 1) for processes in together]


def _row(url: str, processes: int, payments: int, rounds: int) -> Row:
    ours: list[float] = []
    bare: list[float] = []
    for number in range(rounds):
        ours.append(_seconds(_RESERVE, url, f"{processes} {number}", processes, payments))
        bare.append(_seconds(_COMMIT, url, "", processes, payments))
    many = f"{processes} process{'es' if processes > 1 else ''}"
    return Row(
        name=f"one of {TASKS} reserves at once on PostgreSQL, {many}",
        unit="µs",
        paygent=statistics.median(ours) * 1e6,
        peer_name=f"bare transactions of as many rows, {many}",
        peer=statistics.median(bare) * 1e6,
    )


def _seconds(program: str, url: str, name: str, processes: int, payments: int) -> float:
    """Return the seconds from the first one's start to the last one's end, for each payment of all processes."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program, url, f"{name} {each} {time.time()}", str(payments)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for each in range(processes)
    ]
    for process in started:
        assert process.stdout is not None
        assert "ready\n" == process.stdout.readline()
    for process in started:  # all of them, before anybody's end is waited for
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    times = [process.communicate(timeout=300)[0].split() for process in started]
    return (max(float(end) for _, end in times) - min(float(start) for start, _ in times)) / (processes * payments)
