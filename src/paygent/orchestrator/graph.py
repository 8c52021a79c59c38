"""The graph: plan, price, then judge, approve and act for each call, and report."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, cast

from paygent.orchestrator.state import Change, Channels, State, changed, initial, next_todo

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple
    from langgraph.graph.state import CompiledStateGraph  # pyright: ignore[reportMissingTypeStubs]  # inline types, as below
    from langgraph.runtime import Runtime

    from paygent.orchestrator.nodes import Nodes

NODES = ("plan", "price", "judge", "approve", "act", "report")


def compiled(nodes: "Nodes", checkpointer: Any) -> "CompiledStateGraph[Any, Any, Any, Any]":
    """Return the graph over the nodes, with its checkpoints."""
    from langgraph.graph import END, START, StateGraph  # pyright: ignore[reportMissingTypeStubs]  # inline types, no py.typed there

    from paygent.orchestrator.desk import RunDesk

    schema: Any = RunDesk  # what every node gets beside the state; it goes into no checkpoint
    graph: Any = StateGraph(Channels, context_schema=schema)
    graph.add_node("plan", _node(nodes.plan, after_plan), destinations=("plan", "price", "report"))
    graph.add_node("price", _node(nodes.price))
    graph.add_node("judge", _node(nodes.judge, after_judge), destinations=("approve", "act", "plan", "report"))
    graph.add_node("approve", _node(nodes.approve))
    graph.add_node("act", _node(nodes.act, after_act), destinations=("approve", "judge", "plan", "report"))
    graph.add_node("report", _node(nodes.report))
    for before, after in ((START, "plan"), ("price", "judge"), ("approve", "act"), ("report", END)):
        graph.add_edge(before, after)
    return graph.compile(checkpointer=checkpointer)  # type: ignore[no-any-return]


async def start_of(nodes: "Nodes", checkpointer: "BaseCheckpointSaver[Any]") -> "CheckpointTuple":
    """Return the checkpoint of a graph that has its input and has done nothing, in a checkpointer's own versions."""
    from langgraph.checkpoint.memory import InMemorySaver

    saver = InMemorySaver()
    saver.get_next_version = checkpointer.get_next_version  # type: ignore[method-assign]
    nothing = Channels(state=initial(session="", run="", text="", mode="command"))
    config: Any = {"configurable": {"thread_id": "start", "checkpoint_ns": ""}}
    graph: Any = compiled(nodes, saver)
    await graph.ainvoke(nothing, config, interrupt_before=["plan"], durability="sync")
    return cast("CheckpointTuple", await saver.aget_tuple(config))


def _node(work: "Callable[[State, Runtime[Any]], Awaitable[Change]]", way: Callable[[State], str] | None = None) -> Any:
    """Return a node of LangGraph. Args: way: which node follows; None where an edge says it.

    A conditional edge would copy every channel, and run `way` in another thread, to say the same.
    """
    from langgraph.runtime import Runtime
    from langgraph.types import Command

    async def node(channels: Channels, runtime: Runtime[Any]) -> Command[Any]:
        change = await work(channels["state"], runtime)
        if change:
            channels = Channels(state=changed(channels["state"], change))
        goto = () if way is None else way(channels["state"])
        return Command(update=channels if change else None, goto=goto)

    return node


def after_plan(state: State) -> str:
    """Return the node that follows a plan, or a turn of a model."""
    return _next(state, "price")


def after_judge(state: State) -> str:
    """Return the node that follows a judgement."""
    return _next(state, "act")


def after_act(state: State) -> str:
    """Return the node that follows a call; what only the call found out may have to be approved too."""
    return _next(state, "judge")


def _next(state: State, going_on: str) -> str:
    if state["failed"] is not None:
        return "report"
    if state["waiting"] is not None:
        return "approve"
    if next_todo(state["todos"]) is not None:
        return going_on
    return "report" if state["mode"] != "model" or not state["frames"] else "plan"
