"""`paygent services`: the registry of paid services in the storage. Nothing here pays."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import anyio

from paygent.adapters.system import SystemClock
from paygent.cli.arguments import Arguments
from paygent.cli.outcome import OK, Listing, Outcome
from paygent.cli.service_arguments import ServiceArguments
from paygent.cli.times import local_time
from paygent.core.errors import ConfigurationError
from paygent.core.money import usd
from paygent.core.record import JSON
from paygent.core.service_record import to_record
from paygent.registry import ServiceRegistry
from paygent.registry.catalogue import read_catalogue
from paygent.runtime.parts import open_storage, tokens_of
from paygent.runtime.settings import Settings
from paygent.x402.strict_json import parse_json

if TYPE_CHECKING:
    from paygent.core.service import Listing as Registered
    from paygent.core.service_page import ServicePage

_COLUMNS = ("id", "name", "category", "price", "network", "reputation", "active")


async def services(arguments: Arguments, settings: Settings) -> Outcome:
    """List, show, discover, add or remove services."""
    asked = arguments.services or ServiceArguments()
    if len(asked.words) != 1 and arguments.action in ("show", "add", "remove"):
        raise ConfigurationError(
            f"services {arguments.action} takes one {'file' if arguments.action == 'add' else 'id'}"
        )
    async with _registry(settings) as registry:
        match arguments.action:
            case "add":
                return await _add(asked.words[0], settings, registry)
            case "remove":
                await registry.remove(asked.words[0])
                return Outcome(exit_code=OK, told=f"{asked.words[0]} is removed", said={"removed": asked.words[0]})
            case "show":
                return await _show(registry, asked.words[0])
            case "discover":
                return _listed(await _discover(asked, registry))
            case _:
                return _listed(await registry.list(limit=asked.limit, after=asked.after))


@asynccontextmanager
async def _registry(settings: Settings) -> AsyncGenerator[ServiceRegistry]:
    async with AsyncExitStack() as made:
        storage = await open_storage(settings.storage, made)
        yield ServiceRegistry(storage=storage, clock=SystemClock(), tokens=tokens_of(settings.tokens))


async def _add(name: str, settings: Settings, registry: ServiceRegistry) -> Outcome:
    try:
        document = parse_json(await anyio.Path(name).read_bytes())
        found = read_catalogue(document, tokens=tokens_of(settings.tokens))
    except (OSError, ValueError) as wrong:
        raise ConfigurationError(f"{name} is no list of services: {wrong}") from wrong
    added = await registry.register(*found)
    return _of(added, None)


async def _show(registry: ServiceRegistry, service_id: str) -> Outcome:
    found = await registry.get(service_id)
    prices = await registry.price_history(service_id)
    said: dict[str, JSON] = {
        "service": to_record(found),
        "prices": [{"amount": str(price.amount), "at": price.at, "source": price.source} for price in prices],
    }
    lines = [str(found), found.service.description, found.service.url]
    lines += [f"  {price.amount} since {local_time(price.at)} ({price.source})" for price in prices]
    return Outcome(exit_code=OK, facts="\n".join(line for line in lines if line), said=said)


async def _discover(asked: ServiceArguments, registry: ServiceRegistry) -> "ServicePage":
    return await registry.discover(
        " ".join(asked.words),
        category=asked.category,
        max_price=None if asked.max_price is None else usd(asked.max_price),
        min_reputation=asked.min_reputation,
        mcp=True if asked.mcp else None,
        limit=asked.limit,
        after=asked.after,
    )


def _listed(page: "ServicePage") -> Outcome:
    return _of(page.listings, page.next)


def _of(listings: "tuple[Registered, ...]", following: str | None) -> Outcome:
    said: dict[str, JSON] = {"services": [to_record(found) for found in listings], "next": following}
    rows = tuple(map(_row, listings))
    return Outcome(exit_code=OK, listing=Listing(columns=_COLUMNS, rows=rows, nothing="no services"), said=said)


def _row(found: "Registered") -> tuple[str, ...]:
    service = found.service
    active = "yes" if service.active else "no"
    return (
        service.id,
        service.name,
        service.category,
        str(service.pricing),
        str(service.network),
        str(found.reputation.score),
        active,
    )
