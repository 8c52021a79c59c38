"""Rules about the tests: each is seen to bite on a planted fault, then held against the repository."""

from pathlib import Path

import pytest

from tests.architecture.guards import suite
from tests.architecture.guards.tree import ROOT, Guard

HELPER = "def check(x): assert x\ndef test_a(): check(1)"
RAISES = "import pytest\ndef test_a():\n  with pytest.raises(ValueError): int('x')"

PLANTED: list[tuple[Guard, str, str, str]] = [
    (suite.mocks, "unit/core/test_a.py", "from unittest.mock import MagicMock", "import unittest"),
    (suite.mocks, "unit/core/test_a.py", "from unittest import mock", "from paygent.testing import FakeChain"),
    (suite.skips, "unit/core/test_a.py", "pytest.skip('no tool')", "list.skip('x')"),
    (suite.skips, "unit/core/test_a.py", "@pytest.mark.skipif(True)\ndef f(): ...", "@pytest.mark.anyio\ndef f(): ..."),
    (suite.tests_without_assertion, "unit/core/test_a.py", "def test_a(): print(1)", "def test_a(): assert f() == 1"),
    (suite.tests_without_assertion, "unit/core/test_a.py", "async def test_a(): assert True", RAISES),
    (suite.tests_without_assertion, "unit/core/test_a.py", "class TestA:\n  def test_a(self): return 1", HELPER),
    (suite.unit_tests_without_subject, "unit/nowhere/test_a.py", "", ""),
]


def plant(root: Path, name: str, text: str) -> Path:
    (root / "src/paygent/core").mkdir(parents=True)
    path = root / "tests" / name
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return root


@pytest.mark.parametrize(("guard", "name", "broken", "kept"), PLANTED)
def test_rule_bites_when_broken(tmp_path: Path, guard: Guard, name: str, broken: str, kept: str) -> None:
    assert [] != guard(plant(tmp_path / "broken", name, broken))
    assert kept == broken or [] == guard(plant(tmp_path / "kept", name, kept))


def test_every_rule_has_a_planted_fault() -> None:
    assert set(suite.GUARDS) == {guard for guard, *_ in PLANTED}


@pytest.mark.parametrize("guard", suite.GUARDS)
def test_repository_keeps_the_rule(guard: Guard) -> None:
    assert [] == guard(ROOT)
