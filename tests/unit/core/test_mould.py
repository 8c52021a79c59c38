"""A value from a mould is the one its constructor makes."""

from dataclasses import dataclass

import pytest

from paygent.core.caip import ChainId
from paygent.core.context import Context
from paygent.core.lifecycle import Event, State
from paygent.core.mould import Mould, places
from paygent.core.payment import Move

MOVE = Move(event=Event.ALLOWED, state=State.APPROVED, at=5, note="said")


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """A class whose last field has a default."""

    first: int
    second: str = "nothing"


def test_mould_makes_what_the_constructor_makes() -> None:
    made = Mould(Move).of(Event.ALLOWED, State.APPROVED, 5, "said")

    assert MOVE == made
    assert hash(MOVE) == hash(made)
    assert repr(MOVE) == repr(made)


@pytest.mark.parametrize("parts", [(), (1,), (1, "two", 3)])
def test_mould_refuses_parts_that_are_not_one_for_each_field(parts: tuple[object, ...]) -> None:
    with pytest.raises(TypeError, match=f"Later has 2 fields, not {len(parts)}"):
        Mould(Later).of(*parts)


@pytest.mark.parametrize("kind", [Context, ChainId])
def test_mould_of_a_class_with_rules_is_refused(kind: type[object]) -> None:
    with pytest.raises(TypeError, match=f"{kind.__name__} checks its fields"):
        Mould(kind)


def test_places_put_fields_in_the_order_of_the_class() -> None:
    made = object.__new__(Later)
    put_first, put_second = places(Later)
    put_second(made, "b")
    put_first(made, 1)

    assert Later(first=1, second="b") == made
