"""Asking a function for approval."""

import threading
from typing import Any

import anyio
import pytest

from paygent.adapters.callback import CallbackApprovals
from paygent.adapters.queue import StoredApprovals
from paygent.core.approval import ApprovalDecision, ApprovalRequest
from paygent.core.errors import ConfigurationError
from paygent.core.ids import ApprovalId, PaymentId
from paygent.testing.clock import START, VirtualClock

pytestmark = pytest.mark.anyio

REQUEST = ApprovalRequest(
    id=ApprovalId("apr_1"),
    payment_id=PaymentId("pay_1"),
    facts={"amount": "12 USDC"},
    needed=1,
    created_at=START,
    expires_at=START + 60,
)


@pytest.mark.parametrize("granted", [True, False])
async def test_a_function_answers_in_the_approver_s_name(granted: bool) -> None:
    handler = CallbackApprovals(lambda _: granted, approver="ada", clock=VirtualClock())

    assert ApprovalDecision(approver="ada", granted=granted, digest=REQUEST.digest, at=START) == await handler.ask(
        REQUEST
    )


async def test_a_coroutine_function_is_awaited() -> None:
    async def ask(request: ApprovalRequest) -> bool:
        await anyio.lowlevel.checkpoint()
        return request is REQUEST

    said = await CallbackApprovals(ask, approver="ada", clock=VirtualClock()).ask(REQUEST)

    assert said is not None
    assert said.granted


async def test_a_blocking_function_blocks_a_worker_thread_only() -> None:
    released = threading.Event()
    handler = CallbackApprovals(lambda _: released.wait(10), approver="ada", clock=VirtualClock())
    said: list[ApprovalDecision | None] = []

    async def ask() -> None:
        said.append(await handler.ask(REQUEST))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        await anyio.sleep(0.01)
        released.set()

    assert [True] == [each.granted for each in said if each is not None]


async def test_a_decision_of_somebody_else_is_passed_on() -> None:
    decision = ApprovalDecision(approver="bob", granted=True, digest=REQUEST.digest, at=START, reason="agreed")

    assert decision is await CallbackApprovals(lambda _: decision, approver="ada").ask(REQUEST)


async def test_none_leaves_the_request_waiting() -> None:
    assert await CallbackApprovals(lambda _: None, approver="ada").ask(REQUEST) is None


@pytest.mark.parametrize("answer", [1, "yes", 0, object()])
async def test_ask_refuses_when_the_answer_is_none(answer: Any) -> None:
    with pytest.raises(ConfigurationError, match="returns True, False, an ApprovalDecision or None, not"):
        await CallbackApprovals(lambda _: answer, approver="ada").ask(REQUEST)


async def test_what_the_function_raises_is_raised() -> None:
    def broken(_: ApprovalRequest) -> bool:
        raise OSError("no network")

    with pytest.raises(OSError, match="no network"):
        await CallbackApprovals(broken, approver="ada").ask(REQUEST)


async def test_the_machine_s_clock_is_taken_where_none_is_given() -> None:
    said = await CallbackApprovals(lambda _: True, approver="ada").ask(REQUEST)

    assert said is not None
    assert said.at > 1_700_000_000


async def test_a_callback_needs_the_name_of_an_approver() -> None:
    with pytest.raises(ConfigurationError, match="in whose name"):
        CallbackApprovals(lambda _: True, approver="")


async def test_the_storage_queue_asks_nobody() -> None:
    assert await StoredApprovals().ask(REQUEST) is None
