"""An AgentWallet on a real EVM: deployed once, spends within its own limits, and refuses by name."""

from dataclasses import replace
from typing import Any

import pytest

from paygent import X402Client
from paygent.adapters.httpx import PAYMENT
from paygent.adapters.local_signer import LocalSigner
from paygent.core.agent_wallet_errors import AgentWalletPaused, AgentWalletRefused, ChainLimitExceeded
from paygent.core.errors import PaymentOutcomeUnknown, PolicyDenied
from paygent.core.ids import PaymentId
from paygent.core.lifecycle import State
from paygent.core.money import Amount, usd
from paygent.core.transaction_errors import ContractMissing, InsufficientFunds, SimulationReverted, TransactionReverted
from paygent.evm.address import checksum
from paygent.evm.agent_wallet import LONGEST_VALIDITY_SECONDS, payment_call
from paygent.evm.contracts import contract
from paygent.policy.canonical import digest
from tests.interop.acting import PATIENCE
from tests.interop.agent import COINS, DAY, ONE, Agency, new_agency
from tests.interop.hostile.answers import sells
from tests.interop.hostile.shop import Shop, offering
from tests.interop.peers.chain import TokenChain

PAYEE = checksum(f"0x{'ab' * 20}")
REF = f"0x{'07' * 32}"
OTHER = f"0x{'08' * 32}"
pytestmark = pytest.mark.anyio


async def test_wallet_is_deployed_at_its_predicted_address_once(contracts: TokenChain) -> None:
    made = new_agency(contracts)
    async with made.open(made.operator) as wallet:
        first = await wallet.deploy(await made.signed())
        again = await wallet.deploy(await made.signed())
        state = await wallet.state()

    assert first is not None
    assert (State.SETTLED, None, 1) == (first.state, again, made.operator.sent)
    assert (made.owner.key.address, (made.operator.key.address,)) == (state.owner, state.operators)
    assert made.address == state.address


async def test_operator_pays_within_the_limit_with_the_wallets_money(agency: Agency) -> None:
    before = agency.count(), agency.chain.balance_of(PAYEE)
    async with agency.open(agency.operator) as wallet:
        payment = await wallet.pay(agency.amount(1_500), PAYEE, ref=REF)
        left = await wallet.remaining_today(agency.token)

    assert payment.receipt is not None
    assert (State.SETTLED, agency.address, 1_500) == (
        payment.state,
        payment.receipt.payer,
        payment.receipt.amount.atomic,
    )
    assert (before[0] - 1_500, before[1] + 1_500) == (agency.count(), agency.chain.balance_of(PAYEE))
    assert DAY - 1_500 == left.atomic
    assert payment.delivered


async def test_coin_is_paid_and_proven_by_the_wallets_event(agency: Agency) -> None:
    before = agency.operator.coins(PAYEE)
    async with agency.open(agency.operator) as wallet:
        payment = await wallet.pay(Amount(COINS, agency.coin), PAYEE)

    assert COINS == agency.operator.coins(PAYEE) - before
    assert payment.delivered


async def test_limit_of_the_chain_is_read_before_anything_is_signed(agency: Agency) -> None:
    sent = agency.operator.sent
    async with agency.open(agency.operator) as wallet:
        with pytest.raises(ChainLimitExceeded) as raised:
            await wallet.pay(agency.amount(ONE + 1), PAYEE)

    assert ("ApprovalRequired", 3_000, 100_000_000) == (
        raised.value.code,
        raised.value.chain.atomic,
        None if raised.value.policy is None else raised.value.policy.atomic,
    )
    assert sent == agency.operator.sent


async def test_day_of_the_chain_runs_out(agency: Agency) -> None:
    async with agency.open(agency.operator) as wallet:
        for _ in range(3):
            await wallet.pay(agency.amount(3_000), PAYEE, new_payment=True)
        with pytest.raises(ChainLimitExceeded) as raised:
            await wallet.pay(agency.amount(1_001), PAYEE)

    assert ("AbovePerDay", 1_000) == (raised.value.code, raised.value.chain.atomic)


async def test_smaller_limit_of_the_policy_applies(agency: Agency) -> None:
    policy = agency.operator.policy(max_per_payment=(usd("0.001"), Amount(10**18, agency.coin)))
    async with agency.open(agency.operator, policy=policy) as wallet:
        room = await wallet.policy_room(agency.token)
        with pytest.raises(PolicyDenied, match="max_per_payment"):
            await wallet.pay(agency.amount(1_001), PAYEE)

    assert room is not None
    assert 1_000 == room.atomic


async def test_chain_refuses_by_name_what_nobody_has_checked(agency: Agency) -> None:
    """The policy allows it and the limit is not read: the contract itself says no, and says why."""
    sent = agency.operator.sent
    token = checksum(agency.token.id.address)
    async with agency.open(agency.operator) as wallet:
        call = payment_call(agency.address, token, PAYEE, ONE + 1, bytes(32))
        action = wallet._payment(agency.amount(ONE + 1), PAYEE, call, "Pay more than the limit")
        with pytest.raises(ChainLimitExceeded) as raised:
            await wallet._execute(action)

    assert ("AbovePerPayment", ONE, sent) == (raised.value.code, raised.value.chain.atomic, agency.operator.sent)


async def test_mined_transaction_above_the_limit_reverts_and_moves_nothing(agency: Agency) -> None:
    """With everything of this library left out, the operator's key alone cannot overspend."""
    before = agency.count()
    data = payment_call(agency.address, checksum(agency.token.id.address), PAYEE, ONE + 1, bytes(32)).data
    anvil = agency.chain.anvil
    anvil.call("anvil_impersonateAccount", agency.operator.key.address)
    message = {"from": agency.operator.key.address, "to": agency.address, "data": data, "gas": hex(300_000)}
    transaction = anvil.call("eth_sendTransaction", message)
    receipt = anvil._receipt(transaction)

    assert ("0x0", before) == (receipt["status"], agency.count())


def pausing(agency: Agency) -> dict[str, Any]:
    """Return a transaction of the owner that pauses the wallet, and pays more for its place than any of ours."""
    data = contract("AgentWallet")["pause"].call()
    fees = {"maxFeePerGas": hex(10**12), "maxPriorityFeePerGas": hex(10**11), "gas": hex(300_000)}
    return {"from": agency.owner.key.address, "to": agency.address, "data": data, **fees}


async def overtaken(agency: Agency, amount: int, *, together: bool) -> PaymentId:
    """Send a payment that the owner's pause comes before, in the same block or in an earlier one."""
    anvil = agency.chain.anvil
    with anvil.paused_mining():
        async with agency.open(agency.operator, patience=replace(PATIENCE, timeout_seconds=0.2)) as wallet:
            with pytest.raises(PaymentOutcomeUnknown) as raised:
                await wallet.pay(agency.amount(amount), PAYEE)
        payment = await agency.operator.journal.get(raised.value.payment_id)
        assert payment is not None
        assert payment.plan is not None
        if not together:
            anvil.call("anvil_dropTransaction", payment.plan.attempts[0].hash)
        anvil.call("eth_sendTransaction", pausing(agency))
    return payment.id


@pytest.mark.parametrize("together", [True, False])
async def test_mined_transaction_that_reverts_is_told_by_the_contracts_own_error(
    agency: Agency, *, together: bool
) -> None:
    before = agency.count()
    payment_id = await overtaken(agency, 100, together=together)
    async with agency.operator.wallet() as wallet:
        with pytest.raises(TransactionReverted, match=r"WalletPaused\(\)") as raised:
            await wallet.go_on(payment_id)
    stored = await agency.operator.journal.get(payment_id)

    assert ("WalletPaused", (), "WalletPaused()") == (
        raised.value.error,
        raised.value.arguments,
        raised.value.reason,
    )
    assert stored is not None
    assert (State.REVERTED, before) == (stored.state, agency.count())


async def test_simulation_that_reverts_is_told_by_the_contracts_own_error(agency: Agency) -> None:
    token = checksum(agency.token.id.address)
    call = payment_call(agency.address, token, PAYEE, ONE + 1, bytes(32))
    async with agency.open(agency.operator) as agent, agency.operator.wallet() as wallet:
        action = agent._payment(agency.amount(ONE + 1), PAYEE, call, "Pay more than the limit")
        with pytest.raises(SimulationReverted) as raised:
            await wallet.execute(action, errors=contract("AgentWallet").errors)

    assert ("AbovePerPayment", (token.lower(), ONE + 1, ONE)) == (raised.value.error, raised.value.arguments)


async def test_approvers_sign_what_is_above_the_threshold(agency: Agency) -> None:
    approvers = [agency.chain.new_payer() for _ in range(2)]
    async with agency.open(agency.owner) as wallet:
        await wallet.set_approvers([each.address for each in approvers], needed=2)
    async with agency.open(agency.operator) as wallet:
        about: Any = {"nonce": REF, "deadline": 2**40}
        signed: dict[str, bytes] = {
            each.address: await wallet.approve(LocalSigner(bytes(each.key)), agency.amount(3_500), PAYEE, **about)
            for each in approvers
        }
        payment = await wallet.pay_approved(agency.amount(3_500), PAYEE, approvals=signed, **about)
        with pytest.raises(AgentWalletRefused) as again:
            await wallet.pay_approved(agency.amount(3_500), PAYEE, approvals=signed, **about)
        one = dict(list(signed.items())[:1])
        with pytest.raises(AgentWalletRefused) as missing:
            await wallet.pay_approved(
                agency.amount(3_500), PAYEE, approvals=one, nonce=f"0x{'08' * 32}", deadline=2**40
            )

    assert State.SETTLED is payment.state
    assert ("PaymentRepeated", "ApprovalsMissing") == (again.value.code, missing.value.code)


async def test_paused_wallet_pays_nothing_and_its_owner_withdraws(agency: Agency) -> None:
    before = agency.chain.balance_of(PAYEE)
    async with agency.open(agency.owner) as mine:
        await mine.pause()
        async with agency.open(agency.operator) as wallet:
            with pytest.raises(AgentWalletPaused):
                await wallet.pay(agency.amount(1), PAYEE)
        payment = await mine.withdraw(agency.amount(500_000), PAYEE)
        await mine.unpause()
        paused = (await mine.state()).paused

    assert (500_000, State.SETTLED, False) == (agency.chain.balance_of(PAYEE) - before, payment.state, paused)


async def test_operator_that_was_removed_pays_nothing(agency: Agency) -> None:
    async with agency.open(agency.owner) as mine:
        await mine.set_operator(agency.operator.key.address, enabled=False)
    async with agency.open(agency.operator) as wallet:
        with pytest.raises(AgentWalletRefused, match="operator") as raised:
            await wallet.pay(agency.amount(1), PAYEE)
        with pytest.raises(AgentWalletRefused) as withdrawn:
            await wallet.withdraw(agency.amount(1), PAYEE)

    assert ("NotOperator", "NotOwner") == (raised.value.code, withdrawn.value.code)


async def test_more_than_the_wallet_has_is_refused_by_its_figures(agency: Agency) -> None:
    async with agency.open(agency.owner) as mine:
        await mine.withdraw(agency.amount(agency.count() - 5))
    async with agency.open(agency.operator) as wallet:
        with pytest.raises(InsufficientFunds) as raised:
            await wallet.pay(agency.amount(6), PAYEE)

    assert (6, 5) == (raised.value.needed.atomic, raised.value.has.atomic)


async def test_wallet_that_is_not_deployed_says_so(contracts: TokenChain) -> None:
    made = new_agency(contracts)
    async with made.open(made.operator) as wallet:
        with pytest.raises(ContractMissing, match="deploy it first"):
            await wallet.pay(made.amount(1), PAYEE)

    assert 0 == made.operator.sent


async def test_authorization_ends_within_the_contracts_bound_whatever_seller_and_policy_allow(agency: Agency) -> None:
    policy = agency.operator.policy(max_validity_seconds=3_600)
    offers = offering(maxTimeoutSeconds=3_600)
    with Shop(chain=agency.chain, paid=sells, unpaid=offers) as shop:
        async with agency.open(agency.operator, policy=policy) as wallet, X402Client(wallet.engine) as client:
            response = await client.get(shop.url())
            payment = response.extensions[PAYMENT].payment
    rows = await agency.operator.journal.entries()

    assert 200 == response.status_code
    assert payment.authorization.valid_before <= agency.chain.anvil.timestamp() + LONGEST_VALIDITY_SECONDS
    assert [digest(policy)] == [row.facts["digest"] for row in rows if row.kind == "policy"][1:]
