"""What a wallet lets contracts take, on a real EVM: exactly so much, counted as spent, and taken back by 0."""

import pytest

from paygent.core.errors import BudgetExceeded, LocalProtocolError
from paygent.core.lifecycle import State
from paygent.core.money import Amount, usd
from paygent.evm import erc20
from paygent.evm.address import checksum
from paygent.evm.deployments import PERMIT2
from tests.interop.acting import Actor, new_actor
from tests.interop.peers.chain import TokenChain

pytestmark = pytest.mark.anyio


@pytest.fixture
def actor(acting_chain: TokenChain) -> Actor:
    return new_actor(acting_chain)


def allowed(actor: Actor) -> int:
    question = {"to": checksum(actor.token.id.address), "data": erc20.allowance(actor.key.address, PERMIT2)}
    return int(actor.chain.anvil.call("eth_call", question, "latest"), 16)


async def test_approval_is_of_exactly_what_is_said_and_counts_as_spent(actor: Actor) -> None:
    policy = actor.policy(per_day=(usd("2"), Amount(10**18, actor.coin)))
    async with actor.wallet(policy=policy) as wallet:
        payment = await wallet.approve(Amount(1_500_000, actor.token), PERMIT2)
        with pytest.raises(BudgetExceeded):
            await wallet.approve(Amount(500_001, actor.token), PERMIT2)

    assert (State.SETTLED, 1_500_000, 1) == (payment.state, allowed(actor), actor.sent)


async def test_approval_is_taken_back_by_nothing(actor: Actor) -> None:
    async with actor.wallet() as wallet:
        await wallet.approve(Amount(1_500_000, actor.token), PERMIT2)
        payment = await wallet.approve(Amount(0, actor.token), PERMIT2)

    assert (State.SETTLED, 0) == (payment.state, allowed(actor))


async def test_approval_with_the_same_key_is_made_once(actor: Actor) -> None:
    async with actor.wallet() as wallet:
        first = await wallet.approve(Amount(5, actor.token), PERMIT2, idempotency_key="permit2")
        again = await wallet.approve(Amount(5, actor.token), PERMIT2, idempotency_key="permit2")

    assert (first.id, 1) == (again.id, actor.sent)


async def test_nobody_is_approved_to_take_the_coin(actor: Actor) -> None:
    async with actor.wallet() as wallet:
        with pytest.raises(LocalProtocolError, match="nobody can be approved"):
            await wallet.approve(Amount(5, actor.coin), PERMIT2)

    assert 0 == actor.sent
