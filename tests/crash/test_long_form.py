"""The long form, cut short: on anvil, through the same peers."""

import re

import pytest

from tests.crash.__main__ import main


def test_long_form_kills_as_many_as_it_is_told_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["--kills", "4", "--planned", "2"])
    assert re.match(r"(\d+) kills \(2 at a call, [2-4] at a random time\), [3-6] wallets", capsys.readouterr().out)
