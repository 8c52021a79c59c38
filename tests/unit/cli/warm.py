"""The program with its imports made: forks a process for each run, which is as its own as one that was started cold.

As a program it reads one run a line, as JSON, from standard input, and answers each with its exit code. Half of what a
short run costs are imports, and there are more than a hundred runs.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 60


class Warm:
    """The forking program, as the tests see it."""

    def __init__(self) -> None:
        command = [sys.executable, "-W", "error", "-m", "tests.unit.cli.warm"]
        root = Path(__file__).parents[3]
        self._program = subprocess.Popen(
            command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def run(self, arguments: tuple[str, ...], folder: Path, environ: Mapping[str, str], written: Path) -> int:
        """Run `paygent` in a folder; `written` is where standard output and error go, with `.out` and `.err` added."""
        wanted = {"arguments": arguments, "folder": str(folder), "environ": dict(environ), "written": str(written)}
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        self._program.stdin.write(f"{json.dumps(wanted)}\n")
        return int(self._program.stdout.readline())

    def close(self) -> None:
        """End the program."""
        self._program.communicate(timeout=PATIENCE_SECONDS)


def _serve() -> None:
    import_all()
    for line in sys.stdin:
        wanted = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(wanted)
            from paygent.cli import main

            sys.exit(main())
        print(_exit_code(child), flush=True)


def import_all() -> None:
    """Import what most runs do."""

    import paygent.adapters.httpx
    import paygent.adapters.rpc
    import paygent.adapters.sql
    import paygent.cli
    import paygent.cli.books
    import paygent.cli.purchase
    import paygent.runtime.assemble
    import paygent.runtime.safety  # noqa: F401


def _become(wanted: Any) -> None:
    """Take the place, the environment and the streams of the run."""
    os.chdir(wanted["folder"])
    os.environ.clear()
    os.environ.update(wanted["environ"])
    sys.argv = ["paygent", *wanted["arguments"]]
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    for number, kind in (1, "out"), (2, "err"):
        file = os.open(f"{wanted['written']}.{kind}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(file, number)
        os.close(file)


def _exit_code(child: int) -> int:
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    _serve()
