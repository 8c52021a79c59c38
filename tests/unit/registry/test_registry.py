"""The registry finds, prices and rates services; what it says is at most as old as it promises."""

from dataclasses import replace

import pytest

from paygent.core.caip import ChainId
from paygent.core.context import Context
from paygent.core.errors import ConfigurationError
from paygent.core.money import Amount, usd
from paygent.core.requirements import Token
from paygent.core.service import Listing, Pricing, Reputation, Service
from paygent.core.service_errors import RegistryError, ServiceConflict, ServiceExists, ServiceNotFound
from paygent.engine.quote import Quote, QuotedOffer
from paygent.evm.tokens import TOKENS
from paygent.registry import ServiceRegistry
from paygent.testing.clock import VirtualClock
from paygent.testing.conformance.payments import denied, reserved, settled, signed
from paygent.testing.conformance.services import COIN
from paygent.testing.conformance.steps import put, walk
from paygent.testing.journal import MemoryJournal

pytestmark = pytest.mark.anyio
USDC = next(token.asset for token in TOKENS.values() if token.usd and token.asset.decimals == 6)
TICKS = Service(
    id="ticks",
    name="Ticks of the market",
    url="https://ticks.example/",
    category="market-data",
    pricing=Pricing(model="per_call", price=Amount(100_000, USDC)),
)
NEWS = replace(TICKS, id="news", name="News", category="news", pricing=Pricing(model="per_call", price=Amount(7, COIN)))


class Seller:
    """Quotes what it is told to."""

    def __init__(self, *atomics: int) -> None:
        self.amounts = [Amount(atomic, USDC) for atomic in atomics]
        self.asked: list[str] = []

    async def quote(self, url: str) -> Quote:
        self.asked.append(url)
        offers = tuple(
            QuotedOffer(
                index=index,
                amount=amount,
                network=ChainId.evm(25),
                payee="0x" + "11" * 20,
                kind="exact/eip3009",
                acceptable=True,
                why="",
            )
            for index, amount in enumerate(self.amounts)
        )
        return Quote(url=url, offers=offers, taken=offers[0] if offers else None)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def storage() -> MemoryJournal:
    return MemoryJournal()


@pytest.fixture
def registry(storage: MemoryJournal, clock: VirtualClock) -> ServiceRegistry:
    return ServiceRegistry(storage=storage, clock=clock)


async def paid(storage: MemoryJournal, number: int, *, service: str) -> None:
    first = await put(storage, reserved(number, context=Context(service=service)))
    await walk(storage, first, signed(first), settled(first))


def ids(*listings: Listing) -> list[str]:
    return [listing.service.id for listing in listings]


async def test_registered_service_has_its_price_in_dollars_where_somebody_knows_it(registry: ServiceRegistry) -> None:
    ticks, news = await registry.register(TICKS, NEWS)

    assert (usd("0.10"), None) == (ticks.dollars, news.dollars)
    assert ticks == await registry.get("ticks")
    assert (100_000, "registered", 5) == (
        ticks.price.amount.atomic,
        ticks.price.source,
        ticks.price.age(ticks.price.at + 5),
    )


async def test_token_of_the_settings_is_worth_what_they_say(storage: MemoryJournal, clock: VirtualClock) -> None:
    mine = Token(asset=COIN, name="Coin", versions=("1",), usd=True)
    registry = ServiceRegistry(storage=storage, clock=clock, tokens={COIN.id: mine})
    (news,) = await registry.register(NEWS)
    found = await registry.discover(max_price=usd("1"))

    assert news.dollars is not None
    assert (news,) == found.listings


async def test_register_refuses_an_id_that_is_taken_and_adds_nothing(registry: ServiceRegistry) -> None:
    await registry.register(TICKS)
    with pytest.raises(ServiceExists):
        await registry.register(NEWS, TICKS)

    assert ["ticks"] == ids(*(await registry.list()).listings)


async def test_unknown_service_is_told_with_names_near_it(registry: ServiceRegistry) -> None:
    await registry.register(TICKS)
    for asked in (registry.get("tick"), registry.remove("tick"), registry.rate("tick"), registry.price_history("tick")):
        with pytest.raises(ServiceNotFound, match="near it: ticks"):
            await asked


async def test_update_keeps_the_price_history_and_the_reputation(
    registry: ServiceRegistry, storage: MemoryJournal, clock: VirtualClock
) -> None:
    await registry.register(TICKS)
    await paid(storage, 1, service="ticks")
    await registry.rate("ticks")
    clock.advance(10)
    dearer = replace(TICKS, name="Dear", pricing=Pricing(model="per_call", price=Amount(200_000, USDC)))
    found = await registry.update(dearer)

    assert (dearer, usd("0.20"), Reputation(settled=1)) == (found.service, found.dollars, found.reputation)
    assert [200_000, 100_000] == [price.amount.atomic for price in await registry.price_history("ticks")]
    with pytest.raises(ServiceNotFound):
        await registry.update(NEWS)


async def test_what_this_process_changes_is_seen_at_once(registry: ServiceRegistry) -> None:
    await registry.register(TICKS)
    assert ["ticks"] == ids(*(await registry.discover("market")).listings)
    await registry.update(replace(TICKS, active=False))

    assert [] == ids(*(await registry.discover("market")).listings)
    assert not (await registry.get("ticks")).service.active
    assert ["ticks"] == ids(*(await registry.list()).listings)
    await registry.remove("ticks")
    with pytest.raises(ServiceNotFound):
        await registry.get("ticks")


async def test_what_others_change_is_seen_when_the_answer_is_five_minutes_old(
    registry: ServiceRegistry, storage: MemoryJournal, clock: VirtualClock
) -> None:
    await registry.register(TICKS)
    await registry.get("ticks")
    await registry.discover()
    await ServiceRegistry(storage=storage, clock=clock).register(NEWS)
    await ServiceRegistry(storage=storage, clock=clock).update(replace(TICKS, name="Other"))
    clock.advance(299)
    assert (["ticks"], "Ticks of the market") == (
        ids(*(await registry.discover()).listings),
        (await registry.get("ticks")).service.name,
    )
    clock.advance(1)

    assert {"ticks", "news"} == set(ids(*(await registry.discover()).listings))
    assert "Other" == (await registry.get("ticks")).service.name


async def test_answer_does_not_get_young_when_the_clock_is_set_back(
    registry: ServiceRegistry, storage: MemoryJournal, clock: VirtualClock
) -> None:
    await registry.discover()
    await ServiceRegistry(storage=storage, clock=clock).register(TICKS)
    clock.advance(-10)

    assert ["ticks"] == ids(*(await registry.discover()).listings)


async def test_discover_narrows_by_everything_given(registry: ServiceRegistry) -> None:
    await registry.register(TICKS, NEWS, replace(TICKS, id="mcp", mcp=True))
    page = await registry.discover(
        "market",
        category="market-data",
        min_price=usd("0.10"),
        max_price=usd("0.10"),
        min_reputation=50,
        network=TICKS.network,
        asset=USDC.id,
        mcp=True,
        model="per_call",
        verified=False,
    )

    assert ["mcp"] == ids(*page.listings)


async def test_price_is_asked_for_again_after_a_minute_and_remembered(
    storage: MemoryJournal, clock: VirtualClock
) -> None:
    seller = Seller(150_000, 120_000)
    registry = ServiceRegistry(storage=storage, clock=clock, quoter=seller.quote)
    await registry.register(TICKS)
    clock.advance(59)
    assert 100_000 == (await registry.price("ticks")).amount.atomic
    clock.advance(1)
    price = await registry.price("ticks")

    assert (150_000, "quoted", 0) == (price.amount.atomic, price.source, price.age(clock.now()))
    assert [TICKS.url] == seller.asked
    assert [price] == [(await registry.get("ticks")).price]
    assert ["ticks"] == ids(*(await registry.discover(min_price=usd("0.15"))).listings)
    assert [150_000, 100_000] == [point.amount.atomic for point in await registry.price_history("ticks")]


async def test_price_without_a_quoter_is_the_registered_one(registry: ServiceRegistry, clock: VirtualClock) -> None:
    await registry.register(TICKS)
    clock.advance(1000)

    assert 1000 == (await registry.price("ticks")).age(clock.now())
    with pytest.raises(ConfigurationError, match=r"quoter=client\.quote"):
        await registry.refresh_price("ticks")


async def test_price_of_another_asset_is_not_taken_for_this_one(storage: MemoryJournal, clock: VirtualClock) -> None:
    registry = ServiceRegistry(storage=storage, clock=clock, quoter=Seller(1).quote)
    await registry.register(NEWS)
    with pytest.raises(RegistryError, match="offers nothing in DUSD"):
        await registry.refresh_price("news")

    assert 7 == (await registry.get("news")).price.amount.atomic


async def test_reputation_counts_own_settled_payments_alone(
    registry: ServiceRegistry, storage: MemoryJournal, clock: VirtualClock
) -> None:
    await registry.register(TICKS, NEWS)
    for number in range(3):
        await paid(storage, number, service="ticks")
    await put(storage, denied(4, context=Context(service="news")))
    await put(storage, reserved(5, context=Context(service="news")))
    await paid(storage, 6, service="nobody")

    assert Reputation(settled=3) == await registry.rate("ticks")
    assert Reputation() == await registry.rate("news")


async def test_discovery_rates_what_was_paid_by_itself(
    registry: ServiceRegistry, storage: MemoryJournal, clock: VirtualClock
) -> None:
    await registry.register(replace(TICKS, id="a"), replace(TICKS, id="b"))
    await paid(storage, 1, service="b")
    await paid(storage, 2, service="not-registered")
    assert ["b", "a"] == ids(*(await registry.discover()).listings)
    for number in range(3, 6):
        await paid(storage, number, service="a")
    clock.advance(300)

    assert ["a", "b"] == ids(*(await registry.discover()).listings)
    assert ["b"] == ids(
        *(await registry.discover(min_reputation=50, limit=1, after=(await registry.discover(limit=1)).next)).listings
    )


async def test_service_registered_again_has_the_reputation_of_its_payments(
    registry: ServiceRegistry, storage: MemoryJournal
) -> None:
    await paid(storage, 1, service="ticks")
    (found,) = await registry.register(TICKS)

    assert Reputation(settled=1) == found.reputation


async def test_change_is_tried_again_where_somebody_was_first(storage: MemoryJournal, clock: VirtualClock) -> None:
    class Contested(MemoryJournal):
        conflicts = 4

        async def replace_service(self, before: Listing, after: Listing) -> None:
            self.conflicts -= 1
            if self.conflicts >= 0:
                raise ServiceConflict(before.service.id)
            await super().replace_service(before, after)

    contested = Contested()
    registry = ServiceRegistry(storage=contested, clock=clock)
    await registry.register(TICKS)
    assert "N" == (await registry.update(replace(TICKS, name="N"))).service.name
    contested.conflicts = 5

    with pytest.raises(ServiceConflict):
        await registry.update(replace(TICKS, name="M"))


async def test_service_is_found_by_its_url_however_that_is_spelled(registry: ServiceRegistry) -> None:
    (ticks,) = await registry.register(TICKS)

    assert ticks == await registry.at("HTTPS://Ticks.example:443/?pair=BTC")
    assert None is await registry.at("https://ticks.example/other")
    closed = await registry.update(replace(TICKS, active=False))
    assert closed == await registry.at("https://ticks.example/")


async def test_service_with_most_parameters_in_its_url_is_meant(registry: ServiceRegistry) -> None:
    pairs = [replace(TICKS, id=pair, url=f"https://ticks.example/?pair={pair}") for pair in ("btc", "eth")]
    await registry.register(TICKS, *pairs)
    asked = [f"https://ticks.example/?depth=5{more}" for more in ("&pair=eth", "&pair=btc", "&pair=cro", "")]

    assert ["eth", "btc", "ticks", "ticks"] == [
        found.service.id for url in asked if (found := await registry.at(url)) is not None
    ]
