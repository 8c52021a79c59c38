"""A process that pays is killed while its storage is a database on a server: all or nothing was written there too."""

import pytest

from tests.crash.__main__ import main
from tests.crash.town import PAST_LEASE, RETRIED, Purse, Town

WRITES = {"journal.open", "journal.append"}


def test_payer_killed_after_any_write_to_a_server_pays_once(town_on_server: Town) -> None:
    """After the call the server has committed, and nobody lives who knows."""
    town = town_on_server
    calls = town.run(town.purse(key="one"))[0].calls
    purses: list[Purse] = []
    for at in (at for at, call in enumerate(calls) if call in WRITES):
        purse = town.purse(key="one")
        if town.run(purse, at=at, when="after")[1]:  # a call of the background that is cancelled has no end
            town.retry(purse)
            purses.append(purse)

    ends = town.end(purses)

    assert len(purses) >= 3
    assert [1] * len(purses) == [len(town.transfers(purse)) for purse in purses]
    assert all(end.payments for end in ends)


def test_payer_killed_at_any_time_lets_others_on_the_server_go_on(town_on_server: Town) -> None:
    """From outside, so that some die inside a transaction; two others start together with the dead one's key."""
    town = town_on_server
    purses: list[Purse] = []
    for number in range(4):
        purse = town.purse(key="one")
        town.run_killed(purse, after_seconds=0.04 * (number + 1))
        outcomes = {diary.outcome for diary in town.run_together(purse, later=PAST_LEASE)}
        assert outcomes <= RETRIED | {"PaymentOutcomeUnknown"}, purse.said
        purses.append(purse)

    town.end(purses)

    assert [1] * len(purses) == [len(town.transfers(purse)) for purse in purses]


def test_long_form_kills_processes_of_a_server(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["--kills", "2", "--storage", "postgresql"])
    assert "2 kills (2 at a call, 0 at a random time), 2 wallets" in capsys.readouterr().out
