"""The public names are a promise: listed, importable, and changed on purpose only."""

import importlib
from pathlib import Path

import pytest

import paygent
from tests.architecture.guards.tree import ROOT, sources

FROZEN = Path(__file__).with_name("public_names.txt")
"""One name a line. Adding one is a decision, removing one breaks somebody."""


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT / "src").with_suffix("").parts).removesuffix(".__init__")


MODULES = [
    module_name(path) for path in sources(ROOT) if path.is_relative_to(ROOT / "src") and "__all__" in path.read_text()
]


def missing_names(module: object, names: list[str]) -> list[str]:
    return [name for name in names if not hasattr(module, name)]


def test_public_names_are_the_frozen_ones() -> None:
    assert FROZEN.read_text().split() == sorted(paygent.__all__)


def test_public_names_are_listed_once_and_by_dir() -> None:
    assert len(set(paygent.__all__)) == len(paygent.__all__)
    assert set(paygent.__all__) <= set(dir(paygent))


def test_name_is_missed_when_it_does_not_exist() -> None:
    assert ["Nothing"] == missing_names(paygent, ["Nothing"])


@pytest.mark.parametrize("name", MODULES)
def test_every_listed_name_can_be_imported(name: str) -> None:
    module = importlib.import_module(name)

    assert [] == missing_names(module, list(module.__all__))
