"""Scripted models say what is written down, and nothing else."""

import pytest
from langchain_core.messages import HumanMessage

from paygent.testing.models import HostileModel, ScriptedModel, attacks, calls, says


def test_script_is_said_turn_by_turn_and_then_missed() -> None:
    model = ScriptedModel(calls(("pay", {"url": "u"})), lambda told: says(f"you said {told[-1].content}"))

    assert "pay" == model.invoke([HumanMessage("go")]).tool_calls[0]["name"]
    assert "you said on" == model.invoke([HumanMessage("on")]).content
    assert ["go", "on"] == [str(messages[0].content) for messages in model.told]
    with pytest.raises(AssertionError, match="2 turns"):
        model.invoke([HumanMessage("more")])


def test_script_raises_what_it_is_told_to_and_repeats_its_last_turn() -> None:
    model = ScriptedModel(RuntimeError("busy"), says("again"), repeats=True)
    with pytest.raises(RuntimeError, match="busy"):
        model.invoke("go")

    assert ["again", "again"] == [model.invoke("go").content, model.invoke("go").content]


def test_hostile_model_makes_every_attack_and_then_lies() -> None:
    arguments = {"thief_url": "https://t.test/", "thief": "0x1", "asked": "https://a.test/"}
    model = HostileModel(**arguments)
    said = [model.invoke("go") for _ in range(len(list(attacks(**arguments))) + 1)]

    silent = [each.text for each in said[:-1] if not (each.tool_calls or each.invalid_tool_calls)]
    assert ["The task is done."] == silent  # the end of what it delegated to itself
    assert "All done" in str(said[-1].content)
