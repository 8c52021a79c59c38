"""Rules about the code that ships, each a function from a root to its violations."""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.guards.tree import dotted, floor, line, numbered, parse, sources

PURE = frozenset({"core", "evm", "x402", "policy", "budget", "approvals"})
"""Floors that get time, entropy and I/O as parameters."""
MONEY = PURE | {"engine", "wallet"}

_PRETENDING = re.compile(
    r"\b(mock|mocks|mocked|fake|fakes|faked|dummy|stub|stubs|stubbed|placeholder|hard-?coded)\b"
    r"|\bfor now\b|\bin production\b|\bfor demo\b",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{40}\b|\bstateMutability\b")
_MONEY_WORD = re.compile(r"amount|price|usd|limit|budget|balance|cost|fee\b|value", re.IGNORECASE)
_MEASURE_WORD = re.compile(r"second|delay|timeout|interval|backoff|ratio|score|latency|probab|weight", re.IGNORECASE)
_ENVIRONMENT = frozenset({"environ", "environb", "getenv", "getenvb", "putenv"})
_IMPURE_MODULES = frozenset(
    "asyncio anyio trio threading multiprocessing subprocess socket ssl select signal sqlite3 time random secrets uuid "
    "os io pathlib shutil tempfile httpx requests urllib http sqlalchemy web3 tenacity".split()
)
_PURE_PARTS = frozenset({"urllib.parse"})
_IMPURE_CALLS = frozenset({"open", "input", "print"})
_CLOCK_CALLS = frozenset({"now", "utcnow", "today"})
_NAMELESS = re.compile(r"(^|_)(utils?|helpers?|misc|common|enhanced|legacy|simple|fallback|manager|new|old|v2)(_|$)")


def _nodes(root: Path) -> Iterator[tuple[Path, ast.AST]]:
    for path in sources(root):
        for node in ast.walk(parse(path)):
            yield path, node


def _at(root: Path, path: Path, node: ast.AST, what: str) -> str:
    return line(root, path, int(getattr(node, "lineno", 0)), what)


def _imports(node: ast.AST) -> list[str]:
    """Return the absolute modules an import statement names."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
        return [node.module]
    return []


def words_that_pretend(root: Path) -> list[str]:
    return [
        line(root, path, number, f"says {found.group()!r}")
        for path in sources(root)
        if floor(root, path) != "testing"
        for number, text in numbered(path)
        if (found := _PRETENDING.search(text))
    ]


def addresses_in_code(root: Path) -> list[str]:
    """Addresses and ABIs are data with a source: they live in JSON."""
    return [
        line(root, path, number, f"types {found.group()!r}")
        for path in sources(root)
        for number, text in numbered(path)
        if (found := _ADDRESS.search(text))
    ]


def floats_near_money(root: Path) -> list[str]:
    """In floors that hold money no float but a measure (seconds, ratio ...); elsewhere none on a line about money."""
    return [
        _at(root, path, node, f"has a float: {text.strip()}")
        for path in sources(root)
        for node in _floats(parse(path))
        for text in [path.read_text(encoding="utf-8").splitlines()[int(getattr(node, "lineno", 1)) - 1]]
        if (floor(root, path) in MONEY and not _MEASURE_WORD.search(text)) or _MONEY_WORD.search(text)
    ]


def _floats(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield float literals, `round` and the name `float`, except where `isinstance` refuses it."""
    refusals = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and dotted(node.func) == "isinstance"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        name = isinstance(node, ast.Name) and node.id in {"float", "round"}
        literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
        if (name or literal) and id(node) not in refusals:
            yield node


def environment_read_outside_settings(root: Path) -> list[str]:
    return [
        _at(root, path, node, "reads the environment; only paygent.runtime.settings may")
        for path, node in _nodes(root)
        if path.relative_to(root).as_posix() != "src/paygent/runtime/settings.py" and _reads_environment(node)
    ]


def _reads_environment(node: ast.AST) -> bool:
    imported = (
        isinstance(node, ast.ImportFrom) and node.module == "os" and any(a.name in _ENVIRONMENT for a in node.names)
    )
    return imported or (isinstance(node, ast.Attribute) and node.attr in _ENVIRONMENT and dotted(node.value) == "os")


def duplicate_error_names(root: Path) -> list[str]:
    """Two errors of one name: whoever catches one misses the other."""
    seen: defaultdict[str, list[str]] = defaultdict(list)
    for path, node in _nodes(root):
        if isinstance(node, ast.ClassDef) and (path.stem == "errors" or _names_an_error(node)):
            seen[node.name].append(_at(root, path, node, node.name))
    return [place for places in seen.values() if len(places) > 1 for place in places]


def _names_an_error(node: ast.ClassDef) -> bool:
    return any(name.endswith(("Error", "Exception")) for name in [node.name, *map(dotted, node.bases)])


def core_beyond_standard_library(root: Path) -> list[str]:
    allowed = sys.stdlib_module_names | {"paygent"}
    return [
        _at(root, path, node, f"imports {module}: core is standard library only")
        for path, node in _nodes(root)
        if floor(root, path) == "core"
        for module in _imports(node)
        if module.split(".")[0] not in allowed
    ]


def impure_floors(root: Path) -> list[str]:
    """Time, entropy and I/O are parameters in the floors that decide."""
    return [
        _at(root, path, node, f"uses {what}: a parameter in a floor that decides")
        for path, node in _nodes(root)
        if floor(root, path) in PURE
        for what in _impurities(node)
    ]


def _impurities(node: ast.AST) -> list[str]:
    modules = [name for name in _imports(node) if name.split(".")[0] in _IMPURE_MODULES and name not in _PURE_PARTS]
    if isinstance(node, ast.Call):
        name = dotted(node.func)
        clock = name.rpartition(".")[2] in _CLOCK_CALLS and name.split(".")[0] in {"datetime", "date"}
        return [*modules, name] if clock or name in _IMPURE_CALLS else modules
    return modules


def imports_of_the_root(root: Path) -> list[str]:
    """The root package lists names of every floor, so importing it from inside would hide an upward import."""
    floors = {floor(root, path) for path in sources(root)}
    return [
        _at(root, path, node, f"imports {alias.name} from the root package: name its module")
        for path, node in _nodes(root)
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module == "paygent"
        and path.relative_to(root).as_posix() != "src/paygent/__init__.py"
        for alias in node.names
        if alias.name not in floors
    ]  # fmt: skip


def protocols_by_reflection(root: Path) -> list[str]:
    return [
        _at(root, path, node, f"calls {dotted(node.func)} on a name: write a Protocol")
        for path, node in _nodes(root)
        if isinstance(node, ast.Call) and path.name != "__init__.py" and _reflects(node)
    ]


def _reflects(call: ast.Call) -> bool:
    name = dotted(call.func)
    by_name = name == "getattr" and len(call.args) > 1 and isinstance(call.args[1], ast.Constant)
    return by_name or name in {"hasattr", "inspect.signature"}


def defaults_for_required_fields(root: Path) -> list[str]:
    """`.get("from", "")` turns a missing field into a valid empty one; only an HTTP header may be both."""
    return [
        _at(root, path, node, "defaults a field to an empty value: parse it or refuse it")
        for path, node in _nodes(root)
        if isinstance(node, ast.Call) and _defaults_to_empty(node)
    ]


def _defaults_to_empty(call: ast.Call) -> bool:
    if not isinstance(call.func, ast.Attribute) or call.func.attr != "get" or len(call.args) != 2:
        return False
    default = call.args[1]
    empty = isinstance(default, ast.Constant) and default.value in ("", 0) and not isinstance(default.value, bool)
    return empty and not dotted(call.func.value).endswith("headers")


def long_functions(root: Path) -> list[str]:
    """A migration is a list of columns, however long; everything else is cut into decisions and acts."""
    return [
        _at(root, path, node, f"{node.name} has {length} lines, 60 at most")
        for path, node in _nodes(root)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and "migrations" not in path.parts
        and (length := _body_length(node)) > 60
    ]


def _body_length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = function.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and len(function.body) > 1
    start = function.body[1] if documented else first
    return (function.body[-1].end_lineno or 0) - start.lineno + 1


def long_modules(root: Path) -> list[str]:
    """A conformance kit is a list of tests: as long as the port it holds to its word."""
    return [
        line(root, path, length, f"has {length} lines, 400 at most")
        for path in sources(root)
        if "conformance" not in path.parts and (length := len(path.read_text(encoding="utf-8").splitlines())) > 400
    ]


def nameless_modules(root: Path) -> list[str]:
    """A module has one noun; `utils` has none, and `enhanced` says there are two of one thing."""
    return [
        line(root, path, 1, f"is called {path.stem!r}: name its noun")
        for path in sources(root)
        if _NAMELESS.search(path.stem)
    ]


GUARDS = (
    addresses_in_code,
    core_beyond_standard_library,
    defaults_for_required_fields,
    duplicate_error_names,
    environment_read_outside_settings,
    floats_near_money,
    imports_of_the_root,
    impure_floors,
    long_functions,
    long_modules,
    nameless_modules,
    protocols_by_reflection,
    words_that_pretend,
)
