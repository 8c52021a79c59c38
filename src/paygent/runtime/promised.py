"""What a person wished for and what a connector quotes: the quote may not take more, or bring something else."""

from paygent.core.money import Amount
from paygent.ports.connector import (
    MOST_BPS,
    AddLiquidity,
    EmergencyWithdraw,
    Harvest,
    RemoveLiquidity,
    Stake,
    Swap,
    TradeQuote,
    Unstake,
)


def departure(quote: TradeQuote) -> str | None:
    """Return how a quote departs from its own wish, or None."""
    wish = quote.wish
    match wish:
        case Swap():
            return _swap(wish, quote)
        case AddLiquidity():
            most = [wish.first] if wish.second_most is None else [wish.first, wish.second_most]
            fits = _within(quote.spend, most) and {each.asset for each in quote.spend} <= {
                wish.first.asset,
                wish.second,
            }
        case RemoveLiquidity():
            fits = len(quote.spend) == 1 and quote.spend[0].asset not in (wish.first, wish.second)
            fits = fits and {each.asset for each in quote.at_least} == {wish.first, wish.second}
        case Stake():
            fits = quote.spend == (wish.amount,)
        case Unstake() | Harvest() | EmergencyWithdraw():
            fits = not any(each.atomic for each in quote.spend)
    return None if fits else f"it takes {_said(quote.spend)} for a wish to {wish.kind.replace('_', ' ')} something else"


def _swap(wish: Swap, quote: TradeQuote) -> str | None:
    exact_in = wish.exact == "in"
    if [each.asset for each in quote.spend] != [wish.give] or (exact_in and quote.spend != (wish.amount,)):
        return f"it takes {_said(quote.spend)}, and {wish.amount} was wished for"
    if [each.asset for each in quote.at_least] != [wish.get] or (not exact_in and quote.at_least != (wish.amount,)):
        return f"it brings {_said(quote.at_least)}, and {wish.get.symbol} was wished for"
    if exact_in and wish.slippage_bps is not None:
        expected = sum(each.atomic for each in quote.expected if each.asset == wish.get)
        if quote.at_least[0].atomic * MOST_BPS < expected * (MOST_BPS - wish.slippage_bps):
            return f"it may bring as little as {quote.at_least[0]}, which is more than {wish.slippage_bps} bps below"
    return None


def _within(taken: tuple[Amount, ...], most: list[Amount]) -> bool:
    limits = {each.asset: each.atomic for each in most}
    return all(each.atomic <= limits.get(each.asset, each.atomic) for each in taken)


def _said(amounts: tuple[Amount, ...]) -> str:
    return ", ".join(map(str, amounts)) or "nothing"
