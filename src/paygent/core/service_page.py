"""Pages of services, and what every store of services checks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from paygent.core.errors import LocalProtocolError
from paygent.core.service import Listing

_BEST: Final = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePage:
    """Some services, best first."""

    listings: tuple[Listing, ...]
    next: str | None
    """Pass it as `after` to go on; None where this was the last page."""


def check_next(before: Listing, after: Listing) -> None:
    """Make sure that a store may write `after` over `before`.

    Raises: LocalProtocolError: they are two services, or it is not a later version.
    """
    if before.service.id != after.service.id or after.version != before.version + 1:
        raise LocalProtocolError(
            f"{before.service.id} version {before.version} does not become {after.service.id} version {after.version}"
        )


def place_of(after: str | None, limit: int) -> tuple[int, str]:
    """Return the rank and id after which a page begins.

    Raises: LocalProtocolError: no such cursor, or not even one service a page.
    """
    if limit < 1:
        raise LocalProtocolError(f"a page has at least one service, not {limit}")
    if after is None:
        return _BEST, ""
    rank, dot, key = after.partition(".")
    if not dot or not key or not rank.isascii() or not rank.isdigit() or len(rank) > 18:
        raise LocalProtocolError(f"{after!r} is not a cursor of services; pass the `next` of a page")
    return int(rank), key


def page_of(found: Sequence[Listing], limit: int) -> ServicePage:
    """Return `limit` of what was found as a page; one more says that there is another page."""
    kept = tuple(found[:limit])
    last = kept[-1] if len(found) > limit else None
    return ServicePage(listings=kept, next=None if last is None else f"{last.rank}.{last.service.id}")


def twice(listings: Sequence[Listing]) -> str | None:
    """Return an id that two of the listings have, or None."""
    seen: set[str] = set()
    for listing in listings:
        if listing.service.id in seen:
            return listing.service.id
        seen.add(listing.service.id)
    return None
