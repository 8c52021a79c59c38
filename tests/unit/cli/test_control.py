"""`paygent halt`, `resume`, `halts`, `approvals`, and a payment that waits for a person."""

import io
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from paygent.adapters.sql import open_journal
from paygent.adapters.sql.journal import SqlJournal
from paygent.cli import main
from paygent.core.approval import ApprovalRequest
from paygent.testing.conformance import payments
from paygent.testing.conformance.steps import put, walk
from tests.unit.cli.conftest import Finished, Program
from tests.unit.cli.shop import Shop

LATER = 10**10
ASKING = 'approve_above: "0"\n'


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAYGENT_STORAGE", "pay.db")
    monkeypatch.setenv("LOGNAME", "machine")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run the program in this process and return how it ended."""

    def run(*arguments: str) -> Finished:
        code = main(list(arguments))
        said = capsys.readouterr()
        return Finished(code=code, out=said.out, err=said.err)

    return run


class Terminal(io.StringIO):
    """A screen."""

    def isatty(self) -> bool:
        return True


def within(work: Any) -> Any:
    async def do() -> Any:
        journal = open_journal("pay.db")
        try:
            return await work(journal)
        finally:
            await journal.aclose()

    return anyio.run(do)


def waiting(*, needed: int = 1, approvers: tuple[str, ...] | None = None, **facts: str) -> ApprovalRequest:
    """Return a request that waits in the storage. Args: facts: what else is asked."""

    async def ask(journal: SqlJournal) -> ApprovalRequest:
        payment = payments.awaiting()
        asked = payments.request_for(payment, needed=needed, approvers=approvers, seconds=LATER)
        return await journal.ask(payment, replace(asked, facts={**asked.facts, **facts}))

    request: ApprovalRequest = within(ask)
    return request


# --- the kill switch ------------------------------------------------------------------------------------------------


def test_halt_is_listed_until_it_is_resumed(run: Any) -> None:
    stopped = run("halt", "agent:researcher", "--by", "ada", "--reason", "odd", "--json")
    listed = run("halts", "--json")
    lifted = run("resume", "agent:researcher", "--json")
    after = run("halts", "--json")

    halted = {"scope": "agent:researcher", "by": "ada", "reason": "odd", "at": stopped.said["halt"]["at"]}
    assert (0, True) == (stopped.code, stopped.said["halt"]["complete"])
    assert halted.items() <= stopped.said["halt"].items()
    assert (0, [halted]) == (listed.code, listed.said["halts"])
    assert (0, halted, []) == (lifted.code, lifted.said["lifted"], after.said["halts"])


def test_halt_says_5_and_what_can_still_settle(run: Any) -> None:
    async def sent(journal: SqlJournal) -> None:
        first = await put(journal, payments.reserved())
        await walk(journal, first, payments.sent(first))

    within(sent)

    done = run("halt", "everything", "--json")
    plain = run("halt", "everything")

    left = done.said["halt"]["uncancelled"]
    assert (5, False, "machine") == (done.code, done.said["halt"]["complete"], done.said["halt"]["by"])
    assert [("SUBMITTED", True)] == [(one["payment"]["state"], "Permit2" in one["reason"]) for one in left]
    assert any("PAYGENT_RELAYER_KEY" in trouble for trouble in done.said["halt"]["troubles"])
    assert (5, True) == (plain.code, "CAN STILL SETTLE" in plain.out)


def test_resume_of_what_is_not_halted_says_1_and_what_is(run: Any) -> None:
    run("halt", "agent:researcher")

    done = run("resume", "agent:reseacher")

    assert (1, True) == (done.code, "not halted; what is: agent:researcher" in done.err)


def test_scope_that_is_none_says_1(run: Any) -> None:
    assert 1 == run("halt", "the whole thing").code


def test_halt_stops_pay_in_another_process(paygent: Program, shop: Shop) -> None:
    paygent("halt", "everything", "--reason", "stop")

    done = paygent("pay", shop.url("good"), "--json")

    assert (3, "Halted") == (done.code, done.said["error"]["type"])


# --- approvals ------------------------------------------------------------------------------------------------------


def test_approvals_lists_and_shows_what_waits(run: Any) -> None:
    request = waiting()

    listed, shown = run("approvals", "--json"), run("approvals", "show", request.id)

    assert [(request.id, request.digest, "PENDING")] == [
        (one["id"], one["digest"], one["state"]) for one in listed.said["approvals"]
    ]
    assert request.text in shown.out
    assert f"digest: {request.digest}" in shown.out
    assert run("approvals", "list").out.startswith(f"{request.id}\t")


def test_long_fact_begins_no_line_of_its_own_at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    resource = f"GET https://a.example/{'x' * 28}amount:_0.01_USDC{'y' * 200}"
    request = waiting(resource=resource)
    monkeypatch.setattr(sys, "stdout", shown := Terminal())

    assert 0 == main(["approvals", "show", request.id])

    lines = shown.getvalue().splitlines()
    assert 60 == max(map(len, lines))
    assert resource in "".join(line.removeprefix("  ") for line in lines)
    assert "amount" not in [line.partition(":")[0] for line in lines]


def test_approval_of_somebody_who_may_not_decide_is_not_counted(run: Any) -> None:
    request = waiting(needed=2, approvers=("ada", "ben", "cem"))

    shown = run("approvals", "show", request.id)
    refused = [run("approvals", said, request.id, "--by", "dan") for said in ("approve", "reject")]
    run("approvals", "approve", request.id, "--by", "ada")
    done = run("approvals", "approve", request.id, "--by", "Ben", "--json")

    assert "approvers: ada, ben, cem" in shown.out
    assert [(3, True)] * 2 == [(each.code, "ask ada, ben, cem" in each.err) for each in refused]
    assert "GRANTED" == done.said["approval"]["state"]
    assert ["ada", "Ben"] == [said["approver"] for said in done.said["approval"]["decisions"]]


def test_approvals_of_distinct_people_grant(run: Any) -> None:
    request = waiting(needed=2)

    first = run("approvals", "approve", request.id, "--by", "ada", "--json")
    again = run("approvals", "approve", request.id, "--by", "ada")
    second = run("approvals", "approve", request.id, "--digest", request.digest, "--reason", "fine", "--json")

    assert (0, "PENDING") == (first.code, first.said["approval"]["state"])
    assert (3, True) == (again.code, "has decided" in again.err)
    assert (0, "GRANTED") == (second.code, second.said["approval"]["state"])
    assert [("ada", True, ""), ("machine", True, "fine")] == [
        (said["approver"], said["granted"], said["reason"]) for said in second.said["approval"]["decisions"]
    ]


def test_edit_agrees_to_less(run: Any) -> None:
    request = waiting()

    done = run("approvals", "edit", request.id, "--by", "ada", "--amount", "0.000099", "--json")
    shown = run("approvals", "show", request.id)

    decided = done.said["approval"]
    assert (0, "VOID") == (done.code, decided["state"])
    assert [{"atomic_units": "99", "quantity": None}] == [said["edit"] for said in decided["decisions"]]
    assert "edited by ada to at most 99 atomic units; run the same payment again" in shown.out


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["edit"], "--amount or --quantity"),
        (["approve", "--amount", "1"], "of approvals edit"),
        (["edit", "--amount", "0.0001"], "is not less"),
        (["edit", "--quantity", "0"], "not a number of units"),
    ],
)
def test_edit_that_is_none_changes_nothing(run: Any, arguments: list[str], why: str) -> None:
    request = waiting()

    done = run("approvals", arguments[0], request.id, *arguments[1:])

    assert (1, True) == (done.code, why in done.err)
    assert ["PENDING"] == [one["state"] for one in run("approvals", "--json").said["approvals"]]


def test_reject_denies_with_a_reason(run: Any) -> None:
    request = waiting()

    done = run("approvals", "reject", request.id, "--by", "ada", "--reason", "too dear", "--json")

    assert (0, "REFUSED") == (done.code, done.said["approval"]["state"])
    assert "DENIED" == run("payments", "--json").said["payments"][0]["state"]


def test_decision_about_something_else_than_was_shown_says_1(run: Any) -> None:
    request = waiting()

    assert 1 == run("approvals", "approve", request.id, "--digest", "00" * 32).code
    assert 1 == run("approvals", "approve", f"apr_{0:032x}").code
    assert "PENDING" == run("approvals", "--json").said["approvals"][0]["state"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["approvals", "show"],
        ["approvals", "list", "apr_1"],
        ["approvals", "approve"],
        ["approvals", "dance"],
        ["approvals", "reject", "apr_1", "--reason", "a\nb"],
        ["halt"],
        ["halt", "everything", "--by", " "],
        ["halts", "everything"],
    ],
    ids=" ".join,
)
def test_misuse_says_1(arguments: list[str], run: Any) -> None:
    assert 1 == run(*arguments).code


def test_pay_waits_for_a_person_and_pays_when_it_is_run_again(paygent: Program, shop: Shop) -> None:
    (paygent.folder / "policy.yaml").write_text(ASKING)
    pay = ("pay", shop.url("good"), "--policy", "policy.yaml", "--json")

    waits = paygent(*pay)
    again = paygent(*pay)
    (request,) = paygent("approvals", "--json").said["approvals"]
    paygent("approvals", "approve", request["id"], "--by", "ada")
    paid = paygent(*pay)

    assert (3, "ApprovalPending", "AWAITING_APPROVAL") == (
        waits.code,
        waits.said["error"]["type"],
        waits.said["payment"]["state"],
    )
    assert waits.said["payment"] == again.said["payment"]
    assert (request["payment"], f"GET {shop.url('good')}") == (
        waits.said["payment"]["id"],
        request["facts"]["resource"],
    )
    assert (0, "goods", waits.said["payment"]["id"]) == (paid.code, paid.said["body"], paid.said["payment"]["id"])


def test_pay_at_a_terminal_asks_there_and_pays(paygent: Program, shop: Shop) -> None:
    (paygent.folder / "policy.yaml").write_text(ASKING)

    done = paygent.at_terminal("yes\n", "pay", shop.url("good"), "--policy", "policy.yaml")

    assert (0, True, True) == (done.code, "approval needed" in done.out, "goods" in done.out)
    assert [] == paygent("approvals", "--json").said["approvals"]


def test_pay_at_a_terminal_without_an_answer_says_3_and_waits(paygent: Program, shop: Shop) -> None:
    (paygent.folder / "policy.yaml").write_text(ASKING)

    done = paygent.at_terminal("\n", "pay", shop.url("good"), "--policy", "policy.yaml")
    (request,) = paygent("approvals", "--json").said["approvals"]

    assert (3, True) == (done.code, request["id"] in done.out)


def test_pay_is_judged_under_the_edit_when_it_is_run_again(paygent: Program, shop: Shop) -> None:
    (paygent.folder / "policy.yaml").write_text(ASKING)
    pay = ("pay", shop.url("good"), "--policy", "policy.yaml", "--json")
    waits = paygent(*pay)
    (request,) = paygent("approvals", "--json").said["approvals"]
    paygent("approvals", "edit", request["id"], "--by", "ada", "--amount", "0.000001")

    denied = paygent(*pay)

    assert (3, "PolicyDenied", "DENIED") == (
        denied.code,
        denied.said["error"]["type"],
        denied.said["payment"]["state"],
    )
    assert "above edit of 0.000001 dUSD" in denied.said["error"]["message"]
    states = {row["id"]: row["state"] for row in paygent("payments", "--json").said["payments"]}
    assert "SUPERSEDED" == states[waits.said["payment"]["id"]]


def test_pay_says_3_when_a_person_has_refused(paygent: Program, shop: Shop) -> None:
    (paygent.folder / "policy.yaml").write_text(ASKING)
    waits = paygent("pay", shop.url("good"), "--policy", "policy.yaml", "--json")
    (request,) = paygent("approvals", "--json").said["approvals"]
    paygent("approvals", "reject", request["id"], "--by", "ada")

    (payment,) = paygent("payments", "--json").said["payments"]

    assert (waits.said["payment"]["id"], "DENIED") == (payment["id"], payment["state"])


def test_policy_file_says_what_pay_may_cost(paygent: Program, shop: Shop) -> None:
    (paygent.folder / "policy.yaml").write_text('max_per_payment: "0.05"\n')

    done = paygent("pay", shop.url("good"), "--policy", "policy.yaml", "--json")
    broken = paygent("pay", shop.url("good"), "--policy", "paygent.toml", "--json")

    assert (3, "PolicyDenied") == (done.code, done.said["error"]["type"])
    assert (1, "PolicyFileError") == (broken.code, broken.said["error"]["type"])


def test_list_of_what_waits_says_what_an_action_on_chain_is(run: Any) -> None:
    async def ask(journal: SqlJournal) -> ApprovalRequest:
        payment = payments.awaiting()
        request = payments.request_for(payment, seconds=LATER)
        about = {
            "spend": "40.00 USDC",
            "counterparty": "0x33",
            "summary": "Swap on VVS",
            "intent": request.facts["intent"],
        }
        return await journal.ask(payment, replace(request, facts=about))

    request = within(ask)

    line = next(line for line in run("approvals").out.splitlines() if request.id in line)
    assert all(said in line for said in ("40.00 USDC", "0x33", "Swap on VVS"))


@pytest.mark.parametrize(
    ("facts", "way"),
    [
        ({}, "the same `paygent pay`"),
        ({"summary": "Transfer 1.00 USDC"}, "`paygent wallet go-on pay_"),
        ({"summary": "Swap 1.00 USDC", "tool": "swap"}, "`paygent run --resume RUN`"),
    ],
)
def test_grant_says_by_what_it_goes_on(run: Any, facts: dict[str, Any], way: str) -> None:
    request = waiting(**facts)

    done = run("approvals", "approve", request.id, "--by", "ada")

    assert (0, True) == (done.code, f"it goes on by {way}" in done.out)
