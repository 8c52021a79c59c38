"""The fee in a chain's coin that a trade pays beside the token it spends: judged by the limits on the coin."""

from collections.abc import Iterable
from dataclasses import replace

from paygent.core.budget import Hold
from paygent.core.money import PAYMENTS
from paygent.core.verdict import Verdict, combine
from paygent.evm.coins import coin_token
from paygent.policy.ask import Ask


def fee_of(ask: Ask) -> Ask | None:
    """Return what the policy is asked about the fee of an action; None where there is none. It has no price yet."""
    fee = None if ask.action is None else ask.action.fee
    return None if fee is None else replace(ask, token=coin_token(ask.network), amount=fee, price=None)


def judged(trade: Verdict, fee: Verdict) -> Verdict:
    """Return what is said of a trade and its fee together; what speaks against both is said once."""
    verdict = combine((trade, fee))
    return replace(verdict, reasons=tuple(dict.fromkeys(verdict.reasons)))


def with_fee(spent: Iterable[Hold], fee: Iterable[Hold]) -> tuple[Hold, ...]:
    """Return what a trade and its fee take from the limits together, one hold a sum; they count as one payment."""
    found = {(hold.scope, hold.window, hold.amount.asset.id): hold for hold in spent}
    for hold in fee:
        if hold.amount.asset == PAYMENTS:
            continue
        key = (hold.scope, hold.window, hold.amount.asset.id)
        found[key] = replace(found[key], amount=found[key].amount + hold.amount) if key in found else hold
    return tuple(found.values())
