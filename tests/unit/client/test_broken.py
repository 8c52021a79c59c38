"""A paid answer that httpx breaks on above the payment: the error says what became of the money."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import anyio.to_thread
import httpx
import idna
import pytest

from paygent.adapters.httpx import AsyncPaymentTransport, after_paying
from paygent.adapters.httpx.clients import AsyncClient, Client
from paygent.client import SyncX402Client, X402Client
from paygent.core.errors import AdapterError, PaidUndelivered, PaygentError, PaymentOutcomeUnknown
from paygent.core.lifecycle import State
from paygent.engine import pay
from paygent.engine.portal import Portal
from paygent.testing.engine import MemoryEngine, memory_engine
from paygent.testing.seller import MemorySeller, Reply

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings(
        "ignore:Async generator 'httpx:ResourceWarning"
    ),  # httpx leaves them to trio when it stops
]
URL = "http://seller.test/thing"
NO_GZIP = (("content-encoding", "gzip"),)


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pay, "RESEND_DELAY_SECONDS", 0)


def to(place: str, status: int = 302) -> Reply:
    return Reply(status=status, headers=(("location", place),))


BREAKING = {
    "no gzip": Reply(headers=NO_GZIP, body=b"no gzip"),
    "redirect to no URL": to("http://[::1", 307),
    "redirect to no host name": to("http://xn--zzzzzzz---.test/"),
    "redirect to no HTTP": to("ftp://seller.test/"),
    "redirect to no host": to("mailto:me@seller.test"),
    "redirect to nobody": to("http://nobody.test/"),
    "redirect to itself": to(URL, 307),
}
"""Answers to a paid request on which a client that follows redirects breaks."""
breaking = pytest.mark.parametrize("kind", BREAKING)


def seller_of(memory: MemoryEngine, kind: str, *, settle: bool = True) -> MemorySeller:
    seller = memory.seller()
    seller.replies.extend([replace(BREAKING[kind], settle=settle)] * 30)
    return seller


def wire(seller: MemorySeller) -> httpx.MockTransport:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.scheme == "ftp":
            raise httpx.UnsupportedProtocol("no such protocol")
        if request.url.host == "nobody.test":
            raise httpx.ConnectError("nobody is there")
        return seller(request)

    return httpx.MockTransport(answer)


@pytest.mark.parametrize(("settle", "error"), [(True, PaidUndelivered), (False, PaymentOutcomeUnknown)])
@breaking
async def test_paid_answer_that_cannot_be_handed_over_is_told_with_its_payment(
    kind: str, settle: bool, error: type[PaygentError]
) -> None:
    memory = memory_engine()
    transport = wire(seller_of(memory, kind, settle=settle))
    async with X402Client(memory.engine, transport=transport, follow_redirects=True) as client:
        with pytest.raises(error) as told:
            await client.get(URL)
        found = await client.payment_of("GET", URL)

    assert isinstance(told.value.__cause__, httpx.RequestError)
    assert found is not None
    assert found.id == told.value.payment_id


@breaking
async def test_synchronous_client_tells_it_too(kind: str) -> None:
    memory = memory_engine()
    transport = wire(seller_of(memory, kind))

    def buy() -> None:
        with (
            Portal() as portal,
            SyncX402Client(memory.engine, portal=portal, transport=transport, follow_redirects=True) as client,
        ):
            try:
                client.get(URL)
            except PaygentError as error:
                told.append(type(error))

    told: list[type[PaygentError]] = []

    await anyio.to_thread.run_sync(buy)

    assert [PaidUndelivered] == told


@pytest.mark.parametrize("kind", ["redirect to no URL", "redirect to no host name", "redirect to no host"])
async def test_place_that_cannot_be_read_breaks_a_stream_that_follows_no_redirects(kind: str) -> None:
    memory = memory_engine()
    transport = wire(seller_of(memory, kind))
    async with X402Client(memory.engine, transport=transport) as client:
        with pytest.raises(PaidUndelivered):
            async with client.stream("GET", URL):
                pass


async def test_stream_that_is_given_up_leaves_the_outcome_unknown_and_says_why() -> None:
    memory = memory_engine(with_chain=False)
    transport = httpx.MockTransport(memory.seller())
    async with X402Client(memory.engine, transport=transport) as client:
        async with client.stream("GET", URL):
            pass
        payment = await client.payment_of("GET", URL)

    assert payment is not None
    assert (State.OUTCOME_UNKNOWN, False) == (payment.state, payment.delivered)
    assert "the answer broke off" == payment.history[-1].note


@pytest.mark.parametrize(("settle", "error"), [(True, PaidUndelivered), (False, PaymentOutcomeUnknown)])
async def test_paid_stream_that_cannot_be_decoded_is_told_with_its_payment(
    settle: bool, error: type[PaygentError]
) -> None:
    memory = memory_engine()
    transport = wire(seller_of(memory, "no gzip", settle=settle))
    async with X402Client(memory.engine, transport=transport) as client:
        with pytest.raises(error) as told:
            async with client.stream("GET", URL) as response:
                await response.aread()
        found = await client.payment_of("GET", URL)

    assert isinstance(told.value.__cause__, httpx.DecodingError)
    assert found is not None
    assert (found.id, False) == (told.value.payment_id, found.delivered)


async def test_synchronous_stream_that_cannot_be_decoded_is_told_with_its_payment() -> None:
    memory = memory_engine()
    transport = wire(seller_of(memory, "no gzip"))

    def buy() -> httpx.Response:
        with Portal() as portal, SyncX402Client(memory.engine, portal=portal, transport=transport) as client:
            with pytest.raises(PaidUndelivered) as told, client.stream("GET", URL) as response:
                response.read()
            assert isinstance(told.value.__cause__, httpx.DecodingError)
            return response

    assert (await anyio.to_thread.run_sync(buy)).is_closed


async def test_free_stream_that_cannot_be_decoded_is_an_error_of_httpx() -> None:
    memory = memory_engine()

    def free(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers=NO_GZIP, stream=httpx.ByteStream(b"no gzip"))

    async with X402Client(memory.engine, transport=httpx.MockTransport(free)) as client:
        with pytest.raises(httpx.DecodingError):
            async with client.stream("GET", URL) as response:
                await response.aread()


OWN = [ValueError("mine"), httpx.ReadError("mine"), httpx.ReadError("mine", request=httpx.Request("GET", URL))]


@pytest.mark.parametrize("own", OWN, ids=["value", "nameless", "named"])
async def test_error_of_the_user_in_a_paid_stream_passes_unchanged(own: Exception) -> None:
    memory = memory_engine()
    async with X402Client(memory.engine, transport=wire(memory.seller())) as client:
        with pytest.raises(type(own)) as told:
            async with client.stream("GET", URL):
                raise own

    assert (own, None) == (told.value, told.value.__cause__)


@pytest.mark.parametrize("own", OWN, ids=["value", "nameless", "named"])
async def test_error_of_the_user_in_a_paid_synchronous_stream_passes_unchanged(own: Exception) -> None:
    memory = memory_engine()
    transport = wire(memory.seller())

    def buy() -> BaseException:
        with Portal() as portal, SyncX402Client(memory.engine, portal=portal, transport=transport) as client:
            with pytest.raises(type(own)) as told, client.stream("GET", URL):
                raise own
            return told.value

    assert own is await anyio.to_thread.run_sync(buy)


async def test_place_that_cannot_be_read_breaks_a_synchronous_stream() -> None:
    memory = memory_engine()
    transport = wire(seller_of(memory, "redirect to no host name"))

    def buy() -> None:
        with (
            Portal() as portal,
            SyncX402Client(memory.engine, portal=portal, transport=transport) as client,
            pytest.raises(PaidUndelivered),
            client.stream("GET", URL),
        ):
            pass

    await anyio.to_thread.run_sync(buy)


@pytest.mark.parametrize("place", ["http://[::1", "http://xn--zzzzzzz---.test/", "javascript:pay()"])
async def test_free_answer_with_a_place_that_cannot_be_read_is_an_error_of_httpx(place: str) -> None:
    memory = memory_engine()

    def moved(_: httpx.Request) -> httpx.Response:
        return httpx.Response(302, headers={"location": place}, stream=httpx.ByteStream(b""))

    async with X402Client(memory.engine, transport=httpx.MockTransport(moved)) as client:
        with pytest.raises(httpx.RemoteProtocolError, match="Invalid URL in location header") as told:
            await client.get(URL)

    assert URL == str(told.value.request.url)


async def test_port_that_there_is_not_is_an_error_of_httpx() -> None:
    """What asyncio says of it is none."""
    memory = memory_engine()
    async with X402Client(memory.engine) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get("http://127.0.0.1:99999999/")


TELEMETRY = httpx.Request("POST", "http://telemetry.test/")
OF_HOOKS = {
    "nameless": httpx.ConnectError("telemetry is down"),
    "of another request": httpx.ConnectError("telemetry is down", request=TELEMETRY),
    "of a protocol": httpx.RemoteProtocolError("telemetry speaks another"),
    "of several": ExceptionGroup("telemetry", [OverflowError("too much")]),
}


@pytest.mark.parametrize("own", OF_HOOKS.values(), ids=OF_HOOKS)
async def test_hook_of_the_user_may_raise_an_error_of_httpx_of_its_own(own: Exception) -> None:
    memory = memory_engine()

    async def hook(response: httpx.Response) -> None:
        raise own

    transport, hooks = httpx.MockTransport(memory.seller()), {"response": [hook]}
    async with X402Client(memory.engine, transport=transport, event_hooks=hooks) as client:
        with pytest.raises(type(own)) as told:
            await client.get(URL)

    assert (own, None) == (told.value, told.value.__cause__)


async def test_free_answer_that_is_no_gzip_is_an_error_of_httpx() -> None:
    memory = memory_engine()

    def free(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers=NO_GZIP, stream=httpx.ByteStream(b"no gzip"))

    async with X402Client(memory.engine, transport=httpx.MockTransport(free)) as client:
        with pytest.raises(httpx.DecodingError):
            await client.get(URL)


async def test_journal_that_is_silent_leaves_the_outcome_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = memory_engine()
    async with X402Client(memory.engine, transport=httpx.MockTransport(memory.seller())) as client:
        paid = await client.get(URL)

    async def silent(_: object) -> None:
        raise AdapterError("out of reach", retryable=True)

    monkeypatch.setattr(memory.journal, "get", silent)
    told = await after_paying(memory.engine, httpx.DecodingError("broken", request=paid.request))

    assert isinstance(told, PaymentOutcomeUnknown)
    assert paid.extensions["paygent.payment"].id == told.payment_id


CHALLENGES = ["Digest foo", 'Digest realm="r", nonce="n", algorithm=MD4', 'Digest realm="r", nonce="n", qop=auth-int']


@pytest.mark.parametrize("challenge", CHALLENGES)
async def test_digest_challenge_that_is_none_after_paying_is_told_with_its_payment(challenge: str) -> None:
    memory = memory_engine()
    seller = memory.seller()
    seller.replies.append(Reply(status=401, headers=(("www-authenticate", challenge),)))
    async with X402Client(memory.engine, transport=wire(seller)) as client:
        with pytest.raises(PaidUndelivered) as told:
            await client.get(URL, auth=httpx.DigestAuth("me", "word"))

    assert isinstance(told.value.__cause__, httpx.RemoteProtocolError)
    assert (1, 1) == (memory.transfers(), len(seller.paid_requests))


def test_digest_challenge_that_is_none_is_an_error_of_httpx() -> None:
    def challenge(_: httpx.Request) -> httpx.Response:
        return httpx.Response(401, headers={"www-authenticate": CHALLENGES[0]})

    with Client(transport=httpx.MockTransport(challenge)) as client, pytest.raises(httpx.RemoteProtocolError):
        client.get(URL, auth=httpx.DigestAuth("me", "word"))


async def redirected_elsewhere() -> None:
    """Be redirected to no host by somebody else, with a client of httpx's own."""
    moved = httpx.MockTransport(lambda _: httpx.Response(302, headers={"location": "mailto:me@seller.test"}))
    async with httpx.AsyncClient(transport=moved) as client:
        await client.get(URL)


HOOKS: dict[str, Callable[[], object]] = {
    "value": lambda: int("not what I expected"),
    "URL": lambda: httpx.URL("http://[::1"),
    "host name": lambda: idna.decode("xn--zzzzzzz---"),
    "redirect": redirected_elsewhere,
}


@pytest.mark.parametrize("raising", HOOKS.values(), ids=HOOKS)
async def test_hook_of_the_user_may_raise_any_error_of_its_own(raising: Callable[[], Any]) -> None:
    raised: list[Exception] = []

    async def hook(response: httpx.Response) -> None:
        try:
            coming = raising()
            if coming is not None:
                await coming
        except Exception as own:
            raised.append(own)
            raise

    async with AsyncClient(
        transport=httpx.MockTransport(lambda _: httpx.Response(200)), event_hooks={"response": [hook]}
    ) as client:
        with pytest.raises((ValueError, httpx.InvalidURL)) as told:
            await client.get(URL)

    assert raised == [told.value]


async def test_client_of_httpx_hears_of_the_payment_where_a_redirect_leads_to_nobody() -> None:
    memory = memory_engine()
    transport = AsyncPaymentTransport(memory.engine, inner=wire(seller_of(memory, "redirect to nobody")))
    async with httpx.AsyncClient(transport=transport, follow_redirects=True) as client:
        with pytest.raises(PaidUndelivered) as told:
            await client.get(URL)

    assert isinstance(told.value.__cause__, httpx.ConnectError)
    assert 1 == memory.transfers()
