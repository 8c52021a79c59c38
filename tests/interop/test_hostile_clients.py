"""What the user's own hooks, bodies, streams and proxies do around a payment."""

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import httpx
import pytest

from paygent.adapters.httpx import PAYMENT
from paygent.adapters.rpc import RpcChain
from paygent.adapters.sql import open_journal
from paygent.client import SyncX402Client, X402Client
from paygent.core.caip import chain_id
from paygent.core.errors import (
    DuplicatePurchase,
    PaymentNotAttempted,
)
from paygent.core.lifecycle import State
from paygent.engine.handle import PaymentHandle
from paygent.engine.portal import Portal
from paygent.testing.journal import MemoryJournal
from tests.interop.hostile.answers import GOODS, sells
from tests.interop.hostile.marks import async_and_sync, drives, hurried, moved
from tests.interop.hostile.shop import Shop, decode
from tests.interop.hostile.wire import RawServer, Request, Wire
from tests.interop.peers.chain import TokenChain
from tests.interop.wallet import AsyncWallet, Drive, Wallet, engine, open_wallet

pytestmark = hurried


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
