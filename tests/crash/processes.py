"""The test's side of the server of workers."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.crash.job import Diary, Job

ROOT = Path(__file__).parents[2]
KILLED = -signal.SIGKILL


class Nursery:
    """A server of workers; `start` one, and `wait` for its end before the next."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.worker"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._job: Job | None = None
        self._child = 0

    def __enter__(self) -> Self:
        self._heard("ready")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.close()
        if kind is not None and self._child:
            self._signal(signal.SIGKILL)
        self._server.wait(timeout=30)
        self._server.stdout.close()

    def run(self, job: Job) -> tuple[Diary, bool]:
        """Let a worker do its job; return its diary, and whether it was killed."""
        self.start(job)
        return self.wait()

    def start(self, job: Job) -> None:
        assert self._server.stdin is not None
        self._job = job
        self._server.stdin.write(job.line() + "\n")
        self._server.stdin.flush()
        self._child = int(self._heard("began"))

    def kill(self) -> None:
        """Kill the worker from outside; what is over already stays over."""
        self._signal(signal.SIGKILL)

    def go_on(self) -> None:
        """Wake a worker that paused."""
        self._signal(signal.SIGCONT)

    def paused(self) -> bool:
        """Return True once the worker pauses, or False where it ended before; then `wait` is not needed."""
        word, _ = self._line()
        if word == "ended":
            self._child = 0
        return word == "paused"

    def wait(self) -> tuple[Diary, bool]:
        """Return the diary of the worker once it has ended, and whether it was killed."""
        status = int(self._heard("ended"))
        self._child = 0
        return self.diary(), status == KILLED

    def diary(self) -> Diary:
        """Return what the worker has written so far."""
        assert self._job is not None
        diary = Diary.read(Path(self._job.diary))
        assert diary.broken is None, diary.broken
        return diary

    def _signal(self, number: int) -> None:
        """The server reaps the worker, so its id may be gone, and never belongs to another while it is `began`."""
        try:
            os.kill(self._child, number)
        except ProcessLookupError:
            return

    def _heard(self, wanted: str) -> str:
        word, said = self._line()
        assert wanted == word, f"{word} {said}"
        return said

    def _line(self) -> tuple[str, str]:
        assert self._server.stdout is not None
        word, _, said = self._server.stdout.readline().strip().partition(" ")
        assert word, "the server of workers is gone"
        return word, said
