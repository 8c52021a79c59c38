"""Whatever a seller asks for: what is not understood or not sensible is refused, and nothing is signed."""

import base64
import gzip
import json
import tracemalloc
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import httpx
import pytest

from paygent.adapters.httpx import PAYMENT
from paygent.core.errors import ConfigurationError, NoAcceptableRequirements, PaymentNotAttempted, PolicyDenied
from paygent.core.lifecycle import State
from paygent.evm.tokens import TOKENS
from paygent.testing.clock import VirtualClock
from tests.interop.hostile.answers import Answering, sells
from tests.interop.hostile.shop import JSON, Shop, encode, offer, offering
from tests.interop.hostile.wire import Request, Wire, answer
from tests.interop.peers.chain import BRIDGED_USDC, PERMIT2, TokenChain
from tests.interop.wallet import AsyncWallet, Drive, open_wallet, transfers_from

TEN_YEARS = 10 * 365 * 86_400
HOUR, DAY = 3_600, 86_400


@dataclass(frozen=True, slots=True)
class Asked:
    """A way of asking for money that is refused, and the first refusal's code."""

    name: str
    unpaid: Answering
    code: str

    def __str__(self) -> str:
        return self.name


def header(value: bytes | str) -> Answering:
    """Put this into PAYMENT-REQUIRED as it is."""
    raw = value if isinstance(value, bytes) else value.encode()
    return lambda _shop, _request, wire: wire.send(
        answer(402, b"{}", raw_headers=b"PAYMENT-REQUIRED: " + raw + b"\r\n")
    )


def body(write: Callable[[Shop], bytes]) -> Answering:
    return lambda shop, _, wire: wire.send(answer(402, write(shop)))


def required(**changes: object) -> Answering:
    """Ask with a version 2 header whose top level differs."""
    return lambda shop, _, wire: wire.send(offer(shop.required(**changes)))


def v1(**changes: object) -> Answering:
    return body(
        lambda shop: json.dumps({"x402Version": 1, "error": "", "accepts": [shop.entry_v1(**changes)]}).encode()
    )


def nested(shop: Shop, levels: int) -> JSON:
    deep: object = 1
    for _ in range(levels):
        deep = [deep]
    return shop.required(extensions={"deep": deep})


def twice_the_amount(shop: Shop) -> bytes:
    return json.dumps(shop.required()).replace('"amount": "1000"', '"amount": "1000", "amount": "1"').encode()


def base64_of(write: Callable[[Shop], bytes]) -> Answering:
    return lambda shop, _, wire: wire.send(
        answer(402, b"{}", {"PAYMENT-REQUIRED": base64.b64encode(write(shop)).decode()})
    )


def lying_token(**extra: object) -> Answering:
    return lambda shop, _, wire: wire.send(
        offer(shop.required(shop.entry(extra={"name": shop.chain.token_name, "version": "2"} | extra)))
    )


STRANGE_AMOUNTS = {
    "negative": "-1",
    "fractional": "0.001",
    "leading zero": "01000",
    "2**256": str(2**256),
    "exponent": "1e3",
    "hexadecimal": "0x3e8",
    "with a sign": "+1000",
    "with blanks": " 1000",
    "with an underscore": "1_000",
    "in other digits": "\N{ARABIC-INDIC DIGIT ONE}\N{ARABIC-INDIC DIGIT ZERO}",
    "empty": "",
    "true": True,
    "a fraction as a number": 1000.5,
}
REFUSED = [
    *(Asked(f"amount {name}", offering(amount=amount), "bad_amount") for name, amount in STRANGE_AMOUNTS.items()),
    *(Asked(f"v1 amount {name}", v1(maxAmountRequired=odd), "bad_amount") for name, odd in STRANGE_AMOUNTS.items()),
    Asked("amount zero", offering(amount="0"), "zero_amount"),
    Asked("amount missing", offering(amount=None), "malformed"),
    Asked("validity zero", offering(maxTimeoutSeconds=0), "bad_timeout"),
    Asked("validity negative", offering(maxTimeoutSeconds=-1), "bad_timeout"),
    Asked("validity as text", offering(maxTimeoutSeconds="60"), "bad_timeout"),
    Asked("unknown scheme", offering(scheme="subscription"), "unknown_scheme"),
    Asked("unknown payment flow", offering(extra={"paymentFlow": "later"}), "unsupported_payment_flow"),
    Asked("escrow", offering(extra={"paymentFlow": "escrow"}), "unsupported_payment_flow"),
    Asked("unknown transfer method", offering(extra={"assetTransferMethod": "erc7710"}), "unknown_transfer_method"),
    Asked("required extension", required(extensions={"x": {"info": {"required": True}}}), "unsupported_extension"),
    Asked("unknown version", required(x402Version=3), "unsupported_version"),
    Asked("version as text", required(x402Version="2"), "unsupported_version"),
    Asked("no offers", required(accepts=[]), ""),
    Asked("offers that are no list", required(accepts={}), "malformed"),
    Asked("offer that is no object", required(accepts=["give me money"]), "malformed"),
    Asked("foreign resource", required(resource={"url": "http://example.com/paid"}), "foreign_resource"),
    Asked("foreign port", required(resource={"url": "http://127.0.0.1:1/paid"}), "foreign_resource"),
    Asked("foreign v1 resource", v1(resource="https://example.com/paid"), "foreign_resource"),
    Asked("v1 name in version 2", offering(network="base-sepolia"), "wrong_network_name"),
    Asked("wrong chain for a name", v1(network="base"), "unknown_asset"),
    Asked("chain nobody knows", offering(network="eip155:999999999"), "unknown_network"),
    Asked("name nobody knows", v1(network="moon"), "unknown_network"),
    Asked("chain of another kind", offering(network="solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"), "unknown_network"),
    Asked("unknown token that says it is USDC", offering(asset=BRIDGED_USDC), "unknown_asset"),
    Asked("token that lies about its name", lying_token(name="USD Coin"), "domain_mismatch"),
    Asked("token that lies about its version", lying_token(version="1"), "domain_mismatch"),
    Asked("payee is nobody", offering(payTo="0x" + "00" * 20), "bad_payee"),
    Asked("payee is Permit2", offering(payTo=PERMIT2), "bad_payee"),
    Asked("payee is no address", offering(payTo="seller.eth"), "bad_payee"),
    Asked("header not base64", header("%%%"), "malformed"),
    Asked("header empty", header(""), "malformed"),
    Asked("header not JSON", header(base64.b64encode(b"{")), "malformed"),
    Asked("header is a list", header(base64.b64encode(b"[]")), "malformed"),
    Asked("header not UTF-8 within", header(base64.b64encode(b'{"x402Version": 2, "error": "\xff"}')), "malformed"),
    Asked("header not ASCII", header(b"\xff\xfe"), "malformed"),
    Asked("header of 70 KB", header("A" * 70_000), "malformed"),
    Asked("header twice", lambda shop, _, wire: wire.send(
        answer(402, b"{}", raw_headers=b"PAYMENT-REQUIRED: %b\r\n" % encode(shop.required()).encode() * 2)
    ), "malformed"),
    Asked("duplicate key in the header", base64_of(twice_the_amount), "malformed"),
    Asked("duplicate key in the body", body(twice_the_amount), "malformed"),
    Asked("nested deeply in the header", base64_of(lambda shop: json.dumps(nested(shop, 200)).encode()), "malformed"),
    Asked("nested deeply in the body", body(lambda shop: json.dumps(nested(shop, 900)).encode()), "malformed"),
    Asked("body is x402 and not UTF-8", body(lambda _: b'{"x402Version": 1, "accepts": ["\xff"]}'), "malformed"),
    Asked("not a number", body(lambda _: b'{"x402Version": 1, "accepts": [NaN]}'), "malformed"),
]  # fmt: skip


@pytest.mark.parametrize("drive", [Drive.ASYNCIO, Drive.SYNC], ids=str)
@pytest.mark.parametrize("asked", REFUSED, ids=str)
def test_offer_is_refused_before_anything_is_signed(hostile_chain: TokenChain, asked: Asked, drive: Drive) -> None:
    payer = hostile_chain.new_payer()

    async def story(shop: Shop) -> None:
        async with open_wallet(drive, payer, hostile_chain) as wallet:
            for _ in range(2):  # the retry is refused alike
                with pytest.raises(NoAcceptableRequirements) as refused:
                    await wallet.request("GET", shop.url())
                assert asked.code == next((refusal.code for refusal in refused.value.refusals), "")
            assert await wallet.payment_of("GET", shop.url()) is None

    with Shop(chain=hostile_chain, paid=sells, unpaid=asked.unpaid) as shop:
        drive.run(lambda: story(shop))
    assert [] == shop.payments
    assert [] == transfers_from(hostile_chain, payer.address)


BOMB_SIZE = 64 * 1024 * 1024
NOT_X402 = {
    "JSON": (b'{"error": "pay at the desk"}', {}),
    "JSON that nearly is": (b'["x402Version", "accepts"]', {}),
    "HTML": (b"<html>x402Version accepts: pay</html>", {"Content-Type": "text/html"}),
    "binary": (bytes(range(256)), {"Content-Type": "application/octet-stream"}),
    "empty": (b"", {}),
    "huge": (b'{"x402Version": 1, "accepts": [], "x": "' + b"A" * (2 << 20) + b'"}', {}),
    "gzip that is none": (b"\x1f\x8bnothing", {}),
    "gzip bomb": (gzip.compress(bytes(BOMB_SIZE)), {"Content-Encoding": "gzip"}),
    "deflate bomb": (zlib.compress(bytes(BOMB_SIZE)), {"Content-Encoding": "deflate"}),
    "bomb in a bomb": (gzip.compress(gzip.compress(bytes(BOMB_SIZE))), {"Content-Encoding": "gzip, gzip"}),
}


@pytest.mark.parametrize("drive", [Drive.ASYNCIO, Drive.TRIO], ids=str)
@pytest.mark.parametrize("name", NOT_X402)
def test_answer_that_is_not_x402_reaches_the_caller_untouched(
    hostile_chain: TokenChain, name: str, drive: Drive
) -> None:
    payer, (said, headers) = hostile_chain.new_payer(), NOT_X402[name]

    async def story(shop: Shop) -> None:
        async with open_wallet(drive, payer, hostile_chain) as wallet:
            assert isinstance(wallet, AsyncWallet)
            async with wallet.http.stream("GET", shop.url()) as response:
                assert 402 == response.status_code
                assert PAYMENT not in response.extensions
                assert said == b"".join([chunk async for chunk in response.aiter_raw()])
            assert await wallet.payment_of("GET", shop.url()) is None

    def unpaid(_shop: Shop, _request: Request, wire: Wire) -> None:
        wire.send(answer(402, said, headers))

    with Shop(chain=hostile_chain, paid=sells, unpaid=unpaid) as shop:
        drive.run(lambda: story(shop))
    assert 1 == len(shop.requests)


@pytest.mark.parametrize("name", ["gzip bomb", "deflate bomb", "bomb in a bomb"])
def test_bomb_does_not_go_off_in_memory(hostile_chain: TokenChain, name: str) -> None:
    payer, (said, headers) = hostile_chain.new_payer(), NOT_X402[name]

    async def story(shop: Shop) -> None:
        async with open_wallet(Drive.ASYNCIO, payer, hostile_chain) as wallet:
            assert isinstance(wallet, AsyncWallet)
            tracemalloc.start()
            async with wallet.http.stream("GET", shop.url()) as response:
                assert 402 == response.status_code
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert most < BOMB_SIZE // 8

    def unpaid(_shop: Shop, _request: Request, wire: Wire) -> None:
        wire.send(answer(402, said, headers))

    with Shop(chain=hostile_chain, paid=sells, unpaid=unpaid) as shop:
        Drive.ASYNCIO.run(lambda: story(shop))
    assert 1 == len(shop.requests)


def test_header_that_no_http_client_takes_is_httpx_own_error(hostile_chain: TokenChain) -> None:
    payer = hostile_chain.new_payer()

    async def story(shop: Shop) -> None:
        async with open_wallet(Drive.ASYNCIO, payer, hostile_chain) as wallet:
            with pytest.raises(httpx.RemoteProtocolError):
                await wallet.request("GET", shop.url())

    with Shop(chain=hostile_chain, paid=sells, unpaid=header("A" * (1 << 20))) as shop:
        Drive.ASYNCIO.run(lambda: story(shop))


PAYABLE: dict[str, Answering] = {
    "version 2 only in the body": body(lambda shop: json.dumps(shop.required()).encode()),
    "version 2 only in a gzip body": lambda shop, _, wire: wire.send(
        answer(402, gzip.compress(json.dumps(shop.required()).encode()), {"Content-Encoding": "gzip"})
    ),
    "no resource": required(resource=None),
    "resource without a host": required(resource={"url": "/paid"}),
    "unknown extension that is not required": required(extensions={"x": {"info": {"a": 1}, "schema": {}}}),
    "unknown keys everywhere": lambda shop, _, wire: wire.send(
        offer(shop.required(shop.entry(nobody="knows", extra={"name": "USDC", "version": "2", "x": [1.5]}), y=None))
    ),
    "bad offers beside a good one": lambda shop, _, wire: wire.send(
        offer(shop.required({"scheme": "x"}, shop.entry(amount="-1"), shop.entry(), shop.entry(amount="1001")))
    ),
    "no name of the token": offering(extra={}),
    "token whose decimals the seller lies about": lying_token(decimals=2),
    "ten-year validity": offering(maxTimeoutSeconds=TEN_YEARS),
    "version 1": v1(),
    "version 1 with a CAIP-2 network": v1(network="eip155:84532"),
}


@pytest.mark.parametrize("drive", Drive, ids=str)
@pytest.mark.parametrize("name", PAYABLE)
def test_odd_offer_is_paid_once_and_for_a_bounded_time(hostile_chain: TokenChain, name: str, drive: Drive) -> None:
    chain, payer = hostile_chain, hostile_chain.new_payer()
    began = chain.anvil.timestamp()

    async def story(shop: Shop) -> None:
        async with open_wallet(drive, payer, chain) as wallet:
            response = await wallet.request("GET", shop.url())
            assert 200 == response.status_code
            await wallet.settled(response)
            assert State.SETTLED is (await wallet.stored(response)).state

    with Shop(chain=chain, paid=sells, unpaid=PAYABLE[name]) as shop:
        drive.run(lambda: story(shop))
    assert "1000" == shop.authorization["value"]
    assert int(shop.authorization["validBefore"]) <= chain.anvil.timestamp() + 600
    assert began < int(shop.authorization["validBefore"])
    assert 1 == len(transfers_from(chain, payer.address))


@pytest.mark.parametrize("drive", [Drive.ASYNCIO, Drive.SYNC], ids=str)
@pytest.mark.parametrize("skew", [-HOUR, HOUR])
def test_clock_that_is_an_hour_wrong_does_not_matter(hostile_chain: TokenChain, skew: int, drive: Drive) -> None:
    """Block time decides how long the authorization is worth something."""
    chain, payer = hostile_chain, hostile_chain.new_payer()
    clock = VirtualClock(chain.anvil.timestamp() + skew)

    async def story(shop: Shop) -> None:
        async with open_wallet(drive, payer, chain, clock=clock) as wallet:
            response = await wallet.request("GET", shop.url())
            assert 200 == response.status_code
            assert (await wallet.settled(response)).final

    with Shop(chain=chain, paid=sells) as shop:
        drive.run(lambda: story(shop))
    assert 0 < int(shop.authorization["validBefore"]) - chain.anvil.timestamp() <= 60
    assert 1 == len(transfers_from(chain, payer.address))


@pytest.mark.parametrize("skew", [-2 * DAY, 2 * DAY])
def test_clock_that_is_two_days_wrong_is_told_before_signing(hostile_chain: TokenChain, skew: int) -> None:
    chain, payer = hostile_chain, hostile_chain.new_payer()
    clock = VirtualClock(chain.anvil.timestamp() + skew)

    async def story(shop: Shop) -> None:
        async with open_wallet(Drive.ASYNCIO, payer, chain, clock=clock) as wallet:
            with pytest.raises(PaymentNotAttempted, match="correct the wrong one"):
                await wallet.request("GET", shop.url())

    with Shop(chain=chain, paid=sells) as shop:
        Drive.ASYNCIO.run(lambda: story(shop))
    assert [] == shop.payments


def test_endpoint_of_another_chain_is_refused(hostile_chain: TokenChain) -> None:
    """The wallet was told that this endpoint is Base; it is Base Sepolia."""
    payer = hostile_chain.new_payer()
    mistaken = replace(hostile_chain, anvil=replace(hostile_chain.anvil, chain_id=8453))

    async def story(shop: Shop) -> None:
        async with open_wallet(Drive.ASYNCIO, payer, mistaken) as wallet:
            with pytest.raises(ConfigurationError, match="serves eip155:84532, not eip155:8453"):
                await wallet.request("GET", shop.url())

    base_usdc = next(asset.address for asset in TOKENS if asset.chain.text == "eip155:8453")
    asked = offering(network="eip155:8453", asset=base_usdc, extra={"name": "USD Coin", "version": "2"})
    with Shop(chain=hostile_chain, paid=sells, unpaid=asked) as shop:
        Drive.ASYNCIO.run(lambda: story(shop))
    assert [] == shop.payments


def test_price_above_the_policy_is_denied_and_written_down(hostile_chain: TokenChain) -> None:
    payer = hostile_chain.new_payer()

    async def story(shop: Shop) -> None:
        async with open_wallet(Drive.ASYNCIO, payer, hostile_chain) as wallet:
            with pytest.raises(PolicyDenied):
                await wallet.request("GET", shop.url())
            denied = await wallet.payment_of("GET", shop.url())
            assert denied is not None
            assert State.DENIED is denied.state

    with Shop(chain=hostile_chain, paid=sells, unpaid=offering(amount="1000001")) as shop:
        Drive.ASYNCIO.run(lambda: story(shop))
    assert [] == shop.payments
