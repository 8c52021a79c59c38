"""What every `ServiceStore` must keep."""

from dataclasses import replace

import pytest

from paygent.core.caip import ChainId, erc20
from paygent.core.errors import LocalProtocolError
from paygent.core.money import USD, Amount, Asset
from paygent.core.service import Listing, PricePoint, Pricing, Reputation, Service, ServiceQuery
from paygent.core.service_errors import ServiceConflict, ServiceExists
from paygent.ports.service_store import ServiceStore

CHAIN = ChainId.evm(31337)
COIN = Asset(id=erc20(CHAIN, "0x" + "c0" * 20), symbol="DUSD", decimals=6)
OTHER = Asset(id=erc20(ChainId.evm(25), "0x" + "c1" * 20), symbol="EUR", decimals=6)
EVERYTHING = ServiceQuery(inactive=True)


def listing(service_id: str, *, price: int = 100, settled: int = 0, asset: Asset = COIN, **facts: object) -> Listing:
    """Return a registered service; one atomic unit of COIN is a millionth of a dollar, OTHER has no price."""
    amount = Amount(price, asset)
    described = Service(
        id=service_id,
        name=str(facts.pop("name", service_id.title())),
        url=f"https://{service_id}.example/",
        category=str(facts.pop("category", "market-data")),
        pricing=Pricing(model="per_call", price=amount),
    )
    return Listing(
        service=replace(described, **facts),  # type: ignore[arg-type]  # fields of a service
        price=PricePoint(amount=amount, at=1000, source="registered"),
        dollars=Amount(price, USD) if asset is COIN else None,
        reputation=Reputation(settled=settled),
        registered_at=1000,
        updated_at=1000,
    )


async def ids_of(store: ServiceStore, query: ServiceQuery, *, limit: int = 2) -> list[str]:
    page = await store.services(query, limit=limit)
    found = list(page.listings)
    while page.next is not None:
        page = await store.services(query, after=page.next, limit=limit)
        found += page.listings
    return [listing.service.id for listing in found]


SHOPS = (
    listing("news", category="news", price=300, settled=8, description="Market news, and weather"),
    listing("ticks", price=100, settled=2, mcp=True, name="Market Data API", tags=("btc", "prices")),
    listing("candles", price=50, settled=2, verified=True, name="Candle data of the market"),
    listing("euro", asset=OTHER, price=1, name="Data in euro"),
    listing("gone", active=False, price=10, settled=50, name="Gone market data"),
    listing("x-1", price=100, settled=2),
    listing("x.1", price=100, settled=2),
    listing("x_1", price=100, settled=2),
)


@pytest.mark.anyio
class ServiceStoreContract:
    """Services are found completely and in order, and changed only by who has seen them. Override `store`."""

    @pytest.fixture
    def store(self) -> ServiceStore:
        raise NotImplementedError("override the fixture `store`")

    async def test_service_comes_back_as_it_was_added(self, store: ServiceStore) -> None:
        await store.add_services(SHOPS)

        assert list(SHOPS) == [await store.service(shop.service.id) for shop in SHOPS]
        assert None is await store.service("nobody")

    async def test_services_are_added_all_or_none(self, store: ServiceStore) -> None:
        await store.add_services(SHOPS[:1])
        for wrong in (SHOPS[:2][::-1], (SHOPS[1], SHOPS[1])):
            with pytest.raises(ServiceExists):
                await store.add_services(wrong)

        assert ["news"] == await ids_of(store, EVERYTHING)
        assert 1 == len(await store.prices("news"))

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            (EVERYTHING, "gone news candles ticks x-1 x.1 x_1 euro"),
            (ServiceQuery(), "news candles ticks x-1 x.1 x_1 euro"),
            (ServiceQuery(category="news"), "news"),
            (ServiceQuery(category="none"), ""),
            (ServiceQuery(text="market"), "news candles ticks x-1 x.1 x_1 euro"),
            (ServiceQuery(text="MARKET weather"), "news"),
            (ServiceQuery(text="btc"), "ticks"),
            (ServiceQuery(text="bt"), ""),
            (ServiceQuery(text="candle data of the market candles candle candle market-data"), "candles"),
            (ServiceQuery(min_price=Amount(100, USD), max_price=Amount(100, USD)), "ticks x-1 x.1 x_1"),
            (ServiceQuery(max_price=Amount(99, USD)), "candles"),
            (ServiceQuery(max_price=Amount(2**200, USD)), "news candles ticks x-1 x.1 x_1"),
            (ServiceQuery(min_reputation=75), "news candles ticks x-1 x.1 x_1"),
            (ServiceQuery(min_reputation=76), "news"),
            (ServiceQuery(network=ChainId.evm(25)), "euro"),
            (ServiceQuery(asset=COIN.id, category="news"), "news"),
            (ServiceQuery(mcp=True), "ticks"),
            (ServiceQuery(mcp=False, text="data", max_price=Amount(60, USD)), "candles"),
            (ServiceQuery(verified=True), "candles"),
            (ServiceQuery(model="subscription"), ""),
            (ServiceQuery(url="https://ticks.example/"), "ticks"),
            (ServiceQuery(url="HTTP://Ticks.EXAMPLE:80?pair=BTC", inactive=True), "ticks"),
            (ServiceQuery(url="https://x_1.example/"), "x_1"),
            (ServiceQuery(url="https://gone.example/"), ""),
            (ServiceQuery(url="https://gone.example/", inactive=True), "gone"),
            (ServiceQuery(url="https://ticks.example/other"), ""),
            (ServiceQuery(url="https://ticks.example.org/"), ""),
            (ServiceQuery(url="no URL"), ""),
        ],
    )
    async def test_services_that_agree_come_best_first(
        self, store: ServiceStore, query: ServiceQuery, expected: str
    ) -> None:
        await store.add_services(SHOPS)

        for limit in (1, 2, 3, 7, 8):
            assert expected.split() == await ids_of(store, query, limit=limit)

    async def test_service_is_replaced_only_by_who_has_seen_it(self, store: ServiceStore) -> None:
        first = SHOPS[1]
        await store.add_services(SHOPS)
        moved = first.next(at=1001, service=replace(first.service, name="Weather", category="weather", tags=()))
        await store.replace_service(first, moved)

        assert moved == await store.service("ticks")
        assert ["ticks"] == await ids_of(store, ServiceQuery(category="weather"))
        assert [] == await ids_of(store, ServiceQuery(text="btc"))
        with pytest.raises(ServiceConflict):
            await store.replace_service(first, moved)
        with pytest.raises(ServiceConflict):
            await store.replace_service(listing("nobody"), listing("nobody").next(at=1))

    async def test_service_becomes_its_own_next_version_alone(self, store: ServiceStore) -> None:
        first = SHOPS[1]
        await store.add_services(SHOPS)
        for wrong in (first, first.next(at=1).next(at=2), SHOPS[2].next(at=1)):
            with pytest.raises(LocalProtocolError):
                await store.replace_service(first, wrong)

    async def test_search_follows_the_rank(self, store: ServiceStore) -> None:
        await store.add_services(SHOPS)
        candles = SHOPS[2]
        await store.replace_service(candles, candles.next(at=1001, reputation=Reputation(settled=100)))

        assert ["candles", "news"] == (await ids_of(store, ServiceQuery(text="market")))[:2]
        assert ["candles", "news"] == (await ids_of(store, ServiceQuery()))[:2]

    async def test_prices_are_remembered_newest_first(self, store: ServiceStore) -> None:
        await store.add_services(SHOPS)
        first = SHOPS[1]
        dearer = first.next(at=1010, price=PricePoint(amount=Amount(101, COIN), at=1010, source="quoted"))
        await store.replace_service(first, dearer)
        await store.replace_service(dearer, dearer.next(at=1020, reputation=Reputation(settled=9)))

        assert [dearer.price, first.price] == list(await store.prices("ticks"))
        assert [dearer.price] == list(await store.prices("ticks", limit=1))
        assert [] == list(await store.prices("nobody"))

    async def test_removed_service_is_gone_with_its_prices(self, store: ServiceStore) -> None:
        await store.add_services(SHOPS)

        assert await store.remove_service("ticks")
        assert not await store.remove_service("ticks")
        assert None is await store.service("ticks")
        assert [] == await ids_of(store, ServiceQuery(text="btc")) + list(await store.prices("ticks"))
        await store.add_services([SHOPS[1]])
        assert 1 == len(await store.prices("ticks"))

    async def test_services_refuses_what_is_no_cursor_and_no_size(self, store: ServiceStore) -> None:
        for after, limit in (("x", 5), ("1", 5), ("-1.a", 5), ("1.", 5), (None, 0)):
            with pytest.raises(LocalProtocolError):
                await store.services(EVERYTHING, after=after, limit=limit)
