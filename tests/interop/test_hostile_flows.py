"""Redirects, challenges, cancellation, hooks, streams, proxies: what httpx does around a payment."""

import base64
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import anyio
import anyio.to_thread
import httpx
import pytest

from paygent.adapters.httpx import PAYMENT, AsyncPaymentTransport
from paygent.adapters.rpc import RpcChain
from paygent.adapters.sql import open_journal
from paygent.client import SyncX402Client, X402Client
from paygent.core.caip import chain_id
from paygent.core.errors import (
    AuthorizationCancelled,
    AuthorizationExpired,
    DuplicatePurchase,
    NoAcceptableRequirements,
    PaidUndelivered,
    PaymentNotAttempted,
    PaymentOutcomeUnknown,
)
from paygent.core.lifecycle import State
from paygent.engine.handle import PaymentHandle
from paygent.engine.portal import Portal
from paygent.testing.journal import MemoryJournal
from tests.interop.hostile import answers
from tests.interop.hostile.answers import GOODS, claims, first, sells, settles_and, status
from tests.interop.hostile.endings import VALIDITY_SECONDS, cancel, pass_time
from tests.interop.hostile.shop import SOMEBODY, Shop, decode, offer, offering
from tests.interop.hostile.wire import RawServer, Request, Wire, answer
from tests.interop.peers.anvil import dev_account
from tests.interop.peers.chain import PERMIT2, TokenChain, call_data
from tests.interop.wallet import AsyncWallet, Drive, Wallet, engine, open_wallet, transfers_from

drives = pytest.mark.parametrize("drive", Drive, ids=str)
asynchronous = pytest.mark.parametrize("drive", [Drive.ASYNCIO, Drive.TRIO], ids=str)
async_and_sync = pytest.mark.parametrize("drive", [Drive.ASYNCIO, Drive.SYNC], ids=str)


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("paygent.engine.pay.RESEND_DELAY_SECONDS", 0.01)


def moved(chain: TokenChain, payer: str) -> int:
    return len(transfers_from(chain, payer))


# the connection -------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings(
    # under trio: httpx's own generator, which httpcore leaves open where writing fails
    "ignore:Exception ignored in. <async_generator object ByteStream:pytest.PytestUnraisableExceptionWarning"
)
@drives
def test_paid_send_that_is_cut_before_its_body_is_read_is_unknown(hostile_chain: TokenChain, drive: Drive) -> None:
    payer, body = hostile_chain.new_payer(), bytes(8 << 20)

    async def story(shop: Shop) -> None:
        async with open_wallet(drive, payer, hostile_chain) as wallet:
            with pytest.raises(PaymentOutcomeUnknown) as lost:
                await wallet.request("POST", shop.url(), content=body)
            with pytest.raises(DuplicatePurchase):
                await wallet.request("POST", shop.url(), content=body)
            pass_time(hostile_chain.anvil, VALIDITY_SECONDS + 1)
            assert State.EXPIRED is (await wallet.reconcile(lost.value.payment_id)).state

    with Shop(chain=hostile_chain, paid=sells, before_body=answers.resets_before_reading_the_body) as shop:
        drive.run(lambda: story(shop))
    assert [] == shop.payments
    assert 0 == moved(hostile_chain, payer.address)


@drives
def test_paid_send_that_is_refused_a_connection_is_unknown_until_it_expires(
    hostile_chain: TokenChain, drive: Drive
) -> None:
    """Nothing arrived, and the bytes are out of the journal's hands all the same: only the chain frees the budget."""
    payer = hostile_chain.new_payer()

    def closes(shop: Shop, request: Request, wire: Wire) -> None:
        shop.server.stop_listening()
        wire.send(offer(shop.required()))

    async def story(shop: Shop) -> None:
        url = shop.url()
        async with open_wallet(drive, payer, hostile_chain) as wallet:
            with pytest.raises(PaymentOutcomeUnknown) as lost:
                await wallet.request("GET", url)
            with pytest.raises(httpx.ConnectError):
                await wallet.request("GET", url)
            pass_time(hostile_chain.anvil, VALIDITY_SECONDS + 1)
            assert State.EXPIRED is (await wallet.reconcile(lost.value.payment_id)).state

    with Shop(chain=hostile_chain, paid=sells, unpaid=closes) as shop:
        drive.run(lambda: story(shop))
    assert 0 == moved(hostile_chain, payer.address)


@drives
def test_lost_reply_of_a_get_is_fetched_again_with_the_same_bytes(hostile_chain: TokenChain, drive: Drive) -> None:
    payer = hostile_chain.new_payer()

    async def story(shop: Shop) -> None:
        async with open_wallet(drive, payer, hostile_chain) as wallet:
            response = await wallet.request("GET", shop.url())
            assert GOODS == response.content
            await wallet.settled(response)
            stored = await wallet.stored(response)
            assert (State.SETTLED, True) == (stored.state, stored.delivered)

    with Shop(chain=hostile_chain, paid=settles_and(first(answers.says_nothing, sells))) as shop:
        drive.run(lambda: story(shop))
    assert (2, 1) == (len(shop.payments), len(set(shop.payments)))
    assert 1 == moved(hostile_chain, payer.address)


@drives
def test_lost_purchase_is_fetched_again_by_its_idempotency_key(hostile_chain: TokenChain, drive: Drive) -> None:
    payer, key = hostile_chain.new_payer(), {"paygent.idempotency_key": "order 7"}

    async def story(shop: Shop) -> None:
        async with open_wallet(drive, payer, hostile_chain) as wallet:
            with pytest.raises(PaidUndelivered) as lost:
                await wallet.request("POST", shop.url(), content=b"x", extensions=key)
            with pytest.raises(DuplicatePurchase):
                await wallet.request("POST", shop.url(), content=b"x")
            response = await wallet.request("POST", shop.url(), content=b"x", extensions=key)
            assert GOODS == response.content
            assert lost.value.payment_id == (await wallet.stored(response)).id

    with Shop(chain=hostile_chain, paid=settles_and(first(answers.says_nothing, sells))) as shop:
        drive.run(lambda: story(shop))
    assert 1 == len(set(shop.payments))
    assert 1 == moved(hostile_chain, payer.address)


@drives
def test_purchase_is_made_anew_once_the_lost_one_has_expired(hostile_chain: TokenChain, drive: Drive) -> None:
    payer = hostile_chain.new_payer()

    async def story(shop: Shop) -> None:
        async with open_wallet(drive, payer, hostile_chain) as wallet:
            with pytest.raises(PaymentOutcomeUnknown) as lost:
                await wallet.request("POST", shop.url())
            with pytest.raises(DuplicatePurchase):
                await wallet.request("POST", shop.url())
            pass_time(hostile_chain.anvil, VALIDITY_SECONDS + 1)
            await wallet.reconcile(lost.value.payment_id)
            response = await wallet.request("POST", shop.url())
            assert GOODS == response.content

    with Shop(chain=hostile_chain, paid=first(answers.says_nothing, sells)) as shop:
        drive.run(lambda: story(shop))
    assert 2 == len(set(shop.payments))
    assert 1 == moved(hostile_chain, payer.address)


@drives
def test_purchase_is_made_twice_only_when_the_caller_says_so(hostile_chain: TokenChain, drive: Drive) -> None:
    payer = hostile_chain.new_payer()

    async def story(shop: Shop) -> None:
        async with open_wallet(drive, payer, hostile_chain) as wallet:
            with pytest.raises(PaidUndelivered):
                await wallet.request("POST", shop.url())
            response = await wallet.request("POST", shop.url(), extensions={"paygent.new_purchase": True})
            assert GOODS == response.content

    with Shop(chain=hostile_chain, paid=settles_and(first(answers.says_nothing, sells))) as shop:
        drive.run(lambda: story(shop))
    assert 2 == moved(hostile_chain, payer.address)


async def cancel_while_it_hangs(shop: Shop, request: Callable[[], Awaitable[httpx.Response]]) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(request)
        assert await anyio.to_thread.run_sync(shop.hanging.wait, 30, abandon_on_cancel=True)
        tasks.cancel_scope.cancel()


@asynchronous
@pytest.mark.parametrize("settled", [True, False])
def test_cancelled_task_leaves_a_payment_that_can_be_found(
    hostile_chain: TokenChain, drive: Drive, settled: bool
) -> None:
    payer = hostile_chain.new_payer()

    async def story(shop: Shop) -> None:
        async with open_wallet(drive, payer, hostile_chain) as wallet:
            await cancel_while_it_hangs(shop, lambda: wallet.request("GET", shop.url()))
            payment = await wallet.payment_of("GET", shop.url())
            assert payment is not None
            assert State.OUTCOME_UNKNOWN is payment.state
            with pytest.raises(DuplicatePurchase):
                await wallet.request("GET", shop.url())
            pass_time(hostile_chain.anvil, VALIDITY_SECONDS + 1)
            ended = await wallet.reconcile(payment.id)
            assert (State.SETTLED if settled else State.EXPIRED) is ended.state

    hanging = settles_and(answers.hangs) if settled else answers.hangs
    with Shop(chain=hostile_chain, paid=hanging) as shop:
        drive.run(lambda: story(shop))
    assert int(settled) == moved(hostile_chain, payer.address)
    assert 1 == len(shop.payments)


class Interrupted(Exception):
    """What a signal handler of the caller raises."""


@pytest.fixture
def interrupt() -> Iterator[Callable[[], None]]:
    """Something that another thread calls to interrupt the main one."""

    def raises(number: int, frame: FrameType | None) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGUSR1, raises)
    main = threading.get_ident()
    yield lambda: signal.pthread_kill(main, signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, before)


def test_interrupted_synchronous_caller_leaves_a_payment_that_can_be_found(
    hostile_chain: TokenChain, interrupt: Callable[[], None]
) -> None:
    """As ctrl-c does in a notebook."""
    chain, payer = hostile_chain, hostile_chain.new_payer()

    def takes_and_waits(shop: Shop, request: Request, wire: Wire) -> None:
        shop.settle(request)
        interrupt()
        wire.hang()

    rpc = RpcChain(chain.anvil.url, chain=chain_id(chain.network), instant_finality=True)
    made = engine(payer, {chain_id(chain.network): rpc})
    with (
        Shop(chain=chain, paid=takes_and_waits) as shop,
        Portal() as portal,
        SyncX402Client(made, portal=portal) as client,
    ):
        with pytest.raises(Interrupted):
            client.get(shop.url())
        payment = client.payment_of("GET", shop.url())
        assert payment is not None
        assert State.SETTLED is client.reconcile(payment.id).state
        with pytest.raises(DuplicatePurchase):
            client.get(shop.url())
        shop.server.close_connections()
        portal.call(rpc.aclose)
    assert 1 == moved(chain, payer.address)


def test_crash_after_the_paid_send_is_found_by_the_next_process(hostile_chain: TokenChain, tmp_path: Path) -> None:
    """The second wallet knows only what the first one wrote to its database."""
    payer, database = hostile_chain.new_payer(), str(tmp_path / "pay.db")

    async def crash(shop: Shop) -> None:
        journal = open_journal(database)
        async with open_wallet(Drive.ASYNCIO, payer, hostile_chain, journal=journal) as wallet:
            await cancel_while_it_hangs(shop, lambda: wallet.request("GET", shop.url()))
        await journal.aclose()

    async def recover(shop: Shop) -> None:
        journal = open_journal(database)
        async with open_wallet(Drive.ASYNCIO, payer, hostile_chain, journal=journal) as wallet:
            with pytest.raises(DuplicatePurchase):
                await wallet.request("GET", shop.url())
            (payment,), errors = await wallet.engine.reconciler.run()
            assert [] == errors
            assert State.SETTLED is payment.state
            with pytest.raises(DuplicatePurchase):
                await wallet.request("GET", shop.url())
        await journal.aclose()

    with Shop(chain=hostile_chain, paid=settles_and(answers.hangs)) as shop:
        Drive.ASYNCIO.run(lambda: crash(shop))
        Drive.ASYNCIO.run(lambda: recover(shop))
    assert 1 == moved(hostile_chain, payer.address)


# what the chain says ----------------------------------------------------------------------------------------------


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


# redirects and challenges -----------------------------------------------------------------------------------------


class TlsInName(httpx.AsyncBaseTransport):
    """Speaks plain HTTP to https URLs, as if TLS ended before the seller."""

    def __init__(self) -> None:
        self._inner = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        plain = request.url.copy_with(scheme="http")
        stream = request.stream
        copy = httpx.Request(
            request.method, plain, headers=request.headers, stream=stream, extensions=request.extensions
        )
        return await self._inner.handle_async_request(copy)

    async def aclose(self) -> None:
        await self._inner.aclose()


def elsewhere(shop: Shop, kind: str) -> str:
    """Return a URL of another origin at which the shop may be reached."""
    port = shop.server.port
    return {
        "https": f"https://127.0.0.1:{port}/paid",
        "other host": f"http://localhost:{port}/paid",
        "other port": f"http://127.0.0.1:{port}/paid",
    }[kind]


ORIGINS = ["https", "other host", "other port"]
moved_to = pytest.mark.parametrize("kind", ORIGINS)
redirecting = pytest.mark.parametrize("code", [302, 307, 308])


@moved_to
@redirecting
def test_redirect_to_another_origin_is_not_paid(hostile_chain: TokenChain, kind: str, code: int) -> None:
    chain, payer = hostile_chain, hostile_chain.new_payer()

    async def story(source: Shop) -> None:
        rpc = RpcChain(chain.anvil.url, chain=chain_id(chain.network), instant_finality=True)
        made = engine(payer, {chain_id(chain.network): rpc})
        transport = AsyncPaymentTransport(made, inner=TlsInName())
        async with httpx.AsyncClient(transport=transport, follow_redirects=True) as http:
            await refuses(lambda: http.get(source.url("/start")))
        await rpc.aclose()

    with leading_elsewhere(chain, kind, code) as (source, target):
        Drive.ASYNCIO.run(lambda: story(source))
        assert [] == target.payments
    assert 0 == moved(chain, payer.address)


@pytest.mark.parametrize("drive", [Drive.TRIO, Drive.SYNC], ids=str)
@pytest.mark.parametrize("kind", ["other host", "other port"])
def test_redirect_to_another_origin_is_not_paid_by_other_drivers(
    hostile_chain: TokenChain, drive: Drive, kind: str
) -> None:
    chain, payer = hostile_chain, hostile_chain.new_payer()

    async def story(source: Shop) -> None:
        async with open_wallet(drive, payer, chain, follow_redirects=True) as wallet:
            await refuses(lambda: wallet.request("GET", source.url("/start")))

    with leading_elsewhere(chain, kind, 307) as (source, target):
        drive.run(lambda: story(source))
        assert [] == target.payments
    assert 0 == moved(chain, payer.address)


async def refuses(request: Callable[[], Awaitable[httpx.Response]]) -> None:
    with pytest.raises(NoAcceptableRequirements) as refused:
        await request()
    assert ["redirected"] == [refusal.code for refusal in refused.value.refusals]


@contextmanager
def leading_elsewhere(chain: TokenChain, kind: str, code: int) -> Iterator[tuple[Shop, Shop]]:
    """Yield a shop that redirects, and the one that it leads to: itself where only the origin's name differs."""
    with Shop(chain=chain, paid=sells) as target:
        leads = status(code, Location=elsewhere(target, kind))
        if kind == "other port":
            with Shop(chain=chain, paid=sells, unpaid=leads) as source:
                yield source, target
        else:
            target.unpaid = first(leads, offering())
            yield target, target


@drives
def test_redirect_within_the_origin_is_paid_where_it_leads(hostile_chain: TokenChain, drive: Drive) -> None:
    payer = hostile_chain.new_payer()

    async def story(shop: Shop) -> None:
        async with open_wallet(drive, payer, hostile_chain, follow_redirects=True) as wallet:
            response = await wallet.request("GET", shop.url("/old"))
            assert GOODS == response.content
            await wallet.settled(response)

    with Shop(chain=hostile_chain, paid=sells, unpaid=first(status(307, Location="/new"), offering())) as shop:
        drive.run(lambda: story(shop))
    assert ["/old", "/new", "/new"] == [request.target for request in shop.requests]
    assert 1 == moved(hostile_chain, payer.address)


@drives
@pytest.mark.parametrize("kind", ["other host", "other port"])
@pytest.mark.parametrize("code", [302, 307])
def test_redirect_of_the_paid_request_takes_no_payment_to_another_origin(
    hostile_chain: TokenChain, drive: Drive, kind: str, code: int
) -> None:
    """The answer there is handed over; the payment is not, and nothing more is paid, whatever is asked there."""
    chain, payer = hostile_chain, hostile_chain.new_payer()

    async def story(source: Shop) -> None:
        async with open_wallet(drive, payer, chain, follow_redirects=True) as wallet:
            response = await wallet.request("GET", source.url())
            assert 402 == response.status_code
            payment = await wallet.payment_of("GET", source.url())
            assert payment is not None
            assert State.SETTLED is (await wallet.reconcile(payment.id)).state
            with pytest.raises(DuplicatePurchase):
                await wallet.request("GET", source.url())

    with Shop(chain=chain, paid=sells) as target:
        leads = settles_and(status(code, Location=elsewhere(target, kind)))
        if kind == "other port":
            with Shop(chain=chain, paid=leads) as source:
                drive.run(lambda: story(source))
            assert [] == target.payments
        else:
            target.paid = leads
            drive.run(lambda: story(target))
            assert all("localhost" not in request.headers["host"] for request in target.requests if request.payment)
    assert 1 == moved(chain, payer.address)


@drives
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_redirect_of_the_paid_request_within_the_origin_brings_the_same_bytes(
    hostile_chain: TokenChain, drive: Drive, method: str
) -> None:
    """A POST is another request at its new place, so it goes there unpaid."""
    payer = hostile_chain.new_payer()

    async def story(shop: Shop) -> None:
        async with open_wallet(drive, payer, hostile_chain, follow_redirects=True) as wallet:
            response = await wallet.request(method, shop.url("/old"))
            assert (200 if method == "GET" else 402) == response.status_code

    with Shop(chain=hostile_chain, paid=settles_and(first(status(307, Location="/new"), sells))) as shop:
        drive.run(lambda: story(shop))
    assert 1 == len(set(shop.payments))
    assert 1 == moved(hostile_chain, payer.address)


@drives
def test_second_digest_challenge_is_handed_over_and_not_paid_again(hostile_chain: TokenChain, drive: Drive) -> None:
    """The seller wants a digest, then money, and, with the money taken, a digest with a fresh nonce. httpx gives up."""
    payer = hostile_chain.new_payer()

    def challenges(nonce: str) -> answers.Answering:
        return status(401, WWW_Authenticate=f'Digest realm="shop", qop="auth", nonce="{nonce}", algorithm=MD5')

    def unpaid(shop: Shop, request: Request, wire: Wire) -> None:
        asks = offering() if "authorization" in request.headers else challenges("one")
        asks(shop, request, wire)

    def paid(shop: Shop, request: Request, wire: Wire) -> None:
        shop.settle(request)
        fresh = 'nonce="two"' in request.headers["authorization"]
        (sells if fresh else challenges("two"))(shop, request, wire)

    async def story(shop: Shop) -> None:
        async with open_wallet(drive, payer, hostile_chain) as wallet:
            response = await wallet.request("GET", shop.url(), auth=httpx.DigestAuth("me", "pass"))
            assert 401 == response.status_code
            assert (await wallet.settled(response)).final
            with pytest.raises(DuplicatePurchase):
                await wallet.request("GET", shop.url(), auth=httpx.DigestAuth("me", "pass"))

    with Shop(chain=hostile_chain, paid=paid, unpaid=unpaid) as shop:
        drive.run(lambda: story(shop))
    assert 1 == moved(hostile_chain, payer.address)


@drives
def test_digest_challenge_of_the_paid_send_only_is_answered(hostile_chain: TokenChain, drive: Drive) -> None:
    payer = hostile_chain.new_payer()

    def paid(shop: Shop, request: Request, wire: Wire) -> None:
        challenge = status(401, WWW_Authenticate='Digest realm="shop", qop="auth", nonce="one", algorithm=MD5')
        (sells if "authorization" in request.headers else challenge)(shop, request, wire)

    async def story(shop: Shop) -> None:
        async with open_wallet(drive, payer, hostile_chain) as wallet:
            response = await wallet.request("GET", shop.url(), auth=httpx.DigestAuth("me", "pass"))
            assert GOODS == response.content
            await wallet.settled(response)
            assert (await wallet.stored(response)).delivered

    with Shop(chain=hostile_chain, paid=paid) as shop:
        drive.run(lambda: story(shop))
    assert (2, 1) == (len(shop.payments), len(set(shop.payments)))
    assert 1 == moved(hostile_chain, payer.address)


# hooks, bodies, proxies -------------------------------------------------------------------------------------------


class HookBroke(Exception):
    """The user's own exception."""


@drives
def test_exception_of_a_response_hook_passes_and_the_payment_is_found(hostile_chain: TokenChain, drive: Drive) -> None:
    payer = hostile_chain.new_payer()

    def breaks(response: httpx.Response) -> None:
        if PAYMENT in response.extensions:
            raise HookBroke

    async def breaks_async(response: httpx.Response) -> None:
        breaks(response)

    hooks = {"response": [breaks if drive is Drive.SYNC else breaks_async]}

    async def story(shop: Shop) -> None:
        async with open_wallet(drive, payer, hostile_chain, event_hooks=hooks) as wallet:
            with pytest.raises(HookBroke) as broke:
                await wallet.request("GET", shop.url())
            assert broke.value.__cause__ is None
            payment = await wallet.payment_of("GET", shop.url())
            assert payment is not None
            assert State.SETTLED is (await wallet.reconcile(payment.id)).state
            with pytest.raises(DuplicatePurchase):
                await wallet.request("GET", shop.url())

    with Shop(chain=hostile_chain, paid=sells) as shop:
        drive.run(lambda: story(shop))
    assert 1 == moved(hostile_chain, payer.address)


def pieces() -> Iterator[bytes]:
    yield b"one "
    yield b"two"


async def pieces_async() -> AsyncIterator[bytes]:
    for piece in pieces():
        yield piece


@drives
def test_streaming_body_is_sent_twice_and_paid_once(hostile_chain: TokenChain, drive: Drive) -> None:
    payer = hostile_chain.new_payer()

    async def story(shop: Shop) -> None:
        async with open_wallet(drive, payer, hostile_chain) as wallet:
            content = pieces() if drive is Drive.SYNC else pieces_async()
            response = await wallet.request("POST", shop.url(), content=content)
            assert GOODS == response.content

    with Shop(chain=hostile_chain, paid=sells) as shop:
        drive.run(lambda: story(shop))
    assert [b"one two", b"one two"] == [request.body for request in shop.requests]
    assert 1 == moved(hostile_chain, payer.address)


@async_and_sync
def test_streaming_body_that_is_too_long_to_keep_is_refused_before_paying(
    hostile_chain: TokenChain, drive: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paygent.adapters.httpx.purchase.MAX_REQUEST_BYTES", 5)
    payer = hostile_chain.new_payer()

    async def story(shop: Shop) -> None:
        async with open_wallet(drive, payer, hostile_chain) as wallet:
            content = pieces() if drive is Drive.SYNC else pieces_async()
            with pytest.raises(PaymentNotAttempted, match="cannot be sent again"):
                await wallet.request("POST", shop.url(), content=content)

    with Shop(chain=hostile_chain, paid=sells) as shop:
        drive.run(lambda: story(shop))
    assert [b"one two"] == [request.body for request in shop.requests]
    assert 0 == moved(hostile_chain, payer.address)


def test_streamed_answer_is_delivered_only_once_it_was_read(hostile_chain: TokenChain) -> None:
    payer = hostile_chain.new_payer()

    async def story(shop: Shop) -> None:
        async with open_wallet(Drive.ASYNCIO, payer, hostile_chain) as wallet:
            assert isinstance(wallet, AsyncWallet)
            async with wallet.http.stream("GET", shop.url()) as response:
                pass
            assert not (await wallet.stored(response)).delivered
            with pytest.raises(DuplicatePurchase):
                await wallet.request("GET", shop.url())

    with Shop(chain=hostile_chain, paid=sells) as shop:
        Drive.ASYNCIO.run(lambda: story(shop))
    assert 1 == moved(hostile_chain, payer.address)


@pytest.mark.parametrize("how", ["proxy", "mounts"])
@drives
def test_client_pays_through_a_proxy(hostile_chain: TokenChain, drive: Drive, how: str) -> None:
    """httpx itself would never call a payment transport for these."""
    chain, payer = hostile_chain, hostile_chain.new_payer()
    seen: list[str] = []

    def forward(wire: Wire) -> None:
        if (head := wire.head()) is None:
            return
        method, target, headers = head
        url = httpx.URL(target)
        seen.append(target)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        raw = f"{method} {url.raw_path.decode()} HTTP/1.1\r\n{lines}\r\n".encode() + wire.body(headers)
        wire.pipe((url.host, url.port or 80), raw)

    def pay_sync(shop: Shop, proxy: str) -> None:
        rpc = RpcChain(chain.anvil.url, chain=chain_id(chain.network), instant_finality=True)
        made = engine(payer, {chain_id(chain.network): rpc})
        ways: dict[str, Any] = {"proxy": proxy} if how == "proxy" else {}
        mounts = {"http://": httpx.HTTPTransport(proxy=proxy)} if how == "mounts" else None
        with Portal() as portal, SyncX402Client(made, portal=portal, mounts=mounts, **ways) as client:
            assert client.quote(shop.url()).taken is not None
            response = client.get(shop.url())
            assert GOODS == response.content
            assert client.settled(response, timeout_seconds=20).final
            portal.call(rpc.aclose)

    async def pay(shop: Shop, proxy: str) -> None:
        rpc = RpcChain(chain.anvil.url, chain=chain_id(chain.network), instant_finality=True)
        made = engine(payer, {chain_id(chain.network): rpc})
        ways: dict[str, Any] = {"proxy": proxy} if how == "proxy" else {}
        mounts = {"http://": httpx.AsyncHTTPTransport(proxy=proxy)} if how == "mounts" else None
        async with X402Client(made, mounts=mounts, **ways) as client:
            assert (await client.quote(shop.url())).taken is not None
            response = await client.get(shop.url())
            assert GOODS == response.content
            handle: PaymentHandle = response.extensions[PAYMENT]
            assert (await handle.settled(timeout_seconds=20)).final
        await rpc.aclose()

    with Shop(chain=chain, paid=sells) as shop, RawServer(serve=forward) as proxy:
        url = f"http://127.0.0.1:{proxy.port}"
        if drive is Drive.SYNC:
            pay_sync(shop, url)
        else:
            drive.run(lambda: pay(shop, url))
        assert [shop.url()] * 3 == seen
    assert 1 == moved(chain, payer.address)


@pytest.mark.parametrize("stored", ["in memory", "in SQLite, by two programs"])
@drives
def test_same_request_five_times_at_once_is_paid_once(
    hostile_chain: TokenChain, drive: Drive, stored: str, tmp_path: Path
) -> None:
    payer, refused, all_refused = hostile_chain.new_payer(), [], threading.Event()
    database = str(tmp_path / "pay.db")

    def waits_and_sells(shop: Shop, request: Request, wire: Wire) -> None:
        assert all_refused.wait(30)
        sells(shop, request, wire)

    async def buy(wallet: Wallet, shop: Shop) -> None:
        try:
            assert GOODS == (await wallet.request("POST", shop.url())).content
        except DuplicatePurchase as duplicate:
            refused.append(duplicate.payment_id)
            if len(refused) == 4:
                all_refused.set()

    async def story(shop: Shop) -> None:
        two = stored != "in memory"
        journals = [open_journal(database), open_journal(database)] if two else [MemoryJournal()] * 2
        async with AsyncExitStack() as stack:
            wallets = [
                await stack.enter_async_context(open_wallet(drive, payer, hostile_chain, journal=journal))
                for journal in journals[: 2 if two else 1]
            ]
            async with anyio.create_task_group() as tasks:
                for index in range(5):
                    tasks.start_soon(buy, wallets[index % len(wallets)], shop)
        for journal in journals:
            await journal.aclose()

    with Shop(chain=hostile_chain, paid=waits_and_sells) as shop:
        drive.run(lambda: story(shop))
    assert (4, 1) == (len(refused), len(set(refused)))
    assert 1 == len(shop.payments)
    assert 1 == moved(hostile_chain, payer.address)


@drives
def test_many_at_once_pay_one_transfer_each(hostile_chain: TokenChain, drive: Drive) -> None:
    payer = hostile_chain.new_payer()

    async def story(shop: Shop) -> None:
        async with open_wallet(drive, payer, hostile_chain) as wallet, anyio.create_task_group() as tasks:
            for index in range(8):
                tasks.start_soon(wallet.request, "GET", shop.url(f"/{index}"))

    with Shop(chain=hostile_chain, paid=sells) as shop:
        drive.run(lambda: story(shop))
    assert 8 == len({decode(header)["payload"]["authorization"]["nonce"] for header in shop.payments})
    assert 8 == moved(hostile_chain, payer.address)
