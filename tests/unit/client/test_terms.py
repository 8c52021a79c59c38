"""Every field of agents.yaml and services.yaml holds for what X402Client pays, as the older files write them."""

import base64
import json
from typing import Any

import httpx
import pytest

from paygent.client import X402Client
from paygent.core.approval_errors import ApprovalPending
from paygent.core.context import Context
from paygent.core.errors import BudgetExceeded, PolicyDenied
from paygent.policy.config import read_policy
from paygent.testing.engine import MemoryEngine, memory_engine
from paygent.testing.keys import dev_accounts

pytestmark = pytest.mark.anyio
PROVIDER = dev_accounts()[1].address
URL = "http://seller.test/search"
AGENTS = """\
agents:
  - {id: researcher, priority: HIGH, dailyBudget: 0.05, maxPerCall: 0.03}
  - {id: helper, priority: LOW, dailyBudget: 0.05, maxPerCall: 0.03}
"""
SERVICE: dict[str, object] = {
    "id": "search",
    "unitPrice": 0.02,
    "providerAddress": f"'{PROVIDER}'",
    "active": "true",
    "isVerified": "true",
    "metadataURI": "ipfs://about-search",
    "maxDailySpending": 0.04,
    "allowedAgents": "[researcher, helper]",
}


def memory_of(**changed: object) -> MemoryEngine:
    lines = [f"    {name}: {value}" for name, value in {**SERVICE, **changed}.items()]
    services = "services:\n" + "\n".join(lines).replace("    id", "  - id", 1) + "\n"
    return memory_engine(policy=read_policy([("agents.yaml", AGENTS), ("services.yaml", services)]))


async def buy(memory: MemoryEngine, price: int = 10_000, *, agent: str | None = "researcher", **about: Any) -> str:
    """Buy once and return what was said: the answer's body, or the codes of a denial."""
    options = {"context": Context(agent=agent, service=about.pop("service", "search")), "new_purchase": True}
    resource = about.pop("resource", None)
    seller = memory.seller(price=price, body=b"goods")

    def answer(request: httpx.Request) -> httpx.Response:
        return seller(request) if resource is None else declaring(seller(request), resource)

    async with X402Client(memory.engine, transport=httpx.MockTransport(answer)) as client:
        try:
            return (await client.get(URL, **{**options, **about})).text
        except PolicyDenied as denied:
            return " ".join(reason.code for reason in denied.verdict.reasons)
        except (ApprovalPending, BudgetExceeded) as other:
            return type(other).__name__


def declaring(response: httpx.Response, uri: str) -> httpx.Response:
    """Return the answer with what a seller may say of itself."""
    header = response.headers.get("payment-required")
    if header is None:
        return response
    body = json.loads(base64.b64decode(header))
    body["resource"]["metadataURI"] = uri
    return httpx.Response(402, headers={"payment-required": base64.b64encode(json.dumps(body).encode()).decode()})


async def test_what_the_files_agree_to_is_paid() -> None:
    memory = memory_of()

    assert "goods" == await buy(memory, metadata_uri="ipfs://about-search", resource="ipfs://about-search")
    assert 1 == memory.transfers()


@pytest.mark.parametrize(
    ("changed", "bought", "said"),
    [
        ({"id": "other"}, {}, "service_unknown"),
        ({}, {"price": 20_001}, "over_unit_price"),
        ({}, {"price": 25_000, "quantity": 2}, "goods"),
        ({"providerAddress": f"'0x{'99' * 20}'"}, {}, "not_the_provider"),
        ({"active": "false"}, {}, "service_inactive"),
        ({"isVerified": "false"}, {}, "ApprovalPending"),
        ({}, {"metadata_uri": "ipfs://another"}, "metadata_changed"),
        ({}, {"resource": "ipfs://another"}, "metadata_changed"),
        ({}, {"metadata_uri": "ipfs://about-search", "resource": "ipfs://another"}, "metadata_changed"),
        ({"allowedAgents": "[helper]"}, {}, "agent_not_allowed"),
        ({"allowedAgents": "[]"}, {}, "agent_not_allowed"),
        ({}, {"agent": "stranger"}, "agent_unknown agent_not_allowed"),
        ({"unitPrice": 1}, {"price": 30_001}, "over_agent_limit over_max_per_payment"),
    ],
    ids=str,
)
async def test_each_field_holds(changed: dict[str, object], bought: dict[str, Any], said: str) -> None:
    memory = memory_of(**changed)

    assert said == await buy(memory, **bought)
    assert int(said == "goods") == memory.transfers()


async def test_daily_spending_of_a_service_is_that_of_all_agents_together() -> None:
    memory = memory_of()
    bought = [await buy(memory, 20_000), await buy(memory, 20_000, agent="helper"), await buy(memory, 1)]

    assert ["goods", "goods"] == bought[:2]
    assert bought[2] in ("BudgetExceeded", "budget_exhausted")
    assert 40_000 == memory.moved()


async def test_daily_budget_of_an_agent_holds() -> None:
    memory = memory_of(maxDailySpending=1)
    bought = [await buy(memory, 20_000), await buy(memory, 20_000), await buy(memory, 20_000)]

    assert ["goods", "goods"] == bought[:2]
    assert bought[2] in ("BudgetExceeded", "budget_exhausted")


async def test_priority_keeps_what_a_higher_agent_has_left_today() -> None:
    """The wallet has a thousand dollars; so the higher agent's budget is as large."""
    agents = AGENTS.replace("HIGH, dailyBudget: 0.05", "HIGH, dailyBudget: 1000.0")
    memory = memory_engine(policy=read_policy([("agents.yaml", agents)]))

    assert "reserved" == await buy(memory, agent="helper")
    assert "goods" == await buy(memory)
