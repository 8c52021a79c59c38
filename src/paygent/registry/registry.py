"""Register, find and rate paid services."""

import difflib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, Protocol

from paygent.core.caip import AssetId, ChainId
from paygent.core.endpoint import Endpoint
from paygent.core.errors import ConfigurationError
from paygent.core.history import PaymentFilter
from paygent.core.lifecycle import State
from paygent.core.money import USD, Amount
from paygent.core.price import Price
from paygent.core.requirements import Token
from paygent.core.service import (
    EVERY_SERVICE,
    Listing,
    PricePoint,
    PricingModel,
    Reputation,
    Service,
    ServiceQuery,
)
from paygent.core.service_errors import RegistryError, ServiceConflict, ServiceNotFound
from paygent.core.service_page import ServicePage
from paygent.engine.quote import Quote
from paygent.evm.tokens import TOKENS
from paygent.policy.valuation import DEFAULT, Valuation, valued
from paygent.ports.clock import Clock
from paygent.ports.history import PaymentHistory
from paygent.ports.price_oracle import PriceOracle
from paygent.ports.service_store import ServiceStore
from paygent.registry.cache import Cache

SERVICE_SECONDS: Final = 300
"""How long an answer about services is kept in memory."""
PRICE_SECONDS: Final = 60
"""How old a price may be before it is asked for again."""
_FAILED: Final = (State.EXPIRED, State.CANCELLED, State.REVERTED)
_TRIES: Final = 5
_MOST_AT_ONE_URL: Final = 100
Quoter = Callable[[str], Awaitable[Quote]]
"""What `X402Client.quote` is: says what a URL costs, and signs nothing."""


class Remembers(ServiceStore, PaymentHistory, Protocol):
    """**Protocol:** a storage that remembers services and payments, as every storage of Paygent does."""


class ServiceRegistry:
    """The services of one storage. Answers may be `seconds` old: what this process changes is seen by it at once, what
    others change when the answer is that old.
    """

    def __init__(
        self,
        *,
        storage: Remembers,
        clock: Clock,
        quoter: Quoter | None = None,
        tokens: Mapping[AssetId, Token] = TOKENS,
        oracle: PriceOracle | None = None,
        valuation: Valuation = DEFAULT,
        seconds: int = SERVICE_SECONDS,
        price_seconds: int = PRICE_SECONDS,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._quoter = quoter
        self._tokens = tokens
        self._oracle = oracle
        self._valuation = valuation
        self._price_seconds = price_seconds
        self._seconds = seconds
        self._rated_until = 0
        self._services: Cache[str, Listing] = Cache(now=clock.now, seconds=seconds)
        self._pages: Cache[tuple[ServiceQuery, str | None, int], ServicePage] = Cache(now=clock.now, seconds=seconds)

    # --- the catalogue ----------------------------------------------------------------------------------------------

    async def register(self, *services: Service) -> tuple[Listing, ...]:
        """Add services, all or none, with the reputation that earlier payments to their ids give.

        Raises: ServiceExists: an id is taken. AdapterError: the storage could not answer.
        """
        listings = [await self._listed(service) for service in services]
        await self._storage.add_services(listings)
        self._forget()
        return tuple(listings)

    async def update(self, service: Service) -> Listing:
        """Replace the description of a registered service by another one with the same id.

        Raises: ServiceNotFound. ServiceConflict: others change it all the time. AdapterError.
        """

        async def change(old: Listing, now: int) -> Listing:
            price, dollars = old.price, old.dollars
            if service.pricing.price != old.service.pricing.price:
                price = PricePoint(amount=service.pricing.price, at=now, source="registered")
                dollars = await self._dollars(price.amount)
            return old.next(at=now, service=service, price=price, dollars=dollars)

        return await self._change(service.id, change)

    async def get(self, service_id: str) -> Listing:
        """Return a service, active or not.

        Raises: ServiceNotFound, with ids near it. AdapterError.
        """
        kept = self._services.get(service_id)
        if kept is not None:
            return kept
        found = await self._storage.service(service_id)
        if found is None:
            raise await self._not_found(service_id)
        return self._services.put(service_id, await self._rated(found))

    async def at(self, url: str) -> Listing | None:
        """Return the service that a URL, in any spelling and with any more parameters, is of; active or not.

        Where several are registered there, the one with the most parameters in its own URL, then the best. Raises:
        AdapterError.
        """
        page = await self._page(ServiceQuery(url=url, inactive=True), None, _MOST_AT_ONE_URL)
        return max(page.listings, key=lambda listing: _parameters(listing.service), default=None)

    async def list(self, *, after: str | None = None, limit: int = 50) -> ServicePage:
        """Return every service, those too that are not active, best first."""
        return await self._page(EVERY_SERVICE, after, limit)

    async def remove(self, service_id: str) -> None:
        """Forget a service and its prices; payments to it stay in the journal.

        Raises: ServiceNotFound. AdapterError.
        """
        if not await self._storage.remove_service(service_id):
            raise await self._not_found(service_id)
        self._forget()

    # --- finding ----------------------------------------------------------------------------------------------------

    async def discover(  # noqa: PLR0913  each narrows the search, and each may be left out
        self,
        text: str = "",
        *,
        category: str | None = None,
        min_price: Amount | None = None,
        max_price: Amount | None = None,
        min_reputation: int | None = None,
        network: ChainId | None = None,
        asset: AssetId | None = None,
        mcp: bool | None = None,
        model: PricingModel | None = None,
        verified: bool | None = None,
        after: str | None = None,
        limit: int = 20,
    ) -> ServicePage:
        """Return active services that agree with everything given, best first: by reputation, then the lower price.

        Args: min_price, max_price: in USD; limits are inside. min_reputation: 0 to 100.

        Raises: LocalProtocolError: a range that is none, another unit, or no cursor. AdapterError.
        """
        query = ServiceQuery(
            text=text,
            category=category,
            min_price=min_price,
            max_price=max_price,
            min_reputation=min_reputation,
            network=network,
            asset=asset,
            mcp=mcp,
            model=model,
            verified=verified,
        )
        return await self._page(query, after, limit)

    # --- prices -----------------------------------------------------------------------------------------------------

    async def price(self, service_id: str) -> PricePoint:
        """Return what a service costs, not older than a minute where the registry can quote; `age` says how old it is.

        Raises: ServiceNotFound. RegistryError: the seller makes no offer that can be compared. AdapterError; and what
        the quoter raises where the seller cannot be reached.
        """
        known = (await self.get(service_id)).price
        if self._quoter is None or known.age(self._clock.now()) < self._price_seconds:
            return known
        return await self.refresh_price(service_id)

    async def refresh_price(self, service_id: str) -> PricePoint:
        """Ask the seller what the service costs now, and remember it; nothing is paid.

        Raises: as `price`; ConfigurationError: the registry was given no quoter.
        """
        if self._quoter is None:
            raise ConfigurationError("this registry cannot quote: pass quoter=client.quote")
        service = (await self.get(service_id)).service
        amount = _offered(await self._quoter(service.url), service)

        async def change(old: Listing, now: int) -> Listing:
            price = PricePoint(amount=amount, at=now, source="quoted")
            return old.next(at=now, price=price, dollars=await self._dollars(amount))

        return (await self._change(service_id, change)).price

    async def price_history(self, service_id: str, *, limit: int = 100) -> Sequence[PricePoint]:
        """Return the prices a service has had, newest first.

        Raises: ServiceNotFound. AdapterError.
        """
        await self.get(service_id)
        return await self._storage.prices(service_id, limit=limit)

    # --- reputation -------------------------------------------------------------------------------------------------

    async def rate(self, service_id: str) -> Reputation:
        """Count this installation's own payments to a service anew, and remember what they come to.

        `get` and `discover` do so by themselves, once in five minutes.

        Raises: ServiceNotFound. AdapterError.
        """
        found = await self._storage.service(service_id)
        if found is None:
            raise await self._not_found(service_id)
        return (await self._rated(found)).reputation

    async def rate_all(self) -> int:
        """Do as `rate` for every registered service that was paid; return how many there are."""
        paid = {total.service for total in await self._storage.statistics() if total.service is not None}
        found = [await self._storage.service(service_id) for service_id in sorted(paid)]
        known = [listing for listing in found if listing is not None]
        for listing in known:
            await self._rated(listing)
        return len(known)

    # ----------------------------------------------------------------------------------------------------------------

    async def _rated(self, listing: Listing) -> Listing:
        counted = await self._counted(listing.service.id)
        if listing.reputation == counted:
            return listing

        async def change(old: Listing, now: int) -> Listing:
            return old.next(at=now, reputation=counted)

        return await self._change(listing.service.id, change)

    async def _counted(self, service_id: str) -> Reputation:
        totals = await self._storage.statistics(PaymentFilter(service=service_id))
        settled = sum(total.payments for total in totals if total.state is State.SETTLED)
        failed = sum(total.payments for total in totals if total.state in _FAILED)
        return Reputation(settled=settled, failed=failed)

    async def _listed(self, service: Service) -> Listing:
        now = self._clock.now()
        price = PricePoint(amount=service.pricing.price, at=now, source="registered")
        return Listing(
            service=service,
            price=price,
            dollars=await self._dollars(price.amount),
            reputation=await self._counted(service.id),
            registered_at=now,
            updated_at=now,
        )

    async def _dollars(self, amount: Amount) -> Amount | None:
        token = self._tokens.get(amount.asset.id)
        if token is None:
            return None
        price: Price | None = None
        if not token.usd and self._oracle is not None:
            price = await self._oracle.price(amount.asset.id)
        same = replace(amount, asset=token.asset)
        return valued(same, USD, token, price, rules=self._valuation, now=self._clock.now())

    async def _page(self, query: ServiceQuery, after: str | None, limit: int) -> ServicePage:
        key = (query, after, limit)
        kept = self._pages.get(key)
        if kept is not None:
            return kept
        if self._rated_until <= (now := self._clock.now()):
            self._rated_until = now + self._seconds
            await self.rate_all()
        return self._pages.put(key, await self._storage.services(query, after=after, limit=limit))

    async def _change(self, service_id: str, change: Callable[[Listing, int], Awaitable[Listing]]) -> Listing:
        """Apply `change` to the service as the storage has it now, again where somebody else was first."""
        for _ in range(_TRIES):
            old = await self._storage.service(service_id)
            if old is None:
                raise await self._not_found(service_id)
            after = await change(old, self._clock.now())
            try:
                await self._storage.replace_service(old, after)
            except ServiceConflict:
                continue
            self._forget()
            return after
        raise ServiceConflict(service_id)

    async def _not_found(self, service_id: str) -> ServiceNotFound:
        page = await self._storage.services(EVERY_SERVICE, limit=200)
        names = [listing.service.id for listing in page.listings]
        return ServiceNotFound(service_id, near=difflib.get_close_matches(service_id, names))

    def _forget(self) -> None:
        self._services.clear()
        self._pages.clear()


def _parameters(service: Service) -> int:
    """Return how many parameters the service's own URL has."""
    endpoint = Endpoint.of(service.url)
    return 0 if endpoint is None else len(endpoint.query)


def _offered(quote: Quote, service: Service) -> Amount:
    """Return what the seller asks in the asset that the service is registered with.

    Raises: RegistryError: it asks for none of that asset.
    """
    wanted = service.pricing.price.asset
    same = [offer.amount for offer in quote.offers if offer.amount.asset == wanted]
    if quote.taken is not None and quote.taken.amount in same:
        return quote.taken.amount
    if same:
        return min(same)
    raise RegistryError(f"{service.id} offers nothing in {wanted.symbol} now: {quote}")
