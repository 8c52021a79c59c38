"""A payment stays at the origin it was made for, whatever redirects and challenges come."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest

from paygent.adapters.httpx import AsyncPaymentTransport
from paygent.adapters.rpc import RpcChain
from paygent.core.caip import chain_id
from paygent.core.errors import (
    DuplicatePurchase,
    NoAcceptableRequirements,
)
from paygent.core.lifecycle import State
from tests.interop.hostile import answers
from tests.interop.hostile.answers import GOODS, first, sells, settles_and, status
from tests.interop.hostile.marks import drives, hurried, moved
from tests.interop.hostile.shop import Shop, offering
from tests.interop.hostile.wire import Request, Wire
from tests.interop.peers.chain import TokenChain
from tests.interop.wallet import Drive, engine, open_wallet

pytestmark = hurried


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


@pytest.mark.parametrize("code", [302, 307])
def test_redirect_of_the_paid_request_takes_no_payment_to_https(hostile_chain: TokenChain, code: int) -> None:
    """It is another origin, though the host and the port are the same."""
    chain, payer = hostile_chain, hostile_chain.new_payer()

    async def story(shop: Shop) -> None:
        async with RpcChain(chain.anvil.url, chain=chain_id(chain.network), instant_finality=True) as rpc:
            made = engine(payer, {chain_id(chain.network): rpc})
            transport = AsyncPaymentTransport(made, inner=TlsInName())
            async with httpx.AsyncClient(transport=transport, follow_redirects=True) as http:
                response = await http.get(shop.url())
        assert 402 == response.status_code

    with Shop(chain=chain, paid=sells) as shop:
        shop.paid = settles_and(status(code, Location=elsewhere(shop, "https")))
        Drive.ASYNCIO.run(lambda: story(shop))
        assert (3, 1) == (len(shop.requests), len(shop.payments))
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
