"""The arithmetic of a constant-product pool, to the unit.  Source: VVSLibrary.sol (as UniswapV2Library), fee 0.3%."""

from collections.abc import Sequence
from dataclasses import dataclass

from paygent.plugin import TradeRefused

KEPT, WHOLE = 997, 1_000
"""What of an input counts after the pool's fee."""
BPS = 10_000


@dataclass(frozen=True, slots=True)
class Hop:
    """One pool as a trade goes through it."""

    reserve_in: int
    reserve_out: int


def amount_out(amount_in: int, hop: Hop) -> int:
    """Return what a pool pays for `amount_in`, both in atomic units.

    Raises: TradeRefused: the pool is empty or nothing is put in.
    """
    if amount_in <= 0 or hop.reserve_in <= 0 or hop.reserve_out <= 0:
        raise TradeRefused("insufficient_liquidity", "nothing is put in, or the pool is empty")
    counted = amount_in * KEPT
    return counted * hop.reserve_out // (hop.reserve_in * WHOLE + counted)


def amount_in(amount_out: int, hop: Hop) -> int:
    """Return what a pool asks for `amount_out`.

    Raises: TradeRefused: the pool does not have so much.
    """
    if amount_out <= 0 or hop.reserve_in <= 0 or amount_out >= hop.reserve_out:
        raise TradeRefused(
            "insufficient_liquidity", f"the pool has {hop.reserve_out} units, and {amount_out} are asked"
        )
    return hop.reserve_in * amount_out * WHOLE // ((hop.reserve_out - amount_out) * KEPT) + 1


def along(amount: int, hops: Sequence[Hop]) -> int:
    """Return what comes out at the end of a route."""
    for hop in hops:
        amount = amount_out(amount, hop)
    return amount


def back(amount: int, hops: Sequence[Hop]) -> int:
    """Return what has to be put in at the beginning of a route for `amount` at its end."""
    for hop in reversed(hops):
        amount = amount_in(amount, hop)
    return amount


def price_impact_bps(put_in: int, taken_out: int, hops: Sequence[Hop]) -> int:
    """Return how much less comes out than at the pools' present prices, fees apart, in basis points rounded up."""
    best, divisor = put_in, 1
    for hop in hops:
        best *= KEPT * hop.reserve_out
        divisor *= WHOLE * hop.reserve_in
    missing = best - taken_out * divisor
    return max(0, -(-missing * BPS // best))


def least(expected: int, slippage_bps: int) -> int:
    """Return the least that may come out: never more than the slippage below what is expected."""
    return -(-expected * (BPS - slippage_bps) // BPS)


def most(expected: int, slippage_bps: int) -> int:
    """Return the most that may be put in: never more than the slippage above what is expected."""
    return expected * (BPS + slippage_bps) // BPS


def share(liquidity: int, total: int, reserve: int) -> int:
    """Return what a share of a pool is worth in one of its assets.  Source: VVSPair.burn."""
    return liquidity * reserve // total if total else 0
