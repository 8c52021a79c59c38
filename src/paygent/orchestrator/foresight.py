"""What a plan comes to before any of it is done: each step is looked at as if those before it were done."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from paygent.core.budget import WindowKey
from paygent.core.caip import AssetId
from paygent.engine.approval_facts import exhausted, hold_keys
from paygent.orchestrator.tools import Price
from paygent.ports.history import PaymentHistory


async def foreseen(prices: Sequence[Price | None], storage: PaymentHistory) -> Sequence[Price | None]:
    """Return the prices of a plan's steps, in their order, as they look when each one's turn comes.

    A step may spend what those before it bring in, and finds less room in the limits than they did. The gas of earlier
    steps is left out: they rarely burn what they hold for it.

    Raises: AdapterError: the storage could not answer.
    """
    known = [price for price in prices if price is not None]
    keys = {key for price in known for hold in price.holds for key in hold_keys(hold)}
    sums: Counter[WindowKey] = Counter(await storage.sums(sorted(keys)) if keys else {})
    brought: set[AssetId] = set()
    found: list[Price | None] = []
    for price in prices:
        found.append(None if price is None else _in_turn(price, sums, brought))
        if price is not None:
            brought |= {amount.asset.id for amount in price.brings}
            for hold in price.holds:
                if not hold.gas:
                    sums[hold.scope, hold.window, str(hold.limit.asset.id)] += hold.amount.atomic
    return found


def _in_turn(price: Price, sums: Counter[WindowKey], brought: set[AssetId]) -> Price:
    if price.lacks & brought:
        price = replace(price, acceptable=True, why="")
    if price.acceptable and (full := exhausted(price.holds, sums)) is not None:
        return replace(price, acceptable=False, why=full.explain())
    return price
