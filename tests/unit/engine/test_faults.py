"""Whatever goes wrong at whichever await: one transfer at most, no second authorization, and the books agree."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count

import anyio
import httpx
import pytest

from paygent.adapters.httpx import KEY, AsyncPaymentTransport
from paygent.core.errors import (
    ConfigurationError,
    DuplicatePurchase,
    PaidUndelivered,
    PaymentNotAttempted,
    PaymentOutcomeUnknown,
)
from paygent.core.lifecycle import FREED, State
from paygent.engine import handle, pay, shielded
from paygent.testing.engine import MemoryEngine, memory_engine
from paygent.testing.faults import Crash, FaultKind, FaultPlan, FaultyTransport
from paygent.testing.seller import MemorySeller, Reply

pytestmark = pytest.mark.anyio
URL = "http://seller.test/thing"
PRICE = 1_000
_CALLS_AT_MOST = 200


@dataclass
class World:
    """One wallet, one seller, one plan."""

    memory: MemoryEngine
    seller: MemorySeller
    plan: FaultPlan
    ended: BaseException | None = None
    responses: list[httpx.Response] = field(default_factory=list)
    sent_before: int = 0
    """How many paid requests there were before the request that ended."""

    async def get(self, *, method: str = "GET", key: str | None = None, url: str = URL) -> None:
        self.sent_before = len(self.seller.paid_requests)
        inner = FaultyTransport(httpx.MockTransport(self.seller), self.plan)
        extensions = {} if key is None else {KEY: key}
        async with httpx.AsyncClient(transport=AsyncPaymentTransport(self.memory.engine, inner=inner)) as client:
            content = b"{}" if method == "POST" else None
            self.responses.append(await client.request(method, url, content=content, extensions=extensions))
            handle_ = self.responses[-1].extensions["paygent.payment"]
            await handle_.settled(timeout_seconds=0)


async def plain_get(world: World) -> None:
    await world.get()


async def post(world: World) -> None:
    await world.get(method="POST")


async def keyed(world: World) -> None:
    await world.get(key="one")


async def reply_lost(world: World) -> None:
    world.seller.replies.append(Reply(lose=httpx.ReadError("gone")))
    await world.get()


async def reply_lost_to_post(world: World) -> None:
    world.seller.replies.append(Reply(lose=httpx.ReadError("gone")))
    await world.get(method="POST")


async def cut_body(world: World) -> None:
    world.seller.replies.append(Reply(cut=True))
    await world.get()


async def refused_after_paying(world: World) -> None:
    world.seller.replies.append(Reply(settle=False, status=402, claim="failed"))
    await world.get()


async def key_after_loss(world: World) -> None:
    """The caller's first try ends unknown; its second sends the same bytes."""
    world.seller.replies.append(Reply(lose=httpx.ReadError("gone")))
    with pytest.raises((PaymentOutcomeUnknown, PaidUndelivered)):
        await world.get(method="POST", key="one")
    await world.get(method="POST", key="one")


async def redirected_after_paying(world: World) -> None:
    world.seller.replies.append(Reply(status=307, headers=(("location", "/other"),)))
    inner = FaultyTransport(httpx.MockTransport(world.seller), world.plan)
    transport = AsyncPaymentTransport(world.memory.engine, inner=inner)
    async with httpx.AsyncClient(transport=transport, follow_redirects=True) as client:
        world.responses.append(await client.get(URL))


async def permit2(world: World) -> None:
    world.seller.method = "permit2"
    await world.get()


FLOWS: dict[str, Callable[[World], Awaitable[None]]] = {
    flow.__name__: flow
    for flow in (
        plain_get,
        post,
        keyed,
        reply_lost,
        reply_lost_to_post,
        cut_body,
        refused_after_paying,
        key_after_loss,
        redirected_after_paying,
        permit2,
    )
}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits are as short as they can be; their lengths are tested elsewhere."""
    monkeypatch.setattr(pay, "RESEND_DELAY_SECONDS", 0)
    monkeypatch.setattr(shielded, "WRITE_SECONDS", 0.01)
    monkeypatch.setattr(handle, "_FIRST_LOOK_SECONDS", 0.001)


async def run(flow: Callable[[World], Awaitable[None]], kind: FaultKind, at: int | None) -> World:
    plan = FaultPlan(kind=kind, at=at)
    memory = memory_engine(plan=plan)
    world = World(memory=memory, seller=memory.seller(price=PRICE), plan=plan)
    with anyio.fail_after(10):
        with anyio.CancelScope() as scope:
            plan.scope = scope
            try:
                await flow(world)
            except Exception as error:  # noqa: BLE001  the test judges every kind
                world.ended = error
    return world


def _check_meaning(world: World) -> None:
    """An error says no more and no less than what happened."""
    error, sent = world.ended, len(world.seller.paid_requests) - world.sent_before
    if isinstance(error, PaymentNotAttempted):
        assert sent == 0
    elif isinstance(error, PaidUndelivered):
        assert world.memory.transfers() == 1
        assert error.receipt.proven
    elif isinstance(error, PaymentOutcomeUnknown):
        assert world.memory.signer.signed
    elif isinstance(error, httpx.TransportError):
        assert sent == 0
    else:
        assert error is None or isinstance(error, Crash), repr(error)


def _check_signatures(world: World) -> None:
    """Whatever was signed for one wish is one message, however often."""
    distinct: list[object] = []
    for data in world.memory.signer.signed:
        if data not in distinct:
            distinct.append(data)
    assert len(distinct) <= 1


async def _check_books(memory: MemoryEngine) -> None:
    assert memory.held() == await memory.owed()


async def _check_end(world: World) -> None:
    """Once every authorization has expired, a new process knows the truth about each payment."""
    moved_before = world.memory.moved()
    memory = await world.memory.end()

    payments = await memory.payments()
    assert all(payment.over for payment in payments)
    assert moved_before == memory.moved()
    settled = [payment for payment in payments if payment.state is State.SETTLED]
    assert memory.transfers() == len(settled)
    assert (0, memory.moved()) == memory.held()
    assert all(payment.alarm is None for payment in payments)
    assert {payment.state for payment in payments} <= FREED | {State.SETTLED}


@pytest.mark.parametrize("kind", list(FaultKind), ids=str)
@pytest.mark.parametrize("flow", FLOWS)
async def test_fault_at_every_await_never_pays_twice(flow: str, kind: FaultKind) -> None:
    """One transfer at most, one authorization at most, budget held while unresolved, a typed end, honest books."""
    for at in count():
        assert at < _CALLS_AT_MOST
        world = await run(FLOWS[flow], kind, at)
        where = f"{kind} at {at}: {world.plan.calls[at] if world.plan.fired else 'nowhere'}"
        try:
            assert world.memory.transfers() <= 1
            _check_signatures(world)
            _check_meaning(world)
            await _check_books(world.memory)
            await _check_end(world)
        except Exception as error:
            error.add_note(f"{where}; ended {world.ended!r}; calls {world.plan.calls}")
            raise
        if not world.plan.fired:
            assert at > 10
            break


@pytest.mark.parametrize("kind", list(FaultKind), ids=str)
async def test_retry_with_the_same_key_pays_once_whatever_went_wrong(kind: FaultKind) -> None:
    """A caller who tries again with its idempotency key, in the same process or a new one, pays once."""
    for at in count():
        world = await run(keyed, kind, at)
        again = world.memory.restarted()
        transport = AsyncPaymentTransport(again.engine, inner=httpx.MockTransport(world.seller))
        async with httpx.AsyncClient(transport=transport) as client:
            with suppress(DuplicatePurchase):  # the first try holds the key until its lease is over
                response = await client.get(URL, extensions={KEY: "one"})
                assert 200 == response.status_code

        assert again.transfers() <= 1
        await _check_books(again)
        assert (0, again.moved()) == (await again.end()).held()
        if not world.plan.fired:
            assert at > 10
            break


async def test_configuration_errors_name_what_is_missing() -> None:
    """Reconciling a payment that nobody made is a mistake of the caller."""
    memory = memory_engine()

    with pytest.raises(ConfigurationError, match="has no payment"):
        await memory.engine.reconciler.reconcile("pay_0")  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [FaultKind.CANCEL_BEFORE, FaultKind.CANCEL_AFTER, FaultKind.HANG_BEFORE], ids=str)
async def test_delivery_is_written_down_although_the_caller_is_cancelled_meanwhile(kind: FaultKind) -> None:
    """The third write of a purchase, after its reservation and its signature; else buying it again would be refused."""
    calls = (await run(plain_get, kind, None)).plan.calls
    delivery = [at for at, call in enumerate(calls) if call == "journal.append"][1]

    world = await run(plain_get, kind, delivery)

    assert [] == world.responses
    assert [True] == [payment.delivered for payment in await world.memory.payments()]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_delivery_is_written_down_although_asyncio_gives_up() -> None:
    """Asyncio's own timeouts know no shield."""
    calls = (await run(plain_get, FaultKind.HANG_BEFORE, None)).plan.calls
    delivery = [at for at, call in enumerate(calls) if call == "journal.append"][1]
    memory = memory_engine(plan=FaultPlan(kind=FaultKind.HANG_BEFORE, at=delivery))
    world = World(memory=memory, seller=memory.seller(price=PRICE), plan=memory.plan)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(plain_get(world), 0.05)

    assert [True] == [payment.delivered for payment in await memory.payments()]
