"""What a seller claims and what the chain says: only final facts free money."""

import base64
from typing import Any

import httpx
import pytest

from paygent.adapters.httpx import AsyncPaymentTransport
from paygent.adapters.rpc import RpcChain
from paygent.core.caip import chain_id
from paygent.core.errors import (
    AuthorizationCancelled,
    AuthorizationExpired,
    DuplicatePurchase,
    PaymentOutcomeUnknown,
)
from paygent.core.lifecycle import State
from paygent.testing.journal import MemoryJournal
from tests.interop.hostile import answers
from tests.interop.hostile.answers import GOODS, claims, sells, settles_and, status
from tests.interop.hostile.endings import VALIDITY_SECONDS, cancel, pass_time
from tests.interop.hostile.marks import drives, hurried, moved
from tests.interop.hostile.shop import SOMEBODY, Shop, decode, offering
from tests.interop.hostile.wire import RawServer, Request, Wire, answer
from tests.interop.peers.anvil import dev_account
from tests.interop.peers.chain import PERMIT2, TokenChain, call_data
from tests.interop.wallet import Drive, engine, open_wallet, transfers_from

pytestmark = hurried


@drives
def test_settled_says_that_it_was_cancelled(hostile_chain: TokenChain, drive: Drive) -> None:
    payer = hostile_chain.new_payer()

    async def story(shop: Shop) -> None:
        async with open_wallet(drive, payer, hostile_chain) as wallet:
            response = await wallet.request("GET", shop.url())
            cancel(hostile_chain, payer, shop.authorization["nonce"])
            with pytest.raises(AuthorizationCancelled):
                await wallet.settled(response)
            stored = await wallet.stored(response)
            assert State.CANCELLED is stored.state
            assert stored.receipt is None

    with Shop(chain=hostile_chain, paid=status(502)) as shop:
        drive.run(lambda: story(shop))
    assert 0 == moved(hostile_chain, payer.address)


@drives
def test_settled_says_that_it_expired_and_the_lie_is_written_down(hostile_chain: TokenChain, drive: Drive) -> None:
    """The seller delivers and claims a settlement that never happens."""
    payer, invented = hostile_chain.new_payer(), "0x" + "ab" * 32

    async def story(shop: Shop) -> None:
        async with open_wallet(drive, payer, hostile_chain) as wallet:
            response = await wallet.request("GET", shop.url())
            assert GOODS == response.content
            assert not response.extensions["paygent.receipt"].proven
            pass_time(hostile_chain.anvil, VALIDITY_SECONDS + 1)
            with pytest.raises(AuthorizationExpired):
                await wallet.settled(response)
            stored = await wallet.stored(response)
            assert State.EXPIRED is stored.state
            assert stored.alarm is not None
            assert invented in stored.alarm

    with Shop(chain=hostile_chain, paid=claims(200, transaction=invented)) as shop:
        drive.run(lambda: story(shop))
    assert 0 == moved(hostile_chain, payer.address)


def test_claim_of_another_transaction_is_written_down_as_a_lie(hostile_chain: TokenChain) -> None:
    payer, invented = hostile_chain.new_payer(), "0x" + "ab" * 32

    async def story(shop: Shop) -> None:
        async with open_wallet(Drive.ASYNCIO, payer, hostile_chain) as wallet:
            response = await wallet.request("GET", shop.url())
            receipt = await wallet.settled(response)
            assert transfers_from(hostile_chain, payer.address)[0]["transactionHash"] == receipt.transaction
            assert invented in str((await wallet.stored(response)).alarm)

    with Shop(chain=hostile_chain, paid=settles_and(claims(200, transaction=invented))) as shop:
        Drive.ASYNCIO.run(lambda: story(shop))


def by_permit2(scheme: str) -> answers.Answering:
    """Ask for 1000 by Permit2; only a facilitator that never comes could settle `upto`."""
    extra = {"name": "USDC", "version": "2", "assetTransferMethod": "permit2"}
    facilitator = {"facilitatorAddress": dev_account(SOMEBODY).address}
    return offering(scheme=scheme, extra=extra | (facilitator if scheme == "upto" else {}))


@drives
def test_upto_that_charges_nothing_is_delivered_and_expires_without_alarm(
    hostile_chain: TokenChain, drive: Drive
) -> None:
    """No transaction is sent for nothing, so the maximum stays reserved until the authorization has ended."""
    chain, payer = hostile_chain, hostile_chain.new_payer()
    chain.approve_permit2(payer.address)

    async def story(shop: Shop) -> None:
        async with open_wallet(drive, payer, chain) as wallet:
            response = await wallet.request("GET", shop.url())
            assert GOODS == response.content
            assert 0 == response.extensions["paygent.receipt"].amount.atomic
            with pytest.raises(PaymentOutcomeUnknown):
                await wallet.settled(response, timeout_seconds=0.2)
            assert (await wallet.stored(response)).delivered
            pass_time(chain.anvil, VALIDITY_SECONDS + 1)
            with pytest.raises(AuthorizationExpired):
                await wallet.settled(response)
            stored = await wallet.stored(response)
            assert (State.EXPIRED, None) == (stored.state, stored.alarm)

    with Shop(chain=chain, paid=claims(200, amount="0"), unpaid=by_permit2("upto")) as shop:
        drive.run(lambda: story(shop))
    assert 0 == moved(chain, payer.address)


@pytest.mark.parametrize("scheme", ["exact", "upto"])
@pytest.mark.parametrize("invalidated", [True, False])
def test_permit2_ends_unused_only_when_its_time_is_over(
    hostile_chain: TokenChain, scheme: str, invalidated: bool
) -> None:
    """A used nonce bit alone proves nothing: it may be a transfer or an invalidation."""
    chain, payer = hostile_chain, hostile_chain.new_payer()
    chain.approve_permit2(payer.address)

    async def story(shop: Shop) -> None:
        async with open_wallet(Drive.ASYNCIO, payer, chain) as wallet:
            response = await wallet.request("GET", shop.url())
            assert 502 == response.status_code
            if invalidated:
                nonce = int(decode(shop.payments[0])["payload"]["permit2Authorization"]["nonce"])
                data = call_data("invalidateUnorderedNonces(uint256,uint256)", nonce >> 8, 1 << (nonce & 255))
                chain.anvil.send(payer.address, PERMIT2, data)
            stored = await wallet.stored(response)
            assert State.OUTCOME_UNKNOWN is (await wallet.reconcile(stored.id)).state
            pass_time(chain.anvil, VALIDITY_SECONDS + 1)
            ended = await wallet.reconcile(stored.id)
            assert (State.CANCELLED if invalidated else State.EXPIRED) is ended.state

    with Shop(chain=chain, paid=status(502), unpaid=by_permit2(scheme)) as shop:
        Drive.ASYNCIO.run(lambda: story(shop))
    assert 0 == moved(chain, payer.address)


@pytest.mark.parametrize("claim", ["%%%", "", "e30=", base64.b64encode(b"\xff").decode(), "A" * 70_000])
def test_answer_with_an_unreadable_claim_is_delivered_and_proven(hostile_chain: TokenChain, claim: str) -> None:
    payer = hostile_chain.new_payer()

    def sends(shop: Shop, request: Request, wire: Wire) -> None:
        wire.send(answer(200, GOODS, {"PAYMENT-RESPONSE": claim}))

    async def story(shop: Shop) -> None:
        async with open_wallet(Drive.ASYNCIO, payer, hostile_chain) as wallet:
            response = await wallet.request("GET", shop.url())
            assert GOODS == response.content
            assert (await wallet.settled(response)).proven
            assert (await wallet.stored(response)).delivered

    with Shop(chain=hostile_chain, paid=settles_and(sends)) as shop:
        Drive.ASYNCIO.run(lambda: story(shop))
    assert 1 == moved(hostile_chain, payer.address)


FINALITY_BLOCKS = 64
"""How far anvil's `finalized` is behind."""


def test_expiry_and_cancellation_wait_for_a_final_block(hostile_chain: TokenChain) -> None:
    """By the node's own `finalized` tag: until it moves on, nothing is freed."""
    chain = hostile_chain
    expiring, cancelling = chain.new_payer(), chain.new_payer()

    async def lose(payer: Any, shop: Shop, end: Any, ended: State) -> None:
        async with open_wallet(Drive.ASYNCIO, payer, chain, instant_finality=False) as wallet:
            with pytest.raises(PaymentOutcomeUnknown) as lost:
                await wallet.request("POST", shop.url())
            end()
            assert State.OUTCOME_UNKNOWN is (await wallet.reconcile(lost.value.payment_id)).state
            with pytest.raises(DuplicatePurchase):
                await wallet.request("POST", shop.url())
            chain.anvil.call("anvil_mine", hex(FINALITY_BLOCKS + 1))
            assert ended is (await wallet.reconcile(lost.value.payment_id)).state

    with Shop(chain=chain, paid=answers.says_nothing) as shop:
        Drive.ASYNCIO.run(
            lambda: lose(expiring, shop, lambda: pass_time(chain.anvil, VALIDITY_SECONDS + 1), State.EXPIRED)
        )
    with Shop(chain=chain, paid=answers.says_nothing) as shop:
        Drive.ASYNCIO.run(
            lambda: lose(
                cancelling, shop, lambda: cancel(chain, cancelling, shop.authorization["nonce"]), State.CANCELLED
            )
        )


def test_receipt_becomes_final_with_its_block(hostile_chain: TokenChain) -> None:
    chain, payer = hostile_chain, hostile_chain.new_payer()

    async def story(shop: Shop) -> None:
        async with open_wallet(Drive.ASYNCIO, payer, chain, instant_finality=False) as wallet:
            response = await wallet.request("GET", shop.url())
            receipt = await wallet.settled(response)
            assert (True, False) == (receipt.proven, receipt.final)
            chain.anvil.call("anvil_mine", hex(FINALITY_BLOCKS + 1))
            later = await wallet.reconcile(receipt.payment_id)
            assert later.receipt is not None
            assert later.receipt.final
            assert later.over

    with Shop(chain=chain, paid=sells) as shop:
        Drive.ASYNCIO.run(lambda: story(shop))


def test_wrong_endpoint_after_a_lost_reply_does_not_hide_that_the_outcome_is_unknown(hostile_chain: TokenChain) -> None:
    chain, payer, journal = hostile_chain, hostile_chain.new_payer(), MemoryJournal()
    key = {"paygent.idempotency_key": "order 8"}

    def other_chain(wire: Wire) -> None:
        if (head := wire.head()) is None:
            return
        request = wire.body(head[2])
        number = int(request.partition(b'"id":')[2].strip().partition(b",")[0].rstrip(b"}"))
        wire.send(answer(200, b'{"jsonrpc": "2.0", "id": %d, "result": "0x1"}' % number))

    async def story(shop: Shop) -> None:
        async with open_wallet(Drive.ASYNCIO, payer, chain, journal=journal) as wallet:
            with pytest.raises(PaymentOutcomeUnknown):
                await wallet.request("POST", shop.url(), extensions=key)
        with RawServer(serve=other_chain) as node:
            network = chain_id(chain.network)
            rpc = RpcChain(f"http://127.0.0.1:{node.port}", chain=network)
            made = engine(payer, {network: rpc}, journal=journal)
            async with httpx.AsyncClient(transport=AsyncPaymentTransport(made)) as http:
                with pytest.raises(PaymentOutcomeUnknown):
                    await http.post(shop.url(), extensions=key)
            await rpc.aclose()

    with Shop(chain=chain, paid=answers.says_nothing) as shop:
        Drive.ASYNCIO.run(lambda: story(shop))
    assert 1 == len(set(shop.payments))
