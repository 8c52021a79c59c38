"""The desk at which people decide."""

import json
from collections.abc import Sequence
from dataclasses import replace

import anyio
import pytest

from paygent.adapters.webhook import WebhookApprovals, signature
from paygent.core.approval import ApprovalDecision, ApprovalRequest, ApprovalState
from paygent.core.approval_errors import ApprovalLapsed, ApprovalRefused
from paygent.core.errors import ConfigurationError, LocalProtocolError
from paygent.core.ids import ApprovalId, PaymentId
from paygent.core.lifecycle import Event, State
from paygent.core.payment import Payment
from paygent.engine.approvals import ApprovalDesk
from paygent.ports.approval_store import ApprovalPage
from paygent.testing.clock import START, VirtualClock
from paygent.testing.conformance import payments
from paygent.testing.journal import MemoryJournal

pytestmark = pytest.mark.anyio


def waiting(number: int, *, needed: int = 1) -> ApprovalRequest:
    return ApprovalRequest(
        id=ApprovalId(f"apr_{number}"),
        payment_id=PaymentId(f"pay_{number}"),
        facts={"amount": f"{number} USDC"},
        needed=needed,
        created_at=START,
        expires_at=START + 60 * number,
    )


class Shelf:
    """As much of an `ApprovalStore` as a desk needs."""

    def __init__(self, requests: Sequence[ApprovalRequest]) -> None:
        self.requests = {request.id: request for request in requests}

    async def ask(self, payment: Payment, request: ApprovalRequest) -> ApprovalRequest:
        raise LocalProtocolError(f"a desk does not ask about {payment.id}: {request.id}")

    async def approval(self, approval_id: ApprovalId) -> ApprovalRequest | None:
        return self.requests.get(approval_id)

    async def approval_of(self, payment_id: PaymentId) -> ApprovalRequest | None:
        return next((each for each in self.requests.values() if each.payment_id == payment_id), None)

    async def pending(self, *, now: int, after: str | None = None, limit: int = 50) -> ApprovalPage:
        open_ones = [each for each in self.requests.values() if each.at(now).state is ApprovalState.PENDING]
        start = 0 if after is None else int(after)
        end = start + limit
        return ApprovalPage(requests=tuple(open_ones[start:end]), next=str(end) if end < len(open_ones) else None)

    async def decide(self, approval_id: ApprovalId, decision: ApprovalDecision) -> ApprovalRequest:
        self.requests[approval_id] = self.requests[approval_id].decided(decision)
        return self.requests[approval_id]


def desk(*requests: ApprovalRequest, later: int = 0) -> ApprovalDesk:
    return ApprovalDesk(store=Shelf(requests), clock=VirtualClock(START + later))


async def test_pending_lists_what_waits_now() -> None:
    page = await desk(waiting(1), waiting(2), later=60).pending()

    assert (waiting(2),) == page.requests
    assert page.next is None


async def test_all_pending_goes_through_every_page() -> None:
    requests = [waiting(number) for number in range(1, 121)]

    assert requests == [request async for request in desk(*requests).all_pending()]


async def test_show_returns_the_request_as_it_stands() -> None:
    assert waiting(1) == await desk(waiting(1)).show(ApprovalId("apr_1"))
    assert replace(waiting(1), state=ApprovalState.LAPSED) == await desk(waiting(1), later=60).show(ApprovalId("apr_1"))


async def test_show_refuses_when_there_is_no_such_request() -> None:
    with pytest.raises(ConfigurationError, match="no request for approval 'apr_9'"):
        await desk().show(ApprovalId("apr_9"))


async def test_approve_writes_down_who_agreed_to_what_and_when() -> None:
    granted = await desk(waiting(1), later=7).approve(ApprovalId("apr_1"), approver="ada", reason="fine")

    said = ApprovalDecision(approver="ada", granted=True, digest=waiting(1).digest, at=START + 7, reason="fine")
    assert (ApprovalState.GRANTED, (said,)) == (granted.state, granted.decisions)


async def test_reject_refuses_the_request() -> None:
    refused = await desk(waiting(1, needed=2)).reject(ApprovalId("apr_1"), approver="ada", reason="no")

    assert ApprovalState.REFUSED is refused.state
    assert ["no"] == [said.reason for said in refused.decisions]


async def test_approve_needs_as_many_people_as_the_request_says() -> None:
    both = desk(waiting(1, needed=2))

    assert ApprovalState.PENDING is (await both.approve(ApprovalId("apr_1"), approver="ada")).state
    with pytest.raises(ApprovalRefused, match="decided about approval apr_1 already"):
        await both.approve(ApprovalId("apr_1"), approver="ada")
    assert ApprovalState.GRANTED is (await both.approve(ApprovalId("apr_1"), approver="bob")).state


async def test_approve_refuses_when_the_approver_saw_something_else() -> None:
    with pytest.raises(LocalProtocolError, match="not about what approval apr_1 shows"):
        await desk(waiting(1)).approve(ApprovalId("apr_1"), approver="ada", digest=waiting(2).digest)


async def test_approve_refuses_when_the_time_is_over() -> None:
    with pytest.raises(ApprovalLapsed, match="ended at"):
        await desk(waiting(1), later=60).approve(ApprovalId("apr_1"), approver="ada")


@pytest.mark.parametrize(("approver", "reason"), [("", ""), ("a\nb", ""), ("ada", "\x1b[2J")])
async def test_approve_refuses_when_nobody_is_named_in_plain_words(approver: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match="the name of who decides"):
        await desk(waiting(1)).approve(ApprovalId("apr_1"), approver=approver, reason=reason)


async def test_decide_takes_the_time_of_this_process_and_a_decision_once() -> None:
    at_desk = desk(waiting(1, needed=2), later=7)
    said = ApprovalDecision(approver="ada", granted=True, digest=waiting(1, needed=2).digest, at=1)

    once = await at_desk.decide(ApprovalId("apr_1"), said)
    with pytest.raises(ApprovalRefused):
        await at_desk.decide(ApprovalId("apr_1"), said)

    assert [START + 7] == [each.at for each in once.decisions]
    assert once == await at_desk.show(ApprovalId("apr_1"))


# --- with a real store ----------------------------------------------------------------------------------------------


async def stored(*, needed: int = 1) -> tuple[MemoryJournal, ApprovalRequest]:
    """Return a journal in which one payment waits, and what it waits for."""
    journal, approved = MemoryJournal(), payments.approved()
    proposed = replace(approved, state=State.PROPOSED, version=0, history=())
    request = ApprovalRequest(
        id=ApprovalId("apr_" + "0" * 32),
        payment_id=proposed.id,
        facts={"amount": str(approved.intent.amount), "intent": approved.intent.digest.hex()},
        needed=needed,
        created_at=START,
        expires_at=START + 60,
    )
    return journal, await journal.ask(proposed.move(Event.APPROVAL_NEEDED, at=START), request)


@pytest.mark.parametrize("granted", [True, False])
@pytest.mark.parametrize("needed", [1, 2])
async def test_a_webhook_s_decision_that_is_replayed_changes_nothing(granted: bool, needed: int) -> None:
    journal, request = await stored(needed=needed)
    webhook = WebhookApprovals("https://hooks.example/", secret=b"a shared secret of some length", clock=VirtualClock())
    said = {"approval": request.id, "approver": "ada", "digest": request.digest, "granted": granted}
    body = json.dumps(said).encode()
    headers = {
        "Paygent-Timestamp": str(START),
        "Paygent-Signature": signature(b"a shared secret of some length", "decision", START, body),
    }
    at_desk = ApprovalDesk(store=journal, clock=VirtualClock())

    brought = webhook.decision(body, headers)
    once = await at_desk.decide(brought.approval_id, brought.decision)
    rows = await journal.entries()
    with pytest.raises((ApprovalRefused, LocalProtocolError)):
        await at_desk.decide(brought.approval_id, webhook.decision(body, headers).decision)

    assert once == await at_desk.show(request.id)
    assert rows == await journal.entries()
    assert 1 == len(once.decisions)


async def test_two_people_who_decide_at_once_are_both_heard() -> None:
    journal, request = await stored(needed=2)
    at_desk = ApprovalDesk(store=journal, clock=VirtualClock())

    async def approve(approver: str) -> None:
        await at_desk.approve(request.id, approver=approver)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(approve, "ada")
        tasks.start_soon(approve, "bob")

    assert ApprovalState.GRANTED is (await at_desk.show(request.id)).state
