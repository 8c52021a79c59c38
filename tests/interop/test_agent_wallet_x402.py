"""x402 paid from an AgentWallet through the official facilitators: reserved on chain first, proven as any payment."""

import base64
import json
from dataclasses import replace
from pathlib import Path

import anyio
import httpx
import pytest

from paygent import X402Client
from paygent.adapters.httpx import PAYMENT
from paygent.core.agent_wallet_errors import AgentWalletPaused, AgentWalletRefused, ChainLimitExceeded
from paygent.core.errors import NoAcceptableRequirements, PaymentOutcomeUnknown
from paygent.core.lifecycle import State
from paygent.core.payment import Payment
from paygent.evm.agent_wallet import ERC6492_MAGIC
from paygent.wallet.agent_x402 import ReservingSigner
from tests.interop.agent import DAY, Agency, new_agency, place_contracts
from tests.interop.hostile.answers import status
from tests.interop.hostile.shop import PRICE, Shop
from tests.interop.install import Installed
from tests.interop.peers.anvil import running_anvil
from tests.interop.peers.chain import place_base_sepolia
from tests.interop.peers.facilitators import FacilitatorKind
from tests.interop.peers.market import BASE_SEPOLIA_ID, OFFICIAL_FACILITATORS, Deal, Market
from tests.interop.peers.sellers import GET_PAID, PERMIT2_PAID, SellerKind
from tests.interop.wallet import transfers_from

pytestmark = pytest.mark.anyio
SELLERS = (SellerKind.FASTAPI_V2, SellerKind.EXPRESS_V2)
facilitators = pytest.mark.parametrize("facilitator", OFFICIAL_FACILITATORS, ids=lambda kind: kind.label)
sellers = pytest.mark.parametrize("seller", SELLERS, ids=lambda kind: kind.label)


@pytest.fixture(scope="session")
def contracts(market: Market) -> Market:
    anyio.run(place_contracts, market.base)
    return market


@pytest.fixture
async def agency(contracts: Market) -> Agency:
    made = new_agency(contracts.base)
    async with made.open(made.operator) as wallet:
        await wallet.deploy(await made.signed())
    return made


def url_of(market: Market, seller: SellerKind, facilitator: FacilitatorKind) -> str:
    return market.seller(Deal(seller=seller, facilitator=facilitator, route=GET_PAID)).url_of(GET_PAID)


@sellers
@facilitators
async def test_wallet_pays_a_seller_within_its_limit(
    agency: Agency, market: Market, seller: SellerKind, facilitator: FacilitatorKind
) -> None:
    async with agency.open(agency.operator) as wallet, X402Client(wallet.engine) as client:
        response = await client.get(url_of(market, seller, facilitator))
        assert 200 == response.status_code, response.text
        receipt = await response.extensions[PAYMENT].settled(timeout_seconds=20)
        left = await wallet.remaining_today(agency.token)

    assert (agency.address, State.SETTLED) == (receipt.payer, response.extensions[PAYMENT].state)
    assert [receipt.transaction] == [log["transactionHash"] for log in transfers_from(agency.chain, agency.address)]
    assert DAY - receipt.amount.atomic == left.atomic


@sellers
@facilitators
async def test_first_payment_deploys_the_wallet(
    contracts: Market, seller: SellerKind, facilitator: FacilitatorKind
) -> None:
    made = new_agency(contracts.base)
    sent = made.operator.sent
    async with made.open(made.operator) as wallet:
        async with X402Client(wallet.undeployed_engine(await made.signed())) as client:
            response = await client.get(url_of(contracts, seller, facilitator))
            assert 200 == response.status_code, response.text
            receipt = await response.extensions[PAYMENT].settled(timeout_seconds=20)
        left = await wallet.remaining_today(made.token)

    assert (made.address, sent) == (receipt.payer, made.operator.sent)
    assert DAY - receipt.amount.atomic == left.atomic


async def test_signature_is_wrapped_until_the_wallet_is_deployed_and_never_after(contracts: Market) -> None:
    made = new_agency(contracts.base)
    url = url_of(contracts, SellerKind.FASTAPI_V2, FacilitatorKind.PYTHON)
    signatures: list[bytes] = []
    signed = await made.signed()
    async with made.open(made.operator) as wallet, X402Client(wallet.undeployed_engine(signed)) as client:
        for number in range(2):
            response = await client.get(f"{url}?{number}")
            await response.extensions[PAYMENT].settled(timeout_seconds=20)
            payload = response.extensions[PAYMENT].payment.payload
            sent = json.loads(base64.b64decode(payload.value))["payload"]["signature"]
            signatures.append(bytes.fromhex(sent[2:]))

    assert [True, False] == [each.endswith(ERC6492_MAGIC) for each in signatures]
    assert (192, 1) == (len(signatures[1]), made.operator.sent)


async def test_wallet_that_is_not_deployed_pays_nothing_without_its_configuration(contracts: Market) -> None:
    made = new_agency(contracts.base)
    async with made.open(made.operator) as wallet, X402Client(wallet.engine) as client:
        with pytest.raises(AgentWalletRefused, match="deploy it first"):
            await client.get(url_of(contracts, SellerKind.FASTAPI_V2, FacilitatorKind.PYTHON))
    assert 0 == made.operator.sent


@facilitators
async def test_chain_stops_what_the_policy_allows(agency: Agency, market: Market, facilitator: FacilitatorKind) -> None:
    """The policy allows 100 dollars; the contract's day is used up: nothing is reserved, nothing settles."""
    url = url_of(market, SellerKind.FASTAPI_V2, facilitator)
    async with agency.open(agency.owner) as mine:
        limit = agency.configuration().limits[0]
        await mine.set_limit(replace(limit, per_day=1_500, per_payment=1_500, approval_above=1_500))
    async with agency.open(agency.operator) as wallet, X402Client(wallet.engine) as client:
        assert 200 == (await client.get(url)).status_code
        sent, before = agency.operator.sent, agency.count()
        with pytest.raises(ChainLimitExceeded) as raised:
            await client.get(url, new_purchase=True)
        voided = raised.value.payment_id
        assert voided is not None
        stored = await agency.operator.journal.get(voided)

    assert stored is not None
    assert ("AbovePerDay", 500, State.VOIDED) == (raised.value.code, raised.value.chain.atomic, stored.state)
    assert raised.value.policy is not None
    assert 99_999_000 == raised.value.policy.atomic
    assert (sent, before) == (agency.operator.sent, agency.count())


@facilitators
async def test_facilitator_refuses_what_the_wallet_has_not_reserved(
    agency: Agency, market: Market, facilitator: FacilitatorKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With every check of this process switched off, the contract alone refuses to confirm the authorization."""

    async def nothing(*_: object) -> None:
        return None

    monkeypatch.setattr(ReservingSigner, "publish", nothing)
    before = agency.count()
    async with agency.open(agency.operator) as wallet, X402Client(wallet.engine) as client:
        response = await client.get(url_of(market, SellerKind.FASTAPI_V2, facilitator))

    assert (402, before) == (response.status_code, agency.count())
    assert State.OUTCOME_UNKNOWN is response.extensions[PAYMENT].state


async def test_paused_wallet_reserves_nothing(agency: Agency, market: Market) -> None:
    async with agency.open(agency.owner) as mine:
        await mine.pause()
    async with agency.open(agency.operator) as wallet, X402Client(wallet.engine) as client:
        with pytest.raises(AgentWalletPaused):
            await client.get(url_of(market, SellerKind.FASTAPI_V2, FacilitatorKind.PYTHON))
    assert 0 == agency.operator.sent - 1  # the deployment


async def test_offer_that_no_contract_can_pay_is_refused(agency: Agency, market: Market) -> None:
    seller = market.seller(Deal(seller=SellerKind.FASTAPI_V2, facilitator=FacilitatorKind.PYTHON, route=PERMIT2_PAID))
    async with agency.open(agency.operator) as wallet, X402Client(wallet.engine) as client:
        with pytest.raises(NoAcceptableRequirements, match="not_for_contracts"):
            await client.get(seller.url_of(PERMIT2_PAID))


async def test_revoked_authorization_is_given_back_and_never_settles(
    agency: Agency, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The seller's answer is lost after the reservation; revoking credits the day at once, and once."""
    real = ReservingSigner.publish

    async def publish_and_break(self: ReservingSigner, payment: Payment) -> None:
        await real(self, payment)
        raise httpx.ConnectError("the seller is gone")

    url = url_of(market, SellerKind.FASTAPI_V2, FacilitatorKind.PYTHON)
    async with agency.open(agency.operator) as wallet, X402Client(wallet.engine) as client:
        monkeypatch.setattr(ReservingSigner, "publish", publish_and_break)
        with pytest.raises(PaymentOutcomeUnknown) as raised:
            await client.get(url)
        reserved = await wallet.remaining_today(agency.token)
        await wallet.revoke(raised.value.payment_id)
        credited = await wallet.remaining_today(agency.token)
        with pytest.raises(AgentWalletRefused) as again:
            await wallet.revoke(raised.value.payment_id)

    assert (DAY - 1_000, DAY) == (reserved.atomic, credited.atomic)
    assert "AuthorizationNotReserved" == again.value.code


async def test_expired_reservation_is_released_and_credited_once(installed: Installed, tmp_path: Path) -> None:
    """Nobody settles: the payment ends as EXPIRED, proven by a final block, and the day gets its amount back."""
    with running_anvil(installed, chain_id=BASE_SEPOLIA_ID, log_dir=tmp_path) as anvil:
        chain = place_base_sepolia(anvil, installed)
        await place_contracts(chain)
        made = new_agency(chain)
        with Shop(chain=chain, paid=status(502)) as shop:
            async with made.open(made.operator) as wallet, X402Client(wallet.engine) as client:
                await wallet.deploy(await made.signed())
                payment = (await client.get(shop.url())).extensions[PAYMENT]
                reserved = await wallet.remaining_today(made.token)
                with pytest.raises(AgentWalletRefused) as early:
                    await wallet.release(payment.id)
                anvil.call("evm_increaseTime", 100)
                anvil.call("evm_mine")
                ended = await wallet.engine.reconciler.reconcile(payment.id)
                await wallet.release(payment.id)
                credited = await wallet.remaining_today(made.token)

    assert State.EXPIRED is ended.state
    assert "AuthorizationNotExpired" == early.value.code
    assert (DAY - PRICE, DAY) == (reserved.atomic, credited.atomic)
