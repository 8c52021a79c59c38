"""Whatever happens to the connection, the task or the program: a payment that is out is found, and not made twice."""

import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import anyio
import anyio.to_thread
import httpx
import pytest

from paygent.adapters.rpc import RpcChain
from paygent.adapters.sql import open_journal
from paygent.client import SyncX402Client
from paygent.core.caip import chain_id
from paygent.core.errors import (
    DuplicatePurchase,
    PaidUndelivered,
    PaymentOutcomeUnknown,
)
from paygent.core.lifecycle import State
from paygent.engine.portal import Portal
from tests.interop.hostile import answers
from tests.interop.hostile.answers import GOODS, first, sells, settles_and
from tests.interop.hostile.endings import VALIDITY_SECONDS, pass_time
from tests.interop.hostile.marks import asynchronous, drives, hurried, moved
from tests.interop.hostile.shop import Shop, offer
from tests.interop.hostile.wire import Request, Wire
from tests.interop.peers.chain import TokenChain
from tests.interop.wallet import Drive, engine, open_wallet

pytestmark = hurried


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


async def cancel_while_it_hangs(shop: Shop, request: Callable[[], Coroutine[Any, Any, httpx.Response]]) -> None:
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
