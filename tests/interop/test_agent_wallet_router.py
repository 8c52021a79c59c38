"""An AgentWallet pays through the PaymentRouter on a real EVM: requests once, subscriptions within its own limits."""

import secrets
from dataclasses import replace
from typing import Any

import anyio
import pytest

from paygent.core.agent_wallet_errors import AgentWalletRefused, ChainLimitExceeded
from paygent.core.caip import ChainId
from paygent.core.errors import ConfigurationError, DuplicatePurchase, LocalProtocolError, PolicyDenied
from paygent.core.lifecycle import State
from paygent.core.money import Amount, usd
from paygent.core.transaction_errors import ContractMismatch, ContractMissing
from paygent.evm.address import checksum
from paygent.evm.coins import coin
from paygent.evm.contracts import contract
from paygent.evm.router import ServicePayment, Subscription, router
from tests.interop.agent import COINS, DAY, Agency
from tests.interop.peers.anvil import RpcError

PROVIDER = checksum(f"0x{'5e' * 20}")
HOUR = 3_600
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """One of the two: how the engine waits is tested with both elsewhere."""
    return "asyncio"


@pytest.fixture
async def customer(agency: Agency) -> Agency:
    """A wallet that the router may ask for money."""
    async with agency.open(agency.owner) as owner:
        await owner.set_collector(router())
    return agency


def request(amount: Amount, **changes: Any) -> ServicePayment:
    given: dict[str, Any] = {"provider": PROVIDER, "amount": amount, "request_hash": f"0x{secrets.token_hex(32)}"}
    return ServicePayment(**(given | changes))


def terms(agency: Agency, **changes: Any) -> Subscription:
    """Return terms of 1,000 an hour, 3,000 in all."""
    given: dict[str, Any] = {
        "payee": PROVIDER, "amount": agency.amount(1_000), "cap": agency.amount(3_000), "period_seconds": HOUR,
        "salt": f"0x{secrets.token_hex(32)}",
    }  # fmt: skip
    return Subscription(**(given | changes))


def ask(agency: Agency, function: str, *values: object) -> Any:
    view = contract("PaymentRouter")[function]
    message = {"to": router(), "data": view.call(*values)}
    return view.answers(agency.chain.anvil.call("eth_call", message, "latest"))[0]


def charge(agency: Agency, agreed: Subscription) -> None:
    """Charge as anybody does."""
    data = contract("PaymentRouter")["charge"].call(agency.address, agreed.words)
    agency.chain.anvil.send(agency.owner.key.address, router(), data)


async def test_request_is_paid_once_and_its_provider_can_verify_it(customer: Agency) -> None:
    before, paid = customer.chain.balance_of(PROVIDER), request(customer.amount(700))
    async with customer.open(customer.operator) as wallet:
        payment = await wallet.pay_for_service(paid)
        left = await wallet.remaining_today(customer.token)
        with pytest.raises(AgentWalletRefused, match="paid before") as again:
            await wallet.pay_for_service(paid, new_payment=True)

    assert payment.receipt is not None
    assert (State.SETTLED, True, customer.address, PROVIDER, 700) == (
        payment.state,
        payment.delivered,
        payment.receipt.payer,
        payment.receipt.payee,
        payment.receipt.amount.atomic,
    )
    assert (700, DAY - 700) == (customer.chain.balance_of(PROVIDER) - before, left.atomic)
    assert ask(customer, "paidAt", customer.address, paid.words) > 0
    assert "AlreadyPaid" == again.value.code


async def test_two_requests_of_one_price_are_both_paid(customer: Agency) -> None:
    before = customer.chain.balance_of(PROVIDER)
    async with customer.open(customer.operator) as wallet:
        for _ in range(2):
            await wallet.pay_for_service(request(customer.amount(7)))

    assert 14 == customer.chain.balance_of(PROVIDER) - before


async def test_request_is_paid_in_coin_and_proven_by_the_wallets_event(customer: Agency) -> None:
    before = customer.operator.coins(PROVIDER)
    async with customer.open(customer.operator) as wallet:
        payment = await wallet.pay_for_service(request(Amount(COINS, customer.coin)))

    assert (COINS, True) == (customer.operator.coins(PROVIDER) - before, payment.delivered)


async def test_request_above_the_limits_of_contract_and_policy_is_refused(customer: Agency) -> None:
    sent, small = customer.operator.sent, replace(customer.operator.policy(), payees=frozenset({router()}))
    async with customer.open(customer.operator) as wallet:
        with pytest.raises(ChainLimitExceeded):
            await wallet.pay_for_service(request(customer.amount(3_001)))
    async with customer.open(customer.operator, policy=small) as wallet:
        with pytest.raises(PolicyDenied, match=f"payee {PROVIDER} is not in"):
            await wallet.pay_for_service(request(customer.amount(1)))

    assert sent == customer.operator.sent


@pytest.mark.parametrize(("code", "kind"), [("0x", ContractMissing), ("0x00", ContractMismatch)])
async def test_router_of_other_code_or_none_is_refused(
    customer: Agency, code: str, kind: type[ConfigurationError]
) -> None:
    anvil, sent = customer.chain.anvil, customer.operator.sent
    real = anvil.call("eth_getCode", router(), "latest")
    async with customer.open(customer.operator) as wallet:
        try:
            anvil.call("anvil_setCode", router(), code)
            with pytest.raises(kind, match="PaymentRouter"):
                await wallet.pay_for_service(request(customer.amount(1)))
            with pytest.raises(kind, match="PaymentRouter"):
                await wallet.subscribe(terms(customer))
        finally:
            anvil.call("anvil_setCode", router(), real)

    assert sent == customer.operator.sent


async def test_router_that_is_no_collector_is_refused_with_advice(agency: Agency) -> None:
    async with agency.open(agency.operator) as wallet:
        with pytest.raises(AgentWalletRefused, match="set_collector") as raised:
            await wallet.pay_for_service(request(agency.amount(1)))

    assert "NotCollector" == raised.value.code


async def test_subscription_is_charged_by_anybody_until_it_is_cancelled(customer: Agency) -> None:
    agreed, before = terms(customer), customer.chain.balance_of(PROVIDER)
    async with customer.open(customer.operator) as wallet:
        payment = await wallet.subscribe(agreed)
        charge(customer, agreed)
        left = await wallet.remaining_today(customer.token)
        await wallet.cancel_subscription(agreed)

    assert payment.receipt is not None
    assert (State.SETTLED, 3_000, PROVIDER) == (payment.state, payment.receipt.amount.atomic, payment.receipt.payee)
    assert (1_000, DAY - 1_000) == (customer.chain.balance_of(PROVIDER) - before, left.atomic)
    assert not ask(customer, "subscriptionOf", customer.address, agreed.words)[0]
    with pytest.raises(RpcError):
        charge(customer, agreed)


async def test_subscription_whose_transaction_is_out_is_not_sent_again_without_a_key(customer: Agency) -> None:
    """Whoever lost the answer asks again with nothing but the terms."""
    agreed, anvil, sent = terms(customer), customer.chain.anvil, customer.operator.sent
    async with customer.open(customer.operator) as wallet:
        anvil.call("evm_setAutomine", False)
        try:
            async with anyio.create_task_group() as beside:
                beside.start_soon(wallet.subscribe, agreed)
                while not int(anvil.call("txpool_status")["pending"], 16):  # noqa: ASYNC110  the node tells nobody
                    await anyio.sleep(0.01)
                with pytest.raises(DuplicatePurchase):
                    await wallet.subscribe(agreed)
                anvil.call("evm_mine")
        finally:
            anvil.call("evm_setAutomine", True)

    assert sent + 1 == customer.operator.sent
    assert ask(customer, "subscriptionOf", customer.address, agreed.words)[0]


async def test_cap_of_a_subscription_counts_for_the_policy_at_once(customer: Agency) -> None:
    policy = customer.operator.policy(per_day=(usd("0.004"), Amount(10**18, customer.coin)))
    async with customer.open(customer.operator, policy=policy) as wallet:
        await wallet.subscribe(terms(customer))
        room = await wallet.policy_room(customer.token)
        with pytest.raises(PolicyDenied, match="max_per_payment"):
            await wallet.subscribe(terms(customer, cap=customer.amount(200_000_000)))

    assert room is not None
    assert 1_000 == room.atomic


async def test_subscription_that_could_never_be_charged_is_refused(customer: Agency) -> None:
    sent = customer.operator.sent
    async with customer.open(customer.operator) as wallet:
        with pytest.raises(ChainLimitExceeded) as raised:
            await wallet.subscribe(terms(customer, amount=customer.amount(3_001), cap=customer.amount(9_003)))

    assert ("ApprovalRequired", 3_000, sent) == (raised.value.code, raised.value.chain.atomic, customer.operator.sent)


async def test_subscription_is_returned_under_its_key_where_no_charge_would_pass_any_more(customer: Agency) -> None:
    agreed, limit = terms(customer), customer.configuration().limits[0]
    async with customer.open(customer.operator) as wallet:
        first = await wallet.subscribe(agreed, idempotency_key="news")
        async with customer.open(customer.owner) as owner:
            await owner.set_limit(replace(limit, per_payment=999))
        again = await wallet.subscribe(agreed, idempotency_key="news")

    assert first.id == again.id


async def test_what_cannot_be_meant_is_refused_before_anything_is_read(customer: Agency) -> None:
    sent, one = customer.operator.sent, customer.amount(1)
    async with customer.open(customer.operator) as wallet:
        for wrong in (request(one, request_hash="0x12"), request(one, agent="0x12"), request(one, provider="0x12")):
            with pytest.raises(LocalProtocolError):
                await wallet.pay_for_service(wrong)
        with pytest.raises(LocalProtocolError, match="above zero"):
            await wallet.pay_for_service(request(customer.amount(0)))
        with pytest.raises(LocalProtocolError):
            await wallet.subscribe(terms(customer, payee=f"0x{'0' * 40}"))
        elsewhere = Amount(1, coin(ChainId.evm(25)))
        with pytest.raises(LocalProtocolError, match="is not an asset of"):
            await wallet.subscribe(terms(customer, amount=elsewhere, cap=elsewhere))

    assert sent == customer.operator.sent
