"""Ask for approval on the terminal that the program runs in."""

import re
import sys
import time
from typing import TYPE_CHECKING, TextIO

import anyio.to_thread

from paygent.core.approval import ApprovalDecision, ApprovalRequest
from paygent.core.edit import Edit
from paygent.core.errors import ConfigurationError, LocalProtocolError
from paygent.ports.clock import Clock

if TYPE_CHECKING:
    from rich.console import Console

_YES, _NO = frozenset({"y", "yes"}), frozenset({"n", "no"})
_QUESTION = "Approve this payment? yes, no [why], edit AMOUNT or edit xNUMBER for less, or nothing to decide later: "
_FRAME = 4
"""Columns of the panel around the text."""
_EDIT, _UNITS = frozenset({"e", "edit"}), re.compile(r"x([1-9][0-9]{0,17})", re.ASCII)


class TerminalApprovals:
    """An `ApprovalHandler` that shows a request and reads the answer, in a worker thread.

    Args: approver: the name of who sits there. stdin, stdout: None takes the program's. clock: None the machine's.
    """

    def __init__(
        self,
        *,
        approver: str = "terminal",
        stdin: TextIO | None = None,
        stdout: TextIO | None = None,
        clock: Clock | None = None,
    ) -> None:
        if not approver:
            raise ConfigurationError("an approver needs a name: approver='...'")
        self._approver = approver
        self._stdin = stdin
        self._stdout = stdout
        self._clock = clock
        self._turn = anyio.Lock()

    async def ask(self, request: ApprovalRequest) -> ApprovalDecision | None:
        """Return what was typed; None for nothing, the end of the input, or an answer that is no answer three times.

        `edit 2.50` agrees to 2.50 of the asset at most, `edit x3` to three units.

        Raises: ConfigurationError: the standard input is no terminal.
        """
        stdin = sys.stdin if self._stdin is None else self._stdin
        if stdin is None or stdin.closed or not stdin.isatty():
            raise ConfigurationError(
                "nobody can be asked here, the standard input is no terminal: run it in one, or take StoredApprovals, "
                "CallbackApprovals or WebhookApprovals"
            )
        async with self._turn:  # one question at a time
            said = await anyio.to_thread.run_sync(self._converse, request, stdin, abandon_on_cancel=True)
        if said is None:
            return None
        granted, reason, edit = said
        now = int(time.time()) if self._clock is None else self._clock.now()
        return ApprovalDecision(
            approver=self._approver, granted=granted, digest=request.digest, at=now, reason=reason, edit=edit
        )

    def _converse(self, request: ApprovalRequest, stdin: TextIO) -> tuple[bool, str, Edit | None] | None:
        stdout = sys.stdout if self._stdout is None else self._stdout
        _show(request, stdout)
        for _ in range(3):
            stdout.write(_QUESTION)
            stdout.flush()
            typed = stdin.readline()
            word, _, reason = "".join(filter(str.isprintable, typed.strip())).partition(" ")
            if not word:
                return None
            if word.lower() in _YES | _NO:
                return word.lower() in _YES, reason.strip(), None
            if word.lower() in _EDIT and (edit := _edit(request, reason.strip(), stdout)) is not None:
                return False, "", edit
        return None


def _edit(request: ApprovalRequest, typed: str, stdout: TextIO) -> Edit | None:
    units = _UNITS.fullmatch(typed)
    try:
        return request.editing(quantity=int(units[1])) if units else request.editing(amount=typed)
    except LocalProtocolError as wrong:
        stdout.write(f"{wrong}\n")
        return None


def _show(request: ApprovalRequest, stdout: TextIO) -> None:
    """Show the request's own text and its digest, nothing else."""
    from rich.console import Console
    from rich.panel import Panel
    from rich.text import Text

    console = Console(file=stdout, highlight=False)
    shown = Text(folded(f"{request.text}\n\ndigest: {request.digest}", console, frame=_FRAME))
    console.print(Panel(shown, title=Text("approval needed"), expand=False))


def folded(text: str, console: "Console", *, frame: int = 0) -> str:
    """Return a text whose lines fit the console. What its encoding lacks is written out.

    What is too long goes on indented: words that a stranger chose never begin a line.

    Args: frame: columns that the lines have to leave free.
    """
    shown = text.encode(console.encoding, "backslashreplace").decode(console.encoding)
    width = max(console.width - frame, 20)
    return "\n".join(part for line in shown.split("\n") for part in _parts(line, width))


def _parts(line: str, width: int) -> list[str]:
    from rich.cells import chop_cells

    first = chop_cells(line, width)[0] if line else ""
    rest = line[len(first) :]
    return [first, *(f"  {part}" for part in chop_cells(rest, width - 2))] if rest else [first]
