"""Transfers on a real EVM: mined once, proven, counted, and never sent where they cannot go."""

import pytest

from paygent.core.context import Context
from paygent.core.errors import BudgetExceeded, Halted, LocalProtocolError, PolicyDenied
from paygent.core.halt import Halt
from paygent.core.lifecycle import State
from paygent.core.money import USD, Amount, usd
from paygent.core.transaction_errors import GasTooExpensive, InsufficientFunds, SimulationReverted
from paygent.evm.address import checksum
from paygent.policy.canonical import digest
from paygent.policy.terms import AgentTerms, Priority
from tests.interop.acting import Actor, new_actor
from tests.interop.peers.chain import TokenChain, call_data

PAYEE = checksum(f"0x{'ab' * 20}")
pytestmark = pytest.mark.anyio


@pytest.fixture
def actor(acting_chain: TokenChain) -> Actor:
    return new_actor(acting_chain)


async def test_transfer_of_a_token_is_mined_once_and_proven(actor: Actor) -> None:
    before = actor.chain.balance_of(PAYEE)
    async with actor.wallet() as wallet:
        payment = await wallet.transfer(Amount(1_500_000, actor.token), PAYEE)

    assert payment.receipt is not None
    assert (State.SETTLED, True, 1_500_000) == (payment.state, payment.receipt.final, payment.receipt.amount.atomic)
    assert (1, 1_500_000) == (actor.sent, actor.chain.balance_of(PAYEE) - before)
    assert payment.receipt.fee is not None
    assert 10**18 - actor.coins(actor.key.address) == payment.receipt.fee.atomic > 0


async def test_transfer_of_the_coin_is_mined_once_and_proven(actor: Actor) -> None:
    before = actor.coins(PAYEE)
    async with actor.wallet() as wallet:
        payment = await wallet.transfer(Amount(10**15, actor.coin), PAYEE)

    assert payment.receipt is not None
    assert payment.receipt.fee is not None
    assert (10**15, State.SETTLED) == (actor.coins(PAYEE) - before, payment.state)
    assert 10**18 - 10**15 - payment.receipt.fee.atomic == actor.coins(actor.key.address)


async def test_transfer_with_the_same_key_is_made_once(actor: Actor) -> None:
    async with actor.wallet() as wallet:
        first = await wallet.transfer(Amount(5, actor.token), PAYEE, idempotency_key="rent")
        again = await wallet.transfer(Amount(5, actor.token), PAYEE, idempotency_key="rent")
        other = await wallet.transfer(Amount(5, actor.token), PAYEE)

    assert (first.id, 2) == (again.id, actor.sent)
    assert other.id != first.id


async def test_transfers_count_against_the_day(actor: Actor) -> None:
    policy = actor.policy(per_day=(usd("0.000009"), Amount(1, actor.coin)))
    async with actor.wallet(policy=policy) as wallet:
        await wallet.transfer(Amount(5, actor.token), PAYEE)
        with pytest.raises(BudgetExceeded, match="spent"):
            await wallet.transfer(Amount(5, actor.token), PAYEE)

    assert 1 == actor.sent


async def test_transfers_leave_what_higher_agents_may_still_need(actor: Actor) -> None:
    """The wallet has so much that five millionths of a dollar, and no more, are left to the agent of low priority."""
    has = Amount(actor.chain.balance_of(actor.key.address), actor.token)
    kept = Amount(has.atomic - 5, USD)
    terms = tuple(
        AgentTerms(id=name, priority=priority, daily_budget=kept, max_per_payment=kept)
        for name, priority in (("boss", Priority.HIGH), ("helper", Priority.LOW))
    )
    helper = Context(agent="helper")
    async with actor.wallet(policy=actor.policy(agent_terms=terms)) as wallet:
        with pytest.raises(PolicyDenied, match="would consume reserved budget for boss"):
            await wallet.transfer(Amount(6, actor.token), PAYEE, context=helper)
        await wallet.transfer(Amount(5, actor.token), PAYEE, context=helper)
        with pytest.raises(PolicyDenied, match="would consume reserved budget for boss"):
            await wallet.transfer(Amount(1, actor.token), PAYEE, context=helper)

    assert 1 == actor.sent


async def test_gas_counts_against_the_day_as_it_was_burnt(actor: Actor) -> None:
    async with actor.wallet() as wallet:
        payment = await wallet.transfer(Amount(5, actor.token), PAYEE)
    scope = f"gas of wallet:{actor.key.address.lower()}"
    windows = actor.journal._sums  # type: ignore[attr-defined]  # the memory journal's own
    (sums,) = [share for (name, *_), share in windows.items() if name == scope]

    assert payment.receipt is not None
    assert payment.receipt.fee is not None
    assert (0, payment.receipt.fee.atomic) == (sums.reserved, sums.committed)


async def test_gas_above_the_day_is_not_spent(actor: Actor) -> None:
    policy = actor.policy(gas_per_day=Amount(10**16 - 1, actor.coin))
    async with actor.wallet(policy=policy) as wallet:
        with pytest.raises(BudgetExceeded, match="gas of wallet"):
            await wallet.transfer(Amount(5, actor.token), PAYEE)

    assert 0 == actor.sent


async def test_gas_that_is_too_expensive_is_not_offered(actor: Actor) -> None:
    async with actor.wallet(policy=actor.policy(gas_per_transaction=Amount(1000, actor.coin))) as wallet:
        with pytest.raises(GasTooExpensive) as raised:
            await wallet.transfer(Amount(5, actor.token), PAYEE)

    assert raised.value.asked > raised.value.limit
    assert 0 == actor.sent


async def test_transfer_beyond_the_balance_is_refused_by_its_figures(actor: Actor) -> None:
    has = actor.chain.balance_of(actor.key.address)
    limits = (usd("10000"), Amount(10**18, actor.coin))
    async with actor.wallet(policy=actor.policy(max_per_payment=limits, per_day=limits)) as wallet:
        with pytest.raises(InsufficientFunds) as raised:
            await wallet.transfer(Amount(has + 1, actor.token), PAYEE)

    assert (has + 1, has, actor.token) == (raised.value.needed.atomic, raised.value.has.atomic, raised.value.asset)
    assert 0 == actor.sent


async def test_transfer_without_coin_for_gas_is_refused(actor: Actor) -> None:
    actor.chain.anvil.call("anvil_setBalance", actor.key.address, hex(1000))
    async with actor.wallet() as wallet:
        with pytest.raises(InsufficientFunds, match="with its gas"):
            await wallet.transfer(Amount(5, actor.token), PAYEE)

    assert 0 == actor.sent


async def test_transfer_that_would_revert_is_not_sent_and_its_nonce_is_used_again(actor: Actor) -> None:
    """Circle's token refuses to pay whom Circle bars."""
    barred, anvil = checksum(f"0x{'ba' * 20}"), actor.chain.anvil
    anvil.send(anvil.call("eth_accounts")[0], actor.token.id.address, call_data("blacklist(address)", barred))
    async with actor.wallet() as wallet:
        with pytest.raises(SimulationReverted, match="blacklisted") as raised:
            await wallet.transfer(Amount(5, actor.token), barred)
        settled = await wallet.transfer(Amount(5, actor.token), PAYEE)
        voided = await actor.journal.get(raised.value.payment_id)  # type: ignore[arg-type]  # it names its payment

    assert voided is not None
    assert (State.VOIDED, State.SETTLED, 1) == (voided.state, settled.state, actor.sent)


async def test_halted_wallet_signs_nothing(actor: Actor) -> None:
    await actor.journal.halt(Halt(scope="everything", by="ada", reason="drill", at=1))
    async with actor.wallet() as wallet:
        with pytest.raises(Halted):
            await wallet.transfer(Amount(5, actor.token), PAYEE)

    assert 0 == actor.sent


async def test_transfer_to_the_token_itself_is_denied(actor: Actor) -> None:
    async with actor.wallet() as wallet:
        with pytest.raises(PolicyDenied, match="the token itself"):
            await wallet.transfer(Amount(5, actor.token), checksum(actor.token.id.address))

    assert 0 == actor.sent


@pytest.mark.parametrize("to", ["0x12", f"0x{'0' * 40}", PAYEE.replace("a", "A", 1)])
async def test_transfer_to_a_wrong_address_is_refused(actor: Actor, to: str) -> None:
    async with actor.wallet() as wallet:
        with pytest.raises(LocalProtocolError):
            await wallet.transfer(Amount(5, actor.token), to)


async def test_transfer_above_a_limit_is_denied(actor: Actor) -> None:
    async with actor.wallet(policy=actor.policy(max_per_payment=usd("0.000004"))) as wallet:
        with pytest.raises(PolicyDenied, match="max_per_payment"):
            await wallet.transfer(Amount(5, actor.token), PAYEE)

    assert 0 == actor.sent


async def test_log_says_which_policy_judged_a_transfer(actor: Actor) -> None:
    policy = actor.policy(max_per_payment=usd("0.000004"))
    async with actor.wallet(policy=policy) as wallet:
        for _ in range(2):
            with pytest.raises(PolicyDenied):
                await wallet.transfer(Amount(5, actor.token), PAYEE)
    rows = await actor.journal.entries()

    assert [("loaded", digest(policy), "program")] == [
        (row.facts["event"], row.facts["digest"], row.facts["source"]) for row in rows if row.kind == "policy"
    ]
    assert "policy" == rows[0].kind
