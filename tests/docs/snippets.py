"""Programs in Markdown: a fenced block tagged `python` is a whole program, one tagged `output` after it its output."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

_BLOCK = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    line: int
    program: str
    output: str | None
    """Exactly what must be printed, where the document says it."""


def snippets(document: Path) -> Iterator[Snippet]:
    text = document.read_text(encoding="utf-8")
    blocks = [(text.count("\n", 0, m.start()) + 1, m[1], m[2]) for m in _BLOCK.finditer(text)]
    for (line, language, body), (_, following, output) in pairwise([*blocks, (0, "", "")]):
        if language == "python":
            yield Snippet(line=line, program=body, output=output if following == "output" else None)
