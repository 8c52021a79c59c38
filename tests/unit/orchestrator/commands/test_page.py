"""docs/reference/commands.md names every word of the grammar, so that phrasings can be written from it alone."""

import re
from pathlib import Path

import pytest

from paygent.orchestrator.commands import words

PAGE = (Path(__file__).parents[4] / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
SAID = set(re.findall(r"[a-z][\w'.-]*[a-z\d]|[a-z]", PAGE.lower()))


@pytest.mark.parametrize(
    "name", ["SYMBOLS", "VERBS", "OUTCOMES", "NEGATIONS", "RETREATS", "ARTICLES", "ROUGHLY", "SERVICES"]
)
def test_page_names_every_word(name: str) -> None:
    known: frozenset[str] = vars(words)[name]

    assert set() == {word.lower() for word in known} - SAID


@pytest.mark.parametrize("name", ["OPENINGS", "PHRASES", "ENDINGS"])
def test_page_names_every_phrase(name: str) -> None:
    known: tuple[str, ...] = vars(words)[name]
    page = " ".join(PAGE.lower().split())

    assert [] == [phrase for phrase in known if phrase not in page]


def test_page_names_every_condition_and_quantity() -> None:
    days = set("monday tuesday wednesday thursday friday saturday sunday".split())

    assert set() == (words.CONDITIONS | words.QUANTITIES) - days - SAID
