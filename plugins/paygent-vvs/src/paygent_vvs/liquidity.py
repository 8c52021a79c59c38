"""Shares of pools: adding in the pool's own ratio, taking out, and what a share is worth."""

from functools import partial

from paygent.plugin import (
    Action,
    AddLiquidity,
    Amount,
    Asset,
    Call,
    Position,
    RemoveLiquidity,
    TradeQuote,
    TradeRefused,
)
from paygent_vvs import formulas
from paygent_vvs.market import Market, Reserves, together
from paygent_vvs.networks import abi
from paygent_vvs.terms import QUOTE_SECONDS, Terms, approvals


async def quote_adding(market: Market, wish: AddLiquidity, owner: str, terms: Terms, name: str) -> TradeQuote:
    """Return what adding would take of both assets, and the share it would give.

    Raises: TradeRefused: there is no pool, or so little gives no share.
    """
    first, second = market.venue.token_of(wish.first.asset), market.venue.token_of(wish.second)
    pool, total = await _pool(market, first, second)
    put = _in_ratio(wish, pool)
    minted = min(put[0] * total // pool.first, put[1] * total // pool.second)
    slippage = _slippage(wish, terms)
    if minted == 0:
        raise TradeRefused("insufficient_liquidity", "so little gives no share of the pool; add more")
    share = market.venue.share_of(first, second)
    return TradeQuote(
        wish=wish,
        venue=name,
        owner=owner,
        spend=(Amount(put[0], wish.first.asset), Amount(put[1], wish.second)),
        expected=(Amount(minted, share),),
        at_least=(Amount(formulas.least(minted, slippage), share),),
        block_number=market.block.number,
        valid_until=market.block.timestamp + QUOTE_SECONDS,
        notes=(
            f"on {market.venue.title}",
            "a share can become worth less than what was put in",
        ),
    )


async def build_adding(market: Market, quoted: TradeQuote, wish: AddLiquidity, terms: Terms) -> tuple[Action, ...]:
    """Return two actions, one for each asset that is spent: the approval of the second, then the adding with the first.

    Raises: TradeRefused: the pool's ratio has moved beyond the slippage.
    """
    venue, deadline = market.venue, terms.deadline(market)
    first, second = quoted.spend
    if first.asset != venue.coin and second.asset == venue.coin:
        first, second = second, first
    tokens = venue.token_of(first.asset), venue.token_of(second.asset)
    pool, _ = await _pool(market, *tokens)
    slippage = _slippage(wish, terms)
    minimums = formulas.least(first.atomic, slippage), formulas.least(second.atomic, slippage)
    _check_ratio(pool, first, second, minimums)
    call = _adding(market, quoted.owner, (first, second), minimums, deadline)
    allow = await _exactly(market, quoted.owner, second)
    return (
        Action(
            purpose="position",
            network=market.venue.network,
            venue=quoted.venue,
            spend=second,
            calls=allow,
            counterparty=venue.router,
            deadline=deadline,
            summary=f"Let {venue.title} take {second} for liquidity beside {first}",
        ),
        Action(
            purpose="position",
            network=market.venue.network,
            venue=quoted.venue,
            spend=first,
            receive=quoted.at_least,
            calls=(*await approvals(market, quoted.owner, first, venue.router), call),
            counterparty=venue.router,
            deadline=deadline,
            summary=f"Add {first} and {second} to their pool on {venue.title} for at least {quoted.at_least[0]}",
            slippage_bps=slippage,
        ),
    )


async def quote_removing(market: Market, wish: RemoveLiquidity, owner: str, terms: Terms, name: str) -> TradeQuote:
    """Return what a part of the owner's share would bring.

    Raises: TradeRefused: there is no pool, or the owner has no share of it.
    """
    first, second = market.venue.token_of(wish.first), market.venue.token_of(wish.second)
    pool, total = await _pool(market, first, second)
    share = market.venue.share_of(first, second)
    held = await market.number("erc20", share.id.address, "balanceOf", owner)
    burned = held * wish.share_bps // formulas.BPS
    if burned == 0:
        raise TradeRefused(
            "insufficient_balance", f"{owner} has {Amount(held, share)}, of which nothing can be taken out"
        )
    worth = (
        Amount(formulas.share(burned, total, pool.first), wish.first),
        Amount(formulas.share(burned, total, pool.second), wish.second),
    )
    slippage = _slippage(wish, terms)
    return TradeQuote(
        wish=wish,
        venue=name,
        owner=owner,
        spend=(Amount(burned, share),),
        expected=worth,
        at_least=tuple(Amount(formulas.least(amount.atomic, slippage), amount.asset) for amount in worth),
        block_number=market.block.number,
        valid_until=market.block.timestamp + QUOTE_SECONDS,
        notes=(f"on {market.venue.title}",),
    )


async def build_removing(market: Market, quoted: TradeQuote, wish: RemoveLiquidity, terms: Terms) -> tuple[Action, ...]:
    """Return the taking out, with the quote's minimums or better ones.

    Raises: TradeRefused: the share is worth less than the quote's minimum now.
    """
    venue, deadline, slippage = market.venue, terms.deadline(market), _slippage(wish, terms)
    pool, total = await _pool(market, venue.token_of(wish.first), venue.token_of(wish.second))
    share = quoted.spend[0]
    worth = (formulas.share(share.atomic, total, reserve) for reserve in (pool.first, pool.second))
    receive = tuple(_better(promised, now, slippage) for promised, now in zip(quoted.at_least, worth, strict=True))
    action = Action(
        purpose="position",
        network=market.venue.network,
        venue=quoted.venue,
        spend=share,
        receive=receive,
        calls=(
            *await approvals(market, quoted.owner, share, venue.router),
            _removing(market, quoted.owner, share, receive, deadline),
        ),
        counterparty=venue.router,
        deadline=deadline,
        summary=f"Take {share} out of its pool on {venue.title} for at least {receive[0]} and {receive[1]}",
        slippage_bps=slippage,
    )
    return (action,)


async def positions(market: Market, owner: str, name: str) -> list[Position]:
    """Return the owner's shares of every pool of two known tokens."""
    pairs = market.venue.pairs()
    found = await together([partial(_position, market, owner, name, first, second) for first, second in pairs])
    return [one for one in found if one is not None]


async def _position(market: Market, owner: str, name: str, first: Asset, second: Asset) -> Position | None:
    pool = await market.reserves(first, second)
    if pool is None or pool.empty:
        return None
    share = market.venue.share_of(first, second)
    held = await market.number("erc20", share.id.address, "balanceOf", owner)
    if held == 0:
        return None
    total = await market.number("pair", share.id.address, "totalSupply")
    return Position(
        venue=name,
        network=market.venue.network,
        kind="liquidity",
        name=share.symbol.partition(" ")[0],
        pool=market.venue.pair(first, second),
        holds=Amount(held, share),
        worth=(
            Amount(formulas.share(held, total, pool.first), first),
            Amount(formulas.share(held, total, pool.second), second),
        ),
    )


async def _pool(market: Market, first: Asset, second: Asset) -> tuple[Reserves, int]:
    pool = None if first == second else await market.reserves(first, second)
    if pool is None or pool.empty:
        raise TradeRefused("no_pool", f"{market.venue.title} has no pool of {first.symbol} and {second.symbol}")
    return pool, await market.number("pair", market.venue.pair(first, second), "totalSupply")


def _in_ratio(wish: AddLiquidity, pool: Reserves) -> tuple[int, int]:
    """Return how much of both is put in: as much as both limits allow, in the pool's ratio."""
    first = wish.first.atomic
    second = first * pool.second // pool.first
    most = wish.second_most
    if most is None or second <= most.atomic:
        return first, second
    return most.atomic * pool.first // pool.second, most.atomic


def _check_ratio(pool: Reserves, first: Amount, second: Amount, minimums: tuple[int, int]) -> None:
    """Refuse where the router would: it lowers the one or the other amount to the ratio of the moment."""
    wanted = first.atomic * pool.second // pool.first
    fits = (
        minimums[1] <= wanted <= second.atomic
        or minimums[0] <= second.atomic * pool.first // pool.second <= first.atomic
    )
    if not fits:
        raise TradeRefused("stale_quote", "the pool's ratio has moved beyond the slippage; quote again")


def _better(promised: Amount, worth: int, slippage_bps: int) -> Amount:
    if worth < promised.atomic:
        now = Amount(worth, promised.asset)
        raise TradeRefused("stale_quote", f"{now} would come back now, and {promised} was quoted at least; quote again")
    return max(promised, Amount(formulas.least(worth, slippage_bps), promised.asset))


async def _exactly(market: Market, owner: str, spend: Amount) -> tuple[Call, ...]:
    """Return the approval of `spend` even where it stands already, so that it is judged and counted."""
    exact = abi("erc20").call(spend.asset.id.address, "approve", market.venue.router, spend.atomic)
    return await approvals(market, owner, spend, market.venue.router) or (exact,)


def _adding(market: Market, owner: str, put: tuple[Amount, Amount], low: tuple[int, int], deadline: int) -> Call:
    router, (first, second) = market.venue.router, put
    if first.asset == market.venue.coin:
        asked = (second.asset.id.address, second.atomic, low[1], low[0], owner, deadline)
        return abi("router").call(router, "addLiquidityETH", *asked, value=first.atomic)
    both = (first.asset.id.address, second.asset.id.address, first.atomic, second.atomic, *low, owner, deadline)
    return abi("router").call(router, "addLiquidity", *both)


def _removing(market: Market, owner: str, share: Amount, receive: tuple[Amount, ...], deadline: int) -> Call:
    coin, router = market.venue.coin, market.venue.router
    first, second = receive
    if coin in (first.asset, second.asset):
        token, native = (second, first) if first.asset == coin else (first, second)
        asked = (token.asset.id.address, share.atomic, token.atomic, native.atomic, owner, deadline)
        return abi("router").call(router, "removeLiquidityETH", *asked)
    tokens = (first.asset.id.address, second.asset.id.address)
    return abi("router").call(
        router, "removeLiquidity", *tokens, share.atomic, first.atomic, second.atomic, owner, deadline
    )


def _slippage(wish: AddLiquidity | RemoveLiquidity, terms: Terms) -> int:
    return terms.slippage_bps if wish.slippage_bps is None else wish.slippage_bps
