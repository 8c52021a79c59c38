"""A store of services in memory."""

import threading
from collections.abc import Sequence

from paygent.core.service import Listing, PricePoint, ServiceQuery
from paygent.core.service_errors import ServiceConflict, ServiceExists
from paygent.core.service_page import ServicePage, check_next, page_of, place_of, twice


class MemoryServices:
    """A `ServiceStore` that keeps every promise but surviving the process. May be used from several threads."""

    def __init__(self) -> None:
        self._services_door = threading.Lock()
        self._listings: dict[str, Listing] = {}
        self._prices: dict[str, list[PricePoint]] = {}

    async def add_services(self, listings: Sequence[Listing]) -> None:
        with self._services_door:
            again = twice(listings) or next((name for name in map(_id, listings) if name in self._listings), None)
            if again is not None:
                raise ServiceExists(again)
            for listing in listings:
                self._listings[listing.service.id] = listing
                self._prices[listing.service.id] = [listing.price]

    async def replace_service(self, before: Listing, after: Listing) -> None:
        check_next(before, after)
        with self._services_door:
            stored = self._listings.get(before.service.id)
            if stored is None or stored.version != before.version:
                raise ServiceConflict(before.service.id)
            self._listings[after.service.id] = after
            if before.price != after.price:
                self._prices[after.service.id].append(after.price)

    async def remove_service(self, service_id: str) -> bool:
        with self._services_door:
            self._prices.pop(service_id, None)
            return self._listings.pop(service_id, None) is not None

    async def service(self, service_id: str) -> Listing | None:
        with self._services_door:
            return self._listings.get(service_id)

    async def services(self, query: ServiceQuery, *, after: str | None = None, limit: int = 20) -> ServicePage:
        rank, key = place_of(after, limit)
        with self._services_door:
            found = [listing for listing in self._listings.values() if query.takes(listing)]
        later = [listing for listing in found if (-listing.rank, _id(listing)) > (-rank, key)]
        return page_of(sorted(later, key=lambda listing: (-listing.rank, _id(listing))), limit)

    async def prices(self, service_id: str, *, limit: int = 100) -> Sequence[PricePoint]:
        with self._services_door:
            return tuple(reversed(self._prices.get(service_id, ())))[:limit]


def _id(listing: Listing) -> str:
    return listing.service.id
