"""What a person sees: the answer on standard output, everything about the money on standard error."""

import json
import os
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from typing import TYPE_CHECKING, TextIO

from paygent.cli.outcome import Listing, Outcome, message_of, transaction_of
from paygent.core.payment import Payment

if TYPE_CHECKING:
    from rich.status import Status
    from rich.table import Table

_WIDEST = 10_000
"""Columns that no table fills."""
_COLUMNS = ("id", "state", "amount", "network", "payee", "resource", "transaction")


def show(outcome: Outcome, *, as_json: bool) -> None:
    """Print an outcome; standard output has one line of JSON, or the answer, price or list that was asked for.

    Where it cannot be written, the exit code still tells what became of the money.
    """
    try:
        _show(outcome, as_json=as_json)
        sys.stdout.flush()
    except OSError as unwritten:
        _silence(sys.stdout)
        if not isinstance(unwritten, BrokenPipeError):
            complain(f"standard output cannot be written: {unwritten.strerror}")


def prepare_streams() -> None:
    """Let what is written to a stream that was closed go nowhere, and not into a file that is opened in its place.

    A character that the terminal's encoding does not have is spelled out, as on standard error.
    """
    if sys.stdin is None:
        sys.stdin = open(os.devnull)  # noqa: SIM115  open until the process ends
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    written: TextIO = sys.stdout
    if isinstance(written, TextIOWrapper):
        written.reconfigure(errors="backslashreplace")


def complain(line: str) -> None:
    """Print a line to standard error; where that cannot be written, nothing else depends on it."""
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        _silence(sys.stderr)


def _silence(stream: TextIO) -> None:
    """Send what a stream still has, and what comes, nowhere: or the interpreter fails when it flushes."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _show(outcome: Outcome, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(outcome.as_json()))
        return
    _write_body(outcome)
    _answer(outcome)
    if outcome.payments is not None:
        _list(listing_of(outcome.payments))
    elif outcome.payment is not None:
        _tell(outcome.payment)
    for advice in outcome.advice:
        _wrong(advice)
    if outcome.error is not None:
        kind = type(outcome.error).__name__
        _wrong(f"{kind}: {message_of(outcome.error)}")
    elif outcome.exit_code != 0 and outcome.status_code is not None:
        _wrong(f"answered with {outcome.status_code}")


def _answer(outcome: Outcome) -> None:
    """Print what was asked for."""
    if outcome.quote is not None:
        print(_fitting(str(outcome.quote), sys.stdout))
    if outcome.told is not None:
        print(outcome.told)
    if outcome.facts is not None:
        print(_fitting(outcome.facts, sys.stdout))
    if outcome.listing is not None:
        _list(outcome.listing)


@contextmanager
def waiting(doing: str) -> Generator["Status | None"]:
    """Show a person at a terminal that something is going on; yields what shows it, if anything does."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console

    with Console(stderr=True).status(doing) as status:
        yield status


def person_at_terminal() -> bool:
    """Tell whether somebody sits there who can be asked."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))


def ask_password(question: str) -> str | None:
    """Ask the person at the terminal; None where there is none."""
    if not sys.stdin.isatty():
        return None
    from getpass import getpass

    return getpass(question)


def listing_of(payments: Sequence[Payment]) -> Listing:
    """Return the payments as rows."""
    return Listing(columns=_COLUMNS, rows=tuple(map(_row, payments)), nothing="no payments")


def table_of(listing: Listing) -> "Table":
    """Return rows for a terminal; nothing is cut off, and nothing of a stranger's words is obeyed."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in listing.columns:
        table.add_column(column, overflow="fold")
    for row in listing.rows:
        table.add_row(*map(Text, row))
    return table


def _write_body(outcome: Outcome) -> None:
    if outcome.body:
        sys.stdout.flush()
        sys.stdout.buffer.write(outcome.body)
        if sys.stdout.isatty() and not outcome.body.endswith(b"\n"):
            print()


def _list(listing: Listing) -> None:
    if not sys.stdout.isatty():
        for row in listing.rows:
            print("\t".join(row))
    elif listing.rows:
        from rich.console import Console

        console, table = Console(), table_of(listing)
        if console.measure(table, options=console.options.update(width=_WIDEST)).maximum <= console.width:
            console.print(table)
        else:
            print(_fitting(_records(listing), sys.stdout))
    else:
        print(listing.nothing)


def _records(listing: Listing) -> str:
    """Return each row as lines of its own, so that ids stay whole on a narrow screen."""
    wide = max(map(len, listing.columns)) + 1
    return "\n\n".join(
        "\n".join(
            f"{name:<{wide}}{''.join(char if char.isprintable() else '?' for char in value)}"
            for name, value in zip(listing.columns, row, strict=True)
            if value not in ("", "-")
        )
        for row in listing.rows
    )


def _tell(payment: Payment) -> None:
    sys.stdout.flush()
    lines = [f"{name:<12}{value}" for name, value in zip(_COLUMNS, _row(payment), strict=True) if value != "-"]
    if payment.receipt is not None:
        block = f"block {payment.receipt.block_number}{', final' if payment.receipt.final else ''}"
        lines.append(f"{'proof':<12}{block}")
    if payment.alarm is not None:
        lines.append(f"{'alarm':<12}{payment.alarm}")
    _printer()(_fitting("\n".join(lines), sys.stderr))


def _fitting(facts: str, stream: TextIO) -> str:
    """Return facts as lines that fit where the stream is a terminal, and as they are otherwise."""
    if not stream.isatty():
        return facts
    from rich.console import Console

    from paygent.adapters.terminal import folded

    return folded(facts, Console(file=stream))


def _row(payment: Payment) -> tuple[str, ...]:
    intent = payment.intent
    amount = intent.amount if payment.receipt is None else payment.receipt.amount
    transaction = transaction_of(payment)
    claimed = transaction is not None and payment.receipt is None
    return (
        payment.id,
        payment.state.value,
        str(amount),
        str(intent.network),
        intent.payee,
        intent.resource,
        "-" if transaction is None else f"{transaction} (claimed)" if claimed else transaction,
    )


def _wrong(message: str) -> None:
    _printer("bold red")(message)


def _printer(style: str = "") -> Callable[[str], None]:
    """Return what prints a text to standard error, coloured at a terminal."""
    if not sys.stderr.isatty():
        return complain
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    return lambda text: console.print(text, style=style, markup=False, soft_wrap=True)
