"""People who are asked here, and others who decide in the storage meanwhile."""

from collections.abc import Callable

import httpx
import pytest

from paygent.adapters.httpx import RESUME, AsyncPaymentTransport
from paygent.core.approval import ApprovalDecision, ApprovalRequest
from paygent.core.approval_errors import ApprovalPending, ApprovalRefused
from paygent.core.errors import DuplicatePurchase, LocalProtocolError
from paygent.core.money import usd
from paygent.engine.reserve import People
from paygent.policy.policy import Policy
from paygent.testing.engine import MemoryEngine, memory_engine

pytestmark = pytest.mark.anyio
URL = "http://seller.test/report"


def decision(request: ApprovalRequest, approver: str, *, granted: bool = True) -> ApprovalDecision:
    return ApprovalDecision(approver=approver, granted=granted, digest=request.digest, at=request.created_at)


class Slow:
    """Bob, who agrees in the end and after others have decided, or the payment was resumed."""

    def __init__(self) -> None:
        self.memory: MemoryEngine | None = None
        self.decides: Callable[[ApprovalRequest], list[ApprovalDecision]] = lambda _: []
        self.pays = False

    async def ask(self, request: ApprovalRequest) -> ApprovalDecision | None:
        assert self.memory is not None
        for each in self.decides(request):
            await self.memory.journal.decide(request.id, each)
        if self.pays:
            await buy(self.memory.restarted(), {RESUME: request.payment_id})
        return decision(request, "bob")


def asking(needed: int = 1) -> tuple[MemoryEngine, Slow]:
    bob = Slow()
    bob.memory = memory_engine(policy=Policy(approve_above=usd("0")), people=People(handler=bob, needed=needed))
    return bob.memory, bob


async def buy(memory: MemoryEngine, extensions: dict[str, object] | None = None) -> httpx.Response:
    transport = AsyncPaymentTransport(memory.engine, inner=httpx.MockTransport(memory.seller()))
    async with httpx.AsyncClient(transport=transport) as client:
        return await client.get(URL, extensions=extensions or {})


async def test_payment_goes_on_where_somebody_else_has_agreed_while_one_was_asked() -> None:
    memory, bob = asking()
    bob.decides = lambda request: [decision(request, "carol")]

    assert 200 == (await buy(memory)).status_code
    assert 1 == memory.transfers()


async def test_payment_is_refused_where_somebody_else_has_refused_while_one_was_asked() -> None:
    memory, bob = asking()
    bob.decides = lambda request: [decision(request, "carol", granted=False)]

    with pytest.raises(ApprovalRefused, match="is REFUSED by carol: no reason given; do without"):
        await buy(memory)
    assert 0 == memory.transfers()


async def test_payment_waits_on_where_who_is_asked_has_agreed_elsewhere_and_another_is_needed() -> None:
    memory, bob = asking(needed=2)
    bob.decides = lambda request: [decision(request, "Bob")]

    with pytest.raises(ApprovalPending):
        await buy(memory)


async def test_payment_is_made_already_where_another_process_went_on_while_one_was_asked() -> None:
    memory, bob = asking()
    bob.decides, bob.pays = lambda request: [decision(request, "carol")], True

    with pytest.raises(DuplicatePurchase):
        await buy(memory)
    assert 1 == memory.transfers()


async def test_decision_about_another_text_is_the_handler_s_mistake() -> None:
    class Mistaken:
        async def ask(self, request: ApprovalRequest) -> ApprovalDecision | None:
            return ApprovalDecision(approver="bob", granted=True, digest="0" * 64, at=request.created_at)

    memory = memory_engine(policy=Policy(approve_above=usd("0")), people=People(handler=Mistaken()))

    with pytest.raises(LocalProtocolError, match="is not about what approval"):
        await buy(memory)
