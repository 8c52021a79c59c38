"""Budgets that a payment brings along count beside the policy's limits."""

import anyio
import pytest

from paygent.core.context import Budget, Context
from paygent.core.errors import BudgetExceeded, Halted, PolicyDenied
from paygent.core.halt import Halt
from paygent.core.money import Amount, usd
from paygent.policy.evaluate import holds
from paygent.testing.conformance.payments import START, reserved
from paygent.testing.journal import MemoryJournal
from tests.unit.policy.cases import COIN, FREE, NOW, asked

PARENT = Budget(name="run_1", limit=usd("1"))
CHILD, SIBLING = Budget(name="run_1/a", limit=usd("0.60")), Budget(name="run_1/b", limit=usd("0.60"))


def of(*budgets: Budget) -> Context:
    return Context(agent="bot", budgets=budgets)


def test_payment_counts_in_its_budget_and_in_its_parents() -> None:
    taken = holds(FREE, asked("0.40", context=of(PARENT, CHILD)), now=NOW)

    assert [
        ("budget:run_1", "total", usd("0.40"), usd("1")),
        ("budget:run_1/a", "total", usd("0.40"), usd("0.60")),
    ] == [(hold.scope, hold.window, hold.amount, hold.limit) for hold in taken if hold.scope.startswith("budget:")]


def test_payment_that_a_budget_cannot_count_is_denied() -> None:
    budget = Budget(name="run_1", limit=Amount(5, COIN.asset))
    with pytest.raises(PolicyDenied, match="the budget run_1 is in COIN"):
        holds(FREE, asked("1", context=of(budget)), now=NOW)


def test_budget_is_counted_once_in_a_payment() -> None:
    with pytest.raises(ValueError, match="once"):
        of(PARENT, PARENT)
    with pytest.raises(ValueError, match="name of a budget"):
        Budget(name="", limit=usd("1"))


def test_children_never_spend_more_than_their_parent_together() -> None:
    """Each child has room of its own left when the parent has none."""
    journal = MemoryJournal()

    async def spend(name: int, *budgets: Budget) -> None:
        taken = holds(FREE, asked("0.50", context=of(*budgets)), now=NOW)
        only = [hold for hold in taken if hold.scope.startswith("budget:")]
        await journal.open(reserved(name, context=of(*budgets)), only, now=START, new_purchase=True)

    async def story() -> None:
        await spend(1, PARENT, CHILD)
        await spend(2, PARENT, SIBLING)
        with pytest.raises(BudgetExceeded) as exceeded:
            await spend(3, PARENT, Budget(name="run_1/c", limit=usd("0.60")))

        assert ("budget:run_1", usd("1")) == (exceeded.value.scope, exceeded.value.limit)
        with pytest.raises(BudgetExceeded) as exceeded:
            await spend(4, CHILD)

        assert "budget:run_1/a" == exceeded.value.scope

    anyio.run(story)


def test_revoked_parent_stops_its_children() -> None:
    journal = MemoryJournal()

    async def story() -> None:
        await journal.halt(Halt(scope="budget:run_1", by="ann", reason="enough", at=START))
        with pytest.raises(Halted) as halted:
            await journal.open(reserved(1, context=of(PARENT, CHILD)), (), now=START, new_purchase=True)

        assert "budget:run_1" == halted.value.scope
        await journal.open(reserved(2, context=of(CHILD)), (), now=START, new_purchase=True)

    anyio.run(story)
