"""Commands without a model, from their words to money that moved in memory."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from paygent.core.errors import (
    CommandRefused,
    ConfigurationError,
    NoAcceptableRequirements,
    PaidUndelivered,
    PaygentError,
    PaymentOutcomeUnknown,
    PolicyDenied,
)
from paygent.core.events import RunEvent
from paygent.core.halt import Halt
from paygent.core.lifecycle import State
from paygent.core.money import usd
from paygent.core.run_errors import RunLimitReached, RunOver, SessionEnded, SessionNotFound, ToolRefused
from paygent.core.session import RunState
from paygent.orchestrator import RunLimits
from paygent.testing.keys import dev_accounts
from paygent.testing.seller import Reply
from tests.unit.orchestrator.world import URL, World

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def kinds(events: list[RunEvent]) -> list[str]:
    return [event.kind for event in events]


async def test_paying_a_url_moves_its_price_and_tells_what_was_bought() -> None:
    world = World()
    async with world.open() as agent:
        result = await agent.run(f"pay {URL}")

        assert (True, 1_000, 1) == (result.ok, world.spent, world.paid)
        assert '{"paid": true}' == result.data[0]["body"]
        assert RunState.COMPLETED is result.run.state
        assert result is result.check()


async def test_steps_are_done_in_order() -> None:
    world = World()
    async with world.open() as agent:
        result = await agent.run(f"check my balance and then pay {URL}")

    assert ["balance", "pay"] == [step.tool for step in result.steps]
    assert "999.999 USDC" not in result.steps[0].text
    assert "1000.00 USDC" in result.steps[0].text
    assert 1_000 == world.spent


async def test_failed_step_stops_the_rest() -> None:
    world = World()
    world.seller.replies.append(Reply(status=500, settle=False, claim="none"))
    async with world.open(proof_seconds=0.01) as agent:
        result = await agent.run(f"pay {URL} then pay {URL}?again=1")

    assert (False, ["failed", "skipped"]) == (result.ok, [step.status for step in result.steps])
    assert 1 == world.paid
    with pytest.raises(type(result.error) if result.error is not None else AssertionError):
        result.check()


@pytest.mark.parametrize(
    "later",
    [
        f"pay 0.0001 USDC for {URL}?dear=1",
        f"send 5 FOO to {dev_accounts()[1].address}",
        f"send 0.0000001 USDC to {dev_accounts()[1].address}",
    ],
)
async def test_plan_whose_later_step_would_be_refused_is_stopped_before_its_first_step(later: str) -> None:
    world = World()
    async with world.open() as agent:
        result = await agent.run(f"pay {URL} then {later}")

    assert (False, 0, []) == (result.ok, world.spent, world.seller.paid_requests)
    assert "so nothing was done" in result.text


async def test_payment_that_the_policy_denies_is_in_the_journal_and_not_made() -> None:
    world = World(policy=replace(World().policy, max_per_payment=usd("0.0005")))
    async with world.open() as agent:
        result = await agent.run(f"pay {URL}")
        payments = await agent.payments(result.run.session)

    assert isinstance(result.error, PolicyDenied)
    assert ([State.DENIED], 0) == ([payment.state for payment in payments], world.spent)


async def test_asset_that_was_asked_for_is_the_only_one_that_is_paid() -> None:
    world = World()
    async with world.open() as agent:
        refused = await agent.run(f"pay 0.10 USDT for {URL}")
        fine = await agent.run(f"pay 0.10 USDC for {URL}")

    assert isinstance(refused.error, ToolRefused)
    assert ("other_asset", True, 1_000) == (refused.error.code, fine.ok, world.spent)


async def test_ceiling_of_the_command_is_kept() -> None:
    world = World()
    async with world.open() as agent:
        result = await agent.run(f"pay 0.0009 USDC for {URL}")

    assert isinstance(result.error, PolicyDenied | NoAcceptableRequirements)
    assert 0 == world.spent


async def test_same_command_again_is_a_new_purchase() -> None:
    world = World()
    async with world.open() as agent:
        first, second = await agent.run(f"pay {URL}"), await agent.run(f"pay {URL}")

    assert first.run.id != second.run.id
    assert (2_000, 2) == (world.spent, world.paid)


async def test_events_tell_the_run_in_order_and_are_replayed_the_same() -> None:
    world = World()
    async with world.open() as agent:
        session = await agent.create_session("shopping")
        told = [event async for event in agent.stream(f"pay {URL}", session=session.id)]
        again = list(await agent.events(session.id))

        assert ["tool_call", "tool_result", "complete"] == kinds(told)
        assert told == again
        assert [1, 2, 3] == [event.sequence for event in told]
        assert told[1:] == list(await agent.events(session.id, after=1))


async def test_plan_of_several_steps_is_told_as_todos() -> None:
    world = World()
    async with world.open() as agent:
        told = [event async for event in agent.stream(f"check my balance then pay {URL}")]

    assert ["thinking", "tool_call", "tool_result", "tool_call", "tool_result", "complete"] == kinds(told)
    first: Any = told[0].facts
    last: Any = told[-1].facts
    assert ["pending", "pending"] == [todo["status"] for todo in first["todos"]]
    assert ["done", "done"] == [todo["status"] for todo in last["data"]["todos"]]


async def test_command_that_is_not_understood_leaves_nothing_behind() -> None:
    world = World()
    async with world.open() as agent:
        with pytest.raises(CommandRefused):
            await agent.run("spend everything")
        with pytest.raises(ToolRefused, match="paygent-vvs has it: install plugins/paygent-vvs of the clone"):
            await agent.run("swap 10 CRO for USDC")
        with pytest.raises(ToolRefused, match="no plugin trades perpetuals or predictions yet"):
            await agent.run("Long 200 USDC BTC")
        with pytest.raises(ConfigurationError, match="from 1 to"):
            await agent.run(" ")

        assert () == (await agent.sessions()).sessions


async def test_url_with_credentials_is_refused_and_not_kept() -> None:
    world = World()
    async with world.open() as agent:
        with pytest.raises((ToolRefused, CommandRefused)) as refused:
            await agent.run("pay https://user:hunter2@seller.test/thing")

    assert "hunter2" not in str(refused.value)
    assert [] == world.seller.requests


async def test_session_that_has_ended_takes_no_command() -> None:
    world = World()
    async with world.open() as agent:
        session = await agent.create_session()
        await agent.end_session(session.id)
        with pytest.raises(SessionEnded):
            await agent.run(f"pay {URL}", session=session.id)
        with pytest.raises(SessionNotFound):
            await agent.run(f"pay {URL}", session="ses_none")

    assert 0 == world.spent


async def test_plan_that_its_budget_does_not_cover_is_not_begun() -> None:
    world = World()
    async with world.open(limits=RunLimits(spend=usd("0.0015"))) as agent:
        result = await agent.run(f"pay {URL} and then pay {URL}?again=1")
        more = await agent.run(f"pay {URL}")

    assert ["pending", "pending"] == [step.status for step in result.steps]
    assert "so nothing was done: the budget" in result.text
    assert (True, 1_000) == (more.ok, world.spent)


async def test_plan_is_not_begun_whose_later_step_this_wallet_cannot_do() -> None:
    world = World()  # it signs authorizations, and no transactions
    async with world.open() as agent:
        result = await agent.run(f"pay {URL} and then send 0.001 USDC to {dev_accounts()[1].address}")

    assert (False, 0) == (result.ok, world.spent)
    assert "so nothing was done: cannot send transactions" in result.text


async def test_halted_session_does_nothing() -> None:
    world = World()
    async with world.open() as agent:
        session = await agent.create_session()
        await world.journal.halt(Halt(scope=f"session:{session.id}", by="ann", reason="odd", at=1))
        result = await agent.run(f"pay {URL}", session=session.id)

    assert (False, 0, []) == (result.ok, world.spent, world.seller.requests)
    assert "halted" in result.text


async def test_calls_of_a_run_are_limited() -> None:
    world = World()
    async with world.open(limits=RunLimits(calls=1)) as agent:
        result = await agent.run(f"check my balance then pay {URL}")

    assert "1 calls" in result.text
    assert 0 == world.spent


async def test_log_and_summary_say_what_was_called_and_what_it_cost() -> None:
    world = World()
    async with world.open() as agent:
        session = await agent.create_session()
        await agent.run(f"pay {URL}", session=session.id)
        await agent.run(f"pay 0.0001 USDC for {URL}", session=session.id)
        log, summary = await agent.log(session.id), await agent.summary(session.id)

    assert [("pay", True), ("pay", False)] == [(each.tool, each.ok) for each in log]
    assert {"url": URL} == log[0].arguments
    assert ["1000"] == [cost["atomic"] for cost in log[0].cost]
    assert log[0].milliseconds is not None
    assert (2, 1, 50, {"pay": 2}) == (summary.calls, summary.succeeded, summary.success_percent, summary.tools)
    assert ["0.001 USDC"] == [str(amount) for amount in summary.settled]
    assert {"COMPLETED": 1, "FAILED": 1} == summary.runs


@pytest.mark.parametrize(
    ("reply", "error", "state", "summed"),
    [
        (Reply(status=500), PaidUndelivered, State.SETTLED, ("settled", "0.001 USDC")),
        (Reply(status=500, settle=False, claim="none"), PaymentOutcomeUnknown, None, ("unsettled", "0.001 USDC")),
    ],
)
async def test_log_keeps_what_a_failed_call_has_paid_and_how_long_it_took(
    reply: Reply, error: type[PaygentError], state: State | None, summed: tuple[str, str]
) -> None:
    world = World()
    world.seller.replies.append(reply)
    async with world.open(proof_seconds=0.1) as agent:
        result = await agent.run(f"pay {URL}")
        (logged,) = await agent.log(result.run.session)
        (payment,) = await agent.payments(result.run.session)
        summary = await agent.summary(result.run.session)

    assert error is type(result.error)
    assert (False, (payment.id,), ["1000"]) == (logged.ok, logged.payments, [cost["atomic"] for cost in logged.cost])
    assert state in (None, payment.state)
    assert [summed[1]] == [str(amount) for amount in getattr(summary, summed[0])]
    assert logged.milliseconds is not None
    assert 0 < logged.milliseconds < 60_000


@pytest.mark.parametrize(("settle", "error"), [(True, PaidUndelivered), (False, PaymentOutcomeUnknown)])
async def test_paid_answer_that_cannot_be_decoded_is_not_told_as_unpaid(
    settle: bool, error: type[PaygentError]
) -> None:
    """The client breaks on it above the payment, with the very errors that an unreachable seller ends in."""
    world = World()
    world.seller.replies.append(Reply(headers=(("content-encoding", "gzip"),), body=b"no gzip", settle=settle))
    async with world.open(proof_seconds=0.1) as agent:
        result = await agent.run(f"pay {URL}")
        (payment,) = await agent.payments(result.run.session)

    assert (error, payment.id) == (type(result.error), None if result.error is None else result.error.payment_id)


async def test_log_of_a_call_that_was_refused_has_its_payment_and_no_cost() -> None:
    world = World(policy=replace(World().policy, max_per_payment=usd("0.0005")))
    async with world.open() as agent:
        result = await agent.run(f"pay {URL}")
        (logged,) = await agent.log(result.run.session)
        (payment,) = await agent.payments(result.run.session)

    assert (False, (payment.id,), ()) == (logged.ok, logged.payments, logged.cost)


async def test_session_remembers_commands_and_results_in_another_process() -> None:
    world = World()
    async with world.open() as agent:
        session = await agent.create_session()
        await agent.run(f"pay {URL}", session=session.id)
    async with world.open() as agent:
        found = await agent.recall(session.id, "PAID usdc")

        assert ["result"] == [memory.kind for memory in found]
        assert [f"pay {URL}"] == [memory.text for memory in await agent.recall(session.id, kinds=["command"])]


async def test_run_that_failed_is_retried_at_its_step_under_its_own_id() -> None:
    world = World()
    session = None
    async with world.open(limits=RunLimits(spend=usd("0.0005"))) as agent:
        await world.journal.halt(Halt(scope="everything", by="ann", reason="odd", at=1))
        session = await agent.create_session()
        failed = await agent.run(f"check my balance then pay {URL}", session=session.id, limits=RunLimits())
        await world.journal.lift("everything", by="ann", reason="fine", at=2)
        again = await agent.retry(failed.run.id)

    assert (False, True, failed.run.id) == (failed.ok, again.ok, again.run.id)
    assert (1_000, ["done", "done"]) == (world.spent, [step.status for step in again.steps])


async def test_only_a_failed_run_is_retried_and_only_a_running_one_resumed() -> None:
    world = World()
    async with world.open() as agent:
        done = await agent.run(f"pay {URL}")
        with pytest.raises(RunOver):
            await agent.retry(done.run.id)
        with pytest.raises(RunOver):
            await agent.resume(done.run.id)

    assert 1_000 == world.spent


class Drops(httpx.AsyncBaseTransport):
    """A seller that settles, and whose answer comes drop by drop for ever."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        return response if response.status_code == 402 else httpx.Response(200, stream=Endless())


class Endless(httpx.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.02)
            yield b"."


async def test_paid_answer_that_never_ends_is_ended_by_the_limit_of_seconds_and_its_payment_named() -> None:
    world = World()
    async with world.open(
        transport=Drops(httpx.MockTransport(world.seller)), limits=RunLimits(seconds=1), proof_seconds=0.1
    ) as agent:
        async with asyncio.timeout(20):
            result = await agent.run(f"pay {URL}")
        (payment,) = await agent.payments(result.run.session)
        (logged,) = await agent.log(result.run.session)

    assert isinstance(result.error, RunLimitReached)
    assert (payment.id, (payment.id,)) == (result.error.payment_id, logged.payments)
    assert payment.id in result.text
    assert 1_000 == world.spent


async def test_mode_that_is_none_is_refused_before_anything_is_written_down() -> None:
    world = World()
    async with world.open() as agent:
        session = await agent.create_session()
        with pytest.raises(ConfigurationError, match="'command' or 'model'"):
            await agent.run(f"pay {URL}", session=session.id, mode="bogus")  # type: ignore[arg-type]

        assert [] == list(await agent.runs(session.id))


async def test_page_of_no_events_is_refused() -> None:
    async with World().open() as agent:
        session = await agent.create_session()
        with pytest.raises(ConfigurationError, match="at least 1"):
            await agent.events(session.id, limit=-1)


async def test_session_with_a_run_that_waits_for_people_does_not_end() -> None:
    world = World(policy=replace(World().policy, approve_above=usd("0.0005")))
    async with world.open() as agent:
        session = await agent.create_session()
        waits = await agent.run(f"pay {URL}", session=session.id)
        with pytest.raises(RunOver, match="cancel it"):
            await agent.end_session(session.id)
        await agent.cancel(waits.run.id)

        assert (await agent.end_session(session.id)).ended_at is not None


async def test_tools_that_are_not_allowed_are_not_there() -> None:
    world = World()
    async with world.open(allow=["balance"]) as agent:
        with pytest.raises(ToolRefused, match="no such tool"):
            await agent.run(f"pay {URL}")
    with pytest.raises(ConfigurationError, match="no tools swap"):
        async with world.open(allow=["swap"]):
            pass
