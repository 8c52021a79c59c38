"""Importing Paygent is light, and importing any module of it does nothing but define names."""

import subprocess
import sys

import pytest

from tests.architecture.guards.tree import ROOT

NOTHING_HEAVY = "web3 eth_account eth_abi sqlalchemy alembic httpx pydantic langgraph x402 rich typer tenacity".split()
NOT_TO_PAY = "web3 eth_account eth_abi sqlalchemy alembic langgraph x402 rich typer".split()

IMPORT_ALL = """
import importlib.util, pkgutil, sys

ours = (importlib.util.find_spec("paygent").origin.removesuffix("__init__.py"), "<string>")

def acts_for_paygent():
    frame = sys._getframe(2)
    while frame is not None and "importlib" not in frame.f_code.co_filename:
        if frame.f_code.co_filename.startswith(ours):
            return True
        frame = frame.f_back
    return False

def deny(event, args):
    writes = event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+")
    if (writes or event.startswith(("socket.", "subprocess."))) and acts_for_paygent():
        raise PermissionError(f"{event} {args!r} while importing")

def fail(name):
    raise

sys.dont_write_bytecode = True
sys.addaudithook(deny)
import paygent
names = [module.name for module in pkgutil.walk_packages(paygent.__path__, "paygent.", onerror=fail)]
for name in names:
    if not name.endswith("__main__"):
        __import__(name)
print("imported", len(names))
"""
"""What another library does while being imported is its own affair: the nearest import on the stack tells."""


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "ignore", *arguments, "-c", program]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def loaded_by(statement: str) -> set[str]:
    """Return the top-level modules in memory after a statement, in a fresh interpreter."""
    program = f"import sys\n{statement}\nprint('\\n'.join({{name.split('.')[0] for name in sys.modules}}))"
    finished = run(program)

    assert finished.returncode == 0, finished.stderr
    return set(finished.stdout.split())


@pytest.mark.parametrize(
    ("statement", "heavy", "bare"),
    [
        ("import paygent", NOTHING_HEAVY, "pass"),
        ("from paygent import X402Client", NOT_TO_PAY, "import httpx"),
    ],
)
def test_import_pulls_no_heavy_library(statement: str, heavy: list[str], bare: str) -> None:
    """What httpx itself pulls in (rich, for its own command line) is not ours to answer for."""
    assert set() == (loaded_by(statement) - loaded_by(bare)) & set(heavy)


def test_heavy_library_is_seen_when_imported() -> None:
    """The measurement above can fail."""
    assert {"paygent", "httpx"} <= loaded_by("import paygent, httpx")


def test_every_module_imports_when_sockets_and_writing_are_denied() -> None:
    finished = run(IMPORT_ALL)

    assert finished.returncode == 0, finished.stderr
    files = [path for path in (ROOT / "src/paygent").rglob("*.py") if path.name != "__init__.py"]
    assert int(finished.stdout.split()[1]) >= len(files)


@pytest.mark.parametrize("deed", ["open('x', 'w')", "__import__('socket').create_connection(('127.0.0.1', 1))"])
def test_denial_bites_when_a_module_acts_while_imported(deed: str) -> None:
    finished = run(IMPORT_ALL.replace("import paygent\n", f"import paygent\n{deed}\n"))

    assert "PermissionError" in finished.stderr
