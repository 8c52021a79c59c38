"""The synchronous Orchestrator in a notebook, whose kernel runs a loop already."""

from pathlib import Path
from typing import Any

import nbformat

from tests.examples.notebooks import executed, shown

ROOT = Path(__file__).parents[3]
CELLS = (
    f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
import asyncio
from paygent import SyncOrchestrator
from paygent.core.errors import LocalProtocolError
from paygent.orchestrator.tools import Tool, ToolOutcome
from paygent.testing.models import ScriptedModel, calls, says
from tests.unit.orchestrator.test_tools import Greeting
from tests.unit.orchestrator.world import URL, World
world = World()
print(asyncio.get_running_loop().is_running())
""",
    """
with SyncOrchestrator.open(**world.conduct()) as agent:
    print(agent.run(f"pay {URL}").ok, [event.kind for event in agent.stream("check my balance")][-1], world.spent)
""",
    """
async def back(asked, call):
    try:
        agent.run(f"pay {URL}?again")
    except LocalProtocolError as refused:
        return ToolOutcome(text=f"{type(refused).__name__}: {refused}")

tool = Tool(name="back", description="calls back", arguments=Greeting, run=back)
model = ScriptedModel(calls(("back", {"name": "x"})), says("done"))
with SyncOrchestrator.open(**world.conduct(tools=[tool], model=model)) as agent:
    print(agent.run("call back").steps[0].text.partition(":")[0], world.spent)
""",
)


def test_synchronous_orchestrator_works_in_a_kernel_and_refuses_its_own_thread(tmp_path: Path) -> None:
    cells: Any = nbformat.v4
    notebook = cells.new_notebook(cells=[cells.new_code_cell(source) for source in CELLS])

    assert [
        ["True\n"],
        ["True complete 1000\n"],
        ["LocalProtocolError 1000\n"],
    ] == shown(executed(notebook, tmp_path))
