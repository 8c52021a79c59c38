"""Execute a notebook as Jupyter does; `python -m tests.examples.notebooks` writes the committed ones anew."""

import re
from pathlib import Path
from typing import Any

import nbclient
import nbformat

EXAMPLES = Path(__file__).parents[2] / "examples"
CHANGING = [
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
    (re.compile(r"0x[0-9a-f]{64}"), "0xHASH"),
    (re.compile(r"(pay|ses|run|apr)_[0-9a-f]{32}"), r"\1_ID"),
    (re.compile(r"block \d+"), "block N"),
]
"""What is another one each time."""


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


def executed(notebook: Any, folder: Path) -> Any:
    """Return the notebook with the outputs of a new kernel, whose working directory is `folder`."""
    client = nbclient.NotebookClient(
        notebook,
        timeout=60,
        kernel_name="python3",
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # times
        for output in cell.get("outputs", ()):
            if "text/html" in output.get("data", ()):
                del output["data"]["text/plain"]  # the same once more, for terminals
    notebook.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return notebook


def shown(notebook: Any) -> list[list[str]]:
    """Return what each code cell shows, with fixed words for what changes."""
    return [[_text(output) for output in cell.outputs] for cell in notebook.cells if cell.cell_type == "code"]


def _text(output: Any) -> str:
    said = output["text"] if output["output_type"] == "stream" else "\n".join(output["data"].values())
    for pattern, word in CHANGING:
        said = pattern.sub(word, said)
    return str(said)


def main() -> None:
    import tempfile

    for path in sorted(EXAMPLES.rglob("*.ipynb")):
        with tempfile.TemporaryDirectory() as folder:
            nbformat.write(executed(read(path), Path(folder)), path)


if __name__ == "__main__":
    main()
