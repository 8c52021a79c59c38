"""What a plan comes to before any of it is done: each step is looked at as if those before it were done."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from paygent.core.budget import Hold, WindowKey
from paygent.core.caip import AssetId
from paygent.core.money import Amount
from paygent.engine.approval_facts import exhausted, hold_keys
from paygent.orchestrator.funds import Funds
from paygent.orchestrator.tools import Price
from paygent.ports.history import PaymentHistory


class Foresight:
    """Looks ahead for one wallet."""

    def __init__(self, storage: PaymentHistory, funds: Funds) -> None:
        self._storage = storage
        self._funds = funds

    async def foreseen(self, prices: Sequence[Price | None]) -> Sequence[Price | None]:
        """Return the prices of a plan's steps, in their order, as they look when each one's turn comes.

        A step may spend what those before it bring in, and finds less in the limits and the wallet than they did. The
        gas of earlier steps is left out: they rarely burn what they hold for it.

        Raises: AdapterError: the storage or a chain could not answer.
        """
        known = [price for price in prices if price is not None]
        sums = self._sums([hold for price in known for hold in price.holds])
        has = self._has([amount for price in known for amount in price.spends])
        outlook = _Outlook(*await asyncio.gather(sums, has))
        return [None if price is None else outlook.take(price) for price in prices]

    async def _sums(self, holds: Sequence[Hold]) -> Mapping[WindowKey, int]:
        keys = {key for hold in holds for key in hold_keys(hold)}
        return await self._storage.sums(sorted(keys)) if keys else {}

    async def _has(self, spends: Sequence[Amount]) -> Mapping[AssetId, int]:
        assets = {amount.asset.id: amount.asset for amount in spends}
        had = await asyncio.gather(*(self._funds.has(asset) for asset in assets.values()))
        return {amount.asset.id: amount.atomic for amount in had if amount is not None}


class _Outlook:
    """What is left of limits and balances, step by step."""

    def __init__(self, sums: Mapping[WindowKey, int], has: Mapping[AssetId, int]) -> None:
        self._sums = Counter(sums)
        self._left = Counter(has)
        self._brought: set[AssetId] = set()

    def take(self, price: Price) -> Price:
        """Return a price as it looks now, and go on to after it."""
        seen = self._in_turn(price)
        for hold in price.holds:
            if not hold.gas:
                self._sums[hold.scope, hold.window, str(hold.limit.asset.id)] += hold.amount.atomic
        for amount in price.spends:
            if amount.asset.id in self._left:
                self._left[amount.asset.id] -= amount.atomic
        self._bring(price)
        return seen

    def _bring(self, price: Price) -> None:
        """Forget the balances that are not known any more: how much comes in is seen when it is there."""
        if price.brings and not any(amount.atomic for amount in price.spends):
            self._left.clear()  # what pays out of a position may pay more than it says, such as rewards
        for amount in price.brings:
            self._brought.add(amount.asset.id)
            self._left.pop(amount.asset.id, None)

    def _in_turn(self, price: Price) -> Price:
        if price.lacks & self._brought:
            price = replace(price, acceptable=True, why="")
        if not price.acceptable:
            return price
        why = [full.explain()] if (full := exhausted(price.holds, self._sums)) is not None else []
        why += [
            f"{amount} is needed, and the wallet would have {Amount(max(0, self._left[amount.asset.id]), amount.asset)}"
            for amount in price.spends
            if self._left.get(amount.asset.id, amount.atomic) < amount.atomic
        ]
        return replace(price, acceptable=not why, why="; ".join(why))
