"""Whatever a seller does with a paid request: the outcome is typed, nothing is lost, and nobody pays twice."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from paygent.adapters.httpx import PAYMENT
from paygent.core.errors import (
    DuplicatePurchase,
    NoAcceptableRequirements,
    PaidUndelivered,
    PaygentError,
    PaymentNotAttempted,
    PaymentOutcomeUnknown,
)
from paygent.core.lifecycle import State
from paygent.core.payment import Payment
from tests.interop.hostile import answers
from tests.interop.hostile.answers import Answering, asks_again, claims, first, settles_and, status
from tests.interop.hostile.endings import (
    EXPIRES,
    IS_MINED,
    PAYER_CANCELS,
    SETTLED_ALREADY,
    SOMEBODY_SETTLES,
    Ending,
    bring_about,
)
from tests.interop.hostile.marks import hurried
from tests.interop.hostile.shop import ORDINARY, Shop
from tests.interop.peers.chain import BRIDGED_USDC, TokenChain
from tests.interop.wallet import Drive, Wallet, open_wallet, transfers_from

pytestmark = hurried
BODY = b"an order"
BOMB = gzip.compress(bytes(4 << 20))
Outcome = type[PaygentError] | int
"""What the caller gets: an error, or an answer with this status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One way of answering."""

    name: str
    paid: Answering
    outcome: Outcome
    settled: bool = False
    """The seller takes the money."""
    end: Ending = EXPIRES
    method: str = "POST"
    sends: int = 1
    """How often the same bytes reach the seller; a GET whose answer is lost sends them twice more."""
    retry: type[PaymentNotAttempted] = DuplicatePurchase
    unpaid: Answering = ORDINARY

    @property
    def patience(self) -> float:
        """How many seconds the buyer waits for an answer."""
        return 1 if self.name.startswith("timeout") else 30

    def __str__(self) -> str:
        return self.name


def both(name: str, paid: Answering, unsettled: Outcome, settled: Outcome) -> list[Case]:
    """Return the case twice: the money was not taken, and it was."""
    return [
        Case(name=f"{name}, not settled", paid=paid, outcome=unsettled),
        Case(name=f"{name}, settled", paid=settles_and(paid), outcome=settled, settled=True, end=SETTLED_ALREADY),
    ]


def changed(name: str, retry: type[PaymentNotAttempted], **changes: str) -> list[Case]:
    """Return the case twice: the offer changes in the answer to the paid request, and from one request to the next."""
    again = asks_again(**changes)
    return [
        Case(name=f"{name} changed in the answer", paid=again, outcome=402),
        Case(
            name=f"{name} changed between requests",
            paid=status(500),
            outcome=500,
            unpaid=first(ORDINARY, again),
            retry=retry,
        ),
    ]


LOST = (PaymentOutcomeUnknown, PaidUndelivered)
CASES = [
    *both("reply lost", answers.says_nothing, *LOST),
    *both("connection reset", answers.resets, *LOST),
    *both("cut in the head", answers.breaks_off_in_the_head, *LOST),
    *both("cut in the body", answers.breaks_off_in_the_body, *LOST),
    *both("not http", answers.is_not_http, *LOST),
    *both("timeout", answers.hangs, *LOST),
    *both("402 again", asks_again(), 402, 402),
    *both("402 that cannot be read", answers.cannot_be_read, 402, 402),
    *both("402 with a bomb", status(402, BOMB, Content_Encoding="gzip"), 402, 402),
    *both("success false on 200", claims(200, success=False, errorReason="no"), 200, 200),
    *both("500", status(500), 500, 500),
    *both("503 that promises a retry", status(503, Retry_After="0"), 503, 503),
    *both("404", status(404), 404, 404),
    *both("redirect without a target", status(307), 307, 307),
    *changed("price", DuplicatePurchase, amount="2000"),
    *changed("payee", DuplicatePurchase, payTo="0x" + "ab" * 20),
    *changed("asset", NoAcceptableRequirements, asset=BRIDGED_USDC),
    *changed("network", NoAcceptableRequirements, network="eip155:8453"),
    Case(
        name="reply of a GET lost",
        paid=settles_and(answers.says_nothing),
        outcome=PaidUndelivered,
        settled=True,
        end=SETTLED_ALREADY,
        method="GET",
        sends=3,
    ),
    Case(
        name="reply of a GET lost, then 402 for the used nonce",
        paid=settles_and(first(answers.says_nothing, asks_again())),
        outcome=PaidUndelivered,
        settled=True,
        end=SETTLED_ALREADY,
        method="GET",
        sends=2,
    ),
    Case(name="endless 402 loop of a GET", paid=asks_again(), outcome=402, method="GET", end=PAYER_CANCELS),
    Case(name="settlement reverts, somebody settles later", paid=answers.reverts, outcome=402, end=SOMEBODY_SETTLES),
    Case(name="settlement reverts for good", paid=answers.reverts, outcome=402),
    Case(name="settlement pending, then mined", paid=answers.pends, outcome=402, end=IS_MINED),
    Case(name="reply lost, settled later", paid=answers.says_nothing, outcome=LOST[0], end=SOMEBODY_SETTLES),
    Case(name="reply lost, cancelled on chain", paid=answers.says_nothing, outcome=LOST[0], end=PAYER_CANCELS),
]


@pytest.fixture(autouse=True)
def _mining(hostile_chain: TokenChain) -> Iterator[None]:
    """Leave no chain behind that does not mine."""
    yield
    hostile_chain.anvil.call("evm_setAutomine", True)


async def attempt(wallet: Wallet, case: Case, shop: Shop) -> Outcome:
    body = BODY if case.method == "POST" else b""
    try:
        response = await wallet.request(case.method, shop.url(), content=body)
    except PaygentError as error:
        return type(error)
    assert PAYMENT in response.extensions
    return response.status_code


async def stored(wallet: Wallet, case: Case, shop: Shop) -> Payment:
    payment = await wallet.payment_of(case.method, shop.url(), BODY if case.method == "POST" else b"")
    assert payment is not None
    return payment


@pytest.mark.parametrize("drive", Drive, ids=str)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_paid_request_is_never_paid_twice(hostile_chain: TokenChain, case: Case, drive: Drive) -> None:
    chain, payer = hostile_chain, hostile_chain.new_payer()

    def moved() -> int:
        return len(transfers_from(chain, payer.address))

    async def story(shop: Shop) -> None:
        async with open_wallet(
            drive, payer, chain, timeout=case.patience, paid_timeout_seconds=case.patience
        ) as wallet:
            assert case.outcome == await attempt(wallet, case, shop)
            assert int(case.settled) == moved()
            payment = await stored(wallet, case, shop)
            if case.settled:
                payment = await wallet.reconcile(payment.id)
            assert (State.SETTLED if case.settled else State.OUTCOME_UNKNOWN) == payment.state
            assert not payment.delivered
            assert case.sends == len(shop.payments)

            with pytest.raises(case.retry) as again:
                await wallet.request(case.method, shop.url(), content=BODY if case.method == "POST" else b"")
            assert case.retry is type(again.value)
            assert case.retry is not DuplicatePurchase or payment.id == again.value.payment_id
            assert int(case.settled) == moved()
            assert 1 == len(set(shop.payments))

            bring_about(case.end, shop, payer)
            ended = await wallet.reconcile(payment.id)
            check_proof(ended, case.end, chain, payer.address)

    with Shop(chain=chain, paid=case.paid, unpaid=case.unpaid) as shop:
        drive.run(lambda: story(shop))


def check_proof(ended: Payment, end: Ending, chain: TokenChain, payer: str) -> None:
    transfers = transfers_from(chain, payer)
    assert (end.state, end.transfers) == (ended.state, len(transfers))
    assert ended.over
    if end.state is State.SETTLED:
        assert ended.receipt is not None
        assert transfers[0]["transactionHash"] == ended.receipt.transaction
        assert ended.receipt.final
    else:
        assert ended.receipt is None
