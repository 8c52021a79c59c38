"""The tool `discover`: what can be bought, by a registry of services; and which of them a name means."""

from contextlib import suppress
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Protocol

from pydantic import Field

from paygent.core.fields import JSON
from paygent.core.money import Amount, usd
from paygent.core.run_errors import ToolRefused
from paygent.core.service import words_of
from paygent.core.service_errors import InvalidService, ServiceNotFound
from paygent.core.service_page import ServicePage
from paygent.orchestrator.tools import Arguments, Call, Tool, ToolOutcome

if TYPE_CHECKING:
    from paygent.core.service import Listing

_MOST_NAMED = 100
"""Services that a name is looked for among, the best that have its words."""
_AMOUNT = r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,6})?$"


class Finder(Protocol):
    """**Protocol:** what finds services; `paygent.registry.ServiceRegistry` does."""

    async def get(self, service_id: str) -> "Listing":
        """Return a service. Raises: ServiceNotFound."""
        ...

    async def at(self, url: str) -> "Listing | None":
        """Return the service that a URL, in any spelling, is of."""
        ...

    async def discover(
        self,
        text: str = "",
        *,
        category: str | None = None,
        max_price: Amount | None = None,
        min_reputation: int | None = None,
        mcp: bool | None = None,
        limit: int = 20,
    ) -> ServicePage:
        """Return services that agree with everything given, best first; prices in USD, reputation from 0 to 100."""
        ...


class DiscoverArguments(Arguments):
    """What to look for."""

    category: str | None = Field(default=None, description="what it is about, such as market data", max_length=200)
    max_price: str | None = Field(default=None, description="the most a call may cost, in dollars", pattern=_AMOUNT)
    min_reputation: str | None = Field(default=None, description="from 0 to 100", pattern=r"^[0-9]{1,3}(\.[0-9]+)?$")
    mcp: bool | None = Field(default=None, description="only services that can be called as MCP tools")


class Services:
    """Asks one registry."""

    def __init__(self, finder: Finder) -> None:
        self._finder = finder

    @property
    def tool(self) -> Tool[DiscoverArguments]:
        """The tool."""
        return Tool(
            name="discover",
            description="Find paid services, best first: by what they are about, price and reputation.",
            arguments=DiscoverArguments,
            run=self.discover,
            title=lambda asked: f"Find services{'' if asked.category is None else f' for {asked.category}'}",
        )

    async def discover(self, asked: DiscoverArguments, call: Call) -> ToolOutcome:
        """Return the services of a category; where there are none, those that its words describe."""
        least = None if asked.min_reputation is None else -int(-Decimal(asked.min_reputation) // 1)
        if least is not None and least > 100:
            raise ToolRefused("discover", "reputation is from 0 to 100", code="bad_arguments")
        search = partial(
            self._finder.discover,
            max_price=None if asked.max_price is None else usd(asked.max_price),
            min_reputation=least,
            mcp=asked.mcp,
        )
        about = asked.category or ""
        page = await search(category="-".join(words_of(about)) or None)
        if about and not page.listings:  # no such category; they may say so in their own words
            page = await search(about)
        found: list[JSON] = [_listing(listing) for listing in page.listings]
        names = "; ".join(f"{each.service.name} ({each.service.id}), {each.service.pricing}" for each in page.listings)
        return ToolOutcome(text=names or "no service fits", data={"services": found})


def _listing(listing: "Listing") -> dict[str, JSON]:
    service = listing.service
    return {
        "id": service.id,
        "name": service.name,
        "url": service.url,
        "category": service.category,
        "price": str(service.pricing),
        "mcp": service.mcp,
        "verified": service.verified,
    }


async def found(finder: Finder, name: str) -> "Listing":
    """Return the one service that a person means by an id or a name.

    Raises: ToolRefused: there is none, or several of that name.
    """
    with suppress(ServiceNotFound, InvalidService):
        return await finder.get(name)
    listings = (await finder.discover(name, limit=_MOST_NAMED)).listings
    named = [each for each in listings if each.service.name.casefold() == name.casefold()]
    if len(named) == 1:
        return named[0]
    near = ", ".join(each.service.id for each in listings[:5])
    code, said = ("ambiguous", "several services have the name") if named else ("no_service", "no service has the name")
    raise ToolRefused("pay", f"{said} {name!r}; say its id{f', such as {near}' if near else ''}", code=code)
