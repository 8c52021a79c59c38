"""Phrasings and what they mean: ours, and those of somebody who has only read docs/reference/commands.md."""

import json
from pathlib import Path
from typing import Any

import pytest

from paygent.core.errors import CommandRefused
from paygent.orchestrator.commands import as_json, parse

VECTORS = Path(__file__).parents[3] / "vectors" / "commands"
SAID: list[tuple[str, dict[str, Any]]] = [
    (said["text"], said["expect"])
    for file in sorted(VECTORS.glob("*.json"))
    for said in json.loads(file.read_text(encoding="utf-8"))
]


def meaning(text: str) -> dict[str, Any]:
    try:
        return as_json(parse(text))
    except CommandRefused as refused:
        return {"intent": "refuse", "why": refused.why}


@pytest.mark.parametrize(("text", "expected"), SAID)
def test_phrasing_means_what_is_expected(text: str, expected: dict[str, Any]) -> None:
    assert {name: value for name, value in expected.items() if name != "message"} == meaning(text)


def test_every_intent_has_phrasings() -> None:
    understood = {expected["intent"] for _, expected in SAID}

    assert 19 == len(understood), understood
