"""What to offer for gas. Pure."""

from dataclasses import dataclass
from typing import Final

from paygent.core.transaction import Attempt
from paygent.ports.transactions import Fees

_REPLACES_PERCENT: Final = 110
"""A node takes another transaction of the same account nonce only if both fees are a tenth higher.  Source: geth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What each gas may cost, in wei."""

    max_fee: int
    tip: int | None
    """None: a legacy transaction, which names one price."""


def offer(fees: Fees) -> Offer:
    """Return what gets a transaction into one of the next blocks.

    Where tips buy nothing (Cronos) the offer stays within a quarter of the base fee, because such a chain's documents
    leave open whether the offer or the base fee is charged. Source: Cronos documentation, fee market module.
    """
    if fees.legacy:
        return Offer(max_fee=fees.base_fee, tip=None)
    if fees.tip:
        return Offer(max_fee=2 * fees.base_fee + fees.tip, tip=fees.tip)
    return Offer(max_fee=-(-fees.base_fee * 5 // 4), tip=0)


def replacing(fees: Fees, earlier: Attempt) -> Offer:
    """Return what takes the place of an earlier transaction: today's offer, and a tenth above the earlier one."""
    today = offer(fees)
    least = -(-earlier.max_fee * _REPLACES_PERCENT // 100)
    if earlier.tip is None:
        return Offer(max_fee=max(today.max_fee, least), tip=None)
    tip = max(today.tip or 0, -(-earlier.tip * _REPLACES_PERCENT // 100))
    return Offer(max_fee=max(today.max_fee, least, tip), tip=tip)


def gas_limit(estimate: int) -> int:
    """Return the limit for an estimate: the state may change until the block; a plain payment never takes more.

    An estimate sees the block that is there, and a pool writes its cumulative prices only in a later one: up to two
    words for each of two pools, which cost most where they were zero. Half of the estimate and a fixed part cover that
    for the cheapest swaps too. What is not used is given back; it stays below twice the estimate of a swap, because
    Cronos charges at least half of the limit. Source: UniswapV2Pair._update, EIP-2929, Ethermint MinGasMultiplier.
    """
    return estimate if estimate == PLAIN_GAS else estimate * 3 // 2 + _MORE_GAS


_MORE_GAS: Final = 20_000
PLAIN_GAS: Final = 21_000
"""What a payment of the coin to an account without code takes."""
