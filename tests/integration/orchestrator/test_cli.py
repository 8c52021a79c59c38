"""`paygent run` and `paygent sessions`, as a person types them."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from paygent.cli import main
from paygent.devnet import Devnet
from tests.unit.cli.shop import Shop


@pytest.fixture(scope="module")
def net() -> Iterator[Devnet]:
    with Devnet() as devnet:
        yield devnet


@pytest.fixture
def folder(net: Devnet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    token = {
        "asset": str(net.asset.id),
        "symbol": net.token.symbol,
        "decimals": net.token.decimals,
        "name": net.token.name,
        "version": net.token.version,
        "usd": True,
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in token.items()]
    (tmp_path / "paygent.toml").write_text('approve_above = "0.20"\n\n[[tokens]]\n' + "\n".join(lines) + "\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAYGENT_PRIVATE_KEY", net.payer.private_key)
    monkeypatch.setenv("PAYGENT_RPC", net.rpc_url)
    monkeypatch.setenv("PAYGENT_STORAGE", str(tmp_path / "pay.db"))
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any], str]:
    code = main([*arguments, "--json"])
    finished = capsys.readouterr()
    return code, json.loads(finished.out.splitlines()[-1]), finished.err


@pytest.mark.usefixtures("folder")
def test_run_pays_and_sessions_show_it(net: Devnet, capsys: pytest.CaptureFixture[str]) -> None:
    code, done, told = said(capsys, "run", f"check my balance then pay {net.seller.url('/premium')}")
    session = done["run"]["session"]

    assert (0, "COMPLETED", ["done", "done"]) == (
        code,
        done["run"]["state"],
        [step["status"] for step in done["steps"]],
    )
    assert "tool_result: paid 0.10 dUSD" in told
    code, listed, _ = said(capsys, "sessions")
    assert (0, [session]) == (code, [each["id"] for each in listed["sessions"]])
    code, shown, _ = said(capsys, "sessions", "show", session)
    assert (0, [done["run"]["id"]]) == (code, [run["id"] for run in shown["runs"]])
    code, ended, _ = said(capsys, "sessions", "end", session)
    assert (0, "ENDED") == (code, ended["session"]["state"])


@pytest.mark.usefixtures("folder")
def test_run_that_waits_is_resumed_after_the_decision(net: Devnet, capsys: pytest.CaptureFixture[str]) -> None:
    code, waiting, _ = said(capsys, "run", f"pay {net.seller.url('/report')}")
    run = waiting["run"]["id"]

    assert (3, "WAITING") == (code, waiting["run"]["state"])
    assert 0 == said(capsys, "approvals", "approve", waiting["approvals"][0], "--by", "ann")[0]
    code, done, _ = said(capsys, "run", "--resume", run)
    assert (0, "COMPLETED", run) == (code, done["run"]["state"], done["run"]["id"])
    assert 3 == said(capsys, "run", "--resume", run)[0]


@pytest.mark.usefixtures("folder")
def test_run_whose_payment_nobody_proves_is_told_as_unknown(
    net: Devnet, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAYGENT_TIMEOUT_SECONDS", "1")
    with closing(Shop(net)) as shop:
        code, done, _ = said(capsys, "run", f"pay {shop.url('silent')}")

    assert (5, "PaymentOutcomeUnknown", "COMPLETED") == (code, done["error"]["type"], done["run"]["state"])
    assert "goods, perhaps" == done["steps"][0]["data"]["body"]


@pytest.mark.usefixtures("folder")
def test_wrong_use_is_said_and_does_nothing(net: Devnet, capsys: pytest.CaptureFixture[str]) -> None:
    code, refused, _ = said(capsys, "run", "spend everything")

    assert (1, "CommandRefused") == (code, refused["error"]["type"])
    assert 1 == said(capsys, "run")[0]
    assert 1 == said(capsys, "sessions", "show")[0]
    code, cancelled, _ = said(capsys, "run", "--cancel", "run_none")
    assert (3, "RunNotFound") == (code, cancelled["error"]["type"])
    assert [] == said(capsys, "sessions")[1]["sessions"]


def test_run_pays_a_service_that_was_added_to_the_same_storage(
    net: Devnet, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service = {"id": "ticks", "name": "Market ticks", "url": net.seller.url("/premium"), "category": "market-data"}
    priced = {**service, "price": "0.10", "asset": str(net.asset.id)}
    (folder / "services.json").write_text(json.dumps([priced]))
    assert 0 == said(capsys, "services", "add", "services.json")[0]
    code, done, _ = said(capsys, "run", 'find market data services then pay for "MARKET TICKS"')

    assert (0, "COMPLETED") == (code, done["run"]["state"])
    assert "Market ticks (ticks)" in done["steps"][0]["text"]
    assert 1 == said(capsys, "services", "show", "ticks")[1]["service"]["reputation"][0]
