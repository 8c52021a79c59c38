"""A policy follows its files; what is invalid changes nothing and is said."""

import logging
from pathlib import Path

import pytest

from paygent.core.errors import ConfigurationError, PolicyFileError
from paygent.core.money import usd
from paygent.runtime import policy_file
from paygent.runtime.policy_file import PolicyFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "policy.yaml", "1")


def write(path: Path, most: str) -> Path:
    path.write_text(f'max_per_payment: "{most}"\n' + "#" * len(most))
    return path


def test_policy_is_read_at_first(path: Path) -> None:
    file = PolicyFile(path)

    assert (usd("1"), None) == (file.policy.max_per_payment, file.error)


def test_unchanged_file_is_not_read_again(path: Path) -> None:
    file = PolicyFile(path)
    reloaded = file.reload()

    assert (False, None) == (reloaded.changed, reloaded.error)
    assert reloaded.policy is file.policy is file.current()


def test_changed_file_is_taken(path: Path) -> None:
    file = PolicyFile(path)
    write(path, "2.5")
    reloaded = file.reload()

    assert (True, usd("2.5")) == (reloaded.changed, reloaded.policy.max_per_payment)
    assert usd("2.5") == file.current().max_per_payment


def test_file_that_says_the_same_in_other_words_changes_nothing(path: Path) -> None:
    file = PolicyFile(path)
    path.write_text("max_per_payment: '1.00'")

    assert not file.reload().changed


def test_invalid_file_keeps_the_old_policy_and_says_so(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = PolicyFile(path)
    path.write_text("max_per_paiment: 9")
    with caplog.at_level(logging.ERROR):
        first, second = file.reload(), file.reload()

    assert usd("1") == file.policy.max_per_payment
    assert [False, False] == [first.changed, second.changed]
    assert isinstance(file.error, PolicyFileError)
    assert file.error is first.error is second.error
    assert 1 == len(caplog.records)
    assert f"the old policy is kept: {path}:1:1: expected one of" in caplog.text


def test_file_that_is_mended_is_taken(path: Path) -> None:
    file = PolicyFile(path)
    path.write_text("[")
    file.reload()
    write(path, "3")

    assert (True, None) == (file.reload().changed, file.error)
    assert usd("3") == file.policy.max_per_payment


def test_file_that_was_away_is_read_when_it_is_back(path: Path) -> None:
    file = PolicyFile(path)
    path.rename(path.with_suffix(".away"))
    missing = [file.reload() for _ in range(2)][1]
    path.with_suffix(".away").rename(path)

    assert "cannot be read: No such file" in str(missing.error)
    assert (False, None) == (file.reload().changed, file.error)
    assert file.reload().error is None


def test_several_files_are_one_policy(path: Path, tmp_path: Path) -> None:
    agents = tmp_path / "agents.yaml"
    agents.write_text("agents: [{id: a, priority: LOW, dailyBudget: 1, maxPerCall: 1}]")
    file = PolicyFile(path, agents)
    agents.write_text("agents: [{id: bb, priority: LOW, dailyBudget: 1, maxPerCall: 1}]")

    assert ["a"] == [each.id for each in file.policy.agent_terms]
    assert ["bb"] == [each.id for each in file.current().agent_terms]


def test_list_of_agents_that_is_emptied_lets_nobody_new_pay(path: Path, tmp_path: Path) -> None:
    agents = tmp_path / "agents.yaml"
    agents.write_text("agents: [{id: a, priority: LOW, dailyBudget: 1, maxPerCall: 1}]")
    file = PolicyFile(path, agents)
    agents.write_text("agents: []")

    assert ["a"] == [each.id for each in file.current().agent_terms]
    assert "a list of one at least" in str(file.error)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"per_day: x"])
def test_file_that_cannot_be_meant_is_refused_at_first(path: Path, content: bytes) -> None:
    path.write_bytes(content)

    with pytest.raises(ConfigurationError, match=r"policy\.yaml"):
        PolicyFile(path)


def test_folder_and_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        PolicyFile(tmp_path)
    with pytest.raises(ConfigurationError, match="at least one policy file"):
        PolicyFile()


def test_file_that_never_rests_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    states = iter(range(1000))
    monkeypatch.setattr(policy_file, "_state_of", lambda _: (next(states), 0, 0))

    with pytest.raises(ConfigurationError, match="changes all the time"):
        PolicyFile(path)


def test_byte_that_is_no_utf_8_is_told_by_its_place(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_bytes(b'per_day: "5"\nhosts: [\xff]\n')

    with pytest.raises(PolicyFileError, match=r"policy\.yaml:2:9: expected UTF-8, found the byte 0xff"):
        PolicyFile(file)
