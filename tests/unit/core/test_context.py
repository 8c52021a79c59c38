"""The names of a context are names, each by itself."""

from typing import Any

import pytest

from paygent.core.context import NOBODY, Budget, Context
from paygent.core.money import usd

PARTS = ("treasury", "project", "agent", "session", "run", "tool", "service")
LONGEST = "n" * 200


def context(**names: Any) -> Context:
    return Context(**names)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("name", ["", "n" * 201, "two\nlines", "\ud800"])
def test_context_with_what_is_not_a_name_is_refused(part: str, name: str) -> None:
    with pytest.raises(ValueError, match=f"{part} .* is not a name: 1 to 200 printable characters"):
        context(**{part: name})


def test_context_with_names_that_are_all_as_long_as_they_may_be_is_taken() -> None:
    assert context(**dict.fromkeys(PARTS, LONGEST)).service == LONGEST


def test_context_of_nobody_has_no_names() -> None:
    assert Context() == NOBODY


@pytest.mark.parametrize("name", ["", "n" * 201, "two\nlines"])
def test_budget_with_what_is_not_a_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is not the name of a budget: 1 to 200 printable characters"):
        Budget(name=name, limit=usd("1"))


def test_context_with_a_budget_twice_is_refused() -> None:
    budgets = (Budget(name="b", limit=usd("1")), Budget(name="b", limit=usd("2")))

    with pytest.raises(ValueError, match="counts in each budget once, not in b, b"):
        Context(budgets=budgets)
