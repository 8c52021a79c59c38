"""What reverts mean. Only the end of a text counts: ``VVSRouter: EXPIRED`` here, ``UniswapV2Router: …`` elsewhere."""

import re

from paygent.plugin import TradeRefused

_SAID = re.compile(r": ([A-Z][A-Z_]*)(?![A-Za-z_])")
_MEANINGS = {
    "EXPIRED": ("expired", "the deadline has passed; quote again"),
    "INSUFFICIENT_OUTPUT_AMOUNT": (
        "slippage",
        "less would come back than was agreed; quote again, or allow more slippage",
    ),
    "EXCESSIVE_INPUT_AMOUNT": ("slippage", "more would be taken than was agreed; quote again, or allow more slippage"),
    "INSUFFICIENT_A_AMOUNT": ("slippage", "the pool's ratio has moved beyond the slippage; quote again"),
    "INSUFFICIENT_B_AMOUNT": ("slippage", "the pool's ratio has moved beyond the slippage; quote again"),
    "INSUFFICIENT_LIQUIDITY": ("insufficient_liquidity", "the pool does not have so much"),
    "INSUFFICIENT_LIQUIDITY_MINTED": ("insufficient_liquidity", "so little gives no share of the pool"),
    "INSUFFICIENT_LIQUIDITY_BURNED": ("insufficient_liquidity", "so small a share gives nothing back"),
    "INSUFFICIENT_INPUT_AMOUNT": ("insufficient_input", "nothing was put in"),
    "INVALID_PATH": ("no_route", "the route does not begin or end with the wrapped coin"),
    "IDENTICAL_ADDRESSES": ("no_route", "the two assets are the same"),
    "K": ("pool_changed", "the pool got less than it was promised: a token may take a fee of each transfer"),
    "LOCKED": ("pool_changed", "the pool is in the middle of another trade"),
    "TRANSFER_FAILED": ("transfer_failed", "a token did not let itself be sent"),
    "TRANSFER_FROM_FAILED": (
        "transfer_failed",
        "a token did not let itself be taken: too little of it, or not approved",
    ),
    "ETH_TRANSFER_FAILED": ("transfer_failed", "the recipient does not take the coin"),
}
_SENTENCES = {
    "withdraw: not good": ("insufficient_stake", "less is staked than was to be taken out"),
    "transfer amount exceeds balance": ("insufficient_balance", "the wallet has less than that"),
    "Transaction too old": ("expired", "the deadline has passed; quote again"),
    "Too little received": ("slippage", "less would come back than was agreed; quote again, or allow more slippage"),
    "Too much requested": ("slippage", "more would be taken than was agreed; quote again, or allow more slippage"),
    "Pausable: paused": ("paused", "the farm is paused"),
}


def refusal(revert: str) -> TradeRefused | None:
    """Return what a revert's text means, or None where it is not one of the venue's."""
    known = [word for word in _SAID.findall(revert) if word in _MEANINGS]
    if known:
        code, meaning = _MEANINGS[known[-1]]
        return TradeRefused(code, f"the venue refused ({known[-1]}): {meaning}")
    for sentence, (code, meaning) in _SENTENCES.items():
        if sentence in revert:
            return TradeRefused(code, f"the venue refused ({sentence}): {meaning}")
    return None
