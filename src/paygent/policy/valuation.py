"""What an amount counts as in a limit's asset."""

from paygent.core.money import USD, Amount, Asset
from paygent.core.requirements import Token


def valued(amount: Amount, unit: Asset, token: Token) -> Amount | None:
    """Return `amount` in the limit's `unit`, rounded up, or None where nothing says what it is worth.

    A token counts in its own limits, and in dollars one to one where the table or the user says that it is a dollar.
    """
    if unit == amount.asset:
        return amount
    if unit != USD or not token.usd or token.asset != amount.asset:
        return None
    shift = USD.decimals - amount.asset.decimals
    atomic = amount.atomic * 10**shift if shift >= 0 else -(-amount.atomic // 10**-shift)
    return Amount(atomic, USD)
