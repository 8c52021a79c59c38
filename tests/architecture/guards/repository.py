"""Rules about the files of the repository: what must not leak, and documents that must stay true."""

import ast
import importlib
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from paygent.devnet.keys import dev_accounts
from tests.architecture.guards.tree import line, numbered, parse, tracked

_MACHINE_PATH = re.compile(r"""(?<![\w.$}/-])/(work|root|home|Users)/\w""")
_REGISTRY = re.compile(
    r"pypi\.(org|python)|pythonhosted\.org|registry\.(npmjs|yarnpkg)\.|npmmirror\.|crates\.io/api|proxy\.golang\."
    r"|^\s*(--extra-index-url|--index-url|--find-links)\b|\"resolved\":\s*\"https?:",
    re.IGNORECASE | re.MULTILINE,
)
_WORD32 = re.compile(r"(?<![0-9a-zA-Z])(0x)?([0-9a-fA-F]{64})(?![0-9a-zA-Z])")
_NOT_A_KEY = re.compile(
    r"hash|keccak|digest|topic|nonce|transaction|separator|salt|block|selector|signature|cipher|mac\b|order\b",
    re.IGNORECASE,
)
_CALLED_KEY = re.compile(r"private[ _-]?key|secret|mnemonic", re.IGNORECASE)
_CREDENTIAL = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}|\bxox[abpr]-[0-9A-Za-z-]{10}"
    r"|\bsk-[A-Za-z0-9_-]{32}|\bnpm_[A-Za-z0-9]{36}|\bpypi-[A-Za-z0-9_-]{32}"
)
_KNOWN_KEYS = ("src/paygent/testing/", "src/paygent/devnet/", "tests/vectors/")
"""Where published development keys and test vectors live."""
_LOCKS = ("requirements/", "package-lock.json", "-requirements.txt")
_LINK = re.compile(r"\[[^\]]*\]\((?!\w+:|#)([^)#\s]+)[^)]*\)")
_ADR_PARTS = ("Context", "Options", "Decision", "Consequences", "How we would notice it was wrong")
_FRAGMENT = re.compile(r"^\d+(-[a-z0-9-]+)?\.(security|removed|deprecated|added|changed|fixed)\.md$|^README\.md$")
_ROW = re.compile(r"^\|([^|]*)\|([^|]*)\|([^|]*)\|\s*$")
_CODE = re.compile(r"`([^`]+)`")


def machine_paths(root: Path) -> list[str]:
    return [
        line(root, path, number, "names a path of one machine")
        for path in tracked(root)
        for number, text in numbered(path)
        if _MACHINE_PATH.search(text)
    ]


def registry_addresses(root: Path) -> list[str]:
    """Where packages come from is the installer's setting, in pins too."""
    return [
        line(root, path, number, "names a package registry")
        for path in tracked(root)
        for number, text in numbered(path)
        if _REGISTRY.search(text)
    ]


def secrets(root: Path) -> list[str]:
    return [
        line(root, path, number, "looks like a key")
        for path in tracked(root)
        for name in [path.relative_to(root).as_posix()]
        if not any(part in name for part in _LOCKS)
        for lines in [[text for _, text in numbered(path)]]
        for number, text in enumerate(lines, 1)
        if _CREDENTIAL.search(text)
        or (
            not name.startswith(_KNOWN_KEYS)
            and _looks_like_a_key(text, " ".join([name, *lines[max(0, number - 4) : number]]))
        )
    ]


def _looks_like_a_key(text: str, context: str) -> bool:
    """32 bytes that are not a pattern, and that nothing in the context calls by another name."""
    words = [found.group() for found in _WORD32.finditer(text) if found[2].lower() not in _published_keys()]
    keyish = _CALLED_KEY.search(text) or not _NOT_A_KEY.search(context)
    return bool(keyish) and any(len(set(word.removeprefix("0x"))) > 4 for word in words)


@cache
def _published_keys() -> frozenset[str]:
    """Return the keys that every local chain gives money to."""
    return frozenset(account.private_key.removeprefix("0x").lower() for account in dev_accounts())


def unpinned_requirements(root: Path) -> list[str]:
    """Every requirement of pyproject.toml, extras and groups has a pin with a hash in requirements/dev.txt."""
    pins = (root / "requirements/dev.txt").read_text()
    pinned = set(re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==.*\\\n\s+--hash=", pins, re.MULTILINE))
    return [
        f"requirements/dev.txt:1 pins no {name}: run nox -s lock"
        for name in sorted(_required(tomllib.loads((root / "pyproject.toml").read_text())))
        if name not in {_normal(pin) for pin in pinned}
    ]


def _required(pyproject: dict[str, dict[str, object]]) -> Iterator[str]:
    project = pyproject["project"]
    lists = [project["dependencies"]]
    for tables in (project.get("optional-dependencies"), pyproject.get("dependency-groups")):
        lists.extend(tables.values() if isinstance(tables, dict) else [])
    for requirements in lists:
        assert isinstance(requirements, list)
        for requirement in requirements:
            name = re.match(r"[A-Za-z0-9._-]+", requirement) if isinstance(requirement, str) else None
            if name is not None and _normal(name.group()) != "paygent":
                yield _normal(name.group())


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def long_sessions(root: Path) -> list[str]:
    """A nox session is short enough to be read as documentation."""
    noxfile = root / "noxfile.py"
    functions = [node for node in parse(noxfile).body if isinstance(node, ast.FunctionDef)] if noxfile.exists() else []
    return [
        line(root, noxfile, function.lineno, f"{function.name} has more than 15 lines")
        for function in functions
        if (function.end_lineno or 0) - function.lineno > 15
    ]


def broken_links(root: Path) -> list[str]:
    return [
        line(root, path, number, f"links to {target}, which does not exist")
        for path in tracked(root)
        if path.suffix == ".md"
        for number, text in numbered(path)
        for target in _LINK.findall(text)
        if not (path.parent / target).exists()
    ]


def incomplete_decisions(root: Path) -> list[str]:
    return [
        line(root, path, 1, f"has no section {part!r}")
        for path in sorted((root / "docs/adr").glob("[0-9]*.md"))
        for part in _ADR_PARTS
        if f"## {part}\n" not in path.read_text()
    ]


def odd_changelog_fragments(root: Path) -> list[str]:
    return [
        line(root, path, 1, "is not named <issue>.<security|removed|deprecated|added|changed|fixed>.md")
        for path in tracked(root)
        if path.relative_to(root).parts[0] == "changelog.d" and not _FRAGMENT.match(path.name)
    ]


def untrue_features(root: Path) -> list[str]:
    """Every row `| id | api | test |` of docs/reference/features.md names an API and a test that exist."""
    page = root / "docs/reference/features.md"
    seen: set[str] = set()
    problems: list[str] = []
    for number, text in numbered(page):
        row = _ROW.match(text)
        if row is None or row[1].strip() in {"id", "---"}:
            continue
        feature = row[1].strip()
        found = [*_row_problems(root, row[2], row[3]), *([f"{feature} twice"] if feature in seen else [])]
        if not re.fullmatch(r"[A-Z]\d{1,2}", feature):
            found.append(f"{feature!r} is not an id")
        seen.add(feature)
        problems.extend(line(root, page, number, what) for what in found)
    return problems


def _row_problems(root: Path, apis: str, tests: str) -> Iterator[str]:
    names, nodes = _CODE.findall(apis), _CODE.findall(tests)
    if not names or not nodes:
        yield "names no API or no test"
    yield from (f"{name} cannot be imported" for name in names if not _importable(name))
    yield from (f"{node} is no test" for node in nodes if not _is_test(root, node))


def _importable(name: str) -> bool:
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for part in parts[end:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


def _is_test(root: Path, node: str) -> bool:
    file, _, name = node.partition("::")
    if not (root / file).is_file() or not name:
        return False
    classes_and_functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    names = {n.name for n in ast.walk(parse(root / file)) if isinstance(n, classes_and_functions)}
    return name.startswith(("test", "Test")) and set(name.split("::")) <= names


GUARDS = (
    broken_links,
    incomplete_decisions,
    long_sessions,
    machine_paths,
    odd_changelog_fragments,
    registry_addresses,
    secrets,
    unpinned_requirements,
    untrue_features,
)
