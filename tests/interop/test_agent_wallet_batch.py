"""Batches of an AgentWallet on a real EVM: all payees or none, through policy and contract."""

from dataclasses import replace

import pytest

from paygent.core.agent_wallet_errors import AgentWalletPaused, AgentWalletRefused, ChainLimitExceeded
from paygent.core.errors import LocalProtocolError, PolicyDenied
from paygent.core.lifecycle import State
from paygent.core.money import Amount
from paygent.core.transaction_errors import InsufficientFunds
from paygent.evm.address import checksum
from tests.interop.agent import COINS, DAY, ONE, Agency, new_agency
from tests.interop.peers.chain import TokenChain

FIRST, SECOND, THIRD = (checksum(f"0x{byte * 20}") for byte in ("a1", "b2", "c3"))
pytestmark = pytest.mark.anyio


def received(agency: Agency) -> tuple[int, int]:
    return agency.chain.balance_of(FIRST), agency.chain.balance_of(SECOND)


async def test_batch_pays_every_payee_in_one_transaction_and_counts_once(agency: Agency) -> None:
    before, money, sent = received(agency), agency.count(), agency.operator.sent
    async with agency.open(agency.operator) as wallet:
        payment = await wallet.pay_batch([(FIRST, agency.amount(1_000)), (SECOND, agency.amount(500))])
        left = await wallet.remaining_today(agency.token)

    assert (before[0] + 1_000, before[1] + 500) == received(agency)
    assert (money - 1_500, sent + 1, DAY - 1_500) == (agency.count(), agency.operator.sent, left.atomic)
    assert payment.receipt is not None
    assert (State.SETTLED, agency.address, 1_500, True) == (
        payment.state,
        payment.receipt.payer,
        payment.receipt.amount.atomic,
        payment.delivered,
    )


async def test_batch_of_coin_is_proven_by_the_wallets_event(agency: Agency) -> None:
    before, half = agency.operator.coins(THIRD), Amount(COINS // 2, agency.coin)
    async with agency.open(agency.operator) as wallet:
        payment = await wallet.pay_batch([(THIRD, half), (THIRD, half)])

    assert COINS == agency.operator.coins(THIRD) - before
    assert payment.delivered


async def test_batch_with_a_key_of_its_own_is_paid_once(agency: Agency) -> None:
    async with agency.open(agency.operator) as wallet:
        one, two = [await wallet.pay_batch([(FIRST, agency.amount(9))], idempotency_key="wages") for _ in range(2)]

    assert one.id == two.id


async def test_batches_of_one_sum_to_other_payees_are_both_paid(agency: Agency) -> None:
    before = received(agency)
    async with agency.open(agency.operator) as wallet:
        for payee in (FIRST, SECOND):
            await wallet.pay_batch([(payee, agency.amount(7))])

    assert (before[0] + 7, before[1] + 7) == received(agency)


async def test_largest_payment_of_a_batch_and_its_sum_meet_the_contracts_limits(agency: Agency) -> None:
    sent = agency.operator.sent
    signed = [(FIRST, agency.amount(ONE + 1))], [(FIRST, agency.amount(2_000)), (SECOND, agency.amount(1_001))]
    codes: list[tuple[str, int]] = []
    async with agency.open(agency.operator) as wallet:
        for payments in signed:
            with pytest.raises(ChainLimitExceeded) as raised:
                await wallet.pay_batch(payments)
            codes.append((raised.value.code, raised.value.chain.atomic))

    assert [("ApprovalRequired", 3_000)] * 2 == codes
    assert sent == agency.operator.sent


async def test_batch_is_refused_where_the_policy_does_not_name_every_payee(agency: Agency) -> None:
    sent, before = agency.operator.sent, received(agency)
    policy = replace(agency.operator.policy(), payees=frozenset({FIRST}))
    async with agency.open(agency.operator, policy=policy) as wallet:
        with pytest.raises(PolicyDenied, match=f"payee {SECOND} is not in"):
            await wallet.pay_batch([(FIRST, agency.amount(1)), (SECOND, agency.amount(1))])
        await wallet.pay_batch([(FIRST, agency.amount(1))])

    assert (sent + 1, (before[0] + 1, before[1])) == (agency.operator.sent, received(agency))


async def test_batch_is_refused_by_the_contracts_own_list_and_nobody_is_paid(agency: Agency) -> None:
    async with agency.open(agency.owner) as owner:
        await owner.set_payee(FIRST)
        await owner.set_payees_only(True)
    before = received(agency)
    async with agency.open(agency.operator) as wallet:
        with pytest.raises(AgentWalletRefused, match="PayeeNotAllowed"):
            await wallet.pay_batch([(FIRST, agency.amount(1)), (SECOND, agency.amount(1))])

    assert before == received(agency)


async def test_batch_of_a_paused_wallet_is_refused(agency: Agency) -> None:
    async with agency.open(agency.owner) as owner:
        await owner.pause()
    async with agency.open(agency.operator) as wallet:
        with pytest.raises(AgentWalletPaused):
            await wallet.pay_batch([(FIRST, agency.amount(1))])


async def test_batch_beyond_the_wallets_money_is_refused(contracts: TokenChain) -> None:
    poor = new_agency(contracts)
    async with poor.open(poor.operator) as wallet:
        await wallet.deploy(await poor.signed())
    contracts.anvil.call("anvil_setBalance", poor.address, "0x1")
    async with poor.open(poor.operator) as wallet:
        with pytest.raises(InsufficientFunds):
            await wallet.pay_batch([(THIRD, Amount(2, poor.coin))])


async def test_batch_that_cannot_be_is_refused_before_anything_is_read(agency: Agency) -> None:
    one = (FIRST, agency.amount(1))
    async with agency.open(agency.operator) as wallet:
        for payments, said in (
            ([], "1 to 100 payments"),
            ([one] * 101, "1 to 100 payments"),
            ([one, (SECOND, Amount(1, agency.coin))], "one asset"),
            ([one, (SECOND, agency.amount(0))], "more than nothing"),
            ([("0x12", agency.amount(1))], "address"),
        ):
            with pytest.raises(LocalProtocolError, match=said):
                await wallet.pay_batch(payments)
