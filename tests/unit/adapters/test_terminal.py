"""Asking on a terminal, which here is a pseudo-terminal."""

import io
import os
import pty
from collections.abc import Iterator
from dataclasses import replace
from typing import TextIO

import pytest

from paygent.adapters.terminal import TerminalApprovals
from paygent.core.approval import ApprovalDecision, ApprovalRequest
from paygent.core.edit import Edit
from paygent.core.errors import ConfigurationError
from paygent.core.ids import ApprovalId, PaymentId
from paygent.testing.clock import START, VirtualClock

pytestmark = pytest.mark.anyio

REQUEST = ApprovalRequest(
    id=ApprovalId("apr_1"),
    payment_id=PaymentId("pay_1"),
    facts={"amount": "12 USDC", "resource": "[red]https://a.example[/red]"},
    needed=1,
    created_at=START,
    expires_at=START + 60,
)


class Person:
    """Types on the other end of a pseudo-terminal; what is shown is kept."""

    def __init__(self, keyboard: int, stdin: TextIO) -> None:
        self._keyboard = keyboard
        self.stdin = stdin
        self.screen = io.StringIO()

    def types(self, text: str) -> None:
        os.write(self._keyboard, text.encode())

    def handler(self) -> TerminalApprovals:
        return TerminalApprovals(approver="ada", stdin=self.stdin, stdout=self.screen, clock=VirtualClock())


@pytest.fixture
def person() -> Iterator[Person]:
    keyboard, terminal = pty.openpty()
    with os.fdopen(terminal, "r") as stdin:
        yield Person(keyboard, stdin)
    os.close(keyboard)


@pytest.mark.parametrize(
    ("typed", "granted", "reason"),
    [
        ("y\n", True, ""),
        ("Yes\n", True, ""),
        ("n\n", False, ""),
        ("no  too expensive \n", False, "too expensive"),
        ("perhaps\nyes\n", True, ""),
        ("no \x1b[D\x1b[Dtoo \x07dear\n", False, "[D[Dtoo dear"),
    ],
)
async def test_ask_returns_what_was_typed(person: Person, typed: str, granted: bool, reason: str) -> None:
    person.types(typed)

    said = await person.handler().ask(REQUEST)

    expected = ApprovalDecision(approver="ada", granted=granted, digest=REQUEST.digest, at=START, reason=reason)
    assert expected == said


PRICED = replace(REQUEST, facts={"amount": "12 USDC", "atomic_units": "12000000", "decimals": "6", "quantity": "4"})


@pytest.mark.parametrize(
    ("typed", "edit"),
    [
        ("edit 2.50\n", Edit(atomic_units=2_500_000)),
        ("e x3\n", Edit(quantity=3)),
        ("edit 13\nedit x4\nedit 11\n", Edit(atomic_units=11_000_000)),
    ],
)
async def test_ask_returns_an_edit_to_less(person: Person, typed: str, edit: Edit) -> None:
    person.types(typed)

    said = await person.handler().ask(PRICED)

    assert ApprovalDecision(approver="ada", granted=False, digest=PRICED.digest, at=START, edit=edit) == said


async def test_ask_says_why_an_edit_is_none(person: Person) -> None:
    person.types("edit 13\nedit x\nedit\n")

    assert await person.handler().ask(PRICED) is None
    assert "an edit to 13000000 is not less" in person.screen.getvalue()


@pytest.mark.parametrize("typed", ["\n", "\x04", "what\nis\nthis\n"])
async def test_ask_decides_nothing_when_there_is_no_answer(person: Person, typed: str) -> None:
    person.types(typed)

    assert await person.handler().ask(REQUEST) is None


async def test_ask_shows_text_and_digest_as_they_are(person: Person) -> None:
    person.types("\n")
    await person.handler().ask(REQUEST)

    shown = person.screen.getvalue()
    assert all(line in shown for line in REQUEST.text.split("\n"))
    assert REQUEST.digest in shown


async def test_ask_refuses_when_the_standard_input_is_no_terminal() -> None:
    with pytest.raises(ConfigurationError, match="the standard input is no terminal"):
        await TerminalApprovals(stdin=io.StringIO("yes\n")).ask(REQUEST)


async def test_ask_refuses_when_the_program_s_own_input_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(ConfigurationError, match="the standard input is no terminal"):
        await TerminalApprovals().ask(REQUEST)


async def test_ask_takes_the_program_s_terminal_and_the_machine_s_clock(
    person: Person, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", person.stdin)
    person.types("y\n")

    said = await TerminalApprovals().ask(REQUEST)

    assert said is not None
    assert ("terminal", True) == (said.approver, said.granted)
    assert REQUEST.digest in capsys.readouterr().out


async def test_a_terminal_needs_the_name_of_an_approver() -> None:
    with pytest.raises(ConfigurationError, match="needs a name"):
        TerminalApprovals(approver="")


async def test_long_fact_forges_no_line_where_it_is_folded(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    long = f"GET https://a.example/{'x' * 24}amount:_0.01_USDC{'y' * 200}"
    person.types("\n")
    await person.handler().ask(replace(REQUEST, facts={"amount": "12 USDC", "resource": long}))

    lines = [line.strip("│").removeprefix(" ") for line in person.screen.getvalue().splitlines() if line[:1] == "│"]
    names = [line.partition(":")[0] for line in lines if line.strip() and not line.startswith("  ")]
    assert ["amount", "approval", "expires at", "payment", "resource", "digest"] == names
    assert long in "".join(line.strip() for line in lines if "digest" not in line).partition("resource: ")[2]


async def test_what_the_terminal_cannot_write_is_written_out(person: Person) -> None:
    written = io.BytesIO()
    handler = TerminalApprovals(stdin=person.stdin, stdout=io.TextIOWrapper(written, "ascii", write_through=True))
    person.types("y\n")

    said = await handler.ask(replace(REQUEST, facts={"agent": "\u00e4gent \u2192"}))

    assert said is not None
    assert b"agent: \\xe4gent \\u2192" in written.getvalue()
