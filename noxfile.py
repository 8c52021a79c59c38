"""Every check of the repository. `nox` alone runs all that must hold, in one environment built from hashed pins."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nox

nox.needs_version = ">=2026.4"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "types", "contracts", "build", "together", "tests"]

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # hundreds of short programs would compile the package each time
os.environ.setdefault("UV_COMPILE_BYTECODE", "1")
os.environ.setdefault("UV_PYTHON_DOWNLOADS", "never")

ROOT = Path(__file__).parent
BIN = ROOT / ".nox" / "env" / ("Scripts" if os.name == "nt" else "bin")
WORKERS = (os.cpu_count() or 1) + 1  # one in three or four waits for a disk or a server at any time
PYTEST = ("pytest", f"--numprocesses={WORKERS}", "--dist=loadgroup")


def run(session: nox.Session, tool: str, *arguments: str, **environment: str) -> None:
    """Run a tool of the one environment that the sessions below share."""
    path = os.pathsep.join([str(BIN), os.environ["PATH"]])
    session.run(str(BIN / tool), *arguments, env={"PATH": path, **environment}, external=True)


@nox.session(default=False)
def env(session: nox.Session) -> None:
    """Install exactly what requirements/dev.txt pins, then this package and its plugin without looking for more."""
    session.install("--require-hashes", "-r", "requirements/dev.txt")
    session.install("--no-deps", "--no-build-isolation", "-e", ".", "-e", "plugins/paygent-vvs")


@nox.session(default=False, venv_backend="none", requires=["env"])
def peers(session: nox.Session) -> None:
    """Install the sellers and facilitators of other people that tests/interop pays."""
    run(session, "python", "-m", "tests.interop.install")


@nox.session(default=False, venv_backend="none", requires=["env"])
def demo(session: nox.Session) -> None:
    """Pay a real seller on a local chain and show the proof."""
    run(session, "paygent", "demo", *session.posargs)


@nox.session(venv_backend="none", requires=["env"])
def lint(session: nox.Session) -> None:
    run(session, "ruff", "check", ".")
    run(session, "ruff", "format", "--check", ".")
    run(session, "lint-imports", "--no-cache")


@nox.session(venv_backend="none", requires=["env"])
def types(session: nox.Session) -> None:
    """Let both type checkers read everything, side by side: each uses one core."""
    with ThreadPoolExecutor() as side_by_side:
        strict = side_by_side.submit(run, session, "mypy")
        run(session, "pyright", "--pythonpath", str(BIN / "python"), PYRIGHT_PYTHON_IGNORE_WARNINGS="1")
        strict.result()


@nox.session(venv_backend="none", requires=["env"])
def build(session: nox.Session) -> None:
    """Build the wheels of Paygent and of its plugin, and use them where only their own dependencies are."""
    python = str(BIN / "python")
    making = ("build", "--quiet", "--clear", "--no-build-isolation", "--python", python)
    run(session, "uv", *making, "--out-dir", "dist")
    run(session, "uv", *making, "--wheel", "plugins/paygent-vvs", "--out-dir", "dist/plugins")
    (wheel,) = (ROOT / "dist").glob("*.whl")
    (plugin,) = (ROOT / "dist" / "plugins").glob("*.whl")
    alone = ("run", "--isolated", "--no-project", "--no-env-file", "--python", python)
    run(session, "uv", *alone, "--with", str(wheel), "python", "tests/installed.py", str(wheel))
    both = ("--with", str(wheel), "--with", str(plugin))
    run(session, "uv", *alone, *both, "python", "tests/installed.py", str(wheel), str(plugin))


@nox.session(venv_backend="none", requires=["env"])
def together(session: nox.Session) -> None:
    """Install Paygent with the packages it has to stand beside, as new as people have them, and import all of it."""
    beside = ("--with", f"{ROOT}[devnet,orchestrator,postgres]", "--with-requirements", "requirements/neighbours.in")
    alone = ("run", "--isolated", "--no-project", "--no-env-file", "--python", str(BIN / "python"))
    run(session, "uv", *alone, *beside, "python", "tests/beside.py")


@nox.session(venv_backend="none")
def contracts(session: nox.Session) -> None:
    """Test the contracts, and compare the bytecode that ships with what its source gives."""
    session.run("npm", "ci", "--prefix", "contracts", "--silent", external=True)
    session.run("node", "contracts/compile.mjs", "--check", external=True)
    session.run("node", "contracts/forge.mjs", "fmt", "--check", external=True)
    session.run("node", "contracts/forge.mjs", "test", *session.posargs, external=True)
    session.run("node", "contracts/abi.mjs", "--check", external=True)
    session.run("node", "contracts/verification.mjs", "--check", external=True)
    sample = ("--only", "Router|Registry", "--sample", "2", "--needed", "0.5")
    session.run("node", "contracts/mutate.mjs", *sample, external=True)


@nox.session(default=False, venv_backend="none")
def abi(session: nox.Session) -> None:
    """Write ABIs, creation code, addresses and code hashes of the contracts for Python; `-- --check` only compares."""
    session.run("npm", "ci", "--prefix", "contracts", "--silent", external=True)
    session.run("node", "contracts/abi.mjs", *session.posargs, external=True)


@nox.session(default=False, python="3.11")
def slither(session: nox.Session) -> None:
    """Analyse the contracts; what is of high or medium impact fails, what is of low impact is listed."""
    session.install("slither-analyzer==0.11.6")
    session.run("npm", "ci", "--prefix", "contracts", "--silent", external=True)
    session.run("node", "contracts/slither.mjs", str(Path(session.bin) / "slither"), *session.posargs, external=True)


@nox.session(default=False, venv_backend="none")
def gas(session: nox.Session) -> None:
    """Measure gas, write the snapshots and print the comparison; `-- --check` fails where a snapshot differs."""
    session.run("npm", "ci", "--prefix", "contracts", "--silent", external=True)
    session.run("node", "contracts/gas.mjs", *session.posargs, external=True)


@nox.session(default=False, venv_backend="none")
def mutation(session: nox.Session) -> None:
    """Break the contracts line by line; assertions must notice nine of ten. `-- --only Router` for a part."""
    session.run("npm", "ci", "--prefix", "contracts", "--silent", external=True)
    session.run("node", "contracts/mutate.mjs", *session.posargs, external=True)


@nox.session(default=False, venv_backend="none", requires=["env"])
def bench(session: nox.Session) -> None:
    """Print medians and ratios of some minutes; judging them is the reader's. The tests run a short form."""
    run(session, "python", "-m", "tests.bench", *session.posargs)


@nox.session(venv_backend="none", requires=["peers"])
def tests(session: nox.Session) -> None:
    """Run every test there is: unit, architecture, documents, real chains and real peers."""
    run(session, *PYTEST, *session.posargs)


@nox.session(default=False, venv_backend="none", requires=["env"])
def architecture(session: nox.Session) -> None:
    run(session, *PYTEST, "tests/architecture", *session.posargs)


@nox.session(default=False, venv_backend="none", requires=["peers"])
def integration(session: nox.Session) -> None:
    run(session, *PYTEST, "tests/integration", "tests/interop", *session.posargs)


@nox.session(default=False, venv_backend="none", requires=["peers"])
def crash(session: nox.Session) -> None:
    """Kill 1,000 paying processes on anvil and check every book; `-- --storage postgresql` for those of a server.

    Then kill processes that trade, at every move of theirs.
    """
    run(session, "python", "-m", "tests.crash", *session.posargs)
    run(session, "pytest", "--timeout=0", "tests/interop/test_action_kills.py", "--every-move")


@nox.session(default=False, venv_backend="none", requires=["env"])
def machine(session: nox.Session) -> None:
    """Let journals and their model live through thousands of histories, some minutes; the tests run a hundred."""
    one_process = ("pytest", "--hypothesis-profile=long", "--timeout=0")
    run(session, *one_process, "tests/conformance/test_ledger_machine.py", *session.posargs)


@nox.session(default=False, venv_backend="none", requires=["env"])
def docs(session: nox.Session) -> None:
    """Run the code in the documents."""
    run(session, *PYTEST, "tests/docs", *session.posargs)


@nox.session(default=False, venv_backend="none", requires=["env"])
def coverage(session: nox.Session) -> None:
    """Below the engine every branch is taken by a unit test."""
    run(session, *PYTEST, "--cov", "--cov-report=", "tests/unit")
    floors = ("core", "ports", "plugin", "evm", "x402", "policy", "budget", "approvals")
    run(session, "coverage", "report", "--fail-under=100", "--include", ",".join(f"*/paygent/{f}/*" for f in floors))


@nox.session(default=False, venv_backend="none", requires=["env"])
def lock(session: nox.Session) -> None:
    """Resolve the ranges of pyproject.toml anew and write the pins, with hashes and without index addresses."""
    run(session, "uv", "lock", "--upgrade", *session.posargs)
    peers = "tests/interop/peers/v1-requirements"
    compiled = ("pip", "compile", "--quiet", "--upgrade", "--universal", "--no-header", "--no-annotate", f"{peers}.in")
    run(session, "uv", *compiled, "--generate-hashes", f"--output-file={peers}.txt")
    export = ("export", "--quiet", "--frozen", "--no-emit-workspace", "--no-header", "--format=requirements.txt")
    run(session, "uv", *export, "--all-extras", "--all-groups", "--output-file=requirements/dev.txt")
    run(session, "uv", *export, "--only-group=nox", "--output-file=requirements/nox.txt")
