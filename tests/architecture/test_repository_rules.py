"""Rules about the files of the repository: each bites on a planted fault, then is held against the repository."""

import hashlib
import re
import subprocess
from pathlib import Path

import pytest

from tests.architecture.guards import repository
from tests.architecture.guards.tree import ROOT, Guard

KEY = "0x" + hashlib.sha256(b"a key that guards nothing").hexdigest()
INDEX = "https://" + "py" + "pi.org/simple"
HOME = "/" + "home/alice/paygent"
ADR = "".join(f"## {part}\n" for part in ("Context", "Options", "Decision", "Consequences"))
NOTICED = "## How we would notice it was wrong\n"
HEAD = "| id | api | test |\n|---|---|---|\n"
HASH = " \\\n    --hash=sha256:00\n"
PIN = f"a==1.0{HASH}"
FEATURES = "docs/reference/features.md"
ROW = f"{HEAD}| X1 | `json.dumps` | `tests/test_a.py::test_a` |\n"

PLANTED: list[tuple[Guard, str, str, str]] = [
    (repository.broken_links, "README.md", "[a](docs/nowhere.md)", "[a](README.md#a) [b](https://example.com)"),
    (repository.incomplete_decisions, "docs/adr/0001-a.md", ADR, ADR + NOTICED),
    (repository.long_sessions, "noxfile.py", "def f():\n" + "    x = 1\n" * 16, "def f():\n" + "    x = 1\n" * 15),
    (repository.machine_paths, "a.toml", f'path = "{HOME}"', 'path = "src/home/alice"'),
    (repository.odd_changelog_fragments, "changelog.d/2.news.md", "a", "a"),
    (repository.registry_addresses, "requirements/dev.txt", f"# from {INDEX}", PIN),
    (repository.registry_addresses, "requirements/dev.txt", "--" + "index-url x", PIN),
    (repository.registry_addresses, "package-lock.json", '"resolved"' + ': "https://a"', '"integrity": "sha512-a"'),
    (repository.secrets, "src/paygent/cli.py", f'x = "{KEY}"', f'block_hash = "{KEY}"'),
    (repository.secrets, "src/paygent/cli.py", f'# hash\nprivate_key = "{KEY}"', f'# a topic\nx = "{KEY}"'),
    (repository.secrets, "docs/a.md", KEY[2:], "0x" + "0" * 64),
    (repository.secrets, "a.pem", "-----BEGIN " + "EC PRIVATE KEY-----", "-----BEGIN CERTIFICATE-----"),
    (repository.unpinned_requirements, "requirements/dev.txt", PIN, f"{PIN}b-c==1.0{HASH}"),
    (repository.unpinned_requirements, "requirements/dev.txt", f"{PIN}b-c==1.0\n", f"{PIN}b-c==1.0{HASH}"),
    (repository.untrue_features, FEATURES, ROW.replace("dumps", "nothing"), ROW),
    (repository.untrue_features, FEATURES, ROW.replace("::test_a", "::test_b"), ROW),
    (repository.untrue_features, FEATURES, f"{HEAD}| X1 | | |", HEAD),
    (repository.untrue_features, FEATURES, ROW.replace("X1", "first"), ROW.replace("X1", "W12")),
    (repository.untrue_features, FEATURES, ROW + ROW.removeprefix(HEAD), ROW),
]


def plant(root: Path, name: str, text: str) -> Path:
    requirements = '[project]\ndependencies = ["a>=1"]\n[project.optional-dependencies]\nx = ["B_c[d]>=1"]\n'
    for file, content in {
        "pyproject.toml": requirements,
        "tests/test_a.py": "def test_a(): ...",
        name: text,
    }.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(content)
    return root


@pytest.mark.parametrize(("guard", "name", "broken", "kept"), PLANTED)
def test_rule_bites_when_broken(tmp_path: Path, guard: Guard, name: str, broken: str, kept: str) -> None:
    assert [] != guard(plant(tmp_path / "broken", name, broken))
    assert kept == broken or [] == guard(plant(tmp_path / "kept", name, kept))


def test_published_keys_may_stand_where_they_belong(tmp_path: Path) -> None:
    assert [] == repository.secrets(plant(tmp_path, "src/paygent/testing/keys.py", f'ALICE = "{KEY}"'))


def test_every_rule_has_a_planted_fault() -> None:
    assert set(repository.GUARDS) == {guard for guard, *_ in PLANTED}


@pytest.mark.parametrize("guard", repository.GUARDS)
def test_repository_keeps_the_rule(guard: Guard) -> None:
    assert [] == guard(ROOT)


def test_ci_runs_exactly_the_readme_test_command() -> None:
    """The second shell block of the README is what CI runs."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    commands = [
        text
        for text in (ROOT / ".ci/run").read_text().splitlines()
        if text and not text.startswith(("#", "set ", "cd "))
    ]

    assert blocks[1].splitlines() == commands


def test_ci_is_executable_when_cloned() -> None:
    listed = subprocess.run(["git", "ls-files", "-s", ".ci/run"], cwd=ROOT, capture_output=True, text=True, check=True)

    assert listed.stdout.startswith("100755 ")
