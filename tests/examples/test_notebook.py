"""The notebook runs in a kernel, where a loop runs already, and shows what is committed."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.examples.notebooks import EXAMPLES, executed, read, shown

NOTEBOOK = EXAMPLES / "notebook" / "paygent.ipynb"


@pytest.fixture(scope="module")
def committed() -> Any:
    return read(NOTEBOOK)


def test_notebook_shows_what_is_committed_when_it_is_executed(committed: Any, tmp_path: Path) -> None:
    again = executed(read(NOTEBOOK), tmp_path)

    assert shown(committed) == shown(again)


def test_notebook_was_committed_with_its_outputs_in_order(committed: Any) -> None:
    counts = [cell.execution_count for cell in committed.cells if cell.cell_type == "code"]

    assert list(range(1, len(counts) + 1)) == counts
    assert all(any(outputs) for outputs in shown(committed)[1:-1])


def test_values_of_the_notebook_are_shown_as_html(committed: Any) -> None:
    """A quote, a receipt, an amount and a result of a run: no dataclass is printed as code."""
    rich = [o for cell in committed.cells if cell.cell_type == "code" for o in cell.outputs if "data" in o]

    assert 4 <= len(rich)
    assert [] == [output for output in rich if "text/html" not in output["data"]]


def test_notebook_names_no_place_of_a_machine(committed: Any) -> None:
    assert [] == re.findall(r"/(?:home|work|root|tmp|Users|usr|var)/", NOTEBOOK.read_text(encoding="utf-8"))
    assert {"kernelspec"} == set(committed.metadata)
