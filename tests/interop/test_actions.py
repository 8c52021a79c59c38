"""Swaps of two transactions on real Uniswap V2: one intent, ordered steps, and no approval left behind."""

from dataclasses import replace
from typing import Any

import pytest
from eth_abi.abi import decode

from paygent.adapters.rpc import RpcChain
from paygent.core.action import Call
from paygent.core.approval import ApprovalDecision
from paygent.core.approval_errors import ApprovalEdited, ApprovalPending
from paygent.core.caip import chain_id
from paygent.core.errors import (
    ConfigurationError,
    IdempotencyConflict,
    LocalProtocolError,
    PaidUndelivered,
    PolicyDenied,
)
from paygent.core.ids import IntentId, intent_id
from paygent.core.lifecycle import State
from paygent.core.money import Amount, Asset, usd
from paygent.core.transaction_errors import ActionAbandoned, TransactionReverted
from paygent.engine.order import ActionOrder
from paygent.evm.address import checksum
from tests.interop.acting import new_actor
from tests.interop.peers.chain import TokenChain, call_data
from tests.interop.peers.uniswap import ETHER, Exchange
from tests.interop.trader import COIN_FOR_TOKENS, Trader, new_trader

pytestmark = pytest.mark.anyio
THIEF = checksum(f"0x{'66' * 20}")


@pytest.fixture
def trader(acting_chain: TokenChain, trading: Exchange) -> Trader:
    return new_trader(new_actor(acting_chain), trading)


def held(trader: Trader) -> tuple[int, int]:
    """Return what the windows of payments count as reserved and as committed; gas has windows of its own."""
    windows = trader.actor.journal._sums  # type: ignore[attr-defined]  # the memory journal's own
    sums = [share for (scope, *_), share in windows.items() if not scope.startswith("gas of")]
    return sum(share.reserved for share in sums), sum(share.committed for share in sums)


async def test_swap_approves_exactly_and_is_proven_by_what_came_in(trader: Trader) -> None:
    async with trader.actor.wallet(**trader.wiring()) as wallet:
        payment = await wallet.execute(trader.swap(least=1_900_000))

    assert payment.receipt is not None
    (received,) = payment.receipt.received
    assert trader.exchange.balance("USDT", trader.address) == received.atomic >= 1_900_000
    assert (State.SETTLED, 2, 0) == (payment.state, trader.actor.sent, trader.allowance())
    assert 998_000_000 == trader.exchange.balance("USDC", trader.address)
    assert (0, 2_000_000) == held(trader)


async def test_swap_to_the_coin_counts_what_came_in_less_gas(trader: Trader) -> None:
    before = trader.actor.coins(trader.address)
    async with trader.actor.wallet(**trader.wiring()) as wallet:
        payment = await wallet.execute(trader.swap(bring="CRO", least=ETHER))

    assert payment.receipt is not None
    assert payment.receipt.fee is not None
    (received,) = payment.receipt.received
    assert before + received.atomic - payment.receipt.fee.atomic == trader.actor.coins(trader.address)
    assert received.atomic > ETHER


async def test_swap_of_the_coin_needs_no_approval(trader: Trader) -> None:
    exchange, atomic, deadline = trader.exchange, ETHER // 2, trader.now() + 600
    data = call_data(COIN_FOR_TOKENS, 1, [exchange.weth, exchange.tokens["USDC"]], trader.address, deadline)
    action = trader.swap()
    router = action.counterparty
    sold = replace(
        action,
        spend=Amount(atomic, trader.actor.coin),
        receive=(Amount(1, trader.asset("USDC")),),
        calls=(Call(to=router, data=data, value=atomic, function=COIN_FOR_TOKENS, returns=("uint256[]",)),),
        deadline=deadline,
    )
    async with trader.actor.wallet(**trader.wiring()) as wallet:
        payment = await wallet.execute(sold)

    assert payment.receipt is not None
    assert trader.exchange.balance("USDC", trader.address) - 1_000_000_000 == payment.receipt.received[0].atomic > 0
    assert 1 == trader.actor.sent


async def test_swap_that_cannot_go_on_takes_its_approval_back(trader: Trader) -> None:
    """The second step is simulated only when the first is mined; nothing of it is sent, and the budget is free."""
    async with trader.actor.wallet(**trader.wiring()) as wallet:
        with pytest.raises(ActionAbandoned, match="approval was taken back") as raised:
            await wallet.execute(trader.swap(least=3_000_000))
        payment = await trader.actor.journal.get(raised.value.payment_id)  # type: ignore[arg-type]  # it has one

    assert payment is not None
    assert payment.plan is not None
    assert (State.CANCELLED, 2, 0) == (payment.state, trader.actor.sent, trader.allowance())
    assert [False, True] == [step.cleanup for step in payment.plan.steps]
    assert 1_000_000_000 == trader.exchange.balance("USDC", trader.address)
    assert (0, 0) == held(trader)


class FrontRun(RpcChain):
    """A node at which somebody else's trade gets in before the third party's second transaction."""

    trade: Any = None
    seen = 0

    async def send_raw(self, raw: bytes) -> None:
        self.seen += 1
        if self.seen == 2:
            self.trade()
        await super().send_raw(raw)


async def test_swap_that_reverts_in_its_block_is_told_and_its_approval_taken_back(trader: Trader) -> None:
    exchange, network = trader.exchange, chain_id(trader.actor.chain.network)

    def trade() -> None:
        exchange.mint("USDC", exchange.owner, 200_000_000_000)
        approve = call_data("approve(address,uint256)", exchange.router, 200_000_000_000)
        exchange.send(exchange.owner, exchange.tokens["USDC"], approve)
        path = [exchange.tokens["USDC"], exchange.tokens["USDT"]]
        signature = "swapExactTokensForTokens(uint256,uint256,address[],address,uint256)"
        data = call_data(signature, 200_000_000_000, 1, path, exchange.owner, 2**40)
        exchange.send(exchange.owner, exchange.router, data)

    node = FrontRun(trader.actor.chain.anvil.url, chain=network, instant_finality=True)
    node.trade = trade
    async with node:
        quoted = trader.swap(least=_quote(trader, 2_000_000))
        async with trader.actor.wallet(**trader.wiring(chains={network: node}, transactions={network: node})) as wallet:
            with pytest.raises(TransactionReverted, match="reverted in block") as raised:
                await wallet.execute(quoted)
        payment = await trader.actor.journal.get(raised.value.payment_id)  # type: ignore[arg-type]  # it has one

    assert payment is not None
    assert (State.REVERTED, 3, 0) == (payment.state, trader.actor.sent, trader.allowance())
    assert 1_000_000_000 == trader.exchange.balance("USDC", trader.address)
    assert (0, 0) == held(trader)


class Pulls(RpcChain):
    """A node at which the spender takes what it is approved before the approval is taken back."""

    pull: Any = None
    seen = 0

    async def send_raw(self, raw: bytes) -> None:
        self.seen += 1
        if self.seen == 2:
            self.pull()
        await super().send_raw(raw)


async def test_approval_that_its_spender_used_by_itself_is_counted_as_spent(trader: Trader) -> None:
    """A venue that makes its own trade fail gets the money by the approval: no budget comes back for that."""
    exchange, network = trader.exchange, chain_id(trader.actor.chain.network)

    def pull() -> None:
        take = call_data("transferFrom(address,address,uint256)", trader.address, THIEF, 2_000_000)
        exchange.anvil.call("anvil_impersonateAccount", exchange.router)
        exchange.anvil.call("anvil_setBalance", exchange.router, hex(10**18))
        exchange.send(exchange.router, exchange.tokens["USDC"], take)

    node = Pulls(trader.actor.chain.anvil.url, chain=network, instant_finality=True)
    node.pull = pull
    async with node:
        async with trader.actor.wallet(**trader.wiring(chains={network: node}, transactions={network: node})) as wallet:
            with pytest.raises(PaidUndelivered, match="took some of") as raised:
                await wallet.execute(trader.swap(least=3_000_000))
        payment = await trader.actor.journal.get(raised.value.payment_id)

    assert payment is not None
    assert (State.SETTLED, False) == (payment.state, payment.delivered)
    assert 998_000_000 == trader.exchange.balance("USDC", trader.address)
    assert (0, 2_000_000) == held(trader)


async def test_action_that_stops_after_its_trade_is_counted_as_spent(trader: Trader) -> None:
    """A last call that always fails gives no budget back for what the calls before it have moved."""
    swap, failing = trader.swap(), trader.swap(least=3_000_000)
    async with trader.actor.wallet(**trader.wiring()) as wallet:
        with pytest.raises(PaidUndelivered, match="without what was agreed") as raised:
            await wallet.execute(replace(swap, calls=(*swap.calls, failing.calls[1])))
        payment = await trader.actor.journal.get(raised.value.payment_id)

    assert payment is not None
    assert (State.SETTLED, False) == (payment.state, payment.delivered)
    assert 998_000_000 == trader.exchange.balance("USDC", trader.address)
    assert (0, 2_000_000) == held(trader)


async def test_approval_of_more_than_was_taken_is_counted_whole(trader: Trader) -> None:
    """What is left of it can be taken at any time."""
    swap, less = trader.swap(2_000_000), trader.swap(500_000)
    async with trader.actor.wallet(**trader.wiring()) as wallet:
        payment = await wallet.execute(replace(swap, calls=(swap.calls[0], less.calls[1])))

    assert (State.SETTLED, 1_500_000) == (payment.state, trader.allowance())
    assert (0, 2_000_000) == held(trader)


def _quote(trader: Trader, atomic: int) -> int:
    exchange = trader.exchange
    path = [exchange.tokens["USDC"], exchange.tokens["USDT"]]
    call = {"to": exchange.router, "data": call_data("getAmountsOut(uint256,address[])", atomic, path)}
    raw = bytes.fromhex(exchange.anvil.call("eth_call", call, "latest")[2:])
    return int(decode(["uint256[]"], raw)[0][-1])


async def test_swap_that_brings_less_than_was_said_is_settled_and_told(trader: Trader) -> None:
    """A reward that the calldata does not name: the chain lets it through, the proof does not."""
    swap = trader.swap(least=1)
    promised = (*swap.receive, Amount(5, trader.asset("VVS")))
    async with trader.actor.wallet(**trader.wiring()) as wallet:
        with pytest.raises(PaidUndelivered, match="without what was agreed") as raised:
            await wallet.execute(replace(swap, receive=promised))
        payment = await trader.actor.journal.get(raised.value.payment_id)

    assert payment is not None
    assert (State.SETTLED, False) == (payment.state, payment.delivered)
    assert payment.alarm is not None
    assert (0, 2_000_000) == held(trader)


async def test_swap_whose_calldata_may_bring_less_than_was_said_is_denied(trader: Trader) -> None:
    async with trader.actor.wallet(**trader.wiring()) as wallet:
        with pytest.raises(PolicyDenied, match="as little as 1,"):
            await wallet.execute(trader.swap(least=1, said=1_900_000))

    assert (0, 0) == (trader.actor.sent, trader.allowance())


async def test_swap_that_a_person_agrees_to_is_done_with_the_bytes_that_were_shown(trader: Trader) -> None:
    policy = trader.actor.policy(approve_above=usd("1"))
    action = trader.swap()
    async with trader.actor.wallet(policy=policy, **trader.wiring()) as wallet:
        with pytest.raises(ApprovalPending) as raised:
            await wallet.execute(action)
        request = await trader.actor.journal.approval_of(raised.value.payment_id)  # type: ignore[arg-type]  # it has one
        assert request is not None
        assert action.digest.hex() in request.text
        assert "call 1: approve(" in request.text
        yes = ApprovalDecision(approver="ada", granted=True, digest=request.digest, at=request.created_at)
        await trader.actor.journal.decide(request.id, yes)
        with pytest.raises(ApprovalPending):  # another minimum is another question
            await wallet.execute(trader.swap(least=2))
        payment = await wallet.go_on(raised.value.payment_id)  # type: ignore[arg-type]  # it has one

    assert (State.SETTLED, action) == (payment.state, payment.plan.action if payment.plan else None)
    assert 2 == trader.actor.sent


async def test_swap_that_a_person_agrees_to_less_of_is_done_for_that_much(trader: Trader) -> None:
    """Two dollars are asked for, one and a half agreed to; above one dollar that is asked about anew."""
    policy = trader.actor.policy(approve_above=usd("1"))
    journal = trader.actor.journal
    async with trader.actor.wallet(policy=policy, **trader.wiring()) as wallet:
        with pytest.raises(ApprovalPending) as raised:
            await wallet.execute(trader.swap())
        request = await journal.approval_of(raised.value.payment_id)  # type: ignore[arg-type]  # it has one
        assert request is not None
        assert " left before it" in request.text
        less = ApprovalDecision(
            approver="ada",
            granted=False,
            digest=request.digest,
            at=request.created_at,
            edit=request.editing(amount="1.5"),
        )
        await journal.decide(request.id, less)
        with pytest.raises(ApprovalEdited) as told:
            await wallet.execute(trader.swap())
        with pytest.raises(ApprovalPending):
            await wallet.execute(trader.swap(1_500_000))
        payment = await wallet.execute(trader.swap(1_000_000))

    assert (1_500_000, raised.value.payment_id) == (told.value.edit.atomic_units, told.value.payment_id)
    assert (State.SETTLED, 2) == (payment.state, trader.actor.sent)


async def test_swap_that_waits_goes_on_when_the_policy_allows_it_by_now(trader: Trader) -> None:
    action, wish = trader.swap(), intent_id("waits", trader.address)
    asking = trader.actor.policy(approve_above=usd("1"))
    async with trader.actor.wallet(policy=asking, **trader.wiring()) as wallet:
        with pytest.raises(ApprovalPending) as raised:
            await wallet.execute(action, intent_id=wish)
    async with trader.actor.wallet(**trader.wiring()) as wallet:
        payment = await wallet.execute(action, intent_id=wish)

    assert (raised.value.payment_id, State.SETTLED, 2) == (payment.id, payment.state, trader.actor.sent)


async def test_swap_that_waits_is_denied_when_the_policy_denies_it_by_now(trader: Trader) -> None:
    action, wish = trader.swap(), intent_id("waited", trader.address)
    asking = trader.actor.policy(approve_above=usd("1"))
    async with trader.actor.wallet(policy=asking, **trader.wiring()) as wallet:
        with pytest.raises(ApprovalPending) as raised:
            await wallet.execute(action, intent_id=wish)
    denying = trader.actor.policy(venues=frozenset({"h2"}))
    async with trader.actor.wallet(policy=denying, **trader.wiring()) as wallet:
        with pytest.raises(PolicyDenied, match="venue 'vvs'"):
            await wallet.execute(action, intent_id=wish)

    stored = await trader.actor.journal.get(raised.value.payment_id)  # type: ignore[arg-type]  # it has one
    assert stored is not None
    assert (State.DENIED, 0) == (stored.state, trader.actor.sent)


async def test_newer_quote_under_a_key_takes_the_place_of_what_waits(trader: Trader) -> None:
    policy, journal = trader.actor.policy(approve_above=usd("1")), trader.actor.journal
    about: dict[str, Any] = {"idempotency_key": "one swap"}
    async with trader.actor.wallet(policy=policy, **trader.wiring()) as wallet:
        with pytest.raises(ApprovalPending) as first:
            await wallet.execute(trader.swap(), **about)
        with pytest.raises(ApprovalPending) as second:
            await wallet.execute(trader.swap(least=2), **about)
    async with trader.actor.wallet(**trader.wiring()) as wallet:
        payment = await wallet.execute(trader.swap(least=3), **about)

    asked = [await journal.get(each.value.payment_id) for each in (first, second)]  # type: ignore[arg-type]  # they have
    assert [State.SUPERSEDED] * 2 == [each.state for each in asked if each is not None]
    assert () == (await journal.pending(now=0)).requests
    assert (State.SETTLED, 2) == (payment.state, trader.actor.sent)


async def test_same_intent_is_done_once_and_found_again(trader: Trader) -> None:
    action, wish = trader.swap(), intent_id("once", trader.address)
    async with trader.actor.wallet(**trader.wiring()) as wallet:
        first = await wallet.execute(action, intent_id=wish)
        again = await wallet.execute(action, intent_id=wish)
        with pytest.raises(IdempotencyConflict):
            await wallet.execute(trader.swap(1_000_000), intent_id=wish)

    assert (first, 2) == (again, trader.actor.sent)


async def test_denied_intent_stays_denied(trader: Trader) -> None:
    action, wish = trader.swap(), intent_id("denied", trader.address)
    policy = trader.actor.policy(venues=frozenset({"h2"}))
    async with trader.actor.wallet(policy=policy, **trader.wiring()) as wallet:
        with pytest.raises(PolicyDenied, match="venue 'vvs'"):
            await wallet.execute(action, intent_id=wish)
        with pytest.raises(Exception, match="is DENIED"):
            await wallet.execute(action, intent_id=wish)

    assert 0 == trader.actor.sent


async def test_trade_limit_counts_swaps_apart_from_payments(trader: Trader) -> None:
    limits = {"max_per_payment": usd("1"), "per_day": usd("1"), "max_per_trade": usd("3"), "trade_per_day": usd("3")}
    async with trader.actor.wallet(policy=trader.actor.policy(**limits), **trader.wiring()) as wallet:
        await wallet.execute(trader.swap())
        with pytest.raises(Exception, match=r"no room|left of the limit"):
            await wallet.execute(trader.swap(1_500_000))
        await wallet.transfer(Amount(1_000_000, trader.asset("USDC")), THIEF)

    assert 3 == trader.actor.sent


async def test_action_with_a_token_nobody_knows_is_refused(trader: Trader) -> None:
    async with trader.actor.wallet() as wallet:
        with pytest.raises(ConfigurationError, match="not a known token"):
            await wallet.execute(trader.swap())


async def test_action_that_says_other_decimals_is_refused(trader: Trader) -> None:
    lying = Asset(id=trader.asset("USDC").id, symbol="USDC", decimals=18)
    action = replace(trader.swap(), spend=Amount(2_000_000, lying))
    async with trader.actor.wallet(**trader.wiring()) as wallet:
        with pytest.raises(LocalProtocolError, match="6 decimal places"):
            await wallet.execute(action)


async def test_engine_without_a_transaction_signer_says_what_to_give(trader: Trader) -> None:
    async with trader.actor.wallet(transactions={}, **trader.wiring()) as wallet:
        with pytest.raises(ConfigurationError, match="cannot send transactions"):
            await wallet.engine.execute(ActionOrder(intent_id=IntentId("int_1"), action=trader.swap()))
