"""Every slot that holds text or numbers has a rule."""

from dataclasses import fields
from typing import get_args

import pytest

from paygent.core.errors import CommandRefused
from paygent.orchestrator.commands import check, values


@pytest.mark.parametrize("command", get_args(values.Single))
def test_slots_of_a_command_are_checked(command: type) -> None:
    assert set() == {slot.name for slot in fields(command)} - check.RULES.keys() - {"mcp"}


def test_part_of_a_tuple_is_checked() -> None:
    with pytest.raises(CommandRefused):
        check.slots({"assets": ("USDC", "not a symbol")})


def test_slot_that_is_left_out_is_not_checked() -> None:
    check.slots({"amount": None, "assets": ()})

    with pytest.raises(CommandRefused):
        check.slots({"amount": "0"})
