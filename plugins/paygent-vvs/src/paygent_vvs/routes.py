"""The best way from one token to another: direct, or over one token between."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from paygent.plugin import Amount, Asset, Swap, TradeRefused
from paygent_vvs import formulas
from paygent_vvs.formulas import Hop
from paygent_vvs.market import Market, together


@dataclass(frozen=True, slots=True)
class Route:
    """A path with its pools, and what a trade along it takes and gives."""

    path: tuple[Asset, ...]
    hops: tuple[Hop, ...]
    put_in: int
    taken_out: int

    @property
    def price_impact_bps(self) -> int:
        """How much worse the trade's own size makes the price, fees apart, rounded up."""
        return formulas.price_impact_bps(self.put_in, self.taken_out, self.hops)

    @property
    def addresses(self) -> tuple[str, ...]:
        """The path as the router takes it."""
        return tuple(token.id.address for token in self.path)


def paths(market: Market, wish: Swap) -> Sequence[tuple[Asset, ...]]:
    """Return the paths that are looked at: the direct one, then over each hub."""
    venue = market.venue
    start, end = venue.token_of(wish.give), venue.token_of(wish.get)
    if start == end:
        raise TradeRefused(
            "no_route", f"{wish.give.symbol} and {wish.get.symbol} are the same in pools: nothing to trade"
        )
    between = dict.fromkeys(venue.token_of(token) for token in (*venue.hubs, *wish.via))
    return [(start, end), *((start, hub, end) for hub in between if hub not in (start, end))]


async def best(market: Market, wish: Swap) -> Route:
    """Return the route that gives the most, or takes the least where the output is fixed; the shorter of two equals.

    Raises: TradeRefused: no pool, or none that has enough.
    """
    looked = paths(market, wish)
    pools = await together([partial(market.hops, path) for path in looked])
    candidates = (_route(path, hops, wish) for path, hops in zip(looked, pools, strict=True) if hops is not None)
    routes = [route for route in candidates if route is not None]
    if not routes:
        raise TradeRefused(
            "no_route",
            f"no pool of {market.venue.title} trades {wish.amount} between {wish.give.symbol} and {wish.get.symbol}",
        )
    return min(routes, key=lambda route: (route.put_in, -route.taken_out))


async def again(market: Market, wish: Swap, path: tuple[Asset, ...]) -> Route:
    """Return one route as it is at this block.

    Raises: TradeRefused: it is no longer there.
    """
    hops = await market.hops(path)
    route = None if hops is None else _route(path, hops, wish)
    if route is None:
        raise TradeRefused("stale_quote", "the route of the quote is gone; quote again")
    return route


async def confirm(market: Market, route: Route) -> None:
    """Make sure that the router works out the same as we do.

    Raises: TradeRefused: it does not; the venue has other rules than its configuration says.
    """
    asked = (route.put_in, route.addresses)
    (told,) = await market.values("router", market.venue.router, "getAmountsOut", *asked)
    expected = formulas.along(route.put_in, route.hops)
    if not isinstance(told, tuple | list) or told[-1] != expected:
        raise TradeRefused("other_rules", f"the router of {market.venue.title} does not trade by the formula of VVS")


def _route(path: tuple[Asset, ...], hops: tuple[Hop, ...], wish: Swap) -> Route | None:
    fixed: Amount = wish.amount
    try:
        if wish.exact == "in":
            put_in, taken_out = fixed.atomic, formulas.along(fixed.atomic, hops)
        else:
            put_in, taken_out = formulas.back(fixed.atomic, hops), fixed.atomic
    except TradeRefused:
        return None
    return Route(path, hops, put_in, taken_out) if taken_out > 0 else None
