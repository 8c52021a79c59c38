"""Paying, and refusing to: what is chosen, quoted, signed, and told to the caller."""

import base64
import json
from dataclasses import replace
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest

from paygent.adapters.httpx import FIRST, INTENT, KEY, NEW_PURCHASE, PAYMENT, QUOTE, AsyncPaymentTransport
from paygent.core.errors import (
    AdapterError,
    AuthorizationCancelled,
    AuthorizationExpired,
    ConfigurationError,
    DuplicatePurchase,
    LocalProtocolError,
    NoAcceptableRequirements,
    PaymentNotAttempted,
    PaymentOutcomeUnknown,
    PolicyDenied,
    SigningFailed,
)
from paygent.core.ids import PaymentId, intent_id
from paygent.core.lifecycle import State
from paygent.core.money import usd
from paygent.core.typed_data import TypedData
from paygent.engine import handle as handles
from paygent.engine import pay, reserve
from paygent.engine.handle import PaymentHandle
from paygent.engine.portal import Portal
from paygent.policy.policy import Policy
from paygent.testing.clock import FixedEntropy
from paygent.testing.engine import TOKEN, MemoryEngine, memory_engine
from paygent.testing.faults import FaultKind, FaultPlan
from paygent.testing.keys import dev_accounts
from paygent.testing.seller import MemorySeller, Reply

pytestmark = pytest.mark.anyio
URL = "http://seller.test/thing"
SPONSORED: dict[str, object] = {"eip2612GasSponsoring": {"info": {}, "schema": {}}}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pay, "RESEND_DELAY_SECONDS", 0)
    monkeypatch.setattr(handles, "_FIRST_LOOK_SECONDS", 0.001)


async def get(memory: MemoryEngine, seller: Any, **extensions: Any) -> httpx.Response:
    transport = AsyncPaymentTransport(memory.engine, inner=httpx.MockTransport(seller))
    async with httpx.AsyncClient(transport=transport) as client:
        return await client.get(URL, extensions=extensions)


async def refusals(memory: MemoryEngine, seller: Any) -> list[str]:
    with pytest.raises(NoAcceptableRequirements) as caught:
        await get(memory, seller)
    assert [] == memory.signer.signed
    return [refusal.code for refusal in caught.value.refusals]


async def test_several_offers_that_are_all_denied_leave_a_row_and_an_audit_row() -> None:
    """Every denial is written down, whichever error tells it."""
    memory = memory_engine(policy=Policy(max_per_payment=usd("0.0005")))
    seller = memory.seller()

    def two(request: httpx.Request) -> httpx.Response:
        answer = seller(request)
        body = json.loads(base64.b64decode(answer.headers["payment-required"]))
        body["accepts"] *= 2
        return httpx.Response(402, headers={"payment-required": base64.b64encode(json.dumps(body).encode()).decode()})

    with pytest.raises(NoAcceptableRequirements) as caught:
        await get(memory, two)

    (payment,) = await memory.payments()
    (row,) = [row.facts for row in await memory.journal.entries()]
    assert ["over_max_per_payment"] * 2 == [refusal.code for refusal in caught.value.refusals]
    assert (caught.value.payment_id, State.DENIED) == (payment.id, payment.state)
    assert (payment.id, "DENIED") == (row["payment"], row["state"])
    assert 2 == row["note"].count("0.001 USDC is above max_per_payment of 0.0005 USD")


class OddSigner:
    """A signer that does what a test says."""

    def __init__(self, act: Any) -> None:
        self._act = act
        self.address = dev_accounts()[0].address

    async def sign_typed_data(self, data: TypedData) -> bytes:
        signature: bytes = self._act(data)
        return signature


# --- choosing --------------------------------------------------------------------------------------------------------


async def test_offer_above_the_balance_is_refused() -> None:
    assert ["insufficient_balance"] == await refusals(*_with_seller(memory_engine(funds=999)))


async def test_offer_above_the_balance_is_refused_as_that_by_a_chain_whose_clock_is_off() -> None:
    """Where such an offer is not taken, its chain must not stand in the way of another one."""
    memory = memory_engine(funds=999)
    memory.chain.mine(100_000)

    assert ["insufficient_balance"] == await refusals(*_with_seller(memory))


def _with_seller(memory: MemoryEngine, **changes: Any) -> tuple[MemoryEngine, MemorySeller]:
    return memory, memory.seller(**changes)


async def test_permit2_without_allowance_is_refused_unless_the_gas_is_sponsored() -> None:
    memory = memory_engine()
    memory.chain.approve(TOKEN, memory.payer, 0)
    assert ["permit2_allowance"] == await refusals(memory, memory.seller(method="permit2"))

    await get(memory, memory.seller(method="permit2", extensions=SPONSORED))

    assert ["Permit", "PermitWitnessTransferFrom"] == [data.primary_type for data in memory.signer.signed]
    assert 1_000 == memory.signer.signed[0].message["value"]


async def test_payment_identifier_is_the_payment_where_the_seller_wants_one() -> None:
    memory = memory_engine()
    seller = memory.seller(extensions={"payment-identifier": {"info": {"required": True}}})

    response = await get(memory, seller)

    assert response.extensions[PAYMENT].payment.delivered


async def test_clocks_a_day_apart_pay_nothing() -> None:
    memory = memory_engine()
    memory.chain.mine(100_000)

    with pytest.raises(PaymentNotAttempted, match="correct the wrong one"):
        await get(*_with_seller(memory))

    assert [] == memory.signer.signed


async def test_disputed_token_is_paid_by_the_version_that_the_chain_has() -> None:
    disputed = replace(TOKEN, versions=(*TOKEN.versions, "9"))
    memory = memory_engine(token=disputed)

    assert 200 == (await get(*_with_seller(memory))).status_code
    assert 200 == (await get(memory, memory.seller(), **{NEW_PURCHASE: True})).status_code
    assert {TOKEN.versions[0]} == {data.domain.version for data in memory.signer.signed}


async def test_disputed_token_is_refused_without_an_endpoint() -> None:
    memory = memory_engine(token=replace(TOKEN, versions=(*TOKEN.versions, "9")), with_chain=False)

    assert ["unconfirmed_domain"] == await refusals(memory, memory.seller())


async def test_resource_of_another_origin_is_refused() -> None:
    memory = memory_engine()
    seller = memory.seller()

    def foreign(request: httpx.Request) -> httpx.Response:
        return seller.ask(httpx.Request("GET", "http://other.test/thing"))

    assert ["foreign_resource"] == await refusals(memory, foreign)


@pytest.mark.parametrize("price", [-1, "0", "-1", "1.5", "01", str(2**256), 1000])
async def test_price_that_is_no_price_is_refused(price: object) -> None:
    memory = memory_engine()
    seller = memory.seller()

    assert 1 == len(await refusals(memory, lambda request: seller.ask(request, amount=price)))


async def test_ten_year_validity_is_cut_to_the_policy() -> None:
    memory = memory_engine()
    seller = memory.seller(max_timeout_seconds=315_360_000)

    await get(memory, seller)

    assert memory.clock.now() + 600 == seller.kept[0][0].valid_before


async def test_payment_that_needs_a_person_is_not_made() -> None:
    memory = memory_engine(policy=Policy(max_per_payment=usd("100"), per_day=usd("100"), approve_above=usd("0.0005")))

    with pytest.raises(PaymentNotAttempted):
        await get(*_with_seller(memory))

    assert [] == memory.signer.signed


async def test_denial_is_written_down_with_its_reason() -> None:
    memory = memory_engine(policy=Policy(max_per_payment=usd("0.0001")))

    with pytest.raises(PolicyDenied, match="above max_per_payment") as caught:
        await get(*_with_seller(memory))

    stored = await memory.journal.get(PaymentId(str(caught.value.payment_id)))
    assert stored is not None
    assert State.DENIED == stored.state
    assert (0, 0) == memory.held()


# --- quoting ---------------------------------------------------------------------------------------------------------


async def test_quote_tells_the_price_and_signs_nothing() -> None:
    memory = memory_engine()

    quote = (await get(memory, memory.seller(), **{QUOTE: True})).extensions[QUOTE]

    assert quote.taken is not None
    assert "costs 0.001 USDC" in str(quote)
    assert quote._repr_html_().startswith("<pre>")
    assert ([], ()) == (memory.signer.signed, await memory.payments())


async def test_quote_tells_why_nothing_would_be_paid() -> None:
    memory = memory_engine(funds=0)

    quote = (await get(memory, memory.seller(), **{QUOTE: True})).extensions[QUOTE]

    assert quote.taken is None
    assert "would not be paid" in str(quote)
    assert "the wallet has 0" in str(quote)


# --- signing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [0, 64, 66])
async def test_signature_of_a_wrong_length_is_never_sent(length: int) -> None:
    memory = memory_engine(signer=OddSigner(lambda _: bytes(length)))
    seller = memory.seller()

    with pytest.raises(SigningFailed, match="a signature has 65"):
        await get(memory, seller)

    assert [] == seller.paid_requests
    assert {State.VOIDED: 1} == await memory.states()
    assert (0, 0) == memory.held()


async def test_signer_that_breaks_is_told_by_its_kind_only() -> None:
    def leak(_: TypedData) -> bytes:
        raise RuntimeError("the key is 12345")

    memory = memory_engine(signer=OddSigner(leak))

    with pytest.raises(SigningFailed, match="RuntimeError") as caught:
        await get(*_with_seller(memory))

    assert "12345" not in str(caught.value)
    assert (0, 0) == memory.held()


async def test_signature_that_came_after_its_lease_is_thrown_away() -> None:
    """Somebody else may have bought the same thing meanwhile."""
    memory = memory_engine()
    slow: list[MemoryEngine] = []

    def act(_: TypedData) -> bytes:
        slow[0].clock.advance(reserve.LEASE_SECONDS)
        return bytes(64) + b"\x1b"

    late = memory_engine(signer=OddSigner(act))
    slow.append(late)
    seller = late.seller()

    with pytest.raises(SigningFailed, match="longer than 120 seconds"):
        await get(late, seller)

    assert [] == seller.paid_requests
    assert {State.VOIDED: 1} == await late.states()
    assert {} == await memory.states()


async def test_intent_that_is_in_the_journal_already_is_not_paid_again() -> None:
    """Entropy that repeats itself must not pay, and must not change what is there."""
    memory = memory_engine(entropy=FixedEntropy())
    seller = memory.seller()
    await get(memory, seller)

    with pytest.raises(DuplicatePurchase, match="already in the journal"):
        await get(memory, seller, **{NEW_PURCHASE: True})

    assert 1 == memory.transfers()


@pytest.mark.parametrize("intent", [b"same wish", b"another wish"])
async def test_key_that_was_paid_is_not_paid_again_by_who_believes_to_be_first(intent: bytes) -> None:
    """Who was first when it looked may not be any more: the journal refuses it."""
    memory = memory_engine()
    seller = memory.seller()
    await get(memory, seller, **{KEY: "one", INTENT: intent_id(b"same wish")})

    with pytest.raises(DuplicatePurchase):
        await get(memory, seller, **{KEY: "one", INTENT: intent_id(intent), FIRST: True})

    assert 1 == memory.transfers()
    assert 1 == len(seller.paid_requests)


async def test_reservation_of_a_key_is_taken_over_only_when_its_lease_is_over() -> None:
    def stuck(_: TypedData) -> bytes:
        raise RuntimeError

    memory = memory_engine(signer=OddSigner(stuck))
    append = memory.journal.append
    memory.journal.append = _gone  # type: ignore[assignment, method-assign]  # the process dies before it can void
    with pytest.raises(SigningFailed):
        await get(memory, memory.seller(), **{KEY: "one"})
    memory.journal.append = append  # type: ignore[method-assign]
    again = memory.restarted()
    seller = again.seller()

    with pytest.raises(DuplicatePurchase, match="RESERVED"):
        await get(again, seller, **{KEY: "one"})
    memory.clock.advance(reserve.LEASE_SECONDS)

    assert 200 == (await get(again, seller, **{KEY: "one"})).status_code
    assert 1 == (await again.states())[State.VOIDED]
    assert 1 == again.transfers()


async def _gone(*_: object) -> Any:
    raise AdapterError("gone", retryable=False)


async def test_payment_that_was_never_signed_cannot_be_sent_again() -> None:
    memory = memory_engine()

    with pytest.raises(ConfigurationError, match="no signed authorization"):
        await memory.engine.send_again(PaymentId("pay_0"), _gone, repeatable=True)


# --- waiting ---------------------------------------------------------------------------------------------------------


async def test_handle_waits_for_the_proof() -> None:
    memory = memory_engine()
    payment, authorization = await memory.sent()
    handle = PaymentHandle(memory.engine, payment)
    heard: list[object] = []
    handle.on_proof(heard.append)

    async with anyio.create_task_group() as tasks:

        async def settle_later() -> None:
            await anyio.sleep(0.01)
            memory.chain.settle(authorization)

        tasks.start_soon(settle_later)
        receipt = await handle.settled(timeout_seconds=5)
        assert receipt.proven
        assert [receipt] == heard

    assert State.SETTLED == handle.state
    assert "SETTLED" in repr(handle)
    assert authorization.nonce not in repr(handle)


async def slowly_settled() -> tuple[MemoryEngine, PaymentHandle]:
    """Return the handle of a payment that is settled, with a chain whose next answer takes some turns."""
    plan = FaultPlan(kind=FaultKind.DELAY)
    memory = memory_engine(plan=plan)
    payment, authorization = await memory.sent()
    memory.chain.settle(authorization)
    plan.at = len(plan.calls)
    return memory, PaymentHandle(memory.engine, payment)


async def test_two_who_wait_for_one_proof_ask_the_chain_once() -> None:
    """As a rule one is the background, and the other whoever calls `settled`."""
    reads = list[int]()
    for waiting in (1, 2):
        memory, handle = await slowly_settled()
        before = memory.chain.reads
        async with anyio.create_task_group() as tasks:
            for _ in range(waiting):
                tasks.start_soon(handle.settled)
        reads.append(memory.chain.reads - before)

    assert reads[0] == reads[1] > 0


async def test_who_waits_for_the_look_of_somebody_who_gives_up_looks_next() -> None:
    _, handle = await slowly_settled()
    patience = anyio.CancelScope()
    async with anyio.create_task_group() as tasks:
        with patience:
            tasks.start_soon(handle.settled)
            tasks.start_soon(_cancel, patience)
            await handle.prove()

    assert patience.cancelled_caught
    assert State.SETTLED == handle.state


async def _cancel(scope: anyio.CancelScope) -> None:
    await anyio.lowlevel.checkpoint()
    scope.cancel()


async def test_handle_says_what_the_chain_proved_dead() -> None:
    memory = memory_engine()
    expired, _ = await memory.sent()
    cancelled, authorization = await memory.sent()
    memory.chain.cancel(authorization)
    memory.clock.advance(1_000)
    memory.chain.mine()

    with pytest.raises(AuthorizationExpired):
        await PaymentHandle(memory.engine, expired).settled()
    with pytest.raises(AuthorizationCancelled):
        await PaymentHandle(memory.engine, cancelled).settled()


async def test_handle_gives_up_when_the_time_or_the_authorization_is_over() -> None:
    memory = memory_engine()
    payment, _ = await memory.sent()
    handle = PaymentHandle(memory.engine, payment)

    with pytest.raises(PaymentOutcomeUnknown, match="not proven on chain in time"):
        await handle.settled(timeout_seconds=0.01)
    memory.clock.advance(100_000)  # the chain stands still: no block proves that it is over
    with pytest.raises(PaymentOutcomeUnknown):
        await handle.settled()


async def test_handle_tells_an_error_that_will_not_go_away() -> None:
    memory = memory_engine()
    payment, _ = await memory.sent()
    handle = PaymentHandle(memory.engine, payment)
    memory.chain.fail_next(1)
    memory.chain.fail_next(1, retryable=False)

    with pytest.raises(AdapterError):
        await handle.settled(timeout_seconds=1)
    memory.chain.fail_next(1, retryable=False)
    await handle.prove()
    assert State.OUTCOME_UNKNOWN == handle.state


async def test_endpoint_out_of_reach_leaves_the_outcome_unknown() -> None:
    memory = memory_engine(resends=0)
    seller = memory.seller()
    seller.replies.append(Reply(lose=httpx.ReadError("cut")))
    journal_open = memory.journal.open

    async def then_cut_off(*args: Any, **kwargs: Any) -> None:
        await journal_open(*args, **kwargs)
        memory.chain.fail_next(1_000)

    memory.journal.open = then_cut_off  # type: ignore[method-assign]

    with pytest.raises(PaymentOutcomeUnknown) as caught:
        await get(memory, seller)

    assert seller.kept[0][0].nonce == caught.value.nonce
    assert seller.kept[0][0].valid_before == caught.value.expires_at


def test_portal_is_closed_for_good() -> None:
    portal = Portal()
    assert 1 == portal.call(lambda: anyio.to_thread.run_sync(lambda: 1))
    portal.close()
    portal.close()

    with pytest.raises(LocalProtocolError, match="closed"):
        portal.call(anyio.lowlevel.checkpoint)
