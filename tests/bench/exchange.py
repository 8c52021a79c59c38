"""Whole 402 exchanges in memory: ask, be asked for money, pay, get the answer; ours with its proof on chain."""

import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Any

import anyio
import httpx

from paygent import X402Client
from paygent.adapters.sql import open_journal
from paygent.testing.journal import MemoryJournal
from tests.bench.clients import bare_client, official_client, our_client, proven
from tests.bench.report import Row
from tests.bench.sampling import Contender, medians, of_processes
from tests.bench.seller import URL, Seller

AT_ONCE = 100
COMMITS = 4
"""How often a payment is made durable: reserved, signed, delivered, settled."""
_RECORD = "x" * 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Buyers:
    seller: Seller
    memory: X402Client
    durable: X402Client
    official: httpx.AsyncClient
    bare: httpx.AsyncClient


async def rows(rounds: int, folder: Path) -> list[Row]:
    """Return one at a time, then many at once, in memory and durable."""
    alone = of_processes(_measured_alone, rounds=rounds)
    with _bare_database(folder / "bare.db") as bare:
        async with _buyers(str(folder / "payments.db")) as buyers:
            alone |= await medians(_durable(buyers, bare), rounds=rounds, in_a_row=5)
            crowd = await medians(_crowd(buyers), rounds=max(3, rounds // 4))
    return _alone_rows(alone) + _crowd_rows(crowd, alone["commit"])


def _measured_alone(rounds: int) -> dict[str, float]:
    async def measured() -> dict[str, float]:
        async with _buyers("sqlite://") as buyers:
            return await medians(_alone(buyers), rounds=rounds, in_a_row=10)

    return anyio.run(measured)


@asynccontextmanager
async def _buyers(storage: str) -> AsyncIterator[_Buyers]:
    seller = Seller()
    async with AsyncExitStack() as opened:
        journal = await opened.enter_async_context(open_journal(storage))
        yield _Buyers(
            seller=seller,
            memory=await opened.enter_async_context(our_client(seller, MemoryJournal())),
            durable=await opened.enter_async_context(our_client(seller, journal)),
            official=await opened.enter_async_context(official_client(seller)),
            bare=await opened.enter_async_context(bare_client(seller)),
        )


async def _pay(client: X402Client, seller: Seller) -> float:
    """Return the seconds until the proof is there."""
    settling, begun = seller.took, perf_counter()
    await proven(await client.get(URL))
    return perf_counter() - begun - (seller.took - settling)


async def _get(client: X402Client, seller: Seller) -> float:
    """Return the seconds until the answer is there; its proof is awaited afterwards."""
    settling, begun = seller.took, perf_counter()
    answer = await client.get(URL)
    took = perf_counter() - begun - (seller.took - settling)
    await proven(answer)
    return took


def _alone(buyers: _Buyers) -> dict[str, Contender]:
    seller = buyers.seller

    async def official() -> float:
        settling, begun = seller.took, perf_counter()
        answer = await buyers.official.get(URL)
        took = perf_counter() - begun - (seller.took - settling)
        assert answer.status_code == 200
        return took

    async def bare() -> float:
        begun = perf_counter()
        await buyers.bare.get(URL)
        await buyers.bare.get("https://seller.example/free")
        return perf_counter() - begun

    ours: dict[str, Contender] = {
        "memory": partial(_pay, buyers.memory, seller),
        "answer": partial(_get, buyers.memory, seller),
    }
    return ours | {"official": official, "bare": bare}


def _durable(buyers: _Buyers, database: sqlite3.Connection) -> dict[str, Contender]:
    """Apart from the others: who waits for a disk leaves the caches cold for who comes next."""

    async def commit() -> float:
        begun = perf_counter()
        database.execute("INSERT INTO record (body) VALUES (?)", (_RECORD,))
        return perf_counter() - begun

    return {"durable": partial(_pay, buyers.durable, buyers.seller), "commit": commit}


def _crowd(buyers: _Buyers) -> dict[str, Contender]:
    fresh = count()

    async def everybody(buy: Callable[[str], Coroutine[Any, Any, None]]) -> float:
        settling, begun = buyers.seller.took, perf_counter()
        async with anyio.create_task_group() as crowd:
            for _ in range(AT_ONCE):
                crowd.start_soon(buy, f"{URL}/{next(fresh)}")
        return (perf_counter() - begun - (buyers.seller.took - settling)) / AT_ONCE

    async def pay(client: X402Client, url: str) -> None:
        await proven(await client.get(url))

    async def official(url: str) -> None:
        await buyers.official.get(url)

    return {
        "memory": partial(everybody, partial(pay, buyers.memory)),
        "durable": partial(everybody, partial(pay, buyers.durable)),
        "official": partial(everybody, official),
    }


def _alone_rows(took: dict[str, float]) -> list[Row]:
    us = {name: seconds * 1e6 for name, seconds in took.items()}
    exchange = "exchange, proven on chain"
    return [
        Row(
            name="exchange until the answer, journal in memory",
            unit="µs",
            paygent=us["answer"],
            peer_name="official SDK, no journal, no proof",
            peer=us["official"],
        ),
        Row(
            name=f"{exchange}, journal in memory",
            unit="µs",
            paygent=us["memory"],
            peer_name="official SDK, no journal, no proof",
            peer=us["official"],
            target=0.6,
        ),
        Row(
            name=f"{exchange}, journal in memory",
            unit="µs",
            paygent=us["memory"],
            peer_name="two bare httpx GETs",
            peer=us["bare"],
        ),
        Row(
            name=f"{exchange}, durable journal",
            unit="µs",
            paygent=us["durable"],
            peer_name="official SDK, no journal, no proof",
            peer=us["official"],
        ),
        Row(
            name="what the durable journal adds to an exchange",
            unit="µs",
            paygent=us["durable"] - us["memory"],
            peer_name=f"{COMMITS} bare durable commits",
            peer=us["commit"] * COMMITS,
        ),
    ]


def _crowd_rows(took: dict[str, float], commit: float) -> list[Row]:
    us = {name: seconds * 1e6 for name, seconds in took.items()}
    at_once = f"one of {AT_ONCE} exchanges at once"
    return [
        Row(
            name=f"{at_once}, journal in memory",
            unit="µs",
            paygent=us["memory"],
            peer_name="official SDK, no journal, no proof",
            peer=us["official"],
        ),
        Row(
            name=f"{at_once}, durable journal",
            unit="µs",
            paygent=us["durable"],
            peer_name="official SDK, no journal, no proof",
            peer=us["official"],
        ),
        Row(
            name=f"{at_once}, durable journal",
            unit="µs",
            paygent=us["durable"],
            peer_name=f"{COMMITS} bare durable commits",
            peer=commit * 1e6 * COMMITS,
        ),
    ]


@contextmanager
def _bare_database(file: Path) -> Iterator[sqlite3.Connection]:
    """Yield a connection that commits each statement as durably as the journal does."""
    connection = sqlite3.connect(file, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE record (id INTEGER PRIMARY KEY, body TEXT)")
        yield connection
    finally:
        connection.close()
