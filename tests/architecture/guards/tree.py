"""How guards look at a repository: paths below a root, so that the same guard reads the real tree and a planted one."""

import ast
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]

Guard = Callable[[Path], list[str]]
"""Takes the root of a repository, returns one line for each violation: `path:line what`."""


def sources(root: Path) -> Iterator[Path]:
    """Yield the Python files that ship: the package and the plugins."""
    yield from sorted([*root.glob("src/**/*.py"), *root.glob("plugins/*/src/**/*.py")])


def tests(root: Path) -> Iterator[Path]:
    yield from sorted([*root.glob("tests/**/test_*.py"), *root.glob("plugins/*/tests/**/test_*.py")])


def tracked(root: Path) -> Iterator[Path]:
    """Yield the text files that git knows; in a tree without git, every file."""
    if (root / ".git").exists():
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listing = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
        paths = [root / name for name in listing.split("\0") if name]
    else:
        paths = sorted(root.rglob("*"))
    yield from (path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:8192])


def floor(root: Path, path: Path) -> str:
    """Return the first name below `src/paygent`: a floor or a module of the top."""
    parts = path.relative_to(root).parts
    return parts[2].removesuffix(".py") if parts[:2] == ("src", "paygent") else ""


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def line(root: Path, path: Path, number: int, what: str) -> str:
    return f"{path.relative_to(root).as_posix()}:{number} {what}"


def numbered(path: Path) -> Iterator[tuple[int, str]]:
    yield from enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)


def dotted(node: ast.AST) -> str:
    """Return `a.b.c` for a name or an attribute of names, and an empty string for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        owner = dotted(node.value)
        return f"{owner}.{node.attr}" if owner else ""
    return ""
