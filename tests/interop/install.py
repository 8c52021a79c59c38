"""Install the peers into `.peers` at the repository root: `python -m tests.interop.install`. Idempotent."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent / "peers"
ROOT = HERE.parents[2]
NPM_FILES = tuple(HERE / "npm" / name for name in ("package.json", "package-lock.json", ".npmrc"))
EXCHANGE = HERE / "exchange"
EXCHANGE_FILES = tuple(EXCHANGE / name for name in ("package.json", "package-lock.json", ".npmrc"))
EXCHANGE_SOURCES = ROOT / "plugins" / "paygent-vvs" / "tests" / "contracts"
V1_REQUIREMENTS = HERE / "v1-requirements.txt"
COMPILER = HERE / "compile.mjs"
CONTRACTS = HERE.parent / "contracts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """Where the peers are."""

    root: Path
    """The `.peers` directory."""

    @property
    def npm(self) -> Path:
        return self.root / "npm"

    @property
    def exchange(self) -> Path:
        """Where npm put the exchanges' packages."""
        return self.root / "exchange"

    @property
    def farms(self) -> Path:
        """JSON {contract: {abi, bytecode}} of farms, compiled by the old compiler that they were written for."""
        return self.root / "farms.json"

    @property
    def v1_python(self) -> Path:
        """The interpreter that has x402 1.0.0; it cannot share an environment with x402 2."""
        return self.root / "v1" / "bin" / "python"

    @property
    def contracts(self) -> Path:
        """JSON {contract: {abi, runtime}} of our own test contracts."""
        return self.root / "contracts.json"

    @property
    def anvil(self) -> Path:
        """The binary itself, because the node shim costs 64 ms a start. Elsewhere than Linux x64 it must be on PATH."""
        packaged = self.npm / "node_modules" / "@foundry-rs" / "anvil-linux-amd64" / "bin" / "anvil"
        found = str(packaged) if packaged.exists() else shutil.which("anvil")
        if found is None:
            raise FileNotFoundError(f"no anvil at {packaged} and none on PATH")
        return Path(found)


class NotInstalled(Exception):
    """The peers are missing or older than the files that describe them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    name: str
    inputs: tuple[Path, ...]
    action: Callable[[Installed], None]

    def fingerprint(self) -> str:
        return json.dumps({path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in self.inputs}, indent=1)

    def stamp(self, installed: Installed) -> Path:
        return installed.root / f"{self.name}.stamp"

    def is_done(self, installed: Installed) -> bool:
        stamp = self.stamp(installed)
        return stamp.exists() and stamp.read_text() == self.fingerprint()

    def run(self, installed: Installed) -> None:
        """Do it unless it has already succeeded on exactly these input files."""
        if self.is_done(installed):
            return
        self.stamp(installed).unlink(missing_ok=True)
        self.action(installed)
        self.stamp(installed).write_text(self.fingerprint())


def find_installed(root: Path = ROOT / ".peers") -> Installed:
    """Return what is there; tests call this, because they have no network to install with."""
    installed = Installed(root=root)
    missing = [step.name for step in _STEPS if not step.is_done(installed)]
    if missing:
        raise NotInstalled(f"{', '.join(missing)} not installed or out of date: run `python -m tests.interop.install`")
    return installed


def ensure_installed(root: Path = ROOT / ".peers") -> Installed:
    """Install what is missing or out of date, safely when several processes call at once."""
    installed = Installed(root=root)
    root.mkdir(exist_ok=True)
    with _locked(root / "lock"):
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda step: step.run(installed), (_NPM, _V1)))
        for step in (_CONTRACTS, _EXCHANGE, _FARMS):
            step.run(installed)
    return installed


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _install_npm(installed: Installed) -> None:
    _npm_ci(installed.npm, NPM_FILES)


def _install_exchange(installed: Installed) -> None:
    _npm_ci(installed.exchange, EXCHANGE_FILES)


def _npm_ci(folder: Path, files: tuple[Path, ...]) -> None:
    folder.mkdir(exist_ok=True)
    for source in files:
        shutil.copyfile(source, folder / source.name)
    _run(["npm", "ci"], cwd=folder)


def _install_v1(installed: Installed) -> None:
    _run([sys.executable, "-m", "venv", "--clear", str(installed.v1_python.parents[1])])
    _run([*_installer(installed.v1_python), "--require-hashes", "-r", str(V1_REQUIREMENTS)])


def _installer(python: Path) -> list[str]:
    beside = Path(sys.executable).parent / "uv"
    uv = str(beside) if beside.exists() else shutil.which("uv")
    if uv is None:
        return [str(python), "-m", "pip", "install", "-q"]
    return [uv, "pip", "install", "-q", "--compile-bytecode", "--python", str(python)]


def _compile_contracts(installed: Installed) -> None:
    _run(["node", str(COMPILER), str(CONTRACTS), str(installed.contracts), str(installed.npm)])


def _compile_farms(installed: Installed) -> None:
    compiler = str(EXCHANGE / "compile.mjs")
    _run(["node", compiler, str(EXCHANGE_SOURCES), str(installed.farms), str(installed.exchange)])


def _run(command: list[str], cwd: Path | None = None) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        tail = f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        raise RuntimeError(f"{' '.join(command)} failed with {done.returncode}:\n{tail}")


_NPM = _Step(name="npm", inputs=NPM_FILES, action=_install_npm)
_V1 = _Step(name="v1", inputs=(V1_REQUIREMENTS,), action=_install_v1)
_CONTRACTS = _Step(
    name="contracts", inputs=(COMPILER, NPM_FILES[1], *sorted(CONTRACTS.glob("*.sol"))), action=_compile_contracts
)
_EXCHANGE = _Step(name="exchange", inputs=EXCHANGE_FILES, action=_install_exchange)
_FARMS = _Step(
    name="farms",
    inputs=(EXCHANGE / "compile.mjs", EXCHANGE_FILES[1], *sorted(EXCHANGE_SOURCES.glob("*.sol"))),
    action=_compile_farms,
)
_STEPS = (_NPM, _V1, _CONTRACTS, _EXCHANGE, _FARMS)


if __name__ == "__main__":
    print(f"peers installed in {ensure_installed().root}")
