"""The demo tells only what is so, under a minute, whatever is configured on the machine."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from paygent.devnet import Devnet
from paygent.devnet.demo import demo

CLAIMS = [
    "asking moved no money",
    "the wallet has 0.10 dUSD less, the seller 0.10 dUSD more",
    "it was signed once; when the answer was lost, the same bytes were sent once more",
    "the same request again raises DuplicatePurchase, and pays nothing",
    "exactly one transfer happened, not two",
    "0.25 dUSD was asked, nothing was signed or paid",
    "the journal and the chain agree",
]


def told() -> tuple[int, str]:
    screen = io.StringIO()
    return demo(Console(file=screen, width=200)), screen.getvalue()


def test_demo_pays_loses_an_answer_and_refuses_with_every_claim_checked() -> None:
    code, text = told()

    assert 0 == code, text
    assert [] == [claim for claim in CLAIMS if f"✓ {claim}" not in text]
    assert "✗" not in text


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


def test_demo_says_what_to_install_when_the_devnet_is_missing() -> None:
    program = "import sys\nsys.modules['fastapi'] = None\nfrom paygent.cli import main\nsys.exit(main(['demo']))"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert (1, "") == (done.returncode, done.stdout)
    assert 'pip install "paygent[devnet]"' in done.stderr
