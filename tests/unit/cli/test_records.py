"""`paygent audit`, `policy` and `db`: checks, and what is brought up to date."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import pytest

from paygent.adapters.sql import open_journal
from paygent.adapters.sql.schema import REVISION_TABLE, REVISIONS
from paygent.cli import main
from paygent.core.context import Context
from paygent.core.money import usd
from paygent.engine.rehearse import rehearse, treasury_before
from paygent.policy.policy import Policy
from paygent.testing.chain import MemoryChain
from paygent.testing.conformance import payments
from paygent.testing.conformance.steps import put, walk
from paygent.testing.engine import TOKEN
from paygent.testing.keys import dev_accounts
from tests.unit.cli.conftest import Finished

ACCOUNT = dev_accounts()[0]


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAYGENT_STORAGE", "pay.db")
    monkeypatch.setenv("PAYGENT_PRIVATE_KEY", ACCOUNT.private_key)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run the program in this process; nothing it prints may hold the key."""

    def run(*arguments: str) -> Finished:
        code = main(list(arguments))
        said = capsys.readouterr()
        assert ACCOUNT.private_key[2:] not in said.out + said.err
        return Finished(code=code, out=said.out, err=said.err)

    return run


def with_payments(*named: str) -> None:
    async def fill() -> None:
        journal = open_journal("pay.db")
        for place, name in enumerate(named):
            context = Context(agent=name)
            await put(journal, payments.reserved(place, context=context, at=payments.START + place))
        await journal.aclose()

    anyio.run(fill)


# --- the audit log --------------------------------------------------------------------------------------------------


def test_exported_log_is_verified_offline(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with_payments("a", "b")
    written = run("audit", "export", "log.jsonl", "--json")
    monkeypatch.delenv("PAYGENT_PRIVATE_KEY")
    monkeypatch.setenv("PAYGENT_STORAGE", "/nowhere/at/all.db")
    monkeypatch.setenv("PAYGENT_NONSENSE", "settings are not read")

    whole = run("audit", "verify", "log.jsonl", "--signer", ACCOUNT.address, "--json")
    plain = run("audit", "verify", "log.jsonl")

    assert (0, 2, ACCOUNT.address) == (written.code, written.said["audit"]["count"], written.said["audit"]["signer"])
    assert (0, written.said["audit"]) == (whole.code, whole.said["audit"])
    assert (0, True) == (plain.code, plain.out.startswith("whole: 2 rows"))
    assert (True, False) == ("anybody may have" in plain.err, "advice" in whole.said)


def _change(lines: list[str]) -> list[str]:
    return [line.replace("wallet", "pocket").replace('"100"', '"900"') for line in lines]


@pytest.mark.parametrize(
    "spoil",
    [_change, lambda lines: lines[:1] + lines[2:], lambda lines: [lines[0], lines[2], lines[1], *lines[3:]]],
    ids=["changed", "missing", "reordered"],
)
def test_log_that_was_tampered_with_says_6(spoil: Any, run: Any) -> None:
    with_payments("a", "b")
    run("audit", "export", "log.jsonl")
    file = Path("log.jsonl")
    file.write_text("".join(spoil(file.read_text().splitlines(keepends=True))))

    done = run("audit", "verify", "log.jsonl", "--json")

    assert (6, "RemoteProtocolError") == (done.code, done.said["error"]["type"])


def test_export_of_a_log_that_is_broken_in_the_storage_says_6_and_where(run: Any) -> None:
    with_payments("a", "b")
    with closing(sqlite3.connect("pay.db")) as connection:
        connection.execute("DELETE FROM audit WHERE number = 1")
        connection.commit()

    done = run("audit", "export", "log.jsonl", "--json")
    plain = run("audit", "export", "log.jsonl")

    assert (6, "AuditLogBroken") == (done.code, done.said["error"]["type"])
    assert (6, True) == (plain.code, "broken: row 1 is missing: row 2 stands in its place" in plain.err)
    assert not Path("log.jsonl").exists()


def test_log_sealed_by_another_says_6_and_a_file_that_is_not_there_1(run: Any) -> None:
    run("audit", "export", "log.jsonl")

    assert 6 == run("audit", "verify", "log.jsonl", "--signer", dev_accounts()[1].address).code
    assert 1 == run("audit", "verify", "none.jsonl").code
    assert 1 == run("audit", "export", "log.jsonl").code  # it is there already


# --- policies -------------------------------------------------------------------------------------------------------


def test_policy_check_reads_files_together(run: Any) -> None:
    Path("policy.yaml").write_text('max_per_payment: "0.50"\n')
    Path("agents.yaml").write_text("agents:\n  - {id: ann, priority: HIGH, dailyBudget: 5.0, maxPerCall: 1.0}\n")

    done = run("policy", "check", "policy.yaml", "agents.yaml", "--json")

    said = done.said["policy"]
    assert (0, ["0.50 USD"], ["5.00 USD"], ["ann"]) == (
        done.code,
        said["max_per_payment"],
        said["per_day"],
        said["agents"],
    )


def test_policy_check_says_1_with_file_line_and_column(run: Any) -> None:
    Path("policy.yaml").write_text('per_day: "5"\nmax_per_paymnt: "0.50"\n')

    done = run("policy", "check", "policy.yaml")

    assert (1, True) == (done.code, "policy.yaml:2:1: expected" in done.err)


def test_policy_simulate_judges_past_payments(run: Any) -> None:
    with_payments("a", "b", "a")
    described = 'symbol = "TUSD"\ndecimals = 6\nname = "T"\nversion = "1"\nusd = true\n'
    Path("paygent.toml").write_text(f'[[tokens]]\nasset = "{payments.TOKEN.id}"\n{described}')
    Path("policy.yaml").write_text('limits:\n  - {scope: "agent:a", amount: "1 payments", per: day}\n')

    done = run("policy", "simulate", "policy.yaml", "--json")
    last = run("policy", "simulate", "policy.yaml", "--last", "1")

    assert (3, ["Allow", "Allow", "Deny"]) == (done.code, [each["verdict"] for each in done.said["simulated"]])
    assert (0, 1) == (last.code, len(last.out.splitlines()))
    assert 3 == len(run("payments", "--json").said["payments"])


RANKED = """
agents:
  - {id: boss, priority: HIGH, dailyBudget: 10, maxPerCall: 1}
  - {id: a, priority: LOW, dailyBudget: 5, maxPerCall: 0.5}
"""


def ranked_history() -> None:
    with_payments("a", "a")
    described = 'symbol = "TUSD"\ndecimals = 6\nname = "T"\nversion = "1"\nusd = true\n'
    Path("paygent.toml").write_text(f'[[tokens]]\nasset = "{payments.TOKEN.id}"\n{described}')
    Path("agents.yaml").write_text(RANKED)


def test_policy_simulate_leaves_the_reserve_out_where_the_treasury_is_unknown(run: Any) -> None:
    """Nothing is denied for a balance that nobody asked for, and the output says which rule did not speak."""
    ranked_history()

    done = run("policy", "simulate", "agents.yaml", "--json")
    told = run("policy", "simulate", "agents.yaml")

    assert (0, ["Allow", "Allow"]) == (done.code, [each["verdict"] for each in done.said["simulated"]])
    assert (False, True) == (done.said["reserve_judged"], "the reserve of higher agents is left out" in told.err)


def test_policy_simulate_judges_the_reserve_by_the_treasury_that_is_given(run: Any) -> None:
    """A ten-thousandth of a dollar each, and ten dollars kept: the first of two fits."""
    ranked_history()

    done = run("policy", "simulate", "agents.yaml", "--treasury", "10.0001", "--json")

    assert (3, ["Allow", "Deny"]) == (done.code, [each["verdict"] for each in done.said["simulated"]])
    assert (True, "") == (done.said["reserve_judged"], done.err)


@pytest.mark.parametrize(
    "arguments",
    [
        ["policy", "simulate", "p.yaml", "--treasury", "ten"],
        ["policy", "check"],
        ["policy", "simulate", "p.yaml", "--last", "0"],
        ["audit", "export"],
        ["audit", "verify", "a", "b"],
        ["db"],
        ["db", "downgrade"],
    ],
    ids=" ".join,
)
def test_misuse_says_1(arguments: list[str], run: Any) -> None:
    assert 1 == run(*arguments).code


@pytest.mark.anyio
async def test_rehearsal_takes_the_newest_and_judges_them_in_order(tmp_path: Path) -> None:
    journal = open_journal(str(tmp_path / "pay.db"))
    made = [await put(journal, payments.reserved(name, at=payments.START + name)) for name in range(4)]
    policy = Policy(max_per_payment=usd("1"), per_day=usd("0.0002"))
    tokens = {payments.TOKEN.id: _known()}

    judged = await rehearse(journal, policy, tokens=tokens, limit=3)
    unknown = await rehearse(journal, policy, tokens={}, limit=1)
    await journal.aclose()

    assert [payment.id for payment in made[1:]] == [each.payment.id for each in judged]
    assert ["Allow", "Allow", "Deny"] == [type(each.simulated.verdict).__name__ for each in judged]
    assert "Deny" == type(unknown[0].simulated.verdict).__name__


@pytest.mark.anyio
async def test_rehearsal_judges_payments_of_one_second_in_the_order_they_were_made(tmp_path: Path) -> None:
    journal = open_journal(str(tmp_path / "pay.db"))
    made = [await put(journal, payments.reserved(name)) for name in range(3)]
    policy = Policy(max_per_payment=usd("1"), per_day=usd("0.0001"))

    judged = await rehearse(journal, policy, tokens={payments.TOKEN.id: _known()})
    await journal.aclose()

    assert [payment.id for payment in made] == [each.payment.id for each in judged]
    assert ["Allow", "Deny", "Deny"] == [type(each.simulated.verdict).__name__ for each in judged]


@pytest.mark.anyio
async def test_treasury_is_the_balance_with_what_has_settled_since(tmp_path: Path) -> None:
    chain = MemoryChain(chain=payments.CHAIN, tokens=[_known()])
    chain.mint(_known(), payments.PAYER, 1_000_000)
    journal = open_journal(str(tmp_path / "pay.db"))
    first = await put(journal, payments.reserved(1))
    await walk(journal, first, payments.signed(first), payments.settled(first, charged=30))
    await put(journal, payments.reserved(2))
    known, chains = {payments.TOKEN.id: _known()}, {payments.CHAIN: chain}

    before = await treasury_before(journal, Policy(), tokens=known, chains=chains, limit=2)
    elsewhere = await treasury_before(journal, Policy(), tokens=known, chains={}, limit=2)
    await journal.aclose()

    assert (usd("1.00003"), usd("0")) == (before, elsewhere)


def _known() -> Any:
    from dataclasses import replace

    return replace(TOKEN, asset=payments.TOKEN, usd=True)


# --- the database ---------------------------------------------------------------------------------------------------


def test_db_upgrade_makes_a_storage_of_this_version(run: Any) -> None:
    done = run("db", "upgrade", "--json")
    with sqlite3.connect("pay.db") as connection:
        (found,) = connection.execute(f"SELECT version_num FROM {REVISION_TABLE}").fetchone()
    connection.close()

    assert (0, REVISIONS[-1], REVISIONS[-1]) == (done.code, done.said["revision"], found)
    assert 0 == run("payments").code


def test_db_upgrade_of_a_newer_storage_says_1(run: Any) -> None:
    run("db", "upgrade")
    with sqlite3.connect("pay.db") as connection:
        connection.execute(f"UPDATE {REVISION_TABLE} SET version_num = '9999'")
    connection.close()

    assert 1 == run("db", "upgrade").code
