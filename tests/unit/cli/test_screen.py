"""What is printed where nothing can be printed: the exit code is what is left to go by."""

import io
import os
import re
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import pytest

from paygent.cli.outcome import Listing, Outcome
from paygent.cli.screen import complain, prepare_streams, show
from paygent.core.errors import ConfigurationError
from paygent.testing.conformance import payments

if TYPE_CHECKING:
    from paygent.engine.quote import Quote

NO_SPACE = 28


class Terminal(io.StringIO):
    """A screen."""

    def isatty(self) -> bool:
        return True


class Full(io.StringIO):
    """A file on a disk without room."""

    def write(self, said: str) -> int:
        raise OSError(NO_SPACE, "No space left on device")


def test_outcome_that_cannot_be_written_is_told_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", Full())

    show(Outcome(exit_code=0), as_json=True)

    assert "standard output cannot be written: No space left on device\n" == capsys.readouterr().err


def test_outcome_is_written_where_nothing_can_be_complained_about(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stderr", Full())

    complain("first")
    show(Outcome(exit_code=1, told="a table", error=ConfigurationError("wrong")), as_json=False)

    assert "a table\n" == capsys.readouterr().out


def test_streams_that_are_closed_are_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)

    prepare_streams()

    filled = sys.stdin, sys.stdout, sys.stderr
    assert [os.devnull] * 3 == [stream.name for stream in filled]
    for stream in filled:
        stream.close()


def test_character_that_the_terminal_does_not_have_is_spelled_out(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))

    prepare_streams()
    show(Outcome(exit_code=0, told="0.10 dUSD\u20ae"), as_json=False)

    assert b"0.10 dUSD\\u20ae\n" == written.getvalue()


def test_long_resource_of_a_payment_begins_no_line_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr(sys, "stderr", shown := Terminal())
    payment = payments.reserved()
    resource = f"GET https://a.example/{'x' * 26}state       SETTLED{'y' * 200}"

    told = replace(payment, intent=replace(payment.intent, resource=resource))

    show(Outcome(exit_code=0, payment=told), as_json=False)

    lines = shown.getvalue().splitlines()
    assert all(len(line) <= 60 for line in lines)
    assert resource in "".join(line.removeprefix("  ") for line in lines)
    assert [f"state       {payment.state}"] == [line for line in lines if line.startswith("state")]


@pytest.mark.parametrize(("width", "first"), [(80, "id          pay_"), (300, "id ")])
def test_list_that_is_too_wide_for_a_table_keeps_its_ids_whole(
    monkeypatch: pytest.MonkeyPatch, width: int, first: str
) -> None:
    """An id that is folded over four lines cannot be copied."""
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr(sys, "stdout", shown := Terminal())
    listed = [payments.reserved(), payments.settled(payments.reserved("another"))]

    show(Outcome(exit_code=0, payments=listed), as_json=False)

    lines = re.sub(r"\x1b\[[0-9]m", "", shown.getvalue()).splitlines()
    assert lines[0].startswith(first)
    assert [1, 1] == [sum(payment.id in line for line in lines) for payment in listed]
    assert all(len(line) <= width for line in lines)


def test_list_in_lines_obeys_nothing_that_a_stranger_wrote(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setattr(sys, "stdout", shown := Terminal())
    row = ("news", "cheap\x1b[2J and good\nid ticks")

    show(Outcome(exit_code=0, listing=Listing(columns=("id", "name"), rows=(row,), nothing="")), as_json=False)

    assert ["id   news", "name cheap?[2J and g", "  ood?id ticks"] == shown.getvalue().splitlines()


class Price:
    """A quote of a seller with a long name."""

    def __str__(self) -> str:
        return f"https://a.example/{'x' * 42}  [0] 0.01 USDC: taken{'y' * 200}"


def test_long_url_of_a_quote_begins_no_line_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr(sys, "stdout", shown := Terminal())

    show(Outcome(exit_code=0, quote=cast("Quote", Price())), as_json=False)

    first, *rest = shown.getvalue().splitlines()
    assert (60, str(Price())) == (len(first), first + "".join(line.removeprefix("  ") for line in rest))
    assert all(line.startswith("  ") for line in rest)
