"""Services of a registry: bought by any of their names, always counted as the one that they are, and discovered."""

from dataclasses import replace
from typing import Any

import pytest

from paygent.core.errors import BudgetExceeded, PaymentNotAttempted, PolicyDenied
from paygent.core.money import Amount, usd
from paygent.core.run_errors import ToolRefused
from paygent.core.service import Pricing, Service
from paygent.core.window import DAY
from paygent.orchestrator import Orchestrator
from paygent.policy.limits import Limit
from paygent.policy.policy import Denied
from paygent.policy.scope import Scope
from paygent.registry import ServiceRegistry
from paygent.testing.engine import TOKEN
from paygent.testing.models import ScriptedModel, calls, says
from tests.unit.orchestrator.world import POLICY, URL, World

pytestmark = pytest.mark.anyio
TICKS = Service(
    id="ticks",
    name="Market ticks",
    url=URL,
    category="market-data",
    pricing=Pricing(model="per_call", price=Amount(1_000, TOKEN.asset)),
)
SPELLINGS = (
    "pay for ticks",
    "pay for the Market ticks",
    'pay for "MARKET TICKS"',
    f"pay {URL}",
    "pay HTTPS://SELLER.test:443/x/../thing/?page=2",
)
"""How a person may say the same service."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def registry_of(world: World, *services: Service) -> ServiceRegistry:
    made = ServiceRegistry(storage=world.journal, clock=world.clock)
    if services:
        await made.register(*services)
    return made


def priced(service_id: str, price: str, **facts: Any) -> Service:
    pricing = Pricing(model="per_call", price=Amount.parse(price, TOKEN.asset))
    return replace(TICKS, id=service_id, name=service_id.title(), pricing=pricing, **facts)


async def test_service_is_counted_by_its_id_however_it_was_asked_for() -> None:
    world = World()
    registry = await registry_of(world, TICKS)
    async with world.open(registry=registry) as agent:
        session = await agent.create_session()
        for command in SPELLINGS:
            (await agent.run(command, session=session.id)).check()
        payments = await agent.payments(session.id)

    assert ["ticks"] * 5 == [payment.context.service for payment in payments]
    assert (5, 5_000) == ((await registry.rate("ticks")).settled, world.spent)


@pytest.mark.parametrize("url", ["https://xn--zzzzzzz---.example/", "https://[::1/"])
async def test_service_whose_url_cannot_be_requested_is_not_paid(url: str) -> None:
    world = World()
    async with world.open(registry=await registry_of(world, replace(TICKS, url=url))) as agent:
        result = await agent.run("pay for ticks")

    assert (PaymentNotAttempted, 0) == (type(result.error), world.spent)


@pytest.mark.parametrize("command", SPELLINGS)
async def test_service_that_is_denied_is_denied_by_every_name(command: str) -> None:
    world = World(policy=replace(POLICY, deny=Denied(services=frozenset({"ticks"}))))
    async with world.open(registry=await registry_of(world, TICKS)) as agent:
        alone = await agent.run(command)
        planned = await agent.run(f"check my balance then {command}")

    assert (PolicyDenied, 0) == (type(alone.error), world.spent)
    assert ["pending", "pending"] == [
        step.status for step in planned.steps
    ]  # its price says so before anything is done


@pytest.mark.parametrize(
    "asked", [{"service": "Market ticks"}, {"service": "ticks"}, {"url": URL}, {"url": f"{URL}?page=2"}]
)
async def test_service_that_is_denied_is_denied_to_a_model_by_every_name(asked: dict[str, str]) -> None:
    world = World(policy=replace(POLICY, deny=Denied(services=frozenset({"ticks"}))))
    model = ScriptedModel(calls(("pay", asked)), says("no"))
    async with world.open(registry=await registry_of(world, TICKS), model=model, trust_links=True) as agent:
        result = await agent.run("Buy market ticks.")

    assert (["failed"], 0) == ([step.status for step in result.steps], world.spent)
    assert "ticks" in model.results[0]


async def test_limit_of_a_service_counts_all_its_names() -> None:
    limit = Limit(amount=usd("0.002"), scope=Scope.parse("service:ticks"), window=DAY)
    world = World(policy=replace(POLICY, limits=(limit,)))
    async with world.open(registry=await registry_of(world, TICKS)) as agent:
        results = [await agent.run(command) for command in SPELLINGS]

    assert [True, True, False, False, False] == [result.ok for result in results]
    assert {PolicyDenied, BudgetExceeded} >= {type(result.error) for result in results[2:]}
    assert 2_000 == world.spent


async def test_url_that_nobody_registered_is_no_service() -> None:
    world = World()
    async with world.open(registry=await registry_of(world, TICKS)) as agent:
        result = await agent.run("pay https://seller.test/other")
        (payment,) = await agent.payments(result.run.session)

    assert (True, None) == (result.ok, payment.context.service)


async def test_service_of_an_ambiguous_or_unknown_name_is_not_bought() -> None:
    world = World()
    registry = await registry_of(world, replace(TICKS, id="a", name="Ticks"), replace(TICKS, id="b", name="ticks"))
    async with world.open(registry=registry) as agent:
        both, none = await agent.run('pay for "Ticks"'), await agent.run('pay for "Rainfall"')
    async with world.open(registry=None) as agent:
        without = await agent.run('pay for "Ticks"')

    codes = [each.error.code for each in (both, none, without) if isinstance(each.error, ToolRefused)]
    assert (["ambiguous", "no_service", "no_registry"], 0) == (codes, world.spent)


SHOPS = (
    priced("cheap", "0.01", category="market-data"),
    priced("dear", "0.50", category="market-data", mcp=True),
    priced("rain", "0.01", category="weather", description="weather data for market towns"),
)


async def ids_of(agent: Orchestrator, command: str) -> list[str]:
    (found,) = (await agent.run(command)).check().data
    services: Any = found["services"]
    return [each["id"] for each in services]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("discover services", ["cheap", "rain", "dear"]),
        ("find market data services", ["cheap", "dear"]),
        ("find weather services", ["rain"]),
        ("find services for towns", ["rain"]),  # no category of that name: its words are looked for
        ("find services for sunshine", []),
        ("find market data services under 0.10 USDC", ["cheap"]),
        ("find MCP services", ["dear"]),
        ("find services with a reputation of at least 60", ["cheap"]),
        ("find services with a reputation of at least 67", []),
    ],
)
async def test_discover_narrows_by_everything_that_is_said(command: str, expected: list[str]) -> None:
    world = World()
    registry = await registry_of(world, *SHOPS)
    async with world.open(registry=registry) as agent:
        if "reputation" in command:  # one settled payment: (1 + 1) of (1 + 2)
            assert (await agent.run("pay for cheap")).ok
            world.clock.advance(301)

        assert expected == await ids_of(agent, command)
