"""Without the extra, opening says what to install."""

import subprocess
import sys

import pytest

from paygent.core.errors import ConfigurationError
from paygent.orchestrator.extras import extra_needed

OPENING = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name == "{package}" or name.startswith("{package}."):
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
from paygent import {kind}
from paygent.core.errors import ConfigurationError

async def opened():
    async with Orchestrator.open(storage=":memory:", private_key="0x" + "11" * 32):
        pass

try:
    if "{kind}" == "Orchestrator":
        import asyncio
        asyncio.run(opened())
    else:
        with SyncOrchestrator.open(storage=":memory:", private_key="0x" + "11" * 32):
            pass
except ConfigurationError as error:
    print(error)
"""


@pytest.mark.parametrize("kind", ["Orchestrator", "SyncOrchestrator"])
def test_opening_without_langgraph_names_the_extra(kind: str) -> None:
    program = OPENING.format(package="langgraph", kind=kind)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)

    assert ("", True) == (done.stderr, 'pip install ".[orchestrator]" in a clone' in done.stdout)


@pytest.mark.parametrize(
    ("name", "extra"),
    [
        ("langchain_core.tools", "orchestrator"),
        ("langgraph.checkpoint.sqlite", "orchestrator"),
        ("aiosqlite", "orchestrator"),
        ("psycopg", "postgres"),
        ("langgraph.checkpoint.postgres", "postgres"),
    ],
)
def test_package_that_is_missing_is_named_with_its_extra(name: str, extra: str) -> None:
    says = rf'needs {name}: run pip install "\.\[{extra}\]" in a clone'
    with pytest.raises(ConfigurationError, match=says), extra_needed():
        raise ModuleNotFoundError(name, name=name)


def test_module_of_our_own_that_is_missing_is_a_defect() -> None:
    with pytest.raises(ModuleNotFoundError), extra_needed():
        raise ModuleNotFoundError("paygent.nowhere", name="paygent.nowhere")
