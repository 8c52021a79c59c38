"""Swaps: quoted by the best route, built with the least that must come back."""

from dataclasses import dataclass

from paygent.plugin import Action, Amount, Call, Swap, TradeQuote, TradeRefused
from paygent_vvs import formulas, routes
from paygent_vvs.market import Market
from paygent_vvs.networks import abi
from paygent_vvs.routes import Route
from paygent_vvs.terms import QUOTE_SECONDS, Terms, approvals, closing


async def quote(market: Market, wish: Swap, owner: str, terms: Terms, name: str) -> TradeQuote:
    """Return what a swap would bring.

    Raises: TradeRefused: there is no route, or its price impact is above the limit.
    """
    route = await routes.best(market, wish)
    _check_impact(route, terms)
    await routes.confirm(market, route)
    spend, least = _limits(route, wish, terms)
    return TradeQuote(
        wish=wish,
        venue=name,
        owner=owner,
        spend=(spend,),
        expected=(Amount(route.taken_out, wish.get),),
        at_least=(least,),
        route=(wish.give, *route.path[1:-1], wish.get),
        price_impact_bps=route.price_impact_bps,
        block_number=market.block.number,
        valid_until=market.block.timestamp + QUOTE_SECONDS,
        notes=(f"on {market.venue.title}",),
    )


async def build(market: Market, quoted: TradeQuote, wish: Swap, terms: Terms) -> tuple[Action, ...]:
    """Return the swap, on the better of the quote's terms and those of now.

    Raises: TradeRefused: the pools have moved so far that the quote's terms cannot be had.
    """
    path = tuple(market.venue.token_of(asset) for asset in quoted.route)
    route = await routes.again(market, wish, path)
    _check_impact(route, terms)
    spend, least = _within(quoted, *_limits(route, wish, terms), route, wish)
    deadline = terms.deadline(market, wish.deadline_seconds)
    counterparty, call = _call(
        market, route, wish, _Limits(owner=quoted.owner, spend=spend, least=least, deadline=deadline)
    )
    end = closing(market, spend, counterparty) if wish.exact == "out" else ()
    action = Action(
        purpose="swap",
        network=market.venue.network,
        venue=quoted.venue,
        spend=spend,
        receive=(least,),
        calls=(*await approvals(market, quoted.owner, spend, counterparty), call, *end),
        counterparty=counterparty,
        deadline=deadline,
        summary=_summary(market, wish, spend, least),
        slippage_bps=_slippage(wish, terms),
    )
    return (action,)


def _within(quoted: TradeQuote, spend: Amount, least: Amount, route: Route, wish: Swap) -> tuple[Amount, Amount]:
    """Return the better terms of the quote and of now, if the route still keeps those of the quote."""
    promised, allowed = quoted.at_least[0], quoted.spend[0]
    if wish.exact == "in" and route.taken_out < promised.atomic:
        now = Amount(route.taken_out, wish.get)
        raise TradeRefused("stale_quote", f"{now} would come back now, and {promised} was quoted at least; quote again")
    if wish.exact == "out" and route.put_in > allowed.atomic:
        now = Amount(route.put_in, wish.give)
        raise TradeRefused("stale_quote", f"{now} would be taken now, and {allowed} was quoted at most; quote again")
    return min(spend, allowed), max(least, promised)


def _limits(route: Route, wish: Swap, terms: Terms) -> tuple[Amount, Amount]:
    slippage = _slippage(wish, terms)
    if wish.exact == "out":
        return Amount(formulas.most(route.put_in, slippage), wish.give), wish.amount
    return wish.amount, Amount(formulas.least(route.taken_out, slippage), wish.get)


def _slippage(wish: Swap, terms: Terms) -> int:
    return terms.slippage_bps if wish.slippage_bps is None else wish.slippage_bps


def _check_impact(route: Route, terms: Terms) -> None:
    if route.price_impact_bps > terms.max_price_impact_bps:
        raise TradeRefused(
            "price_impact",
            f"the trade's own size makes the price {_percent(route.price_impact_bps)} worse, and the limit is "
            f"{_percent(terms.max_price_impact_bps)}; trade less, or raise max_price_impact_bps",
        )


def _percent(bps: int) -> str:
    return f"{bps // 100}.{bps % 100:02d} %"


def _summary(market: Market, wish: Swap, spend: Amount, least: Amount) -> str:
    title = market.venue.title
    if wish.exact == "out":
        return f"Swap at most {spend} for {least} on {title}"
    return f"Swap {spend} for at least {least} on {title}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limits:
    """Within what a swap is made."""

    owner: str
    spend: Amount
    least: Amount
    deadline: int


def _call(market: Market, route: Route, wish: Swap, limits: _Limits) -> tuple[str, Call]:
    """Return who takes the money, and the call that makes it so."""
    coin, smart = market.venue.coin, market.venue.smart_router
    if smart is not None and coin not in (wish.give, wish.get):
        return smart, _smart(smart, route, wish, limits)
    give = wish.give == coin
    kinds = "ETH" if give else "Tokens", "ETH" if wish.get == coin else "Tokens"
    spend, least = limits.spend.atomic, limits.least.atomic
    if wish.exact == "in":
        name, amounts = f"swapExact{kinds[0]}For{kinds[1]}", (spend, least)
    else:
        name, amounts = f"swap{kinds[0]}ForExact{kinds[1]}", (least, spend)
    told = (least,) if give else amounts  # a coin that is spent goes as the call's value
    asked = (*told, route.addresses, limits.owner, limits.deadline)
    return market.venue.router, abi("router").call(market.venue.router, name, *asked, value=spend if give else 0)


def _smart(router: str, route: Route, wish: Swap, limits: _Limits) -> Call:
    """Return a swap of the SmartRouter, whose own functions know no deadline: only `multicall` does."""
    spend, least = limits.spend.atomic, limits.least.atomic
    if wish.exact == "in":
        name, amounts = "swapExactTokensForTokens", (spend, least)
    else:
        name, amounts = "swapTokensForExactTokens", (least, spend)
    data = abi("smart_router").function(name).encode((*amounts, route.addresses, limits.owner))
    return abi("smart_router").call(router, "multicall", limits.deadline, [bytes.fromhex(data[2:])])
