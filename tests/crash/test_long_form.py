"""The long form, cut short: on anvil, through the same peers."""

import pytest

from tests.crash.__main__ import main


def test_long_form_kills_as_many_as_it_is_told_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["--kills", "3"])
    assert "3 kills (3 at a call, 0 at a random time), 3 wallets" in capsys.readouterr().out
