"""A trade that pays the chain's coin beside a token, on real Uniswap V2: judged by the limits on both, and no more."""

from dataclasses import replace

import pytest

from paygent.core.action import Action, Call
from paygent.core.approval import ApprovalDecision
from paygent.core.approval_errors import ApprovalPending
from paygent.core.errors import BudgetExceeded, PolicyDenied
from paygent.core.lifecycle import State
from paygent.core.money import Amount, usd
from paygent.core.transaction_errors import InsufficientFunds
from tests.interop.acting import new_actor
from tests.interop.peers.chain import TokenChain, call_data
from tests.interop.peers.uniswap import Exchange
from tests.interop.trader import Trader, new_trader

pytestmark = pytest.mark.anyio
BOTH = "addLiquidityETH(address,uint256,uint256,uint256,address,uint256)"
FEE = 10**15
DOLLARS = usd("100")


@pytest.fixture
def trader(acting_chain: TokenChain, trading: Exchange) -> Trader:
    return new_trader(new_actor(acting_chain), trading)


def with_coins(trader: Trader, *, carried: int = FEE, said: int | None = FEE) -> Action:
    """Return a position that takes dollars and coins. Args: carried: by the call. said: by the action."""
    action = trader.swap()
    token, router = trader.exchange.tokens["USDC"], action.counterparty
    data = call_data(BOTH, token, action.spend.atomic, 0, 0, trader.address, action.deadline)
    return replace(
        action,
        purpose="position",
        receive=(),
        calls=(action.calls[0], Call(to=router, data=data, value=carried, function=BOTH)),
        fee=None if said is None else Amount(said, trader.actor.coin),
    )


async def test_fee_is_paid_beside_a_token_and_counted_in_its_own_coin(trader: Trader) -> None:
    before = trader.actor.coins(trader.address)
    async with trader.actor.wallet(**trader.wiring()) as wallet:
        payment = await wallet.execute(with_coins(trader))
    windows = trader.actor.journal._sums  # type: ignore[attr-defined]  # the memory journal's own
    sums = {asset: share.committed for (scope, _, asset), share in windows.items() if not scope.startswith("gas")}

    assert payment.receipt is not None
    assert payment.receipt.fee is not None
    assert State.SETTLED is payment.state
    assert FEE == sums[str(trader.actor.coin.id)]
    assert 0 < before - trader.actor.coins(trader.address) - payment.receipt.fee.atomic <= FEE


@pytest.mark.parametrize(("carried", "said"), [(FEE + 1, FEE), (1, None)])
async def test_calls_that_carry_more_than_the_fee_are_refused(trader: Trader, carried: int, said: int | None) -> None:
    async with trader.actor.wallet(**trader.wiring()) as wallet:
        with pytest.raises(PolicyDenied, match="the calls carry"):
            await wallet.execute(with_coins(trader, carried=carried, said=said))

    assert 0 == trader.actor.sent


async def test_fee_above_the_limit_on_the_coin_is_denied(trader: Trader) -> None:
    most = (DOLLARS, Amount(FEE - 1, trader.actor.coin))
    policy = trader.actor.policy(max_per_payment=most)
    async with trader.actor.wallet(policy=policy, **trader.wiring()) as wallet:
        with pytest.raises(PolicyDenied, match="max_per_payment"):
            await wallet.execute(with_coins(trader))

    assert 0 == trader.actor.sent


async def test_fee_without_a_limit_on_the_coin_is_denied(trader: Trader) -> None:
    policy = trader.actor.policy(max_per_payment=DOLLARS, per_day=DOLLARS)
    async with trader.actor.wallet(policy=policy, **trader.wiring()) as wallet:
        with pytest.raises(PolicyDenied):
            await wallet.execute(with_coins(trader))

    assert 0 == trader.actor.sent


async def test_fees_are_reserved_with_what_is_spent(trader: Trader) -> None:
    day = (DOLLARS, Amount(FEE + FEE // 2, trader.actor.coin))
    policy = trader.actor.policy(per_day=day)
    async with trader.actor.wallet(policy=policy, **trader.wiring()) as wallet:
        await wallet.execute(with_coins(trader))
        sent = trader.actor.sent
        with pytest.raises(BudgetExceeded, match=r"of 0\.0015"):
            await wallet.execute(with_coins(trader), new_action=True)

    assert sent == trader.actor.sent


async def test_person_who_is_asked_about_a_fee_reads_it(trader: Trader) -> None:
    policy = trader.actor.policy(approve_above=(DOLLARS, Amount(FEE - 1, trader.actor.coin)))
    action = with_coins(trader)
    async with trader.actor.wallet(policy=policy, **trader.wiring()) as wallet:
        with pytest.raises(ApprovalPending):
            await wallet.execute(action, idempotency_key="asked")
        (request,) = (await trader.actor.journal.pending(now=0)).requests
        decision = ApprovalDecision(approver="ada", granted=True, digest=request.digest, at=wallet.engine.now())
        await trader.actor.journal.decide(request.id, decision)
        payment = await wallet.go_on(request.payment_id)

    assert (str(action.fee), State.SETTLED) == (request.facts["fee_at_most"], payment.state)


async def test_wallet_without_the_coins_of_the_fee_is_told(trader: Trader) -> None:
    async with trader.actor.wallet(**trader.wiring()) as wallet:
        trader.actor.chain.anvil.call("anvil_setBalance", trader.address, hex(FEE - 1))
        with pytest.raises(InsufficientFunds) as raised:
            await wallet.execute(with_coins(trader))

    assert (FEE, FEE - 1, 0) == (raised.value.needed.atomic, raised.value.has.atomic, trader.actor.sent)
