"""A process that pays is killed before and after every call of every port; others go on with its storage."""

from tests.crash.town import PAST_LEASE, RETRIED, Purse, Town, killed_everywhere

MOVES = {"journal.open", "journal.append", "signer.sign", "http.send"}
"""The calls between which the storage, the signer and the seller know something else."""


def test_payer_killed_before_any_call_pays_once_when_its_key_is_tried_again(town: Town) -> None:
    purses: list[Purse] = []
    for purse in killed_everywhere(town, key="one", when="before"):
        town.retry(purse)
        purses.append(purse)

    ends = town.end(purses)

    assert [1] * len(purses) == [len(town.transfers(purse)) for purse in purses]
    assert [1] * len(purses) == [sum(payment.receipt is not None for payment in end.payments) for end in ends]


def test_payer_killed_after_any_call_never_pays_twice_for_one_answer(town: Town) -> None:
    purses: list[Purse] = []
    for purse in killed_everywhere(town, key=None, when="after"):
        town.retry(purse)
        purses.append(purse)

    ends = town.end(purses)

    assert all(end.payments for end in ends)


def test_two_processes_that_go_on_for_a_killed_one_pay_once(town: Town) -> None:
    """They start at the same time, when the lease of the dead one is over, with its idempotency key."""
    calls = town.run(town.purse(key="one"))[0].calls
    purses: list[Purse] = []
    for at in (at for at, call in enumerate(calls) if call in MOVES):
        purse = town.purse(key="one")
        town.run(purse, at=at, when="after")
        outcomes = {diary.outcome for diary in town.run_together(purse, later=PAST_LEASE)}
        assert outcomes <= RETRIED | {"PaymentOutcomeUnknown"}, purse.said
        purses.append(purse)

    town.end(purses)

    assert len(purses) >= 6
    assert [1] * len(purses) == [len(town.transfers(purse)) for purse in purses]
