"""Processes are killed while they ask for approval, while they grant it, and while they use it."""

from collections.abc import Callable
from itertools import count

from paygent.core.lifecycle import State
from tests.crash.job import When, Work
from tests.crash.town import MOST_CALLS, PAST_LEASE, Books, Purse, Town

ABOVE = "0.01"
"""Dollars: less than what is bought, so that people are asked."""
BOUGHT = frozenset({"delivered", "paid before", "PaidUndelivered"})


def new(town: Town) -> Purse:
    return town.purse(key="one", approve_above=ABOVE)


def asked(town: Town) -> Purse:
    """Return a purse whose purchase waits for people."""
    purse = new(town)
    assert "ApprovalPending" == town.run(purse)[0].outcome
    return purse


def granted(town: Town) -> Purse:
    purse = asked(town)
    assert "approved 1" == town.run(purse, "approve")[0].outcome
    return purse


def buy(town: Town, purse: Purse) -> str | None:
    """Ask, agree and pay until the purchase is made, as an agent and its owner would; return what was heard last."""
    later = 0
    for _ in range(6):
        heard = town.run(purse, later=later)[0].outcome
        if heard == "ApprovalPending":
            assert "approved 1" == town.run(purse, "approve", later=later)[0].outcome
        elif heard == "DuplicatePurchase":
            later = PAST_LEASE
        else:
            return heard
    return None


def killed_at_each_call(town: Town, begun: Callable[[Town], Purse], work: Work, when: When) -> list[Books]:
    """Kill a worker at each of its calls, finish the purchase in others, and return the books of all purses."""
    purses: list[Purse] = []
    for at in count():
        assert at < MOST_CALLS
        purse = begun(town)
        _, killed = town.run(purse, work, at=at, when=when)
        if not killed:
            break
        assert buy(town, purse) in BOUGHT, purse.said
        purses.append(purse)
    books = town.end(purses)
    assert [1] * len(purses) == [len(town.transfers(purse)) for purse in purses]
    return books


def used(books: Books) -> int:
    """Return how many requests for approval were used."""
    return sum(entry.kind == "approval" and entry.facts["state"] == "USED" for entry in books.entries)


def test_asker_killed_at_any_call_asks_once(town: Town) -> None:
    ends = killed_at_each_call(town, new, "pay", "after")

    assert [1] * len(ends) == [used(end) for end in ends]
    assert [1] * len(ends) == [len(end.payments) for end in ends]


def test_approver_killed_at_any_call_has_agreed_or_not(town: Town) -> None:
    ends = killed_at_each_call(town, asked, "approve", "after")

    assert [1] * len(ends) == [used(end) for end in ends]


def test_payer_killed_at_any_call_uses_each_grant_once(town: Town) -> None:
    ends = killed_at_each_call(town, granted, "pay", "before")

    for end in ends:
        reserved = [payment for payment in end.payments if payment.authorization is not None]
        assert len(reserved) == used(end)
        assert 1 == sum(payment.state is State.SETTLED for payment in end.payments)
