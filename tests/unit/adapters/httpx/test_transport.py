"""How a paying transport behaves under an httpx client: one suite for the asynchronous and the synchronous one."""

import base64
import gzip
import json
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import anyio
import httpx
import pytest

from paygent.adapters.httpx import (
    ASK,
    KEY,
    MAX_AMOUNT,
    NEW_PURCHASE,
    PAYMENT,
    QUOTE,
    RECEIPT,
    PaymentTransport,
    purchase,
)
from paygent.core.errors import (
    AdapterError,
    BudgetExceeded,
    DuplicatePurchase,
    IdempotencyConflict,
    LocalProtocolError,
    NoAcceptableRequirements,
    PaidUndelivered,
    PaymentNotAttempted,
    PaymentOutcomeUnknown,
    PolicyDenied,
)
from paygent.core.lifecycle import FREED, State
from paygent.core.money import Amount, usd
from paygent.core.requirements import Dialect
from paygent.engine import pay
from paygent.policy.policy import Policy
from paygent.testing.engine import TOKEN, MemoryEngine, memory_engine
from paygent.testing.keys import dev_accounts
from paygent.testing.seller import MemorySeller, Reply
from tests.unit.adapters.httpx.facades import Facade, Handler

pytestmark = pytest.mark.anyio
HOST = "http://seller.test"
URL = f"{HOST}/thing"
MakeFacade = Callable[..., Facade]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pay, "RESEND_DELAY_SECONDS", 0)


@pytest.fixture(params=["async", "sync"])
async def facade(request: pytest.FixtureRequest) -> AsyncIterator[MakeFacade]:
    opened: list[Facade] = []

    def make(memory: MemoryEngine, handler: Handler, **options: Any) -> Facade:
        opened.append(Facade(request.param, memory, handler, **options))
        return opened[-1]

    yield make
    for each in opened:
        await each.__aexit__(None, None, None)


async def check_end(memory: MemoryEngine, *, transfers: int) -> None:
    """Once everything has expired, the chain saw so many transfers and the books agree with it."""
    later = await memory.end()
    assert transfers == memory.transfers()
    assert (0, memory.moved()) == later.held()
    assert all(payment.over for payment in await later.payments())


def signatures(seller: MemorySeller) -> set[str]:
    """The distinct payment headers that the seller has seen."""
    return {request.headers.get("payment-signature", "") for request in seller.paid_requests}


# --- what is not for sale --------------------------------------------------------------------------------------------


async def test_free_resource_comes_back_untouched(facade: MakeFacade) -> None:
    """Nothing is signed and nothing is added."""
    memory = memory_engine()

    response = await facade(memory, lambda _: httpx.Response(200, text="free")).get(URL)

    assert "free" == response.text
    assert PAYMENT not in response.extensions
    assert [] == memory.plan.calls


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html>pay us</html>", "text/html"),
        (b'{"error": "no credit"}', "application/json"),
        (b"[1, 2]", "application/json"),
        (bytes(range(256)), "application/octet-stream"),
        (b"", "text/plain"),
    ],
)
async def test_402_that_is_not_x402_comes_back_untouched(facade: MakeFacade, body: bytes, kind: str) -> None:
    """Other people's 402 is an answer as any other."""
    memory = memory_engine()
    client = facade(memory, lambda _: httpx.Response(402, content=body, headers={"content-type": kind}))

    response = await client.get(URL)

    assert (402, body) == (response.status_code, response.content)
    assert [] == memory.plan.calls


async def test_402_that_is_broken_x402_is_refused_with_reasons(facade: MakeFacade) -> None:
    """It means to sell and cannot be read."""
    memory = memory_engine()

    error = await facade(memory, lambda _: httpx.Response(402, content=b'{"accepts": "nothing"')).refused(URL)

    assert isinstance(error, NoAcceptableRequirements)
    assert ["malformed"] == [refusal.code for refusal in error.refusals]
    assert [] == memory.signer.signed


async def test_unpaid_request_that_fails_raises_httpx_own_error(facade: MakeFacade) -> None:
    """What has nothing to do with payment is not ours."""

    def broken(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route", request=request)

    with pytest.raises(httpx.ConnectError, match="no route"):
        await facade(memory_engine(), broken).get(URL)


# --- paying ----------------------------------------------------------------------------------------------------------

WAYS: list[dict[str, Any]] = [
    {},
    {"compressed": True},
    {"dialect": Dialect.V1},
    {"dialect": Dialect.V1, "compressed": True},
    {"dialect": Dialect.CRONOS},
    {"method": "permit2"},
    {"scheme": "upto", "method": "permit2", "facilitator": dev_accounts()[2].address},
]


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
async def test_offer_is_paid_once_and_the_answer_delivered(
    facade: MakeFacade, way: dict[str, Any], method: str
) -> None:
    """Every dialect, compressed or not, every transfer method, and any HTTP method."""
    memory = memory_engine()
    seller = memory.seller(**way)
    content = b"question" if method == "POST" else None

    response = await facade(memory, seller).send(method, URL, content=content)

    assert (200, b'{"paid": true}') == (response.status_code, response.content)
    assert response.extensions[PAYMENT].payment.delivered
    assert 1_000 == response.extensions[RECEIPT].amount.atomic
    assert [content or b""] * 2 == [request.content for request in seller.requests]
    await check_end(memory, transfers=1)


async def test_upto_charged_nothing_delivers_and_frees_the_maximum_at_the_end(facade: MakeFacade) -> None:
    """No transaction is sent; the maximum stays reserved until the authorization has expired."""
    memory = memory_engine()
    seller = memory.seller(scheme="upto", method="permit2", facilitator=dev_accounts()[2].address, charge=0)

    response = await facade(memory, seller).get(URL)

    assert response.extensions[PAYMENT].payment.delivered
    assert (1_000, 0) == memory.held()
    await check_end(memory, transfers=0)


async def test_streamed_request_body_is_sent_twice(facade: MakeFacade) -> None:
    """A body that can be read only once is kept before the first send."""
    memory = memory_engine()
    seller = memory.seller()

    response = await facade(memory, seller).send("POST", URL, content=[b"one ", b"two"])

    assert 200 == response.status_code
    assert [b"one two", b"one two"] == [request.content for request in seller.requests]


AGAIN = {
    "redirect": Reply(status=307, headers=(("location", "/thing"),)),
    "challenge": Reply(status=401, headers=(("www-authenticate", 'Digest realm="r", nonce="n", qop="auth"'),)),
}


@pytest.mark.parametrize("why", AGAIN)
async def test_streamed_request_body_is_there_when_httpx_sends_the_request_again(facade: MakeFacade, why: str) -> None:
    """A generator is read once, and its body is kept for whatever comes after the payment."""
    memory = memory_engine()
    seller = memory.seller()
    seller.replies.append(AGAIN[why])
    client = facade(memory, seller, follow_redirects=True, auth=httpx.DigestAuth("me", "word"))

    response = await client.send("POST", URL, content=[b"ques", b"tion"])

    assert 200 == response.status_code
    assert [b"question"] * 3 == [request.content for request in seller.requests]
    await check_end(memory, transfers=1)


@pytest.mark.parametrize("length", [{}, {"content-length": "23"}])
async def test_request_body_too_long_to_keep_is_never_paid(
    facade: MakeFacade, monkeypatch: pytest.MonkeyPatch, length: dict[str, str]
) -> None:
    """It is streamed once; where money is asked the refusal says why, and nothing was signed."""
    monkeypatch.setattr(purchase, "MAX_REQUEST_BYTES", 10)
    memory = memory_engine()
    seller = memory.seller()
    body = [b"one two ", b"three four ", b"five"]
    echo = facade(memory, lambda request: httpx.Response(200, content=request.content))
    assert b"one two three four five" == (await echo.send("POST", URL, content=body, headers=length)).content

    with pytest.raises(PaymentNotAttempted, match="longer than 10 bytes"):
        await facade(memory, seller).send("POST", URL, content=body, headers=length)

    assert [] == memory.signer.signed


async def test_base_url_params_cookies_and_hooks_go_on_working(facade: MakeFacade) -> None:
    """A transport is all there is; the client around it is httpx's own."""
    memory = memory_engine()
    seller = memory.seller()
    seller.replies.append(Reply(headers=(("set-cookie", "token=1"),)))
    seen: list[str] = []
    hooks = {"request": [lambda r: seen.append(r.method)], "response": [lambda r: seen.append(str(r.status_code))]}
    client = facade(memory, seller, base_url=f"{HOST}/v1", params={"q": "1"}, cookies={"me": "2"}, hooks=hooks)

    await client.get("/thing")
    await client.get("/thing", extensions={NEW_PURCHASE: True})

    assert ["GET", "200", "GET", "200"] == seen
    assert {f"{HOST}/v1/thing?q=1"} == {str(request.url) for request in seller.requests}
    assert ["me=2"] * 2 + ["token=1; me=2"] * 2 == [r.headers["cookie"] for r in seller.requests]


async def test_url_credentials_reach_the_seller_and_not_the_journal(facade: MakeFacade) -> None:
    """Credentials are sent as httpx sends them, and are part of no record."""
    memory = memory_engine()
    seller = memory.seller()

    response = await facade(memory, seller).get("http://me:secret@seller.test/thing#part")

    assert "Basic bWU6c2VjcmV0" == seller.paid_requests[0].headers["authorization"]
    assert "http://seller.test/thing" == response.extensions[PAYMENT].payment.intent.resource


# --- delivery --------------------------------------------------------------------------------------------------------


async def test_answer_counts_as_delivered_only_when_read_to_its_end(facade: MakeFacade) -> None:
    """Who closes early has not got what was paid for, and is not sold it a second time by accident."""
    memory = memory_engine()
    seller = memory.seller()
    client = facade(memory, seller)

    response, _ = await client.glance(URL, read=0)

    assert not response.extensions[PAYMENT].payment.delivered
    error = await client.refused(URL)
    assert isinstance(error, DuplicatePurchase)
    assert response.extensions[PAYMENT].id == error.payment_id
    await check_end(memory, transfers=1)


async def test_body_that_breaks_off_raises_what_is_known(facade: MakeFacade) -> None:
    """With an endpoint: settled and undelivered; without one: unknown."""
    for with_chain, expected in ((True, PaidUndelivered), (False, PaymentOutcomeUnknown)):
        memory = memory_engine(with_chain=with_chain)
        seller = memory.seller()
        seller.replies.append(Reply(cut=True))

        error = await facade(memory, seller).refused(URL)

        assert expected is type(error)
        assert 1 == memory.transfers()


@pytest.mark.parametrize(
    ("method", "sends"), [("GET", pay.RESENDS + 1), ("HEAD", pay.RESENDS + 1), ("POST", 1), ("DELETE", 1)]
)
async def test_lost_answer_is_fetched_again_by_the_same_bytes_where_that_is_safe(
    facade: MakeFacade, method: str, sends: int
) -> None:
    """GET and HEAD by themselves, nothing else; never with another signature."""
    memory = memory_engine(with_chain=False)
    seller = memory.seller()
    seller.replies.extend([Reply(lose=httpx.ReadTimeout("late"))] * 9)

    with pytest.raises(PaymentOutcomeUnknown, match="ReadTimeout"):
        await facade(memory, seller).send(method, URL)

    assert sends == len(seller.paid_requests)
    assert 1 == len(signatures(seller))
    assert 1 == memory.transfers()


async def test_second_try_that_is_refused_tells_of_the_first(facade: MakeFacade) -> None:
    """The answer that was paid for is the lost one; a 402 to the same bytes is not handed over instead."""
    memory = memory_engine()
    seller = memory.seller()
    seller.replies.extend([Reply(lose=httpx.ReadError("cut")), Reply(status=402, settle=False, claim="failed")])

    error = await facade(memory, seller).refused(URL)

    assert isinstance(error, PaidUndelivered)
    assert "ReadError" in error.why


# --- sellers that do not deliver -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=402, settle=False, claim="failed"),
        Reply(status=402, claim="failed"),
        Reply(status=200, claim="failed"),
        Reply(status=200, claim="pending"),
        Reply(status=500, settle=False, claim="none"),
        Reply(status=503, claim="none"),
        Reply(status=404, claim="honest"),
    ],
    ids=str,
)
async def test_answer_that_does_not_deliver_is_handed_over_and_the_payment_stays_unknown(
    facade: MakeFacade, reply: Reply
) -> None:
    """Nothing is paid again: not by the transport, and not by the caller without saying so."""
    memory = memory_engine(with_chain=False)
    seller = memory.seller()
    seller.replies.append(reply)
    client = facade(memory, seller)

    response = await client.get(URL)

    assert reply.status == response.status_code
    assert State.OUTCOME_UNKNOWN == response.extensions[PAYMENT].state
    assert 1 == len(seller.paid_requests)
    assert isinstance(await client.refused(URL), DuplicatePurchase)
    assert (1_000, 0) == memory.held()


@pytest.mark.parametrize("claim", ["garbage", "invented", "none"])
async def test_claim_is_never_taken_for_proof(facade: MakeFacade, claim: str) -> None:
    """The answer reaches the caller whatever is claimed; the books follow the chain."""
    memory = memory_engine(with_chain=False)
    seller = memory.seller()
    seller.replies.append(Reply(settle=False, claim=claim))  # type: ignore[arg-type]

    response = await facade(memory, seller).get(URL)

    assert 200 == response.status_code
    receipt = response.extensions[RECEIPT]
    assert receipt is None or not receipt.proven
    assert (1_000, 0) == memory.held()


@pytest.mark.parametrize(("claimed", "shown"), [("1001", 1_000), (str(2**256 - 1), 1_000), ("7", 7)])
async def test_claim_of_more_than_was_signed_is_shown_as_what_was_signed(
    facade: MakeFacade, claimed: str, shown: int
) -> None:
    """No more than that can ever move."""
    memory = memory_engine(with_chain=False)
    seller = memory.seller()
    claim = base64.b64encode(json.dumps({"success": True, "amount": claimed}).encode()).decode()
    seller.replies.append(Reply(claim="none", headers=(("PAYMENT-RESPONSE", claim),)))

    response = await facade(memory, seller).get(URL)

    assert (False, shown) == (response.extensions[RECEIPT].proven, response.extensions[RECEIPT].amount.atomic)


@pytest.mark.parametrize("status", [402, 302, 307, 401])
async def test_endless_demands_are_paid_once(facade: MakeFacade, status: int) -> None:
    """Whatever the seller answers to the same bytes, there is no second signature."""
    memory = memory_engine()
    seller = memory.seller()
    headers = (("location", URL), ("www-authenticate", 'Digest realm="r", nonce="n", qop="auth", algorithm=MD5'))
    seller.replies.extend([Reply(status=status, headers=headers, settle=False, claim="none")] * 50)
    client = facade(memory, seller, follow_redirects=True, auth=httpx.DigestAuth("me", "secret"))

    try:
        assert status == (await client.get(URL)).status_code
    except httpx.TooManyRedirects:
        assert status in {302, 307}

    assert 1 == len(memory.signer.signed)
    assert 1 == len(signatures(seller))
    await check_end(memory, transfers=0)


async def test_bomb_and_endless_body_of_a_402_are_read_to_a_bound(facade: MakeFacade) -> None:
    """What is not known after a megabyte is handed over unread, and closing it is clean."""

    class Endless(httpx.AsyncByteStream, httpx.SyncByteStream):
        chunks = 0

        def __iter__(self) -> Iterator[bytes]:
            while True:
                self.chunks += 1
                yield bytes(65_536)

        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                self.chunks += 1
                yield bytes(65_536)

    memory = memory_engine()
    endless = Endless()
    bomb = gzip.compress(b'{"accepts": [' + bytes(50_000_000))
    answers = [
        httpx.Response(402, stream=endless),
        httpx.Response(402, stream=httpx.ByteStream(bomb), headers={"content-encoding": "gzip"}),
        httpx.Response(402, stream=httpx.ByteStream(b"?"), headers={"content-encoding": "gzip"}),
        httpx.Response(402, stream=httpx.ByteStream(b"?"), headers={"content-encoding": "odd"}),
    ]
    client = facade(memory, lambda _: answers.pop(0))

    statuses = [(await client.glance(URL, read=0))[0].status_code for _ in range(4)]

    assert [402] * 4 == statuses
    assert endless.chunks < 20
    assert [] == memory.signer.signed


@pytest.mark.parametrize(("chunks", "read"), [(3, 3), (1_000, 17)])
async def test_body_of_a_402_is_read_to_a_bound_before_paying(facade: MakeFacade, chunks: int, read: int) -> None:
    """So its connection can be used again; of a body without an end no more is read than of one that says the price."""

    class Body(httpx.AsyncByteStream, httpx.SyncByteStream):
        read = 0
        closed = False

        def __iter__(self) -> Iterator[bytes]:
            for _ in range(chunks):
                self.read += 1
                yield bytes(65_536)

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for chunk in self:
                yield chunk

        def close(self) -> None:
            self.closed = True

        async def aclose(self) -> None:
            self.closed = True

    memory = memory_engine()
    seller = memory.seller()
    body = Body()
    when_paid: list[tuple[int, bool]] = []

    def handler(request: httpx.Request) -> httpx.Response:
        if "payment-signature" in request.headers:
            when_paid.append((body.read, body.closed))
            return seller(request)
        return httpx.Response(402, headers=seller.ask(request).headers, stream=body)

    response = await facade(memory, handler).get(URL)

    assert (200, [(read, True)]) == (response.status_code, when_paid)


@pytest.mark.parametrize("priced", [True, False])
async def test_402_that_comes_drop_by_drop_ends_with_the_read_timeout(facade: MakeFacade, priced: bool) -> None:
    """Each drop is in time; all of it would be a payment that a seller delays for as long as it likes."""

    class Dripping(httpx.AsyncByteStream, httpx.SyncByteStream):
        drops = 0
        closed = False

        def __iter__(self) -> Iterator[bytes]:
            while self.drops < 200:
                self.drops += 1
                time.sleep(0.01)
                yield b" "

        async def __aiter__(self) -> AsyncIterator[bytes]:
            while self.drops < 200:
                self.drops += 1
                await anyio.sleep(0.01)
                yield b" "

        def close(self) -> None:
            self.closed = True

        async def aclose(self) -> None:
            self.closed = True

    memory = memory_engine()
    seller = memory.seller()
    body = Dripping()

    def handler(request: httpx.Request) -> httpx.Response:
        return httpx.Response(402, headers=seller.ask(request).headers if priced else {}, stream=body)

    with pytest.raises(httpx.ReadTimeout):
        await facade(memory, handler).get(URL, timeout=0.05)

    assert ([], True, True) == (memory.signer.signed, body.drops < 100, body.closed)


@pytest.mark.parametrize("quote", [True, False])
async def test_answer_of_a_refused_purchase_is_closed(facade: MakeFacade, quote: bool) -> None:
    """A long 402 answer that nobody gets does not keep its connection."""

    class Long(httpx.AsyncByteStream, httpx.SyncByteStream):
        closed = False

        def __iter__(self) -> Iterator[bytes]:
            yield bytes(2_000_000)

        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield bytes(2_000_000)

        def close(self) -> None:
            self.closed = True

        async def aclose(self) -> None:
            self.closed = True

    memory = memory_engine()
    seller = memory.seller()
    stream = Long()

    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.host == "seller.test" and not quote:
            return httpx.Response(307, headers={"location": "http://other.test/thing"})
        memory.chain.fail_next(9)
        return httpx.Response(402, headers=seller.ask(request).headers, stream=stream)

    with pytest.raises((NoAcceptableRequirements, AdapterError)):
        await facade(memory, handler, follow_redirects=True).get(URL, extensions={QUOTE: quote})

    assert stream.closed


async def test_body_behind_the_bound_is_still_there(facade: MakeFacade) -> None:
    """A long 402 page that is not x402 reaches the caller whole."""
    body = b"x" * 3_000_000

    response = await facade(memory_engine(), lambda _: httpx.Response(402, stream=httpx.ByteStream(body))).get(URL)

    assert body == response.content


# --- authentication and redirects ------------------------------------------------------------------------------------


@pytest.mark.parametrize("paid_first", [True, False])
async def test_digest_challenge_is_answered_with_the_same_bytes(facade: MakeFacade, paid_first: bool) -> None:
    """The user's own auth works, before the payment and after it, and pays once."""
    memory = memory_engine()
    seller = memory.seller()
    challenge = {"www-authenticate": 'Digest realm="r", nonce="n", qop="auth", algorithm=MD5'}

    def handler(request: httpx.Request) -> httpx.Response:
        paid = "payment-signature" in request.headers
        if "authorization" not in request.headers and paid == paid_first:
            return httpx.Response(401, headers=challenge)
        return seller(request)

    response = await facade(memory, handler, auth=httpx.DigestAuth("me", "secret")).get(URL)

    assert 200 == response.status_code
    assert "paygent.payment" in response.extensions
    assert 1 == len(memory.signer.signed)
    assert seller.paid_requests[-1].headers["authorization"].startswith("Digest ")
    await check_end(memory, transfers=1)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirect_within_the_origin_before_payment_is_paid_where_it_leads(
    facade: MakeFacade, status: int
) -> None:
    """The resource that asks for money is the one that is bought."""
    memory = memory_engine()
    seller = memory.seller()

    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/old":
            return httpx.Response(status, headers={"location": "/thing"})
        return seller(request)

    response = await facade(memory, handler, follow_redirects=True).get(f"{HOST}/old")

    assert URL == response.extensions[PAYMENT].payment.intent.resource
    await check_end(memory, transfers=1)


@pytest.mark.parametrize("status", [302, 307])
async def test_redirect_within_the_origin_after_payment_carries_the_same_bytes(facade: MakeFacade, status: int) -> None:
    """A seller may settle first and send the reader to another path."""
    memory = memory_engine()
    seller = memory.seller()
    seller.replies.append(Reply(status=status, headers=(("location", "/other"),)))

    response = await facade(memory, seller, follow_redirects=True).get(URL)

    assert 200 == response.status_code
    assert response.extensions[PAYMENT].payment.delivered
    assert (2, 1) == (len(seller.paid_requests), len(signatures(seller)))
    await check_end(memory, transfers=1)


async def test_redirect_of_a_paid_post_to_another_request_carries_no_payment(facade: MakeFacade) -> None:
    """What changes something at the seller is never sent again under another URL by itself."""
    memory = memory_engine()
    seller = memory.seller()
    seller.replies.append(Reply(status=307, headers=(("location", "/other"),)))

    response = await facade(memory, seller, follow_redirects=True).send("POST", URL, content=b"x")

    assert 402 == response.status_code
    assert 1 == len(seller.paid_requests)


OTHER_ORIGINS = ["https://seller.test/thing", "http://other.test/thing", "http://seller.test:8080/thing"]


@pytest.mark.parametrize("target", OTHER_ORIGINS)
async def test_redirect_to_another_origin_before_payment_is_refused(facade: MakeFacade, target: str) -> None:
    """Who asks one host is not made to pay another."""
    memory = memory_engine()
    seller = memory.seller()

    def handler(request: httpx.Request) -> httpx.Response:
        return httpx.Response(307, headers={"location": target}) if str(request.url) == URL else seller(request)

    error = await facade(memory, handler, follow_redirects=True).refused(URL)

    assert isinstance(error, NoAcceptableRequirements)
    assert "redirected" == error.refusals[0].code
    assert [] == memory.signer.signed


@pytest.mark.parametrize("target", OTHER_ORIGINS)
async def test_redirect_to_another_origin_after_payment_carries_no_payment(facade: MakeFacade, target: str) -> None:
    """The signed bytes never leave the origin they were signed for."""
    memory = memory_engine()
    seller = memory.seller()
    seller.replies.append(Reply(status=307, headers=(("location", target),)))

    response = await facade(memory, seller, follow_redirects=True).get(URL)

    assert (402, target) == (response.status_code, str(response.url))
    assert [URL] == [str(request.url) for request in seller.paid_requests]
    assert 1 == len(memory.signer.signed)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_answer_of_another_origin_after_payment_names_what_was_paid(facade: MakeFacade, method: str) -> None:
    """Sellers keep large goods at storage of somebody else's; whoever fetches them there can still wait for proof."""
    memory = memory_engine()
    seller = memory.seller()
    seller.replies.append(Reply(status=303, headers=(("location", "https://storage.test/goods"),)))

    def handler(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text="goods") if request.url.host == "storage.test" else seller(request)

    client = facade(memory, handler, follow_redirects=True)
    response = await client.send(method, URL, content=b"x" if method == "POST" else None)

    assert "goods" == response.text
    assert response.extensions[PAYMENT] is response.history[0].extensions[PAYMENT]
    assert response.extensions[RECEIPT].transaction == response.history[0].extensions[RECEIPT].transaction
    await check_end(memory, transfers=1)


@pytest.mark.parametrize("host", ["[fe80::1%eth0]", "[fe80::1%25eth0]:80", "[::1]:8080"])
async def test_host_that_is_an_address_of_version_6_is_paid(facade: MakeFacade, host: str) -> None:
    """Also one that says by which interface it is reached."""
    memory = memory_engine()

    response = await facade(memory, memory.seller()).get(f"http://{host}/thing")

    assert 200 == response.status_code
    await check_end(memory, transfers=1)


async def test_host_that_can_be_read_in_two_ways_is_refused_as_that(facade: MakeFacade) -> None:
    """Nobody was redirected."""
    memory = memory_engine()

    error = await facade(memory, memory.seller()).refused("http://sel%6cer.test/thing")

    assert isinstance(error, NoAcceptableRequirements)
    assert "unclear_host" == error.refusals[0].code
    assert [] == memory.signer.signed


# --- the caller's own code -------------------------------------------------------------------------------------------


async def test_hook_that_raises_passes_unchanged_and_the_payment_is_found(facade: MakeFacade) -> None:
    """What breaks after paying breaks as itself; the purchase is not lost and not made twice."""

    class OurOwn(Exception):
        pass

    def hook(_: httpx.Response) -> None:
        raise OurOwn

    memory = memory_engine()
    seller = memory.seller()
    with pytest.raises(OurOwn):
        await facade(memory, seller, hooks={"response": [hook]}).get(URL)

    found = await memory.engine.payment_of("GET", URL, b"")
    assert found is not None
    assert 1 == memory.transfers()
    error = await facade(memory, seller).refused(URL)
    assert isinstance(error, DuplicatePurchase)
    assert found.id == error.payment_id
    await check_end(memory, transfers=1)


async def test_same_request_object_sent_twice_is_one_purchase(facade: MakeFacade) -> None:
    """The mark travels in the extensions of a request; who passes them on means the same purchase."""
    memory = memory_engine()
    seller = memory.seller()
    client = facade(memory, seller)
    first = await client.get(URL)

    second = await client.get(URL, extensions=dict(first.request.extensions))

    assert 200 == second.status_code
    assert 1 == len(signatures(seller))
    await check_end(memory, transfers=1)


# --- idempotency, duplicates, limits ---------------------------------------------------------------------------------


@pytest.mark.parametrize("wish", [QUOTE, ASK])
@pytest.mark.parametrize("yes", [1, "yes"])
async def test_wish_not_to_pay_yet_holds_when_it_is_not_the_word_true(
    facade: MakeFacade, wish: str, yes: object
) -> None:
    """Only what is no wish at all lets a payment out."""
    memory = memory_engine()
    seller = memory.seller()

    response = await facade(memory, seller).get(URL, extensions={wish: yes})

    assert (402, []) == (response.status_code, memory.signer.signed)


async def test_new_purchase_is_made_for_the_word_true_alone(facade: MakeFacade) -> None:
    """A value of another type buys nothing a second time."""
    memory = memory_engine(with_chain=False)
    seller = memory.seller()
    seller.replies.append(Reply(status=500))
    client = facade(memory, seller)
    await client.send("POST", URL)

    with pytest.raises(DuplicatePurchase):
        await client.send("POST", URL, extensions={NEW_PURCHASE: "no"})

    assert 1 == len(memory.signer.signed)


async def test_quote_sends_no_payment_when_it_is_asked_with_a_paid_request(facade: MakeFacade) -> None:
    """Not even one that is out already."""
    memory = memory_engine()
    seller = memory.seller()
    client = facade(memory, seller)
    paid = await client.get(URL)

    response = await client.get(URL, extensions={**paid.request.extensions, QUOTE: True})

    assert (402, 1) == (response.status_code, len(response.extensions[QUOTE].offers))
    assert 1 == len(seller.paid_requests)


async def test_key_sends_the_same_bytes_for_the_same_request(facade: MakeFacade) -> None:
    """Fetching again what was bought costs nothing."""
    memory = memory_engine()
    seller = memory.seller()
    client = facade(memory, seller)

    answers = [await client.send("POST", URL, content=b"x", extensions={KEY: "one"}) for _ in range(3)]

    assert [200] * 3 == [answer.status_code for answer in answers]
    assert 1 == len({answer.extensions[PAYMENT].id for answer in answers})
    assert 1 == len(signatures(seller))
    await check_end(memory, transfers=1)


async def test_key_of_another_request_is_a_conflict(facade: MakeFacade) -> None:
    """One name, one purchase."""
    memory = memory_engine()
    client = facade(memory, memory.seller())
    await client.get(URL, extensions={KEY: "one"})

    error = await client.refused(f"{URL}/else", extensions={KEY: "one"})

    assert isinstance(error, IdempotencyConflict)
    assert 1 == memory.transfers()


async def test_key_is_free_again_when_its_payment_cannot_settle(facade: MakeFacade) -> None:
    """Proven dead: the same name may buy, with a new authorization."""
    memory = memory_engine()
    seller = memory.seller()
    seller.replies.append(Reply(status=500, settle=False, claim="none"))
    client = facade(memory, seller)
    first = await client.get(URL, extensions={KEY: "one"})
    await memory.end()

    second = await client.get(URL, extensions={KEY: "one"})

    assert (500, 200) == (first.status_code, second.status_code)
    assert 2 == len(signatures(seller))
    await check_end(memory, transfers=1)


async def test_delivered_purchase_does_not_stand_in_the_way(facade: MakeFacade) -> None:
    """Who asks again after an answer means it: that is how prices are polled."""
    memory = memory_engine()
    client = facade(memory, memory.seller())

    for _ in range(3):
        assert 200 == (await client.get(URL)).status_code

    await check_end(memory, transfers=3)


async def test_new_purchase_buys_past_an_unknown_one(facade: MakeFacade) -> None:
    """On purpose, and only then."""
    memory = memory_engine()
    seller = memory.seller()
    seller.replies.append(Reply(status=500, settle=False, claim="none"))
    client = facade(memory, seller)
    await client.get(URL)
    assert isinstance(await client.refused(URL), DuplicatePurchase)

    assert 200 == (await client.get(URL, extensions={NEW_PURCHASE: True})).status_code
    await check_end(memory, transfers=1)


@pytest.mark.parametrize(
    ("ceiling", "allowed"),
    [
        ("0.001", True),
        ("0.0010009", True),
        ("0.0009999", False),
        ("0", False),
        (usd("0.001"), True),
        (usd("0.000999"), False),
        (Amount(1_000, TOKEN.asset), True),
        (Amount(999, TOKEN.asset), False),
    ],
    ids=str,
)
async def test_max_amount_bounds_one_purchase(facade: MakeFacade, ceiling: Amount | str, allowed: bool) -> None:
    """As text in whole units of the token, or as an amount of it or of dollars."""
    memory = memory_engine()
    client = facade(memory, memory.seller(price=1_000))

    if allowed:
        assert 200 == (await client.get(URL, extensions={MAX_AMOUNT: ceiling})).status_code
    else:
        error = await client.refused(URL, extensions={MAX_AMOUNT: ceiling})
        assert isinstance(error, PolicyDenied)
        assert "over_max_amount" in {reason.code for reason in error.verdict.reasons}

    assert allowed == bool(memory.signer.signed)


@pytest.mark.parametrize("ceiling", [1, True, 0.5, b"1"])
async def test_max_amount_of_another_type_pays_nothing(facade: MakeFacade, ceiling: object) -> None:
    """A number has no unit, and a float is no money."""
    memory = memory_engine()

    error = await facade(memory, memory.seller()).refused(URL, extensions={MAX_AMOUNT: ceiling})

    assert isinstance(error, LocalProtocolError)
    assert [] == memory.signer.signed


@pytest.mark.parametrize("text", ["-1", "1e3", "", ".5", "1,0", "0x1", "nan", " 1", "1."])
async def test_max_amount_that_is_no_amount_pays_nothing(facade: MakeFacade, text: str) -> None:
    """A ceiling that cannot be read is never taken for none."""
    memory = memory_engine()
    client = facade(memory, memory.seller())
    if text == "1.":
        assert 200 == (await client.get(URL, extensions={MAX_AMOUNT: text})).status_code
        return

    error = await client.refused(URL, extensions={MAX_AMOUNT: text})

    assert isinstance(error, LocalProtocolError)
    assert [] == memory.signer.signed


async def test_fifty_identical_requests_at_once_are_paid_once(facade: MakeFacade) -> None:
    """The first reservation stands in the way of all others until it is delivered."""
    memory = memory_engine()
    seller = memory.seller()
    refused: list[str] = []
    answered: list[httpx.Response] = []

    async def one(client: Facade) -> None:
        try:
            answered.append(await client.get(URL))
        except DuplicatePurchase as error:
            refused.append(error.payment_id)

    client = facade(memory, seller)
    journal, append = memory.journal, memory.journal.append

    async def late(before: Any, after: Any) -> None:
        """Delivery is written down only once everybody has asked."""
        if after.delivered:
            while len(refused) < 49:  # noqa: ASYNC110  the others may be in another loop, where no event reaches
                await anyio.sleep(0.001)
        await append(before, after)

    journal.append = late  # type: ignore[method-assign]
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            for _ in range(50):
                tasks.start_soon(one, client)

    assert (1, 49) == (len(answered), len(refused))
    assert 1 == len(set(refused))
    await check_end(memory, transfers=1)


async def test_fifty_different_requests_with_a_budget_for_ten_pay_ten(facade: MakeFacade) -> None:
    """The limit is checked where the reservation is written."""
    memory = memory_engine(policy=Policy(per_day=usd("0.01")))
    client = facade(memory, memory.seller(price=1_000))
    paid: list[httpx.Response] = []
    refused: list[BudgetExceeded] = []

    async def one(number: int) -> None:
        try:
            paid.append(await client.get(f"{URL}/{number}"))
        except BudgetExceeded as error:
            refused.append(error)

    async with anyio.create_task_group() as tasks:
        for number in range(50):
            tasks.start_soon(one, number)

    assert (10, 40) == (len(paid), len(refused))
    assert 10_000 == memory.moved()
    assert 10_000 == sum(memory.held())


async def test_freed_budget_can_be_spent_again(facade: MakeFacade) -> None:
    """Held while unknown, free once proven dead."""
    memory = memory_engine(policy=Policy(per_day=usd("0.001")))
    seller = memory.seller(price=1_000)
    seller.replies.append(Reply(status=500, settle=False, claim="none"))
    client = facade(memory, seller)
    await client.get(URL)
    assert isinstance(await client.refused(f"{URL}/else"), BudgetExceeded)
    await memory.end(seconds=600)

    assert 200 == (await client.get(f"{URL}/else")).status_code
    assert State.EXPIRED in await memory.states()
    assert State.DENIED in FREED


# --- cancellation ----------------------------------------------------------------------------------------------------


def test_interrupt_of_a_synchronous_call_leaves_the_payment_unknown() -> None:
    """Ctrl-C while the paid request is on its way: the money is not forgotten, and not spent again."""
    memory = memory_engine(with_chain=False)
    seller = memory.seller()
    released = threading.Event()

    def handler(request: httpx.Request) -> httpx.Response:
        if "payment-signature" not in request.headers:
            return seller(request)
        main = threading.main_thread().ident
        assert main is not None
        signal.pthread_kill(main, signal.SIGINT)
        released.wait(5)
        return seller(request)

    client = httpx.Client(transport=PaymentTransport(memory.engine, inner=httpx.MockTransport(handler)))
    with pytest.raises(KeyboardInterrupt):
        client.get(URL)
    with pytest.raises(DuplicatePurchase):
        client.get(URL)
    released.set()
    client.close()

    assert (1_000, 0) == memory.held()


def test_transport_that_is_mounted_twice_is_closed_with_its_client() -> None:
    """As httpx's own: a client closes each of its mounts."""
    memory = memory_engine()
    transport = PaymentTransport(memory.engine, inner=httpx.MockTransport(memory.seller()))

    with httpx.Client(mounts={"http://": transport, "https://": transport}) as client:
        response = client.get(URL)
    transport.close()

    assert (200, True) == (response.status_code, client.is_closed)


async def test_synchronous_client_works_inside_a_running_loop() -> None:
    """As in a notebook cell: the engine has a loop of its own."""
    memory = memory_engine()
    with httpx.Client(transport=PaymentTransport(memory.engine, inner=httpx.MockTransport(memory.seller()))) as client:
        response = client.get(URL)  # noqa: ASYNC212  that is the point

    assert 200 == response.status_code
    await check_end(memory, transfers=1)
