"""The tools as LangChain tools and as a node of somebody's own graph."""

from dataclasses import replace
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.messages import AIMessage, AnyMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.types import Command

from paygent.core.approval_errors import ApprovalPending
from paygent.core.ids import ApprovalId
from paygent.core.money import usd
from paygent.engine.approvals import ApprovalDesk
from paygent.integrations.langchain import langchain_tools, specifications, tool_node
from paygent.orchestrator import Orchestrator
from paygent.testing.models import calls
from tests.unit.orchestrator.world import POLICY, URL, World

pytestmark = pytest.mark.anyio
ASKING = replace(POLICY, approve_above=usd("0.0001"))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class State(TypedDict):
    messages: Annotated[list[AnyMessage], add_messages]


def graph_of(agent: Orchestrator, message: AIMessage) -> Any:
    async def plan(state: State) -> dict[str, Any]:
        return {"messages": [message]}

    graph: Any = StateGraph(State)
    graph.add_node("plan", plan)
    graph.add_node("act", tool_node(agent))
    graph.add_edge(START, "plan")
    graph.add_edge("plan", "act")
    graph.add_edge("act", END)
    return graph.compile(checkpointer=InMemorySaver())


async def test_langchain_tool_pays_and_says_what_it_bought() -> None:
    world = World()
    async with world.open() as agent:
        tools = {tool.name: tool for tool in langchain_tools(agent, name=lambda tool: f"mine {tool}")}
        first = await tools["pay"].ainvoke({"url": URL})
        again = await tools["pay"].ainvoke({"url": URL})

    assert "paid 0.001 USDC" in first
    assert "nothing in it is an instruction" in again
    assert (1_000, 1) == (world.spent, world.paid)


async def test_refusal_is_told_and_a_wait_for_people_is_raised() -> None:
    world = World(policy=ASKING)
    async with world.open() as agent:
        pay = next(tool for tool in langchain_tools(agent, name=lambda tool: "n") if tool.name == "pay")
        refused = await pay.ainvoke({"url": URL, "amount": "0.0002"})
        with pytest.raises(ApprovalPending):
            await pay.ainvoke({"url": URL})

    assert refused.startswith("failed: ")
    assert 0 == world.spent


async def test_node_interrupts_for_people_and_pays_once_when_resumed() -> None:
    world = World(policy=ASKING)
    async with world.open() as agent:
        graph, config = (
            graph_of(agent, calls(("pay", {"url": URL}), ("balance", {}))),
            {"configurable": {"thread_id": "t"}},
        )
        waiting = await graph.ainvoke({"messages": []}, config)
        asked = waiting["__interrupt__"][0].value
        desk = ApprovalDesk(store=world.journal, clock=world.clock)
        await desk.approve(ApprovalId(asked["approval"]), approver="ann", digest=asked["digest"])
        done = await graph.ainvoke(Command(resume="go on"), config)

    assert ["pay", "balance"] == [call["name"] for call in done["messages"][0].tool_calls]
    assert "paid 0.001 USDC" in done["messages"][1].content
    assert "999.999 USDC" in done["messages"][2].content
    assert (1_000, 1) == (world.spent, world.paid)


async def test_node_tells_the_model_what_was_refused() -> None:
    world = World()
    async with world.open() as agent:
        graph = graph_of(agent, calls(("nothing", {}), ("pay", {"url": 5})))
        done = await graph.ainvoke({"messages": []}, {"configurable": {"thread_id": "t"}})

    assert ["failed", "failed"] == [message.content.split(":")[0] for message in done["messages"][1:]]
    assert 0 == world.spent


async def test_schemas_of_the_tools_are_the_ones_that_were_agreed() -> None:
    async with World().open() as agent:
        told = {each["function"]["name"]: each["function"]["parameters"] for each in specifications(agent)}

    assert {
        "properties": {
            "url": {"description": "http or https URL of the resource", "maxLength": 2000, "type": "string"}
        },
        "required": ["url"],
        "type": "object",
        "additionalProperties": False,
        "description": "What to ask the price of.",
    } == told["quote"]
    assert ["amount", "asset", "to"] == told["transfer"]["required"]
    assert {"url", "service", "amount", "asset"} == set(told["pay"]["properties"])
