"""What the engine does with the policy's verdict."""

import httpx
import pytest

from paygent.adapters.httpx import AsyncPaymentTransport
from paygent.core.errors import PolicyDenied
from paygent.core.lifecycle import State
from paygent.core.money import usd
from paygent.policy.policy import Policy
from paygent.testing.engine import memory_engine

pytestmark = pytest.mark.anyio


async def test_payment_that_needs_a_person_is_not_made_while_nobody_can_be_asked() -> None:
    """Only what the policy allows outright is signed."""
    kit = memory_engine(policy=Policy(max_per_payment=usd("5"), approve_above=usd("0.0001")))
    transport = AsyncPaymentTransport(kit.engine, inner=httpx.MockTransport(kit.seller()))

    async with httpx.AsyncClient(transport=transport) as client:
        with pytest.raises(PolicyDenied, match=r"0\.0001"):
            await client.get("http://seller.test/paid")

    assert 0 == kit.transfers()
    assert {State.DENIED: 1} == dict(await kit.states())
