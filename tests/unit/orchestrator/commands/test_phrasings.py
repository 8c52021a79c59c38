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


def test_enough_phrasings_are_scored_and_half_of_them_are_a_strangers() -> None:
    ours, strangers = (json.loads((VECTORS / name).read_text()) for name in ("ours.json", "by_a_stranger.json"))
    understood = [[case for case in cases if case["expect"]["intent"] != "refuse"] for cases in (ours, strangers)]

    assert min(map(len, understood)) >= 150
    assert len(understood[1]) >= len(understood[0])
    assert sum(map(len, (ours, strangers))) - sum(map(len, understood)) >= 100
