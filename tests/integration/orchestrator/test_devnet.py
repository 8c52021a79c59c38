"""Commands on a real chain: a seller that is paid, a pool that is traded with, people who are asked."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from paygent.core.errors import PolicyDenied
from paygent.core.ids import ApprovalId
from paygent.core.money import Amount, usd
from paygent.core.run_errors import ToolRefused
from paygent.devnet import Devnet
from paygent.engine.approvals import ApprovalDesk
from paygent.orchestrator import Orchestrator, RunLimits, SyncOrchestrator
from paygent.testing.keys import dev_accounts
from tests.integration.orchestrator.town import policy_of, settings_of, storage_in

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def net() -> Iterator[Devnet]:
    with Devnet() as devnet:
        yield devnet


async def test_sentence_of_the_main_job_swaps_and_pays(net: Devnet, tmp_path: Path) -> None:
    before, paid = net.balance(net.payer.address), net.balance(net.seller.payee)
    url = net.seller.url("/premium")
    async with Orchestrator.open(settings=settings_of(net, storage_in(tmp_path)), policy=policy_of(net)) as agent:
        told = [event async for event in agent.stream(f"Swap 10 dUSD to DEV and pay for the market data at {url}")]
        summary = await agent.summary(told[0].session)

    spent = before - net.balance(net.payer.address)
    assert "complete" == told[-1].kind, told[-1].facts
    assert (10_100_000, 100_000) == (spent, net.balance(net.seller.payee) - paid)
    assert [("subagent_start", "trader"), ("subagent_end", "trader")] == [
        (event.kind, event.agent) for event in told if event.kind.startswith("subagent")
    ]
    assert ["10.10 dUSD"] == [str(amount) for amount in summary.settled if amount.asset == net.asset]
    assert 100 == summary.success_percent


async def test_transfer_pays_whom_the_command_names_once(net: Devnet, tmp_path: Path) -> None:
    friend = dev_accounts()[-1].address
    before = net.balance(friend)
    async with Orchestrator.open(settings=settings_of(net, storage_in(tmp_path)), policy=policy_of(net)) as agent:
        result = await agent.run(f"send 2.5 dUSD to {friend} and then check my balance of dUSD")

    assert result.ok, result.text
    assert 2_500_000 == net.balance(friend) - before


async def test_swap_that_needs_a_person_is_done_after_they_agreed_in_another_process(
    net: Devnet, tmp_path: Path
) -> None:
    conduct = {"settings": settings_of(net, storage_in(tmp_path)), "policy": policy_of(net, approve_above=usd("1"))}
    before = net.balance(net.payer.address)
    async with Orchestrator.open(**conduct) as agent:  # type: ignore[arg-type]  # the names of its arguments
        waiting = await agent.run("swap 10 dUSD for DEV")
        assert (True, before) == (waiting.waiting, net.balance(net.payer.address)), waiting.text
        assert ["approval_required"] == [event.kind for event in await agent.events(waiting.run.session)]
    async with Orchestrator.open(**conduct) as agent:  # type: ignore[arg-type]
        desk = ApprovalDesk(store=agent.journal, clock=agent.clock)
        await desk.approve(ApprovalId(waiting.approvals[0]), approver="ann")
        done = await agent.resume(waiting.run.id)

    assert done.ok, done.text
    assert 10_000_000 == before - net.balance(net.payer.address)


async def test_nobody_is_asked_about_a_trade_that_the_day_has_no_room_for(net: Devnet, tmp_path: Path) -> None:
    policy = policy_of(net, approve_above=usd("8"), trade_per_day=usd("12"))
    async with Orchestrator.open(settings=settings_of(net, storage_in(tmp_path)), policy=policy) as agent:
        assert (await agent.run("swap 5 dUSD for DEV")).ok
        before = net.balance(net.payer.address)
        refused = await agent.run("swap 9 dUSD for DEV")
        waiting = [each async for each in ApprovalDesk(store=agent.journal, clock=agent.clock).all_pending()]

    assert isinstance(refused.error, PolicyDenied)
    assert ["budget_exhausted"] == [reason.code for reason in refused.error.verdict.reasons]
    assert ([], before) == (waiting, net.balance(net.payer.address))


async def test_trade_over_its_own_limit_is_refused_before_the_payment_beside_it(net: Devnet, tmp_path: Path) -> None:
    before = net.balance(net.payer.address)
    async with Orchestrator.open(settings=settings_of(net, storage_in(tmp_path)), policy=policy_of(net)) as agent:
        result = await agent.run(f"swap 101 dUSD for DEV and pay {net.seller.url('/premium')}")
        other = await agent.run("swap 1 dUSD for ETH")

    assert (False, ["failed", "skipped"], before) == (
        result.ok,
        [step.status for step in result.steps],
        net.balance(net.payer.address),
    )
    assert isinstance(other.error, ToolRefused)


async def test_what_a_trade_brings_in_is_paid_with_in_the_same_sentence(net: Devnet, tmp_path: Path) -> None:
    friend, coin, had = dev_accounts()[-1], net.exchange().coin, net.balance(net.payer.address)
    policy = policy_of(
        net,
        max_per_payment=usd("1000"),
        max_per_trade=Amount.parse("1", coin),
        trade_per_day=Amount.parse("5", coin),
        per_day=usd("2000"),
    )
    url, all_of_it = net.seller.url("/premium"), Amount(had, net.asset).to_decimal()
    async with Orchestrator.open(settings=settings_of(net, storage_in(tmp_path)), policy=policy) as agent:
        assert (await agent.run(f"send {all_of_it} dUSD to {friend.address}")).ok
        poor = await agent.run(f"check my balance of dUSD and pay {url}")
        rich = await agent.run(f"swap 0.5 DEV for dUSD and pay for the market data at {url}")

    assert (False, True) == (poor.ok, rich.ok), rich.text
    assert "so nothing was done: [insufficient_balance]" in poor.text
    assert net.balance(net.payer.address) > 4_000_000
    net.mint(net.payer.address, had)


@pytest.mark.parametrize("later", ["swap 60 dUSD for DEV", "send 11 dUSD to {friend}"])
async def test_plan_is_not_begun_whose_later_step_passes_a_limit(net: Devnet, tmp_path: Path, later: str) -> None:
    before = net.balance(net.payer.address)
    policy = policy_of(net, trade_per_day=usd("100"))
    async with Orchestrator.open(settings=settings_of(net, storage_in(tmp_path)), policy=policy) as agent:
        result = await agent.run(f"swap 50 dUSD for DEV then {later.format(friend=dev_accounts()[-1].address)}")

    assert (False, before) == (result.ok, net.balance(net.payer.address))
    assert "step 2" in result.text
    assert "would be refused, so nothing was done" in result.text


async def test_plan_is_not_begun_that_takes_more_than_there_is(net: Devnet, tmp_path: Path) -> None:
    before = net.balance(net.payer.address)
    most = Amount(before // 2 + 1, net.asset).to_decimal()
    each = f"send {most} dUSD to {dev_accounts()[-1].address}"
    policy = policy_of(net, max_per_payment=usd("1000"), per_day=usd("5000"))
    async with Orchestrator.open(settings=settings_of(net, storage_in(tmp_path)), policy=policy) as agent:
        result = await agent.run(f"{each} then {each}")

    assert (False, before) == (result.ok, net.balance(net.payer.address))
    assert "is needed, and the wallet would have" in result.text


def test_synchronous_orchestrator_pays_on_a_chain(net: Devnet, tmp_path: Path) -> None:
    before = net.balance(net.seller.payee)
    conduct = {"settings": settings_of(net, storage_in(tmp_path)), "policy": policy_of(net)}
    with SyncOrchestrator.open(**conduct, limits=RunLimits(spend=usd("1"))) as agent:  # type: ignore[arg-type]
        result = agent.run(f"pay 0.10 dUSD for {net.seller.url('/premium')}")

    assert result.ok, result.text
    assert 100_000 == net.balance(net.seller.payee) - before
