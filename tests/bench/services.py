"""What it costs to find services among 100,000: from storage, and from the registry's cache."""

import sqlite3
from pathlib import Path
from time import perf_counter

from paygent.adapters.sql import SqlJournal, open_journal
from paygent.core.money import USD, Amount
from paygent.core.service import Listing, PricePoint, Pricing, Reputation, Service, ServiceQuery
from paygent.evm.tokens import TOKENS
from paygent.registry import ServiceRegistry
from paygent.testing.clock import VirtualClock
from tests.bench.report import Row
from tests.bench.sampling import Contender, medians

TOKEN = next(token for token in TOKENS.values() if token.usd and token.asset.decimals == 6).asset
CATEGORIES = (
    "market-data",
    "news",
    "weather",
    "search",
    "images",
    "maps",
    "compute",
    "storage",
    "translation",
    "audio",
)
WORDS = ("fast", "cheap", "global", "daily", "live", "deep", "open", "smart")
_BATCH = 2_000
QUERIES = {
    "category, price, reputation": ServiceQuery(
        category="news", min_price=Amount(20_000, USD), max_price=Amount(40_000, USD), min_reputation=60
    ),
    "word, category, MCP": ServiceQuery(text="deep", category="maps", mcp=True),
    "two words, dearest few": ServiceQuery(text="live cheap", min_price=Amount(900_000, USD)),
}


def listing(number: int) -> Listing:
    """Return one of many services; prices, words and reputations are spread and do not depend on each other."""
    price = Amount(1_000 + number * 7_919 % 999_000, TOKEN)
    service = Service(
        id=f"service-{number}",
        name=f"{WORDS[number % 8].title()} {WORDS[number // 8 % 8]} service",
        url=f"https://service-{number}.example/",
        category=CATEGORIES[number * 31 % 10],
        pricing=Pricing(model="per_call", price=price),
        mcp=number % 7 == 0,
    )
    return Listing(
        service=service,
        price=PricePoint(amount=price, at=1, source="registered"),
        dollars=Amount(price.atomic, USD),
        reputation=Reputation(settled=number * 13 % 50, failed=number * 17 % 11),
    )


async def rows(services: int, rounds: int, folder: Path) -> list[Row]:
    """Return what a page of 20 costs, best first, beside reading 20 rows through the same index and nothing else."""
    file = folder / "services.db"
    async with open_journal(str(file)) as journal:
        for first in range(0, services, _BATCH):
            await journal.add_services([listing(number) for number in range(first, min(first + _BATCH, services))])
    copy = sqlite3.connect(file)
    async with open_journal(str(file)) as journal:
        registry = ServiceRegistry(storage=journal, clock=VirtualClock())
        await _cache(registry)
        contenders = {name: _storage(journal, query) for name, query in QUERIES.items()}
        took = await medians(
            {**contenders, "cache": lambda: _cache(registry), "bare": lambda: _bare(copy)}, rounds=rounds, in_a_row=5
        )
    copy.close()
    among = f"a page of {services:,} services"
    stored = [_row(f"{among}: {name}", took[name], took["bare"], 5_000) for name in QUERIES]
    return [*stored, _row(f"{among}: from the cache", took["cache"], took["bare"], 100)]


def _row(name: str, took: float, bare: float, target: float) -> Row:
    return Row(
        name=name,
        unit="µs",
        paygent=took * 1e6,
        peer_name="20 rows by the same index",
        peer=bare * 1e6,
        target=target,
        target_is="value",
    )


async def _bare(database: sqlite3.Connection) -> float:
    start = perf_counter()
    database.execute("SELECT record FROM services WHERE active = 1 ORDER BY rank DESC, id LIMIT 20").fetchall()
    return perf_counter() - start


def _storage(journal: SqlJournal, query: ServiceQuery) -> Contender:
    async def ask() -> float:
        start = perf_counter()
        page = await journal.services(query, limit=20)
        took = perf_counter() - start
        assert page.listings
        return took

    return ask


async def _cache(registry: ServiceRegistry) -> float:
    start = perf_counter()
    await registry.discover("deep", category="maps", mcp=True)
    return perf_counter() - start
