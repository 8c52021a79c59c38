"""`python tests/installed.py WHEEL [PLUGIN]`, in `nox -s build`: what somebody gets who installs that alone."""

import asyncio
import importlib.metadata
import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path

import paygent
from paygent.core.typed_data import Domain, TypedData

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "src" / "paygent"
DEVELOPERS_ONLY = ("pytest", "hypothesis", "web3", "x402", "fastapi", "psycopg")


def shipped(wheel: Path) -> set[str]:
    names = set(zipfile.ZipFile(wheel).namelist())
    return {name.removeprefix("paygent/") for name in names if name.startswith("paygent/")}


def written() -> set[str]:
    """Return the package's files: modules, migrations, JSON, artifacts, `py.typed`."""
    files = (path for path in SOURCES.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {path.relative_to(SOURCES).as_posix() for path in files}


async def signature() -> bytes:
    domain = Domain(name="Mail", version="1", chain_id=1, verifying_contract="0x" + "11" * 20)
    types = {"Mail": (("contents", "string"),)}
    mail = TypedData(domain=domain, primary_type="Mail", types=types, message={"contents": "Hello"})
    return await paygent.LocalSigner((7).to_bytes(32, "big")).sign_typed_data(mail)


def check_plugin(wheel: Path) -> None:
    """Load the plugin by its name, as settings do, from its wheel alone."""
    from paygent.adapters.system import SystemClock
    from paygent.runtime.plugins import Plugins, announced
    from paygent.runtime.settings import PluginChoice

    (found,) = announced()
    assert ("vvs", True) == (found.name, "paygent_vvs" not in sys.modules)
    connectors = Plugins.load([PluginChoice("vvs")]).connectors(chains={}, clock=SystemClock())
    where = sys.modules["paygent_vvs"].__file__ or ""
    assert "site-packages" in where, f"paygent_vvs comes from {where}, not from the wheel"
    assert ["vvs"] == list(connectors)
    print(f"{wheel.name}: {found.distribution} is loaded by name, {len(connectors['vvs'].manifest.calls)} calls")


def main(wheel: Path, plugin: Path | None = None) -> None:
    """Check everything, or end with an assertion."""
    assert "site-packages" in (paygent.__file__ or ""), f"paygent comes from {paygent.__file__}, not from the wheel"
    assert [] == [name for name in DEVELOPERS_ONLY if importlib.util.find_spec(name)]
    assert written() == shipped(wheel), f"the wheel differs in {sorted(written() ^ shipped(wheel))}"
    program = Path(sys.executable).with_name("paygent")
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    assert importlib.metadata.version("paygent") in said
    assert [] == [name for name in paygent.__all__ if getattr(paygent, name, None) is None]
    assert 65 == len(asyncio.run(signature()))
    if plugin is not None:
        check_plugin(plugin)
        return
    print(f"{wheel.name}: {len(shipped(wheel))} files, {said.strip()}, signs with nothing but its own dependencies")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
