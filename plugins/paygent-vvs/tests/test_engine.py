"""VVS through the engine: policy, exact approval, simulation, signing, and a receipt that is decoded afterwards."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from paygent.adapters.local_signer import LocalSigner
from paygent.adapters.rpc import RpcChain
from paygent.core.errors import PaymentCannotSettle, PaymentNotAttempted, PolicyDenied, TradeRefused
from paygent.core.lifecycle import State
from paygent.core.requirements import Token
from paygent.engine.transact import Patience
from paygent.plugin import AddLiquidity, Amount, Harvest, RemoveLiquidity, Stake, Swap, Unstake, Wish, usd
from paygent.policy.policy import Policy
from paygent.runtime.contained import ContainedConnector
from paygent.runtime.plugins import tokens_of_connectors
from paygent.testing.journal import MemoryJournal
from paygent.wallet import Wallet
from tests.interop.peers.anvil import dev_account
from tests.interop.peers.chain import call_data
from tests.interop.peers.desk import CRONOS, Desk
from tests.interop.peers.uniswap import ETHER

pytestmark = pytest.mark.anyio
PATIENCE = Patience(timeout_seconds=5, resend_seconds=0.2, bump_seconds=60, first_look_seconds=0.005)


def policy(desk: Desk, **changes: Any) -> Policy:
    """Limits in dollars, in the coin, and in each token and share, which nothing says the price of."""
    shares = tuple(Amount(10**24, asset) for asset in desk.connector.manifest.assets if asset.symbol != "USDC")
    limits = (usd("1000"), *shares)
    given: dict[str, Any] = {
        "max_per_payment": limits,
        "per_day": limits,
        "approve_above": None,
        "gas_per_transaction": desk.amount("1", "CRO"),
        "gas_per_day": desk.amount("100", "CRO"),
        "venues": frozenset({"vvs"}),
    }
    return Policy(**(given | changes))


@asynccontextmanager
async def wallet(desk: Desk, chain: RpcChain, **changes: Any) -> AsyncIterator[Wallet]:
    dollar = Token(asset=desk.asset("USDC"), name="USDC", versions=("1",), usd=True)
    async with Wallet.open(
        signer=LocalSigner(bytes(dev_account(1).key)),
        journal=MemoryJournal(),
        chains={CRONOS: chain},
        transactions={CRONOS: chain},
        policy=policy(desk, **changes),
        patience=PATIENCE,
        tokens=(*tokens_of_connectors([desk.connector]), dollar),
    ) as opened:
        yield opened


async def carried_out(desk: Desk, opened: Wallet, wish: Wish) -> list[Any]:
    """Quote, build and execute through the relay that plugins are behind."""
    connector = ContainedConnector("vvs", desk.connector)
    actions = await connector.build(await connector.quote(wish, owner=opened.address))
    return [await opened.execute(action) for action in actions]


def swap(desk: Desk, text: str, give: str, get: str) -> Swap:
    return Swap(give=desk.asset(give), get=desk.asset(get), amount=desk.fund(text, give))


@pytest.mark.parametrize(("give", "get"), [("USDC", "CRO"), ("CRO", "USDC"), ("USDC", "VVS")])
async def test_swap_is_carried_out_and_its_receipt_decoded(desk: Desk, chain: RpcChain, give: str, get: str) -> None:
    async with wallet(desk, chain) as opened:
        quote = await desk.connector.quote(swap(desk, "100", give, get), owner=opened.address)
        [payment] = await carried_out(desk, opened, quote.wish)

    assert State.SETTLED == payment.state
    assert [quote.expected[0].atomic] == [amount.atomic for amount in payment.receipt.received]
    assert 0 == desk.exchange.read(
        desk.exchange.tokens["USDC"], "allowance(address,address)", desk.trader, desk.exchange.router
    )


async def test_swap_above_the_limit_is_denied_and_nothing_is_sent(desk: Desk, chain: RpcChain) -> None:
    before = desk.has("USDC")
    async with wallet(desk, chain, max_per_payment=(usd("50"), desk.amount("1", "CRO"))) as opened:
        with pytest.raises(PolicyDenied):
            await carried_out(desk, opened, swap(desk, "100", "USDC", "CRO"))

    assert before + 100_000_000 == desk.has("USDC")


async def test_venue_that_the_policy_does_not_name_is_denied(desk: Desk, chain: RpcChain) -> None:
    async with wallet(desk, chain, venues=frozenset({"other"})) as opened:
        with pytest.raises(PolicyDenied, match="venue"):
            await carried_out(desk, opened, swap(desk, "1", "USDC", "CRO"))


async def test_sandwich_ends_in_the_simulation(desk: Desk, chain: RpcChain) -> None:
    """The attacker moves the pool after the swap was built: the engine sees it before it signs."""
    async with wallet(desk, chain) as opened:
        [action] = await desk.connector.build(
            await desk.connector.quote(swap(desk, "1000", "CRO", "USDC"), owner=opened.address)
        )
        before = desk.has("CRO"), desk.has("USDC")
        desk.exchange.swap_in(desk.attacker, "USDC", 9_000 * ETHER)

        with pytest.raises((PaymentNotAttempted, PaymentCannotSettle)) as refused:
            await opened.execute(action)

    refusal = desk.connector.refusal(str(refused.value))
    assert refusal is not None
    assert "slippage" == refusal.code
    assert before == (desk.has("CRO"), desk.has("USDC"))


async def test_liquidity_goes_in_and_out(desk: Desk, chain: RpcChain) -> None:
    async with wallet(desk, chain) as opened:
        adding = AddLiquidity(first=desk.fund("100", "USDC"), second=desk.asset("CRO"))
        allowed, added = await carried_out(desk, opened, adding)
        out = RemoveLiquidity(first=desk.asset("USDC"), second=desk.asset("CRO"), share_bps=10_000)
        [removed] = await carried_out(desk, opened, out)

    assert [State.SETTLED] * 3 == [allowed.state, added.state, removed.state]
    assert ("100.00 USDC", "1000.00 CRO") == (str(allowed.intent.amount), str(added.intent.amount))
    assert 0 < removed.receipt.received[0].atomic <= 100_000_000


async def test_farm_takes_the_stake_pays_and_gives_it_back(desk: Desk, chain: RpcChain) -> None:
    async with wallet(desk, chain) as opened:
        stake = Stake(network=CRONOS, pool="VVS", amount=desk.fund("1000", "VVS"))
        await carried_out(desk, opened, stake)
        desk.exchange.anvil.call("anvil_mine", hex(5))
        await carried_out(desk, opened, Harvest(network=CRONOS, pool="VVS"))
        rewards = desk.has("VVS")
        [back] = await carried_out(desk, opened, Unstake(network=CRONOS, pool="VVS", amount=stake.amount))

    assert rewards >= 5 * 10 * ETHER
    assert State.SETTLED == back.state
    assert desk.has("VVS") >= rewards + stake.amount.atomic


@pytest.mark.parametrize("get", ["CRO", "VVS"])
async def test_swap_for_an_exact_output_leaves_no_approval(desk: Desk, chain: RpcChain, get: str) -> None:
    desk.fund("200", "USDC")
    wish = Swap(give=desk.asset("USDC"), get=desk.asset(get), amount=desk.amount("100", get), exact="out")
    async with wallet(desk, chain) as opened:
        [payment] = await carried_out(desk, opened, wish)

    assert payment.plan is not None
    assert (State.SETTLED, 3, 0) == (payment.state, len(payment.plan.steps), allowance(desk))
    assert wish.amount.atomic == payment.receipt.received[0].atomic


async def test_approval_of_something_else_is_set_to_zero_first(desk: Desk, chain: RpcChain) -> None:
    approve = call_data("approve(address,uint256)", desk.exchange.router, 5)
    desk.exchange.send(desk.trader, desk.exchange.tokens["USDC"], approve)
    async with wallet(desk, chain) as opened:
        [payment] = await carried_out(desk, opened, swap(desk, "100", "USDC", "CRO"))

    said = [dict(call.arguments).get("amount") for call in payment.plan.action.calls]
    assert (State.SETTLED, ["0", "100000000"], 0) == (payment.state, said[:2], allowance(desk))


def allowance(desk: Desk) -> int:
    where = desk.exchange.tokens["USDC"]
    return int(desk.exchange.read(where, "allowance(address,address)", desk.trader, desk.exchange.router))


async def test_trade_for_a_contract_wallet_is_refused_before_it_is_quoted(desk: Desk) -> None:
    wish = swap(desk, "1", "USDC", "CRO")

    with pytest.raises(TradeRefused, match="AgentWallet cannot trade yet") as refused:
        await ContainedConnector("vvs", desk.connector).quote(wish, owner=desk.exchange.router)

    assert "contract_wallet" == refused.value.code
