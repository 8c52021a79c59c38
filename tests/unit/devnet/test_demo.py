"""The demo tells only what is so, under a minute, whatever is configured on the machine."""

import io
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console

from paygent.core.money import usd
from paygent.devnet import DevExchange, Devnet, TokenTransfer
from paygent.devnet.demo import demo
from paygent.devnet.stage import policy_on
from paygent.policy.policy import Policy

CLAIMS = [
    "the run waits for a person; until then no token and no coin moved",
    'the approval is written down in the name of "the demo\'s script"',
    "the wallet has 100.10 dUSD less: the trade and the price",
    "the seller has 0.10 dUSD more",
    "the 100.00 dUSD that went in count against the 120.00 USD a day for trades",
    "the second swap was refused: no token moved, no gas was spent",
    "asking moved no money",
    "the wallet has 0.10 dUSD less, the seller 0.10 dUSD more",
    "it was signed once; when the answer was lost, the same bytes were sent once more",
    "the same request again raises DuplicatePurchase, and pays nothing",
    "exactly one transfer happened, not two",
    "0.25 dUSD was asked, nothing was signed or paid",
    "the journal and the chain agree",
]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the demo's chain shows at its end, asked without the demo's help."""

    transfers: Sequence[TokenTransfer]
    receipts: dict[str, Any]
    """By the hash that the screen shows."""
    payer: str
    seller: str
    dollars: int
    wei: int


def told(screen: io.StringIO | None = None) -> tuple[int, str]:
    shown = io.StringIO() if screen is None else screen
    return demo(Console(file=shown, width=240)), shown.getvalue()


@pytest.fixture(scope="module")
def told_and_seen() -> tuple[str, Seen]:
    """What a demo that ended well has shown, and its chain."""
    screen, seen = io.StringIO(), list[Seen]()
    stop = Devnet.stop

    def look_and_stop(net: Devnet) -> None:
        seen.append(look(net, set(re.findall(r"\b0x[0-9a-f]{64}\b", screen.getvalue()))))
        stop(net)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Devnet, "stop", look_and_stop)
        code, text = told(screen)

    assert 0 == code, text
    return text, seen[0]


def look(net: Devnet, hashes: set[str]) -> Seen:
    def ask(method: str, *params: str) -> Any:
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return httpx.post(net.rpc_url, json=request, trust_env=False).json()["result"]

    return Seen(
        transfers=net.transfers(),
        receipts={each: ask("eth_getTransactionReceipt", each) for each in hashes},
        payer=net.payer.address,
        seller=net.seller.payee,
        dollars=net.balance(net.payer.address),
        wei=int(ask("eth_getBalance", net.payer.address, "latest"), 16),
    )


def test_demo_pays_loses_an_answer_and_refuses_with_every_claim_checked(
    told_and_seen: tuple[str, Seen],
) -> None:
    text, _ = told_and_seen

    assert [] == [claim for claim in CLAIMS if f"✓ {claim}" not in text]
    assert "✗" not in text


def test_demo_shows_only_transactions_that_are_on_chain_in_the_blocks_it_says(told_and_seen: tuple[str, Seen]) -> None:
    text, seen = told_and_seen

    said = {(each, int(block)) for each, block in re.findall(r"in transaction (0x\w{64}), block (\d+)", text)}
    assert 4 == len(seen.receipts)
    assert {"0x1"} == {receipt["status"] for receipt in seen.receipts.values()}
    assert {(each, int(receipt["blockNumber"], 16)) for each, receipt in seen.receipts.items()} == said


def test_demo_moves_what_it_says_and_nothing_else(told_and_seen: tuple[str, Seen]) -> None:
    """One trade of 100, three payments of 0.10; the coins of the trade less its gas, as the table has it."""
    text, seen = told_and_seen

    left = [each for each in seen.transfers if each.sender == seen.payer]
    assert [100_000_000, 100_000, 100_000, 100_000] == [each.value for each in left]
    assert [False, True, True, True] == [each.recipient == seen.seller for each in left]
    assert 1_000_000_000 - 100_300_000 == seen.dollars
    assert f"10000.00 DEV  {seen.wei // 10**18}.{seen.wei % 10**18:018} DEV" in text


def test_demo_calls_its_pool_the_devnets_and_its_person_scripted(told_and_seen: tuple[str, Seen]) -> None:
    text, _ = told_and_seen

    assert "> Swap 100 dUSD to DEV on devnet and pay for the market data at http://127.0.0.1:" in text
    assert "'devnet' is the devnet's own pool: not VVS, and no real money" in text
    assert "The person is scripted" in text
    assert 1 == text.count("on VVS")  # what the connector would do elsewhere


def test_demo_fails_when_the_coins_did_not_come_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Devnet, "coin_balance", lambda *_: 10**18)

    code, text = told()

    assert 1 == code
    assert "not so: 9.950159382191909332 DEV came in" in text


def test_demo_fails_when_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def unasking(exchange: DevExchange) -> Policy:
        return replace(policy_on(exchange), approve_above=None)

    monkeypatch.setattr("paygent.devnet.stage.policy_on", unasking)

    code, text = told()

    assert 1 == code
    assert "a trade above the threshold did not ask a person" in text


def test_demo_fails_when_a_trade_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    def roomy(exchange: DevExchange) -> Policy:
        return replace(policy_on(exchange), trade_per_day=usd("1000"))

    monkeypatch.setattr("paygent.devnet.stage.policy_on", roomy)

    code, text = told()

    assert 1 == code
    assert "a second swap was not refused" in text


def test_demo_fails_when_the_chain_shows_another_transfer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Devnet, "transfers", lambda _: ())

    code, text = told()

    assert 1 == code
    assert "not so: proven on chain" in text


def test_demo_fails_when_no_reply_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("paygent.devnet.seller.Seller.drop_next_reply", lambda _: None)

    code, text = told()

    assert 1 == code
    assert "the answer was to be lost, and arrived" in text


def test_demo_runs_as_a_program_whatever_is_configured(tmp_path: Path) -> None:
    (tmp_path / "paygent.toml").write_text('max_per_payment = "0.01"\nnetworks = []\n')
    environment = {**os.environ, "PAYGENT_PRIVATE_KEY": "not a key", "PAYGENT_STORAGE": "/no/such/place"}

    done = subprocess.run(
        [sys.executable, "-m", "paygent.cli", "demo"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (0, "") == (done.returncode, done.stderr)
    assert "All of it was checked on chain" in done.stdout
    assert ["paygent.toml"] == [path.name for path in tmp_path.iterdir()]


def test_demo_says_what_to_install_when_the_orchestrator_or_the_plugin_is_missing() -> None:
    program = (
        "import sys, importlib.metadata\n"
        "importlib.metadata.entry_points = lambda **_: ()\n"
        "from paygent.cli import main\nsys.exit(main(['demo']))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert (1, "") == (done.returncode, done.stdout)
    assert 'pip install ".[devnet,orchestrator]" ./plugins/paygent-vvs' in done.stderr


def test_demo_says_what_to_install_when_the_devnet_is_missing() -> None:
    program = "import sys\nsys.modules['fastapi'] = None\nfrom paygent.cli import main\nsys.exit(main(['demo']))"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert (1, "") == (done.returncode, done.stdout)
    assert 'pip install ".[devnet]"' in done.stderr
