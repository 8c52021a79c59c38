"""The graph: plan, price, judge, act and approve as often as needed, report."""

from typing import TYPE_CHECKING, Any

from paygent.core.errors import ConfigurationError

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph  # pyright: ignore[reportMissingTypeStubs]  # inline types, as below

    from paygent.orchestrator.nodes import Nodes

NODES = ("plan", "price", "judge", "act", "approve", "report")


def compiled(nodes: "Nodes", checkpointer: Any) -> "CompiledStateGraph[Any, Any, Any, Any]":
    """Return the graph over the nodes, with its checkpoints.

    Raises: ConfigurationError: LangGraph is not installed.
    """
    try:
        from langgraph.graph import END, START, StateGraph  # pyright: ignore[reportMissingTypeStubs]  # inline types, no py.typed there
    except ImportError as missing:
        raise ConfigurationError("the Orchestrator needs LangGraph: install paygent[orchestrator]") from missing
    from paygent.orchestrator.desk import RunDesk
    from paygent.orchestrator.nodes import after_act, after_judge, after_plan
    from paygent.orchestrator.state import State

    schema: Any = RunDesk  # what every node gets beside the state; it goes into no checkpoint
    graph: Any = StateGraph(State, context_schema=schema)
    for name in NODES:
        graph.add_node(name, _node_of(nodes, name))
    graph.add_edge(START, "plan")
    graph.add_conditional_edges("plan", after_plan, ["plan", "price", "report"])
    graph.add_edge("price", "judge")
    graph.add_conditional_edges("judge", after_judge, ["act", "report"])
    graph.add_conditional_edges("act", after_act, ["act", "approve", "plan", "report"])
    graph.add_edge("approve", "act")
    graph.add_edge("report", END)
    return graph.compile(checkpointer=checkpointer)  # type: ignore[no-any-return]


def _node_of(nodes: "Nodes", name: str) -> Any:
    found = {
        "plan": nodes.plan,
        "price": nodes.price,
        "judge": nodes.judge,
        "act": nodes.act,
        "approve": nodes.approve,
        "report": nodes.report,
    }
    return found[name]
