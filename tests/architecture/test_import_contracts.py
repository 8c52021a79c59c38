"""Imports go down only: the contracts of pyproject.toml hold, and each breaks when an import is planted against it."""

import os
import shutil
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

from tests.architecture.guards.tree import ROOT

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
FLOORS = [[name.strip(" ()") for name in line.split("|")] for line in CONTRACTS[0]["layers"]]
UPWARD = [(lower, upper) for above, below in pairwise(FLOORS) for lower in below for upper in above]
SIDEWAYS = [pair for names in FLOORS for pair in pairwise(names)]
LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(sys.argv[1], no_cache=True))"


def lint(source: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", LINT, str(ROOT / "pyproject.toml")]
    path = os.pathsep.join([str(source), os.environ["PYTHONPATH"]])
    environment = os.environ | {"PYTHONPATH": path, "COLUMNS": "400"}
    return subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True, check=False)


def plant(source: Path, name: str, text: str) -> None:
    """Write a new module of that dotted name, with the packages above it."""
    path = source / (name.replace(".", "/") + ".py")
    path.parent.mkdir(parents=True, exist_ok=True)
    for folder in (path.parent, source / "paygent"):
        (folder / "__init__.py").touch()
    path.write_text(text)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the report on a copy of the source in which every floor imports the one above and its neighbour."""
    source = tmp_path_factory.mktemp("planted") / "src"
    shutil.copytree(ROOT / "src", source)
    for name in (name for names in FLOORS for name in names):
        (source / "paygent" / f"{name}.py").unlink(missing_ok=True)
        plant(source, f"paygent.{name}.planted", "")
    for number, (importer, imported) in enumerate([*UPWARD, *SIDEWAYS]):
        plant(source, f"paygent.{importer}.planted{number}", f"import paygent.{imported}.planted")
    plant(source, "paygent.adapters.planted_a", "import paygent.adapters.planted_b")
    plant(source, "paygent.adapters.planted_b", "")
    finished = lint(source)

    assert finished.returncode == 1, finished.stderr
    return finished.stdout


def test_contracts_hold() -> None:
    finished = lint(ROOT / "src")

    assert (0, "") == (finished.returncode, finished.stderr), finished.stdout


@pytest.mark.parametrize(("importer", "imported"), [*UPWARD, *SIDEWAYS])
def test_floors_break_when_a_floor_imports_upwards_or_sideways(planted: str, importer: str, imported: str) -> None:
    assert f"paygent.{importer} is not allowed to import paygent.{imported}:" in planted


def test_floors_break_when_a_folder_belongs_to_none(tmp_path: Path) -> None:
    plant(tmp_path, "paygent.core.planted", "")
    plant(tmp_path, "paygent.surprise.planted", "")

    report = lint(tmp_path).stdout

    assert f"{CONTRACTS[0]['name']} BROKEN" in report
    assert "surprise" in report


def test_adapters_break_when_one_imports_another(planted: str) -> None:
    assert "paygent.adapters.planted_a is not allowed to import paygent.adapters.planted_b:" in planted


def test_every_contract_breaks_on_a_planted_import(planted: str) -> None:
    assert [f"{contract['name']} BROKEN" for contract in CONTRACTS if f"{contract['name']} BROKEN" in planted] == [
        f"{contract['name']} BROKEN" for contract in CONTRACTS
    ]
