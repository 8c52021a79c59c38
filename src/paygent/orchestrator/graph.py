"""The graph: plan, price, then judge, approve and act for each call, and report."""

from typing import TYPE_CHECKING, Any

from paygent.orchestrator.state import State, next_todo

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph  # pyright: ignore[reportMissingTypeStubs]  # inline types, as below

    from paygent.orchestrator.nodes import Nodes

NODES = ("plan", "price", "judge", "approve", "act", "report")


def compiled(nodes: "Nodes", checkpointer: Any) -> "CompiledStateGraph[Any, Any, Any, Any]":
    """Return the graph over the nodes, with its checkpoints."""
    from langgraph.graph import END, START, StateGraph  # pyright: ignore[reportMissingTypeStubs]  # inline types, no py.typed there

    from paygent.orchestrator.desk import RunDesk

    schema: Any = RunDesk  # what every node gets beside the state; it goes into no checkpoint
    graph: Any = StateGraph(State, context_schema=schema)
    for name in NODES:
        graph.add_node(name, _node_of(nodes, name))
    graph.add_edge(START, "plan")
    graph.add_conditional_edges("plan", after_plan, ["plan", "price", "report"])
    graph.add_edge("price", "judge")
    graph.add_conditional_edges("judge", after_judge, ["approve", "act", "plan", "report"])
    graph.add_edge("approve", "act")
    graph.add_conditional_edges("act", after_act, ["approve", "judge", "plan", "report"])
    graph.add_edge("report", END)
    return graph.compile(checkpointer=checkpointer)  # type: ignore[no-any-return]


def _node_of(nodes: "Nodes", name: str) -> Any:
    found = {
        "plan": nodes.plan,
        "price": nodes.price,
        "judge": nodes.judge,
        "approve": nodes.approve,
        "act": nodes.act,
        "report": nodes.report,
    }
    return found[name]


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
