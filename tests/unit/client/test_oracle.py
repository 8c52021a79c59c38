"""One budget in dollars over tokens that are not dollars, through the client's oracle."""

from dataclasses import replace
from decimal import Decimal

import httpx
import pytest

from paygent.client import X402Client
from paygent.core.errors import BudgetExceeded, PaymentNotAttempted, PolicyDenied
from paygent.core.money import usd
from paygent.policy.policy import Policy
from paygent.testing.engine import NETWORK, TOKEN, MemoryEngine, memory_engine
from paygent.testing.keys import dev_accounts
from paygent.testing.prices import MemoryPrices

pytestmark = pytest.mark.anyio
COIN = replace(TOKEN, usd=False)
POLICY = Policy(max_per_payment=usd("0.002"), per_day=usd("0.0035"))


def prices(memory: MemoryEngine, dollars: str = "1.50", *, age: int = 0) -> MemoryPrices:
    return MemoryPrices({COIN.asset.id: Decimal(dollars)}, as_of=memory.clock.now() - age)


async def pay(memory: MemoryEngine, oracle: MemoryPrices, *, times: int = 1) -> None:
    """Pay 0.001 coins so many times."""
    seller = memory.seller(price=1_000)
    async with X402Client.open(
        private_key=dev_accounts()[0].private_key,
        journal=memory.journal,
        chains={NETWORK: memory.chain},
        tokens=[COIN],
        oracle=oracle,
        policy=POLICY,
        clock=memory.clock,
        transport=httpx.MockTransport(seller),
    ) as client:
        for _ in range(times):
            await client.get("http://seller.test/thing", new_purchase=True)


async def test_token_that_is_no_dollar_counts_by_its_price_and_haircut() -> None:
    """A payment counts as more than 0.0015 dollars, so two of them fit into 0.0035 and three do not."""
    memory = memory_engine(token=COIN)

    with pytest.raises(BudgetExceeded):
        await pay(memory, prices(memory), times=3)

    assert 2 == memory.transfers()


async def test_token_that_became_dearer_is_above_the_limit() -> None:
    memory = memory_engine(token=COIN)

    with pytest.raises(PolicyDenied, match="above"):
        await pay(memory, prices(memory, "3"))


async def test_token_without_a_fresh_price_is_not_paid() -> None:
    memory = memory_engine(token=COIN)
    nothing = MemoryPrices({}, as_of=memory.clock.now())

    for oracle in (nothing, prices(memory, age=100_000)):
        with pytest.raises(PolicyDenied):
            await pay(memory, oracle)

    assert 0 == memory.transfers()


async def test_nothing_is_paid_while_the_oracle_does_not_answer() -> None:
    memory = memory_engine(token=COIN)
    oracle = prices(memory)
    oracle.down = True

    with pytest.raises(PaymentNotAttempted, match="cannot be reached"):
        await pay(memory, oracle)
