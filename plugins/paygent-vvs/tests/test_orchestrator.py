"""Commands that trade, from their words to real Uniswap V2 bytecode: what was said is what was done, and done once."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from paygent.adapters.local_signer import LocalSigner
from paygent.adapters.rpc import RpcChain
from paygent.adapters.system import SystemClock
from paygent.core.errors import AdapterError
from paygent.core.events import RunEvent, ToolResult
from paygent.core.payment import Payment
from paygent.core.requirements import Token
from paygent.core.session import Lease
from paygent.orchestrator import Orchestrator, RunResult
from paygent.orchestrator.checkpoints import JsonSerializer
from paygent.plugin import Amount, usd
from paygent.policy.policy import Policy
from paygent.runtime.contained import ContainedConnector
from paygent.runtime.plugins import tokens_of_connectors
from paygent.testing.clock import CountedEntropy
from paygent.testing.journal import MemoryJournal
from paygent.testing.models import ScriptedModel, calls, says
from paygent.testing.sessions import MemorySessions
from tests.interop.peers.anvil import dev_account
from tests.interop.peers.desk import CRONOS, Desk
from tests.interop.peers.uniswap import ETHER

pytestmark = pytest.mark.anyio
BPS = 10_000


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class ForgetfulSessions(MemorySessions):
    """Fails to write down what the next call came to: as if the process had died right after it."""

    forgets = False

    async def record(self, events: Sequence[RunEvent], lease: Lease) -> Sequence[RunEvent]:
        if self.forgets and any(isinstance(event, ToolResult) and event.ok for event in events):
            self.forgets = False
            raise AdapterError("the disk is full", retryable=True)
        return await super().record(events, lease)


@asynccontextmanager
async def trader(desk: Desk, chain: RpcChain, **changes: Any) -> AsyncIterator[Orchestrator]:
    """An orchestrator whose policy allows every asset of the exchange; nothing says what these are worth."""
    shares = [Amount(10**24, asset) for asset in desk.connector.manifest.assets if asset.symbol != "USDC"]
    every = (usd("1000"), *shares)
    policy = Policy(
        max_per_payment=every,
        per_day=every,
        approve_above=None,
        gas_per_transaction=desk.amount("1", "CRO"),
        gas_per_day=desk.amount("100", "CRO"),
        venues=frozenset({"vvs"}),
    )
    dollar = Token(asset=desk.asset("USDC"), name="USDC", versions=("1",), usd=True)
    conduct: Any = {
        "signer": LocalSigner(bytes(dev_account(1).key)),
        "policy": policy,
        "tokens": (*tokens_of_connectors([desk.connector]), dollar),
        "chains": {CRONOS: chain},
        "transactions": {CRONOS: chain},
        "journal": MemoryJournal(),
        "sessions": MemorySessions(),
        "checkpoints": InMemorySaver(serde=JsonSerializer()),
        "clock": SystemClock(),
        "entropy": CountedEntropy(),
        "connectors": [ContainedConnector("vvs", desk.connector)],
        **changes,
    }
    async with Orchestrator.open(**conduct) as agent:
        yield agent


async def payments_of(agent: Orchestrator, result: RunResult) -> list[Payment]:
    """Return the payments of a run that succeeded, oldest first."""
    result.check()
    return list(reversed(await agent.payments(result.run.session)))


def shares(desk: Desk) -> int:
    return desk.units(desk.asset("CRO-USDC LP"))


async def test_swap_of_an_exact_input_keeps_the_slippage_that_was_said(desk: Desk, chain: RpcChain) -> None:
    desk.fund("100", "USDC")
    async with trader(desk, chain) as agent:
        [payment] = await payments_of(agent, await agent.run("swap 100 USDC for CRO with 0.8% slippage"))
    assert payment.plan is not None
    assert payment.receipt is not None
    action, [got] = payment.plan.action, payment.receipt.received

    assert (80, 0) == (action.slippage_bps, desk.units(desk.asset("USDC")))
    assert -(-got.atomic * (BPS - 80) // BPS) == action.receive[0].atomic


async def test_swap_for_an_exact_output_brings_that(desk: Desk, chain: RpcChain) -> None:
    desk.fund("100", "USDC")
    async with trader(desk, chain) as agent:
        [payment] = await payments_of(agent, await agent.run("swap USDC for 50 CRO"))
    assert payment.receipt is not None

    assert [50 * ETHER] == [amount.atomic for amount in payment.receipt.received]
    assert 94 * 10**6 < desk.units(desk.asset("USDC")) < 96 * 10**6  # ten for a dollar, and the fee


async def test_liquidity_is_added_told_and_taken_out_by_the_share_that_was_said(desk: Desk, chain: RpcChain) -> None:
    desk.fund("100", "USDC")
    model = ScriptedModel(calls(("positions", {})), says("told"))
    async with trader(desk, chain, model=model) as agent:
        await payments_of(agent, await agent.run("add liquidity 100 USDC and CRO", mode="command"))
        added = shares(desk)
        told = await agent.run("What do I have in pools?")
        await payments_of(agent, await agent.run("remove 40% liquidity from CRO-USDC", mode="command"))
    positions: Any = told.check().data[0]["positions"]

    assert [("liquidity", str(added))] == [(each["kind"], each["holds"]["atomic"]) for each in positions]
    assert 0 < added
    assert added - added * 40 // 100 == shares(desk)
    assert 39_900_000 < desk.units(desk.asset("USDC")) <= 40_000_000


async def test_stake_is_harvested_and_taken_out_again(desk: Desk, chain: RpcChain) -> None:
    desk.fund("1000", "VVS")
    model = ScriptedModel(calls(("unstake", {"amount": "250", "pool": "VVS"})), says("taken out"))
    async with trader(desk, chain, model=model) as agent:
        await payments_of(agent, await agent.run("stake 600 VVS in the VVS farm", mode="command"))
        staked = desk.has("VVS")
        desk.exchange.anvil.call("anvil_mine", "0xa")
        await payments_of(agent, await agent.run("harvest the VVS farm", mode="command"))
        harvested = desk.has("VVS")
        await payments_of(agent, await agent.run("Take 250 VVS out of the farm."))

    assert 400 * ETHER == staked < harvested
    assert 250 * ETHER <= desk.has("VVS") - harvested  # the rewards come with it
    [position] = await desk.connector.positions(desk.trader)
    assert 350 * ETHER == position.holds.atomic


ADDING = ("add_liquidity", {"amount_a": "100", "asset_a": "USDC", "asset_b": "CRO"})
STAKING = ("stake", {"amount": "600", "pool": "VVS"})


@pytest.mark.parametrize(
    ("before", "trade"),
    [
        (None, ("swap", {"amount": "100", "asset_in": "USDC", "asset_out": "CRO"})),
        (None, ADDING),
        (ADDING, ("remove_liquidity", {"asset_a": "USDC", "asset_b": "CRO", "percent": "100"})),
        (STAKING, ("unstake", {"amount": "600", "pool": "VVS"})),
    ],
)
async def test_trade_that_settled_unseen_is_told_as_done_and_not_made_again(
    desk: Desk, chain: RpcChain, before: tuple[str, Any] | None, trade: tuple[str, Any]
) -> None:
    """What a trade did cannot be quoted a second time: there is nothing left to take out."""
    desk.fund("100", "USDC")
    desk.fund("1000", "VVS")
    sessions = ForgetfulSessions()
    earlier = [] if before is None else [calls(before), says("done")]
    model = ScriptedModel(*earlier, calls(trade), says("traded"))
    async with trader(desk, chain, sessions=sessions, model=model) as agent:
        if before is not None:
            (await agent.run("Get ready.")).check()
        sessions.forgets = True
        failed = await agent.run("Trade.", session=(await agent.create_session()).id)
        sent = desk.exchange.anvil.call("eth_getTransactionCount", desk.trader, "latest")
        again = await agent.retry(failed.run.id)
        payments = await payments_of(agent, again)

    assert (AdapterError, ["done"]) == (type(failed.error), [step.status for step in again.steps]), again.text
    assert sent == desk.exchange.anvil.call("eth_getTransactionCount", desk.trader, "latest")
    assert (2 if trade is ADDING else 1) == len(payments)
