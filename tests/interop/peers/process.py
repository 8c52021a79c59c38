"""Child processes that tell where they listen, and that never outlive the tests."""

import itertools
import os
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

# The watcher holds the pipe from the tests. When it closes, by our hand or by our death, the child is killed.
_SUPERVISE = 'exec 3<&0; { cat <&3 >/dev/null; kill "$$" 2>/dev/null; } & exec 3<&-; exec "$@" </dev/null'
_LISTENING = re.compile(r"^Listening on (?:http://)?(127\.0\.0\.1:\d+)$", re.MULTILINE | re.IGNORECASE)
_serial = itertools.count()


class ChildFailed(Exception):
    """A peer did not come up; the message carries the end of its log."""


@contextmanager
def running(
    name: str,
    command: Sequence[str],
    *,
    log_dir: Path,
    listeners: int = 1,
    directory: Path | None = None,
    timeout_seconds: float = 60,
) -> Iterator[list[str]]:
    """Run a child until the block ends; yield the base URLs it announced, in its order.

    The child prints one line `Listening on 127.0.0.1:PORT` for each listener. Its output is kept in `log_dir`.
    """
    log = log_dir / f"{next(_serial):02d}-{name}.log"
    with log.open("wb") as output:
        child = subprocess.Popen(
            ["/bin/sh", "-c", _SUPERVISE, "sh", *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=directory,
            env=_clean_environment(),
        )
    try:
        yield _wait_for_urls(name, child, log, listeners, time.monotonic() + timeout_seconds)
    finally:
        _stop(child)


def _clean_environment() -> dict[str, str]:
    """Return ours without proxies (they would catch loopback traffic) and without what tunes our own interpreter."""
    dropped = {"http_proxy", "https_proxy", "all_proxy", "pythonwarnings", "virtual_env"}
    kept = {key: value for key, value in os.environ.items() if key.lower() not in dropped}
    return kept | {"NO_PROXY": "*", "PYTHONUNBUFFERED": "1"}


def _wait_for_urls(name: str, child: subprocess.Popen[bytes], log: Path, listeners: int, deadline: float) -> list[str]:
    while time.monotonic() < deadline:
        text = log.read_text(errors="replace")
        found = _LISTENING.findall(text)
        if len(found) >= listeners:
            return [f"http://{address}" for address in found[:listeners]]
        if child.poll() is not None:
            raise ChildFailed(f"{name} ended with {child.returncode} before it listened:\n{text[-4000:]}")
        time.sleep(0.02)
    raise ChildFailed(f"{name} did not listen in time:\n{log.read_text(errors='replace')[-4000:]}")


def _stop(child: subprocess.Popen[bytes]) -> None:
    if child.stdin is not None:
        child.stdin.close()
    try:
        child.wait(timeout=3)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
