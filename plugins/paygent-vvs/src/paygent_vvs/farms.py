"""The farms: both versions of the Craftsman. What they paid yesterday is no promise, so no rate is told."""

from collections.abc import Sequence
from functools import partial
from typing import TypeAlias, cast

from paygent.plugin import (
    Action,
    Amount,
    Call,
    EmergencyWithdraw,
    Harvest,
    Position,
    Stake,
    TradeQuote,
    TradeRefused,
    Unstake,
    checksum,
)
from paygent_vvs.market import Market, together
from paygent_vvs.networks import Farm, abi
from paygent_vvs.terms import QUOTE_SECONDS, Terms, approvals, nothing

FarmWish: TypeAlias = Stake | Unstake | Harvest | EmergencyWithdraw


async def quote(market: Market, wish: FarmWish, farm: Farm, owner: str, name: str) -> TradeQuote:
    """Return what a wish would take and bring.

    Raises: TradeRefused: less is staked than is asked for, the farm is paused, or it is another pool's.
    """
    await _check_same(market, farm)
    status = await notes(market, farm)
    staked = await _staked(market, farm, owner)
    spend, expected, least = await _terms(market, wish, farm, owner, staked)
    return TradeQuote(
        wish=wish,
        venue=name,
        owner=owner,
        spend=spend,
        expected=expected,
        at_least=least,
        block_number=market.block.number,
        valid_until=market.block.timestamp + QUOTE_SECONDS,
        notes=status,
    )


async def build(market: Market, quoted: TradeQuote, wish: FarmWish, farm: Farm, terms: Terms) -> tuple[Action, ...]:
    """Return the calls of a quote.

    Raises: TradeRefused: it is no longer so.
    """
    staked = await _staked(market, farm, quoted.owner)
    spend, _, least = await _terms(market, wish, farm, quoted.owner, staked)
    if isinstance(wish, EmergencyWithdraw) and least != quoted.at_least:
        raise TradeRefused("stale_quote", f"{least[0]} is staked now, and {quoted.at_least[0]} was quoted; quote again")
    paid = spend[0] if spend else nothing(market.venue.coin)
    allow = await approvals(market, quoted.owner, paid, farm.craftsman) if spend else ()
    action = Action(
        purpose="position",
        network=market.venue.network,
        venue=quoted.venue,
        spend=paid,
        receive=tuple(amount for amount in least if amount.atomic),
        calls=(*allow, call(wish, farm)),
        counterparty=farm.craftsman,
        deadline=terms.deadline(market),
        summary=_summary(wish, farm, market.venue.title),
    )
    return (action,)


def call(wish: FarmWish, farm: Farm) -> Call:
    """Return the call: pool 0 of the first version has functions of its own, and a harvest is a deposit of nothing."""
    book = abi(f"craftsman_v{farm.version}")
    amount = wish.amount.atomic if isinstance(wish, Stake | Unstake) else 0
    single = farm.version == 1 and farm.pid == 0
    if isinstance(wish, EmergencyWithdraw):
        return book.call(farm.craftsman, "emergencyWithdraw", farm.pid)
    if isinstance(wish, Unstake):
        return (
            book.call(farm.craftsman, "leaveStaking", amount)
            if single
            else book.call(farm.craftsman, "withdraw", farm.pid, amount)
        )
    if single:
        return book.call(farm.craftsman, "enterStaking", amount)
    return book.call(farm.craftsman, "deposit", farm.pid, amount)


async def notes(market: Market, farm: Farm) -> tuple[str, ...]:
    """Return the status of a farm, for people."""
    said = [f"on {market.venue.title}"]
    if farm.version == 2 and (await market.values("craftsman_v2", farm.craftsman, "paused"))[0] is True:
        said.append(f"{farm.name} is paused: nothing can be staked or harvested")
    if farm.version == 1:
        said.append(await _emission(market, farm))
    said.append("rewards can end or change at any time; none is promised")
    return tuple(said)


async def pending(market: Market, farm: Farm, owner: str) -> tuple[tuple[Amount, ...], tuple[str, ...]]:
    """Return the rewards that can be harvested, and notes about those in tokens that are not known."""
    rewards: list[Amount] = []
    unknown: list[str] = []
    vvs = await market.number(f"craftsman_v{farm.version}", farm.craftsman, "pendingVVS", farm.pid, owner)
    if market.venue.reward is not None:
        rewards.append(Amount(vvs, market.venue.reward))
    if farm.version == 2:
        tokens, amounts = await market.values("craftsman_v2", farm.craftsman, "pendingTokens", farm.pid, owner)
        known = {token.id.address: token for token in market.venue.tokens}
        for address, atomic in _paired(tokens, amounts):
            if address in known:
                rewards.append(Amount(atomic, known[address]))
            elif atomic:
                unknown.append(f"{atomic} atomic units of the unknown token {checksum(address)} are pending too")
    return tuple(rewards), tuple(unknown)


async def positions(market: Market, owner: str, name: str) -> list[Position]:
    """Return what the owner has in every farm."""
    found = await together([partial(_position, market, owner, name, farm) for farm in market.venue.farms])
    return [one for one in found if one is not None]


async def _position(market: Market, owner: str, name: str, farm: Farm) -> Position | None:
    staked = await _staked(market, farm, owner)
    rewards, unknown = await pending(market, farm, owner)
    if staked == 0 and not any(reward.atomic for reward in rewards) and not unknown:
        return None
    return Position(
        venue=name,
        network=market.venue.network,
        kind="farm",
        name=farm.name,
        pool=farm.id,
        holds=Amount(staked, farm.asset),
        pending=tuple(reward for reward in rewards if reward.atomic),
        notes=(*await notes(market, farm), *unknown),
    )


async def _terms(
    market: Market, wish: FarmWish, farm: Farm, owner: str, staked: int
) -> tuple[tuple[Amount, ...], tuple[Amount, ...], tuple[Amount, ...]]:
    """Return what is spent, what is expected back, and what comes back at least."""
    if isinstance(wish, Stake | Unstake) and wish.amount.asset != farm.asset:
        raise TradeRefused("wrong_asset", f"{farm.name} takes {farm.asset.symbol}, not {wish.amount.asset.symbol}")
    if isinstance(wish, Stake):
        await _check_open(market, farm)
        return (wish.amount,), (), ()
    if isinstance(wish, Harvest):
        await _check_open(market, farm)
        rewards, _ = await pending(market, farm, owner)
        return (), rewards, tuple(Amount(0, reward.asset) for reward in rewards)
    asked = wish.amount.atomic if isinstance(wish, Unstake) else staked
    if asked == 0 or asked > staked:
        raise TradeRefused("insufficient_stake", f"{owner} has staked {Amount(staked, farm.asset)} in {farm.name}")
    back = (Amount(asked, farm.asset),)
    return (), back, back


async def _check_same(market: Market, farm: Farm) -> None:
    """Make sure that the pool number still means what the configuration says."""
    stands = (await market.values(f"craftsman_v{farm.version}", farm.craftsman, "poolInfo", farm.pid))[0]
    if stands != farm.asset.id.address:
        raise TradeRefused(
            "unknown_pool", f"pool {farm.id} of {market.venue.title} takes {stands}, not {farm.asset.id}"
        )


async def _check_open(market: Market, farm: Farm) -> None:
    if farm.version == 2 and (await market.values("craftsman_v2", farm.craftsman, "paused"))[0] is True:
        raise TradeRefused("paused", f"{farm.name} is paused")


async def _staked(market: Market, farm: Farm, owner: str) -> int:
    return await market.number(f"craftsman_v{farm.version}", farm.craftsman, "userInfo", farm.pid, owner)


async def _emission(market: Market, farm: Farm) -> str:
    part = (await market.values("craftsman_v1", farm.craftsman, "poolInfo", farm.pid))[1]
    whole = await market.number("craftsman_v1", farm.craftsman, "totalAllocPoint")
    if part == 0:
        return f"{farm.name} gets none of what is emitted: it has ended"
    return f"{farm.name} gets {part} of {whole} parts of what is emitted"


def _paired(tokens: object, amounts: object) -> list[tuple[str, int]]:
    if not isinstance(tokens, tuple | list) or not isinstance(amounts, tuple | list):
        return []
    pairs = zip(cast("Sequence[str]", tokens), cast("Sequence[int]", amounts), strict=False)
    return [(str(token), int(amount)) for token, amount in pairs]


def _summary(wish: FarmWish, farm: Farm, title: str) -> str:
    match wish:
        case Stake():
            return f"Stake {wish.amount} in {farm.name} on {title}"
        case Unstake():
            return f"Take {wish.amount} out of {farm.name} on {title}"
        case Harvest():
            return f"Harvest {farm.name} on {title}"
        case EmergencyWithdraw():
            return f"Take everything out of {farm.name} on {title} and give its rewards up"
