"""Where paid services are remembered."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from paygent.core.service import Listing, PricePoint, ServiceQuery
from paygent.core.service_page import ServicePage


@runtime_checkable
class ServiceStore(Protocol):
    """**Protocol:** the durable memory of registered services. Each write is one transaction; a write that raises has
    written nothing. Every method raises AdapterError where the store cannot answer.
    """

    async def add_services(self, listings: Sequence[Listing]) -> None:
        """Write new services, all or none, each with its first price.

        Raises: ServiceExists: an id is there already, or twice among them.
        """
        ...

    async def replace_service(self, before: Listing, after: Listing) -> None:
        """Replace `before` by `after`, if it still is what the store has. A new price is added to the price history.

        Raises:
            ServiceConflict: the stored service is at another version, or there is none.
            LocalProtocolError: they are two services, or `after` is not a later version.
        """
        ...

    async def remove_service(self, service_id: str) -> bool:
        """Remove a service and its prices; tell whether there was one. Payments to it stay."""
        ...

    async def service(self, service_id: str) -> Listing | None:
        """Return a service, or None."""
        ...

    async def services(self, query: ServiceQuery, *, after: str | None = None, limit: int = 20) -> ServicePage:
        """Return what the query takes, best first: by `Listing.rank` downwards, then by id.

        A service that changes its rank while pages are turned may come twice or not at all; all others come once.

        Raises: LocalProtocolError: no such cursor, or not even one service a page.
        """
        ...

    async def prices(self, service_id: str, *, limit: int = 100) -> Sequence[PricePoint]:
        """Return the prices a service has had, newest first."""
        ...
