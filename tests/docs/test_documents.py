"""Code in the documents runs: programs in Markdown, examples in docstrings."""

import doctest
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import paygent
from tests.docs.snippets import Snippet, snippets

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "examples").rglob("*.md"))]


def problem(snippet: Snippet, folder: Path) -> str | None:
    """Run a program in an empty folder; return what is wrong with it."""
    command = [sys.executable, "-W", "ignore", "-c", snippet.program]
    finished = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=100)
    if finished.returncode != 0:
        return f"line {snippet.line} failed:\n{finished.stderr}"
    if snippet.output is not None and finished.stdout != snippet.output:
        return f"line {snippet.line} printed:\n{finished.stdout}"
    return None


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_program_in_the_document_runs(document: Path, tmp_path: Path) -> None:
    assert [] == [found for snippet in snippets(document) if (found := problem(snippet, tmp_path)) is not None]


@pytest.mark.parametrize(
    "text",
    ["```python\nraise SystemExit(3)\n```\n", "```python\nprint(1)\n```\n\nprints\n\n```output\n2\n```\n"],
)
def test_program_is_reported_when_it_fails_or_prints_otherwise(text: str, tmp_path: Path) -> None:
    document = tmp_path / "a.md"
    document.write_text(text)

    assert [True] == [problem(snippet, tmp_path) is not None for snippet in snippets(document)]


def test_every_example_in_a_docstring_runs() -> None:
    names = [module.name for module in pkgutil.walk_packages(paygent.__path__, "paygent.")]
    results = {name: doctest.testmod(importlib.import_module(name)) for name in names if not name.endswith("__main__")}

    assert {} == {name: result.failed for name, result in results.items() if result.failed}
