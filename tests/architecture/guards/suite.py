"""Rules about the tests: a test that cannot fail is worse than none."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.guards.tree import dotted, line, numbered, parse, tests

Function = ast.FunctionDef | ast.AsyncFunctionDef

_SKIP = re.compile(r"pytest\s*\.\s*(skip|importorskip|xfail)\b|\bmark\s*\.\s*(skip|skipif|xfail)\b|\bunittest\.skip")
_OWN_SUITE = "tests/architecture/"
"""The guards' own tests plant the faults they look for."""


def tests_without_assertion(root: Path) -> list[str]:
    """A test asserts, expects an exception, or calls a function of its module that does."""
    return [
        line(root, path, function.lineno, f"{function.name} asserts nothing")
        for path in tests(root)
        for tree in [parse(path)]
        for asserting in [_asserting_helpers(tree)]
        for function in _functions(tree)
        if function.name.startswith("test") and not _asserts(function, asserting)
    ]


def _functions(tree: ast.AST) -> Iterator[Function]:
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _asserting_helpers(tree: ast.Module) -> frozenset[str]:
    return frozenset(f.name for f in _functions(tree) if not f.name.startswith("test") and _asserts(f, frozenset()))


def _asserts(function: Function, helpers: frozenset[str]) -> bool:
    return any(_is_assertion(node, helpers) for node in ast.walk(function))


def _is_assertion(node: ast.AST, helpers: frozenset[str]) -> bool:
    if isinstance(node, ast.Assert):
        return not isinstance(node.test, ast.Constant)
    if isinstance(node, ast.Call):
        name = dotted(node.func) or getattr(node.func, "attr", "")
        last = name.rpartition(".")[2]
        return name in {"pytest.raises", "pytest.warns", "pytest.fail"} or last in helpers or last.startswith("assert_")
    return False


def skips(root: Path) -> list[str]:
    return [
        line(root, path, number, "skips: install the tool or delete the test")
        for path in tests(root)
        if not path.relative_to(root).as_posix().startswith(_OWN_SUITE)
        for number, text in numbered(path)
        if _SKIP.search(text)
    ]


def mocks(root: Path) -> list[str]:
    """Own types are never mocked; paygent.testing has fakes that are tested themselves."""
    return [
        line(root, path, int(getattr(node, "lineno", 0)), "uses unittest.mock: take a fake of paygent.testing")
        for path in tests(root)
        for node in ast.walk(parse(path))
        if _imports_mock(node)
    ]


def _imports_mock(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module == "unittest.mock" or (node.module == "unittest" and "mock" in [a.name for a in node.names])
    return isinstance(node, ast.Import) and "unittest.mock" in [alias.name for alias in node.names]


def unit_tests_without_subject(root: Path) -> list[str]:
    """tests/unit mirrors the source: a folder of tests has a package or module of that path."""
    unit = root / "tests" / "unit"
    return [
        line(root, path, 1, "mirrors no package or module of src/paygent")
        for path in tests(root)
        if path.is_relative_to(unit)
        for subject in [root / "src" / "paygent" / path.relative_to(unit).parent]
        if not subject.is_dir() and not subject.with_suffix(".py").is_file()
    ]


GUARDS = (mocks, skips, tests_without_assertion, unit_tests_without_subject)
