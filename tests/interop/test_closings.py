"""Approvals around a trade on real Uniswap V2: zero first where another stands, and zero again where a rest is left."""

from dataclasses import replace

import pytest
from eth_abi.abi import decode

from paygent.adapters.rpc import RpcChain
from paygent.core.action import Action, Call
from paygent.core.caip import chain_id
from paygent.core.errors import AdapterError, PaymentOutcomeUnknown
from paygent.core.lifecycle import State
from paygent.core.transaction_errors import TransactionReverted
from paygent.evm.calls import approve_call
from paygent.ports.chain import BlockTag
from paygent.ports.transactions import Simulation
from tests.interop.acting import new_actor
from tests.interop.peers.chain import TokenChain, call_data
from tests.interop.peers.uniswap import Exchange
from tests.interop.trader import Trader, new_trader

pytestmark = pytest.mark.anyio
EXACT_OUT = "swapTokensForExactTokens(uint256,uint256,address[],address,uint256)"


@pytest.fixture
def trader(acting_chain: TokenChain, trading: Exchange) -> Trader:
    return new_trader(new_actor(acting_chain), trading)


def exact_out(trader: Trader, brought: int = 100_000) -> Action:
    """Return a swap of at most two dollars that leaves most of its approval, whatever the price."""
    action = trader.swap(least=brought)
    path = [trader.exchange.tokens["USDC"], trader.exchange.tokens["USDT"]]
    data = call_data(EXACT_OUT, brought, action.spend.atomic, path, trader.address, action.deadline)
    return closed(replace(action, calls=(action.calls[0], replace(action.calls[1], data=data, function=EXACT_OUT))))


def quoted(trader: Trader, atomic: int) -> int:
    exchange = trader.exchange
    path = [exchange.tokens["USDC"], exchange.tokens["USDT"]]
    call = {"to": exchange.router, "data": call_data("getAmountsOut(uint256,address[])", atomic, path)}
    raw = bytes.fromhex(exchange.anvil.call("eth_call", call, "latest")[2:])
    return int(decode(["uint256[]"], raw)[0][-1])


def zero(action: Action) -> Call:
    return approve_call(action.calls[0].to, action.counterparty, 0)


def closed(action: Action) -> Action:
    return replace(action, calls=(*action.calls, zero(action)))


async def test_rest_of_an_approval_is_taken_back_when_a_swap_leaves_one(trader: Trader) -> None:
    async with trader.actor.wallet(**trader.wiring()) as wallet:
        payment = await wallet.execute(exact_out(trader))

    assert payment.plan is not None
    assert payment.receipt is not None
    assert (State.SETTLED, True, 3, 0) == (payment.state, payment.delivered, trader.actor.sent, trader.allowance())
    assert 100_000 == payment.receipt.received[0].atomic
    assert payment.receipt.transaction == payment.plan.trading[-1].attempts[0].hash


async def test_swap_has_gas_for_the_first_price_of_a_pool(trader: Trader) -> None:
    """The node estimates as of the pool's own block, and the swap is mined in a later second."""
    network = chain_id(trader.actor.chain.network)
    async with Later(trader.exchange.anvil.url, chain=network, instant_finality=True) as node:
        node.exchange = trader.exchange
        wiring = trader.wiring(chains={network: node}, transactions={network: node})
        async with trader.actor.wallet(**wiring) as wallet:
            payment = await wallet.execute(trader.swap(bring="VVS"))

    assert State.SETTLED == payment.state


class Later(RpcChain):
    """A node at which a pool is made right after the approval, and the next block comes seconds later."""

    exchange: Exchange
    seen = 0

    async def send_raw(self, raw: bytes) -> None:
        self.seen += 1
        if self.seen == 2:
            self.exchange.anvil.call("evm_increaseTime", 3)
        await super().send_raw(raw)
        if self.seen == 1:
            self.exchange.add("USDC", 1_000_000 * 10**6, "VVS", 20_000 * 10**18)


async def test_coin_that_a_swap_brings_is_counted_in_its_own_block_when_a_rest_is_taken_back_later(
    trader: Trader,
) -> None:
    before = trader.actor.coins(trader.address)
    action = trader.swap(bring="CRO")
    signature = "swapTokensForExactETH(uint256,uint256,address[],address,uint256)"
    path = [trader.exchange.tokens["USDC"], trader.exchange.weth]
    data = call_data(signature, 10**18, action.spend.atomic, path, trader.address, action.deadline)
    swap = replace(action.calls[1], data=data, function=signature)
    async with trader.actor.wallet(**trader.wiring()) as wallet:
        payment = await wallet.execute(closed(replace(action, calls=(action.calls[0], swap))))

    assert payment.receipt is not None
    assert payment.receipt.fee is not None
    assert 10**18 == payment.receipt.received[0].atomic
    assert before + 10**18 - payment.receipt.fee.atomic == trader.actor.coins(trader.address)


async def test_nothing_is_sent_to_take_back_what_is_used_up(trader: Trader) -> None:
    async with trader.actor.wallet(**trader.wiring()) as wallet:
        payment = await wallet.execute(closed(trader.swap()))

    assert payment.plan is not None
    assert (State.SETTLED, 2, 2, 0) == (
        payment.state,
        len(payment.plan.steps),
        trader.actor.sent,
        trader.allowance(),
    )


async def test_other_approval_is_set_to_zero_first(trader: Trader) -> None:
    token = trader.asset("USDC").id.address
    trader.exchange.send(trader.address, token, call_data("approve(address,uint256)", trader.exchange.router, 7))
    action = exact_out(trader)
    async with trader.actor.wallet(**trader.wiring()) as wallet:
        payment = await wallet.execute(replace(action, calls=(zero(action), *action.calls)))

    assert (State.SETTLED, 5, 0) == (payment.state, trader.actor.sent, trader.allowance())


async def test_swap_that_reverts_is_no_success_though_its_approval_is_taken_back(trader: Trader) -> None:
    """Its own end does it: there is no second one."""
    exchange, network = trader.exchange, chain_id(trader.actor.chain.network)
    node = Meddled(exchange.anvil.url, chain=network, instant_finality=True)
    node.exchange = exchange
    async with node:
        wiring = trader.wiring(chains={network: node}, transactions={network: node})
        async with trader.actor.wallet(**wiring) as wallet:
            with pytest.raises(TransactionReverted) as raised:
                await wallet.execute(exact_out(trader, quoted(trader, 1_990_000)))
        payment = await trader.actor.journal.get(raised.value.payment_id)  # type: ignore[arg-type]  # it has one

    assert payment is not None
    assert payment.plan is not None
    assert (State.REVERTED, 3, 0) == (payment.state, len(payment.plan.steps), trader.allowance())


class Meddled(RpcChain):
    """A node at which somebody else's trade gets in before the second transaction."""

    exchange: Exchange
    seen = 0

    async def send_raw(self, raw: bytes) -> None:
        self.seen += 1
        if self.seen == 2:
            drain(self.exchange)
        await super().send_raw(raw)


def drain(exchange: Exchange) -> None:
    """Make the other token so dear that nobody gets a dollar's worth for two."""
    exchange.mint("USDC", exchange.owner, 200_000_000_000)
    approve = call_data("approve(address,uint256)", exchange.router, 200_000_000_000)
    exchange.send(exchange.owner, exchange.tokens["USDC"], approve)
    path = [exchange.tokens["USDC"], exchange.tokens["USDT"]]
    signature = "swapExactTokensForTokens(uint256,uint256,address[],address,uint256)"
    exchange.send(
        exchange.owner, exchange.router, call_data(signature, 200_000_000_000, 1, path, exchange.owner, 2**40)
    )


class NoZero(RpcChain):
    """A node at which nothing can be approved to be zero."""

    async def simulate(self, sender: str, to: str, data: str, *, value: int = 0, at: BlockTag = "latest") -> Simulation:
        if data.startswith("0x095ea7b3") and set(data[74:]) == {"0"}:
            return Simulation(succeeded=False, data="0x", message="paused")
        return await super().simulate(sender, to, data, value=value, at=at)


async def test_swap_is_settled_when_its_rest_cannot_be_taken_back(
    trader: Trader, caplog: pytest.LogCaptureFixture
) -> None:
    network = chain_id(trader.actor.chain.network)
    async with NoZero(trader.exchange.anvil.url, chain=network, instant_finality=True) as node:
        wiring = trader.wiring(chains={network: node}, transactions={network: node})
        async with trader.actor.wallet(**wiring) as wallet:
            payment = await wallet.execute(exact_out(trader))

    assert (State.SETTLED, True) == (payment.state, payment.delivered)
    assert 0 < trader.allowance() < 2_000_000
    assert "could not be taken back" in caplog.text


class Gone(RpcChain):
    """A node that does not answer once the swap is mined."""

    async def call(self, to: str, data: str, *, at: object = "latest") -> str:
        if data.startswith("0xdd62ed3e"):
            raise AdapterError("nobody there", retryable=True)
        return await super().call(to, data, at=at)  # type: ignore[arg-type]  # passed on


async def test_rest_is_taken_back_by_the_next_process_when_the_first_could_not(trader: Trader) -> None:
    network, action = chain_id(trader.actor.chain.network), exact_out(trader)
    async with Gone(trader.exchange.anvil.url, chain=network, instant_finality=True) as node:
        wiring = trader.wiring(chains={network: node}, transactions={network: node})
        async with trader.actor.wallet(**wiring) as wallet:
            with pytest.raises(PaymentOutcomeUnknown):
                await wallet.execute(action, idempotency_key="k")
    standing = trader.allowance()
    async with trader.actor.wallet(**trader.wiring()) as wallet:
        payment = await wallet.execute(action, idempotency_key="k")

    assert 0 < standing
    assert (State.SETTLED, 3, 0) == (payment.state, trader.actor.sent, trader.allowance())
