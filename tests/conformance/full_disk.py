"""A PostgreSQL server whose disk is full when a test says so: its own writes fail with ENOSPC (Linux; see full_disk.c).

The library that does it is compiled beside the server's data and preloaded into all its processes.
"""

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, Literal

import psycopg

from tests.postgres import Cluster, cluster

Part = Literal["data", "wal", "sync"]
"""What there is no room for: tables and indexes, the write-ahead log, or what of that log was written, not synced."""

_SETTINGS: Final = {"fsync": "on", "wal_writer_delay": "10s", "autovacuum": "off"}
"""The log is synced, and by those who commit; nobody in the background comes along first, or makes room."""
_SECONDS: Final = 60


class Disk:
    """The disk of one server."""

    def __init__(self, made: Cluster, servers: ExitStack) -> None:
        self._cluster = made
        self._servers = servers
        self._library = made.folder / "full_disk.so"
        source = Path(__file__).with_suffix(".c")
        subprocess.run(["cc", "-shared", "-fPIC", "-o", self._library, source], check=True, timeout=_SECONDS)
        self._process = self._start()

    @property
    def url(self) -> str:
        return self._cluster.url

    @contextmanager
    def full(self, part: Part, *, writes_left: int = 0) -> Iterator[None]:
        """Have no room until the end of the block, where the server recovers from what that did to it."""
        flag = self._cluster.folder / f"full-{part}"
        flag.write_bytes(b"." * writes_left)
        flag.chmod(0o666)
        try:
            yield
        finally:
            flag.unlink()
            self._recover()

    def wait_for_crash(self) -> None:
        """Wait until the server refuses everybody, as after a panic it does for as long as its log has no room."""
        deadline = time.monotonic() + _SECONDS
        while self._answers():
            assert time.monotonic() < deadline, "the server did not crash"
            time.sleep(0.01)

    def _recover(self) -> None:
        """Wait until the server answers again; where it gave up, start it, as a supervisor does."""
        deadline = time.monotonic() + _SECONDS
        while not self._answers():
            assert time.monotonic() < deadline, "the server did not recover"
            if self._process.poll() is not None:
                self._process = self._start()
            time.sleep(0.01)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url).close()
        except psycopg.OperationalError:
            return False
        return True

    def _start(self) -> subprocess.Popen[Any]:
        environment = {"LD_PRELOAD": str(self._library), "DISK": str(self._cluster.folder)}
        return self._servers.enter_context(self._cluster.started(_SETTINGS, environment))


@contextmanager
def disk() -> Iterator[Disk]:
    """Run such a server until the end."""
    with cluster() as made, ExitStack() as servers:
        yield Disk(made, servers)
