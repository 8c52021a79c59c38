"""A chain from before EIP-1559: every transaction names one gas price, and is signed for this chain only (EIP-155)."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from eth_account import Account

from paygent.core.errors import PaymentOutcomeUnknown
from paygent.core.lifecycle import State
from paygent.core.money import Amount
from paygent.core.payment import Payment
from paygent.core.record import from_record, to_record
from paygent.core.transaction_errors import GasTooExpensive
from paygent.evm.address import checksum
from paygent.testing.journal import MemoryJournal
from tests.interop.acting import PATIENCE, Actor
from tests.interop.install import Installed
from tests.interop.peers.anvil import RpcError, running_anvil
from tests.interop.peers.chain import USDC, TokenChain
from tests.interop.peers.market import BASE_SEPOLIA_ID

pytestmark = pytest.mark.anyio
PAYEE = checksum(f"0x{'ab' * 20}")
SUM = 10**15


@pytest.fixture(scope="module")
def old_chain(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TokenChain]:
    place = tmp_path_factory.mktemp("old")
    with running_anvil(installed, chain_id=BASE_SEPOLIA_ID, log_dir=place, hardfork="berlin") as anvil:
        yield TokenChain(anvil=anvil, token=USDC, token_name="USDC", token_version="2")


@pytest.fixture
def actor(old_chain: TokenChain) -> Actor:
    key = Account.create()
    old_chain.anvil.call("anvil_setBalance", key.address, hex(10**18))
    return Actor(chain=old_chain, key=key, journal=MemoryJournal())


def mined(actor: Actor, payment: Payment) -> dict[str, Any]:
    assert payment.receipt is not None
    found: dict[str, Any] = actor.chain.anvil.call("eth_getTransactionByHash", payment.receipt.transaction)
    return found


async def test_transfer_on_a_chain_without_a_base_fee_is_a_legacy_transaction(actor: Actor) -> None:
    before = actor.coins(PAYEE)
    async with actor.wallet() as wallet:
        payment = await wallet.transfer(Amount(SUM, actor.coin), PAYEE)
    transaction, price = mined(actor, payment), int(actor.chain.anvil.call("eth_gasPrice"), 16)

    assert payment.receipt is not None
    assert payment.receipt.fee is not None
    assert ("0x0", price) == (transaction["type"], int(transaction["gasPrice"], 16))
    assert int(transaction["v"], 16) in {35 + 2 * BASE_SEPOLIA_ID, 36 + 2 * BASE_SEPOLIA_ID}
    assert (State.SETTLED, SUM, 21_000 * price) == (
        payment.state,
        actor.coins(PAYEE) - before,
        payment.receipt.fee.atomic,
    )


async def test_legacy_transaction_is_written_down_and_read_again(actor: Actor) -> None:
    async with actor.wallet() as wallet:
        payment = await wallet.transfer(Amount(SUM, actor.coin), PAYEE)

    again = from_record(to_record(payment), payment.payload)
    assert again == payment
    assert again.plan is not None
    assert [None] == [attempt.tip for attempt in again.plan.attempts]


async def test_stuck_legacy_transaction_is_replaced_by_a_dearer_one_of_the_same_nonce(actor: Actor) -> None:
    patience = replace(PATIENCE, bump_seconds=0.15, resend_seconds=0.05, timeout_seconds=0.4)
    async with actor.wallet(patience=patience) as wallet:
        with actor.chain.anvil.paused_mining(), pytest.raises(PaymentOutcomeUnknown) as raised:
            await wallet.transfer(Amount(SUM, actor.coin), PAYEE)
        settled = await wallet.go_on(raised.value.payment_id)

    assert settled.plan is not None
    attempts = settled.plan.attempts
    assert len(attempts) > 1
    assert {None} == {attempt.tip for attempt in attempts}
    assert all(later.max_fee * 10 >= earlier.max_fee * 11 for earlier, later in pairwise(attempts))
    assert ("0x0", State.SETTLED, 1) == (mined(actor, settled)["type"], settled.state, actor.sent)


async def test_legacy_transaction_is_cancelled_by_a_dearer_one(actor: Actor) -> None:
    before = actor.coins(PAYEE)
    async with actor.wallet(patience=replace(PATIENCE, timeout_seconds=0.2, resend_seconds=60)) as wallet:
        with actor.chain.anvil.paused_mining():
            with pytest.raises(PaymentOutcomeUnknown) as raised:
                await wallet.transfer(Amount(SUM, actor.coin), PAYEE)
            await wallet.cancel(raised.value.payment_id)
        cancelled = await wallet.engine.reconciler.reconcile(raised.value.payment_id)

    assert (State.CANCELLED, 1, before) == (cancelled.state, actor.sent, actor.coins(PAYEE))


async def test_gas_price_above_the_policy_is_not_offered(actor: Actor) -> None:
    price = int(actor.chain.anvil.call("eth_gasPrice"), 16)
    policy = actor.policy(gas_per_transaction=Amount(21_000 * price - 1, actor.coin))
    async with actor.wallet(policy=policy) as wallet:
        with pytest.raises(GasTooExpensive) as raised:
            await wallet.transfer(Amount(SUM, actor.coin), PAYEE)

    assert (21_000 * price, 0) == (raised.value.asked.atomic, actor.sent)


async def test_the_chain_takes_no_other_kind(actor: Actor) -> None:
    """What the others prove is worth something only here: a dynamic-fee transaction is refused by this node."""
    said: dict[str, Any] = {"to": PAYEE, "value": 1, "gas": 21_000, "nonce": 0, "chainId": BASE_SEPOLIA_ID, "type": 2}
    made = actor.key.sign_transaction(said | {"maxFeePerGas": 10**10, "maxPriorityFeePerGas": 1})
    with pytest.raises(RpcError, match=r"1559|type"):
        actor.chain.anvil.call("eth_sendRawTransaction", "0x" + bytes(made.raw_transaction).hex())
