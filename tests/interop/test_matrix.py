"""The matrix: every valid combination of official seller, facilitator and route pays, and the chain proves it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest
from eth_account.signers.local import LocalAccount

from paygent.adapters.httpx import RECEIPT
from paygent.adapters.sql import open_journal
from paygent.core.lifecycle import State
from paygent.core.receipt import Receipt
from paygent.ports.storage import Storage
from paygent.testing.journal import MemoryJournal
from tests.interop.peers.anvil import Anvil
from tests.interop.peers.chain import PERMIT2, TokenChain
from tests.interop.peers.facilitators import FacilitatorKind
from tests.interop.peers.market import Deal, Market, cronos_deals, official_deals
from tests.interop.peers.sellers import GET_PAID, PERMIT2_PAID, UPTO_PAID, SellerKind
from tests.interop.wallet import Drive, open_wallet, transfers_from

DEALS = [*official_deals(), *cronos_deals()]
DURABLE = SellerKind.EXPRESS_V2
"""The row of the matrix that is paid out of SQLite."""
UNDER_TRIO = (FacilitatorKind.PYTHON, FacilitatorKind.CRONOS)
RUNS = [
    (drive, deal)
    for drive in (Drive.ASYNCIO, Drive.SYNC, Drive.TRIO)
    for deal in DEALS
    if drive is not Drive.TRIO or deal.facilitator in UNDER_TRIO
]
SLOW_SECONDS = 8.0
ORDER = b"an order"


def journal_for(deal: Deal, folder: Path) -> Storage:
    return open_journal(str(folder / "pay.db")) if deal.seller is DURABLE else MemoryJournal()


async def buy(drive: Drive, market: Market, deal: Deal, payer: LocalAccount, journal: Storage) -> Receipt:
    """Buy once, with httpx's default timeouts; check the answer, the proof and the journal."""
    seller = market.seller(deal)
    body = ORDER if deal.route.method == "POST" else b""
    async with open_wallet(drive, payer, market.chain(deal), journal=journal) as wallet:
        response = await wallet.request(deal.route.method, seller.url_of(deal.route), content=body)
        assert 200 == response.status_code, response.text
        receipt = await wallet.settled(response)
        assert receipt == response.extensions[RECEIPT]
        stored = await wallet.stored(response)
    await journal.aclose()
    assert (State.SETTLED, True, None) == (stored.state, stored.delivered, stored.alarm)
    assert receipt == stored.receipt
    assert "bought" in response.text
    return receipt


def check_chain(market: Market, deal: Deal, payer: LocalAccount, receipt: Receipt) -> None:
    """One transfer, and it is the one of the receipt."""
    moved = transfers_from(market.chain(deal), payer.address)
    assert [receipt.transaction] == [log["transactionHash"] for log in moved]
    assert receipt.proven
    assert receipt.final
    assert (payer.address, market.seller(deal).payee) == (receipt.payer, receipt.payee)
    assert deal.route.charged == receipt.amount.atomic


def balances(chain: TokenChain, payer: str, payee: str) -> tuple[int, int]:
    return chain.balance_of(payer), chain.balance_of(payee)


@pytest.mark.parametrize(("drive", "deal"), RUNS, ids=str)
def test_deal_is_paid_exactly_and_proven(market: Market, drive: Drive, deal: Deal, tmp_path: Path) -> None:
    chain, payee = market.chain(deal), market.seller(deal).payee
    payer = chain.new_payer()
    payer_had, payee_had = balances(chain, payer.address, payee)

    receipt = drive.run(lambda: buy(drive, market, deal, payer, journal_for(deal, tmp_path)))

    assert (payer_had - deal.route.charged, payee_had + deal.route.charged) == balances(chain, payer.address, payee)
    check_chain(market, deal, payer, receipt)


@pytest.mark.parametrize("drive", [Drive.ASYNCIO, Drive.SYNC], ids=str)
@pytest.mark.parametrize("deal", [d for d in DEALS if d.route in (PERMIT2_PAID, UPTO_PAID)], ids=str)
def test_permit2_is_paid_without_a_permit_when_the_payer_has_approved(
    market: Market, drive: Drive, deal: Deal, tmp_path: Path
) -> None:
    chain, payer = market.base, market.base.new_payer()
    chain.approve_permit2(payer.address, deal.route.offered)

    receipt = drive.run(lambda: buy(drive, market, deal, payer, journal_for(deal, tmp_path)))

    check_chain(market, deal, payer, receipt)
    assert deal.route.offered - deal.route.charged == chain.allowance(payer.address, PERMIT2)


def test_settlement_that_takes_eight_seconds_is_waited_for_with_default_timeouts(market: Market) -> None:
    """httpx gives up after 5 seconds; both drivers and both facilitators in one pause."""
    deals = {
        Drive.ASYNCIO: Deal(seller=SellerKind.FASTAPI_V2, facilitator=FacilitatorKind.PYTHON, route=GET_PAID),
        Drive.SYNC: Deal(seller=SellerKind.EXPRESS_V2, facilitator=FacilitatorKind.TYPESCRIPT, route=GET_PAID),
    }
    payers = {drive: market.base.new_payer() for drive in deals}
    receipts: dict[Drive, Receipt] = {}

    async def buy_both() -> None:
        async with anyio.create_task_group() as tasks:
            for drive in deals:
                tasks.start_soon(buy_one, drive)

    async def buy_one(drive: Drive) -> None:
        receipts[drive] = await buy(drive, market, deals[drive], payers[drive], MemoryJournal())

    began = time.monotonic()
    with slow_mining(market.base.anvil):
        Drive.ASYNCIO.run(buy_both)

    assert time.monotonic() - began >= SLOW_SECONDS
    for drive, deal in deals.items():
        check_chain(market, deal, payers[drive], receipts[drive])


@contextmanager
def slow_mining(anvil: Anvil) -> Iterator[None]:
    """Mine nothing for the first eight seconds of the block."""
    stopped = threading.Event()

    def pause() -> None:
        with anvil.paused_mining():
            stopped.set()
            time.sleep(SLOW_SECONDS)

    thread = threading.Thread(target=pause)
    thread.start()
    stopped.wait()
    try:
        yield
    finally:
        thread.join()
