"""What becomes of a payment that the policy would rather make smaller: one suite for both clients."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial
from typing import Any

import anyio.to_thread
import httpx
import pytest

from paygent.adapters.httpx import PAYMENT
from paygent.client import Cheaper, SyncX402Client, X402Client
from paygent.client.downgrade import DOWNGRADED
from paygent.core.approval_errors import ApprovalPending
from paygent.core.context import Context
from paygent.core.errors import BudgetExceeded, IdempotencyConflict, LocalProtocolError, PolicyDenied
from paygent.core.lifecycle import Event, State
from paygent.core.money import usd
from paygent.core.verdict import Alternative, Downgrade
from paygent.engine.approvals import ApprovalDesk
from paygent.engine.portal import Portal
from paygent.policy.policy import Policy
from paygent.policy.terms import ServiceTerms
from paygent.testing.engine import MemoryEngine, memory_engine
from paygent.testing.keys import dev_accounts

pytestmark = pytest.mark.anyio
HOST = "http://seller.test"
CHEAP, SUMMARY, FEWER = (
    Alternative(kind="service", value="cheap"),
    Alternative(kind="mode", value="summary"),
    Alternative(kind="quantity", value="2"),
)
PRICES = {"/deep": 50_000, "/summary": 40_000, "/cheap": 10_000, "/two": 20_000}
Send = Callable[..., Any]


def terms(service: str, price: str, *alternatives: Alternative) -> ServiceTerms:
    provider = dev_accounts()[1].address
    return ServiceTerms(id=service, unit_price=usd(price), provider=provider, verified=True, alternatives=alternatives)


def memory_of(*alternatives: Alternative, most: str = "0.02") -> MemoryEngine:
    services = (terms("deep", "0.05", *alternatives), terms("cheap", "0.01"))
    return memory_engine(policy=Policy(max_per_payment=usd(most), service_terms=services))


def shop(memory: MemoryEngine) -> Callable[[httpx.Request], httpx.Response]:
    sellers = {path: memory.seller(price=price, body=path.encode()) for path, price in PRICES.items()}
    return lambda request: sellers[request.url.path](request)


@pytest.fixture(params=["async", "sync"])
async def ask(request: pytest.FixtureRequest) -> AsyncIterator[Callable[[MemoryEngine], Send]]:
    """A function that makes the client's `request`, of either kind."""
    closing: list[Any] = []

    def make(memory: MemoryEngine) -> Send:
        transport = httpx.MockTransport(shop(memory))
        if request.param == "async":
            client = X402Client(memory.engine, transport=transport)
            closing.append(client.aclose)
            return client.request
        portal = Portal()
        blocking = SyncX402Client(memory.engine, portal=portal, transport=transport)
        closing.extend(
            [partial(anyio.to_thread.run_sync, blocking.close), partial(anyio.to_thread.run_sync, portal.close)]
        )
        return lambda *args, **options: anyio.to_thread.run_sync(partial(blocking.request, *args, **options))

    yield make
    for close in closing:
        await close()


def url_of(alternative: Alternative) -> str:
    return f"{HOST}/{'two' if alternative.kind == 'quantity' else alternative.value}"


DEEP = Context(service="deep")


async def test_alternative_is_paid_in_place_of_what_is_too_much(ask: Callable[[MemoryEngine], Send]) -> None:
    memory = memory_of(CHEAP)

    response = await ask(memory)("GET", f"{HOST}/deep", context=DEEP, downgrade=url_of)

    payment = response.extensions[PAYMENT].payment
    assert (b"/cheap", (CHEAP,)) == (response.content, response.extensions[DOWNGRADED])
    assert ("cheap", 10_000) == (payment.context.service, payment.intent.amount.atomic)
    assert (1, 10_000) == (memory.transfers(), memory.moved())


async def test_log_says_what_was_downgraded_and_superseded(ask: Callable[[MemoryEngine], Send]) -> None:
    memory = memory_of(CHEAP)
    await ask(memory)("GET", f"{HOST}/deep", context=DEEP, downgrade=url_of)

    paid, first = await memory.payments()
    rows = [row.facts for row in await memory.journal.entries() if row.kind == "payment"]

    assert (State.SUPERSEDED, Event.REPLACED) == (first.state, first.history[-1].event)
    assert ("SUPERSEDED", first.id) == (rows[0]["state"], rows[0]["payment"])
    assert rows[0]["note"].startswith("DOWNGRADED to service cheap: 0.05 USDC is above")
    assert "instead of what was DOWNGRADED to service cheap" == rows[1]["note"]
    assert (paid.id, rows[1]["payment"]) == (rows[1]["payment"], paid.id)


async def test_alternative_meets_the_whole_policy_again(ask: Callable[[MemoryEngine], Send]) -> None:
    """The summary is too dear as well, and what was tried is not offered again."""
    memory = memory_of(SUMMARY, CHEAP)
    asked: list[Alternative] = []

    def follow(alternative: Alternative) -> str:
        asked.append(alternative)
        return url_of(alternative)

    response = await ask(memory)("GET", f"{HOST}/deep", context=DEEP, downgrade=follow)

    assert [SUMMARY, CHEAP] == asked
    assert ((SUMMARY, CHEAP), b"/cheap") == (response.extensions[DOWNGRADED], response.content)
    assert 2 == (await memory.states())[State.SUPERSEDED]


async def test_alternative_that_is_denied_too_is_not_paid(ask: Callable[[MemoryEngine], Send]) -> None:
    memory = memory_of(SUMMARY)

    with pytest.raises(PolicyDenied) as denied:
        await ask(memory)("GET", f"{HOST}/deep", context=DEEP, downgrade=url_of)

    assert not isinstance(denied.value.verdict, Downgrade)
    assert {State.SUPERSEDED: 1, State.DENIED: 1} == dict(await memory.states())
    assert 0 == memory.transfers()


@pytest.mark.parametrize("options", [{}, {"downgrade": None}, {"downgrade": lambda _: None}])
async def test_downgrade_is_a_denial_where_nobody_follows_it(
    options: dict[str, Any], ask: Callable[[MemoryEngine], Send]
) -> None:
    memory = memory_of(CHEAP)

    with pytest.raises(PolicyDenied) as denied:
        await ask(memory)("GET", f"{HOST}/deep", context=DEEP, **options)

    assert isinstance(denied.value.verdict, Downgrade)
    assert CHEAP == denied.value.verdict.alternative
    assert {State.SUPERSEDED: 1} == dict(await memory.states())


async def test_fewer_units_are_bought_with_a_new_body(ask: Callable[[MemoryEngine], Send]) -> None:
    memory = memory_engine(policy=Policy(max_per_payment=usd("0.02"), service_terms=(terms("deep", "0.01", FEWER),)))
    follow = lambda one: Cheaper(url=url_of(one), method="POST", json={"units": int(one.value)})  # noqa: E731

    response = await ask(memory)(
        "POST", f"{HOST}/deep", context=DEEP, quantity=5, json={"units": 5}, params={"old": "1"}, downgrade=follow
    )

    assert (b'{"units":2}', b"") == (response.request.content, response.request.url.query)
    assert (20_000, (FEWER,)) == (memory.moved(), response.extensions[DOWNGRADED])


async def test_answer_that_nothing_was_downgraded_for_says_nothing_of_it(ask: Callable[[MemoryEngine], Send]) -> None:
    memory = memory_of(CHEAP, most="1")

    response = await ask(memory)("GET", f"{HOST}/deep", context=DEEP, downgrade=url_of)

    assert (b"/deep", False) == (response.content, DOWNGRADED in response.extensions)


async def test_quantity_is_at_least_one(ask: Callable[[MemoryEngine], Send]) -> None:
    with pytest.raises(LocalProtocolError, match="at least one unit"):
        await ask(memory_of())("GET", f"{HOST}/deep", context=DEEP, quantity=0)


async def test_stream_follows_a_downgrade_too() -> None:
    memory = memory_of(CHEAP)
    client = X402Client(memory.engine, transport=httpx.MockTransport(shop(memory)))

    async with client, client.stream("GET", f"{HOST}/deep", context=DEEP, downgrade=url_of) as response:
        body = await response.aread()

    assert (b"/cheap", (CHEAP,)) == (body, response.extensions[DOWNGRADED])


def test_synchronous_stream_follows_a_downgrade_too() -> None:
    memory = memory_of(CHEAP)

    with (
        Portal() as portal,
        SyncX402Client(memory.engine, portal=portal, transport=httpx.MockTransport(shop(memory))) as client,
        client.stream("GET", f"{HOST}/deep", context=DEEP, downgrade=url_of) as response,
    ):
        body = response.read()

    assert (b"/cheap", (CHEAP,)) == (body, response.extensions[DOWNGRADED])


async def test_same_call_with_the_same_key_gives_the_same_payment(ask: Callable[[MemoryEngine], Send]) -> None:
    memory = memory_of(CHEAP)
    request = ask(memory)
    first = await request("GET", f"{HOST}/deep", context=DEEP, downgrade=url_of, idempotency_key="k")
    again = await request("GET", f"{HOST}/deep", context=DEEP, downgrade=url_of, idempotency_key="k")

    assert first.extensions[PAYMENT].id == again.extensions[PAYMENT].id
    assert (b"/cheap", (CHEAP,)) == (again.content, again.extensions[DOWNGRADED])
    assert (1, 2) == (memory.transfers(), len(await memory.payments()))


async def test_key_of_what_was_downgraded_is_still_of_one_call(ask: Callable[[MemoryEngine], Send]) -> None:
    memory = memory_of(CHEAP)
    request = ask(memory)
    await request("GET", f"{HOST}/deep", context=DEEP, downgrade=url_of, idempotency_key="k")

    with pytest.raises(IdempotencyConflict):
        await request("GET", f"{HOST}/summary", context=DEEP, downgrade=url_of, idempotency_key="k")

    assert 1 == memory.transfers()


async def test_key_finds_an_alternative_that_people_had_to_agree_to(ask: Callable[[MemoryEngine], Send]) -> None:
    memory = memory_of(CHEAP)
    memory = replace(memory, policy=replace(memory.policy, approve_above=usd("0.005"))).restarted()
    request, desk = ask(memory), ApprovalDesk(store=memory.journal, clock=memory.clock)
    with pytest.raises(ApprovalPending) as waiting:
        await request("GET", f"{HOST}/deep", context=DEEP, downgrade=url_of, idempotency_key="k")
    await desk.approve((await desk.pending()).requests[0].id, approver="ada")

    for _ in range(3):
        answer = await request("GET", f"{HOST}/deep", context=DEEP, downgrade=url_of, idempotency_key="k")
        assert (b"/cheap", waiting.value.payment_id) == (answer.content, answer.extensions[PAYMENT].id)
    assert 1 == memory.transfers()


class Empty:
    """What a storage answers of a moment before anybody paid."""

    def __init__(self, records: Any) -> None:
        self._records = records

    def __getattr__(self, name: str) -> Any:
        return getattr(self._records, name)

    def sums(self, windows: Any) -> Any:
        return dict.fromkeys(windows, 0)


async def test_budget_that_only_the_storage_found_used_up_is_a_downgrade(ask: Callable[[MemoryEngine], Send]) -> None:
    """Between the look at the sums and the reservation somebody else spends what was left."""
    services = (terms("deep", "0.05", CHEAP), terms("cheap", "0.01"))
    memory = memory_engine(policy=Policy(per_day=usd("0.06"), service_terms=services))
    look = memory.journal.look

    async def before_the_others(question: Callable[[Any], Any]) -> Any:
        return await look(lambda records: question(Empty(records)))

    memory.journal.look = before_the_others  # type: ignore[method-assign]
    request = ask(memory)
    await request("GET", f"{HOST}/deep", context=DEEP, new_purchase=True)

    response = await request("GET", f"{HOST}/deep", context=DEEP, downgrade=url_of, new_purchase=True)

    assert (b"/cheap", (CHEAP,), 60_000) == (response.content, response.extensions[DOWNGRADED], memory.moved())
    with pytest.raises(PolicyDenied) as denied:
        await request("GET", f"{HOST}/deep", context=DEEP, new_purchase=True)
    assert isinstance(denied.value.verdict, Downgrade)
    assert isinstance(denied.value.__cause__, BudgetExceeded)
