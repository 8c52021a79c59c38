"""Our facilitator clients speak with the official facilitators and with one of the shape that Cronos documents."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from paygent.adapters.facilitator import CronosFacilitator, HttpFacilitator
from paygent.adapters.httpx import PAYMENT
from paygent.core.lifecycle import State
from tests.interop.hostile.answers import Answering, status
from tests.interop.hostile.shop import JSON, ORDINARY, PRICE, Shop, decode, offering
from tests.interop.hostile.wire import answer
from tests.interop.peers.chain import TokenChain
from tests.interop.peers.facilitators import FacilitatorKind
from tests.interop.peers.market import Market
from tests.interop.wallet import Drive, open_wallet, transfers_from


def entry_cronos(shop: Shop) -> JSON:
    return shop.entry_v1(network="cronos-testnet", extra=None) | {"mimeType": "application/json"}


def asks_v1(shop: Shop) -> bytes:
    return answer(402, json.dumps({"x402Version": 1, "error": "", "accepts": [shop.entry_v1()]}).encode())


def asks_cronos(shop: Shop) -> bytes:
    required = {"x402Version": 1, "error": "Payment Required", "paymentRequirements": entry_cronos(shop)}
    return answer(402, json.dumps(required).encode())


@dataclass(frozen=True, slots=True)
class Talk:
    """A facilitator and a version to speak with it."""

    kind: FacilitatorKind
    version: int
    unpaid: Answering
    requirements: Callable[[Shop], JSON]
    supported: tuple[int, str, str]

    def __str__(self) -> str:
        return f"{self.kind.label}-v{self.version}"


OFFICIAL = (FacilitatorKind.PYTHON, FacilitatorKind.TYPESCRIPT)
TALKS = [
    *(Talk(kind, 2, ORDINARY, lambda shop: shop.entry(), (2, "exact", "eip155:84532")) for kind in OFFICIAL),
    *(
        Talk(
            kind,
            1,
            lambda shop, _, wire: wire.send(asks_v1(shop)),
            lambda shop: shop.entry_v1(),
            (1, "exact", "base-sepolia"),
        )
        for kind in OFFICIAL
    ),
    Talk(
        FacilitatorKind.CRONOS,
        1,
        lambda shop, _, wire: wire.send(asks_cronos(shop)),
        entry_cronos,
        (1, "exact", "cronos-testnet"),
    ),
]
talks = pytest.mark.parametrize("talk", TALKS, ids=str)
drives = pytest.mark.parametrize("drive", [Drive.ASYNCIO, Drive.TRIO], ids=str)


def chain_of(market: Market, talk: Talk) -> TokenChain:
    return market.cronos if talk.kind is FacilitatorKind.CRONOS else market.base


@asynccontextmanager
async def client(market: Market, talk: Talk) -> AsyncIterator[HttpFacilitator | CronosFacilitator]:
    url = market.facilitators[talk.kind].url
    facilitator = CronosFacilitator(url) if talk.kind is FacilitatorKind.CRONOS else HttpFacilitator(url)
    try:
        yield facilitator
    finally:
        await facilitator.aclose()


@drives
@talks
def test_facilitator_verifies_and_settles_what_our_wallet_signed(market: Market, talk: Talk, drive: Drive) -> None:
    chain = chain_of(market, talk)
    payer = chain.new_payer()

    async def story(shop: Shop) -> None:
        async with open_wallet(drive, payer, chain) as wallet, client(market, talk) as facilitator:
            response = await wallet.request("GET", shop.url())
            payload, requirements = decode(shop.payments[0]), talk.requirements(shop)
            assert talk.version == payload["x402Version"]

            verified = await facilitator.verify(payload, requirements)
            assert (True, None) == (verified.valid, verified.reason)
            settled = await facilitator.settle(payload, requirements)
            assert settled.success, settled.error
            assert [settled.transaction] == [log["transactionHash"] for log in transfers_from(chain, payer.address)]
            receipt = await wallet.settled(response)
            assert settled.transaction == receipt.transaction
            assert State.SETTLED is response.extensions[PAYMENT].state

            again = await facilitator.settle(payload, requirements)
            assert not again.success
            assert again.error

    with Shop(chain=chain, paid=status(503), unpaid=talk.unpaid) as shop:
        drive.run(lambda: story(shop))
    assert 1 == len(transfers_from(chain, payer.address))


@pytest.mark.parametrize("kind", OFFICIAL, ids=lambda kind: kind.label)
@pytest.mark.parametrize(("scheme", "charged"), [("exact", PRICE), ("upto", 700)])
def test_permit2_that_somebody_settles_later_is_proven(
    market: Market, kind: FacilitatorKind, scheme: str, charged: int
) -> None:
    """The seller's answer was useless; the bytes get to a facilitator all the same, and it charges what it likes."""
    chain, payer = market.base, market.base.new_payer()
    chain.approve_permit2(payer.address)
    extra = {"name": chain.token_name, "version": chain.token_version, "assetTransferMethod": "permit2"}
    named = {"facilitatorAddress": market.facilitators[kind].address} if scheme == "upto" else {}

    async def story(shop: Shop) -> None:
        async with open_wallet(Drive.ASYNCIO, payer, chain) as wallet:
            response = await wallet.request("GET", shop.url())
            payload = decode(shop.payments[0])
            facilitator = HttpFacilitator(market.facilitators[kind].url)
            settled = await facilitator.settle(payload, payload["accepted"] | {"amount": str(charged)})
            await facilitator.aclose()
            assert settled.success, settled.error
            receipt = await wallet.settled(response)
            assert (settled.transaction, charged) == (receipt.transaction, receipt.amount.atomic)
            assert State.SETTLED is (await wallet.stored(response)).state

    with Shop(chain=chain, paid=status(503), unpaid=offering(scheme=scheme, extra=extra | named)) as shop:
        Drive.ASYNCIO.run(lambda: story(shop))
    assert [charged] == [int(log["data"], 16) for log in transfers_from(chain, payer.address)]


@talks
def test_facilitator_refuses_a_payload_that_was_changed(market: Market, talk: Talk) -> None:
    chain = chain_of(market, talk)
    payer = chain.new_payer()

    async def story(shop: Shop) -> None:
        async with open_wallet(Drive.ASYNCIO, payer, chain) as wallet, client(market, talk) as facilitator:
            await wallet.request("GET", shop.url())
            payload = with_other_nonce(decode(shop.payments[0]))
            verified = await facilitator.verify(payload, talk.requirements(shop))
            assert not verified.valid
            assert verified.reason

    with Shop(chain=chain, paid=status(503), unpaid=talk.unpaid) as shop:
        Drive.ASYNCIO.run(lambda: story(shop))


@talks
def test_facilitator_lists_what_it_settles(market: Market, talk: Talk) -> None:
    async def story() -> None:
        async with client(market, talk) as facilitator:
            kinds = [(kind.x402_version, kind.scheme, kind.network) for kind in await facilitator.supported()]
            assert talk.supported in kinds

    Drive.ASYNCIO.run(story)


def test_cronos_facilitator_is_healthy(market: Market) -> None:
    async def story() -> None:
        facilitator = CronosFacilitator(market.facilitators[FacilitatorKind.CRONOS].url)
        assert "success" == (await facilitator.healthcheck())["status"]
        await facilitator.aclose()

    Drive.ASYNCIO.run(story)


def with_other_nonce(payload: JSON) -> JSON:
    """Change what was signed; the signer that is recovered is then somebody else."""
    changed: JSON = json.loads(json.dumps(payload))
    signed = changed["payload"].get("authorization", changed["payload"])
    signed["nonce"] = "0x" + "5a" * 32
    return changed
