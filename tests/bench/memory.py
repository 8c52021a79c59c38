"""What a payment takes while it is in flight: the seller has the signed bytes and has not answered."""

import gc
import tracemalloc
from collections.abc import Awaitable, Callable

import anyio

from paygent.testing.journal import MemoryJournal
from tests.bench.clients import bare_client, official_client, our_client
from tests.bench.report import Row
from tests.bench.seller import URL, Seller


async def rows(payments: int) -> list[Row]:
    """Return KiB per 1,000 payments in flight, measured with so many."""
    seller = Seller()
    async with (
        our_client(seller, MemoryJournal()) as ours,
        official_client(seller) as theirs,
        bare_client(seller) as bare,
    ):
        paygent = await _in_flight(seller, payments, lambda number: ours.get(f"{URL}/{number}"))
        official = await _in_flight(seller, payments, lambda number: theirs.get(f"{URL}/{number}"))
        plain = await _in_flight(seller, payments, lambda _: bare.get("https://seller.example/free"))
    name = "memory of 1,000 payments in flight"
    return [
        Row(name=name, unit="KiB", paygent=paygent, peer_name="official SDK, no journal, no proof", peer=official),
        Row(name=name, unit="KiB", paygent=paygent, peer_name="bare httpx GETs in flight", peer=plain),
    ]


async def _in_flight(seller: Seller, payments: int, buy: Callable[[int], Awaitable[object]]) -> float:
    await buy(-1)  # what is cached for ever is not in flight
    waiting, held, arrived, settle = 0, 0, anyio.Event(), anyio.Event()

    async def hold() -> None:
        nonlocal waiting
        waiting += 1
        if waiting == payments:
            arrived.set()
        await settle.wait()

    async def one(number: int) -> None:
        await buy(number)

    gc.collect()
    tracemalloc.start()
    seller.before_settling = hold
    async with anyio.create_task_group() as crowd:
        for number in range(payments):
            crowd.start_soon(one, number)
        await arrived.wait()
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        seller.before_settling = None
        settle.set()
    return held / 1024 / payments * 1_000
