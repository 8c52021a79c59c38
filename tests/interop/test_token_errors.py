"""The own errors of OpenZeppelin's ERC-20 on a real EVM, read as what they are: before sending, and when mined."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from paygent.core.caip import chain_id, erc20
from paygent.core.errors import PaymentOutcomeUnknown
from paygent.core.money import Amount, Asset, usd
from paygent.core.requirements import Token
from paygent.core.transaction_errors import SimulationReverted, TransactionReverted
from paygent.evm.address import checksum
from tests.interop.acting import PATIENCE, Actor, new_actor
from tests.interop.peers.chain import TokenChain, call_data

PAYEE = checksum(f"0x{'ab' * 20}")
ARTIFACT = Path(__file__).parents[1] / "vectors" / "contracts" / "OpenToken.json"
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """One of the two: how the engine waits is tested with both elsewhere."""
    return "asyncio"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A key that has 100 units of a fresh token."""

    actor: Actor
    token: Asset

    def send(self, signature: str, *values: object) -> None:
        self.actor.chain.anvil.send(self.actor.key.address, self.token.id.address, call_data(signature, *values))

    def wiring(self) -> dict[str, Any]:
        most = (usd("100"), Amount(10**18, self.actor.coin), Amount(10**18, self.token))
        return {
            "policy": self.actor.policy(max_per_payment=most, per_day=most),
            "tokens": [Token(asset=self.token, name="Open Token", versions=("1",))],
        }


@pytest.fixture
def holder(acting_chain: TokenChain) -> Holder:
    actor, anvil = new_actor(acting_chain), acting_chain.anvil
    creation = json.loads(ARTIFACT.read_text())["bytecode"]
    made = anvil._receipt(anvil.call("eth_sendTransaction", {"from": actor.key.address, "data": creation}))
    network = chain_id(acting_chain.network)
    holder = Holder(actor=actor, token=Asset(id=erc20(network, made["contractAddress"]), symbol="OPEN", decimals=18))
    holder.send("mint(address,uint256)", actor.key.address, 100)
    return holder


async def test_transfer_that_a_token_would_refuse_is_told_by_its_own_error(holder: Holder) -> None:
    holder.send("pause()")
    sent = holder.actor.sent
    async with holder.actor.wallet(**holder.wiring()) as wallet:
        with pytest.raises(SimulationReverted, match=r"EnforcedPause\(\)") as raised:
            await wallet.transfer(Amount(1, holder.token), PAYEE)

    assert ("EnforcedPause", (), sent) == (raised.value.error, raised.value.arguments, holder.actor.sent)


async def test_mined_transfer_without_enough_is_told_by_the_tokens_own_error(holder: Holder) -> None:
    """Between simulation and block the money goes elsewhere: the token says who has how much, and what was asked."""
    anvil, key = holder.actor.chain.anvil, holder.actor.key.address
    other = holder.actor.chain.new_payer().address
    burning = call_data("burn(address,uint256)", key, 40)
    fees = {"maxFeePerGas": hex(10**12), "maxPriorityFeePerGas": hex(10**11), "gas": hex(100_000)}
    impatient = replace(PATIENCE, timeout_seconds=0.2)
    with anvil.paused_mining():
        async with holder.actor.wallet(patience=impatient, **holder.wiring()) as wallet:
            with pytest.raises(PaymentOutcomeUnknown) as unknown:
                await wallet.transfer(Amount(61, holder.token), PAYEE)
        anvil.call("eth_sendTransaction", {"from": other, "to": holder.token.id.address, "data": burning, **fees})
    async with holder.actor.wallet(**holder.wiring()) as wallet:
        with pytest.raises(TransactionReverted, match="ERC20InsufficientBalance") as raised:
            await wallet.go_on(unknown.value.payment_id)

    assert ("ERC20InsufficientBalance", (key.lower(), 60, 61)) == (raised.value.error, raised.value.arguments)
