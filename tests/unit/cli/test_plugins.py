"""`paygent plugins` says what is installed, and whether a plugin keeps to its hooks."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from paygent.cli import main


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PAYGENT_PLUGINS", raising=False)


def said(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_plugins_are_listed_without_being_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYGENT_PLUGINS", "vvs,lost")
    program = "import sys; from paygent.cli import main; code = main(['plugins', '--json'])\n"
    program += "sys.exit(code or int('paygent_vvs' in sys.modules))"
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert finished.returncode == 0, finished.stderr
    answer = json.loads(finished.stdout.splitlines()[-1])
    assert {"name": "vvs", "package": "paygent-vvs 0.1.0", "loaded": True} in answer["plugins"]
    assert ["lost"] == answer["missing"]


def test_check_says_what_a_connector_may_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "check", "vvs", "--json"]) == 0

    [connector] = said(capsys)["connectors"]
    assert ["eip155:25", "eip155:338"] == connector["networks"]
    assert {"swap", "stake"} <= set(connector["wishes"])


def test_check_tells_a_person(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "check", "vvs"]) == 0

    assert "vvs keeps to its hooks: paygent_connectors" in capsys.readouterr().out


def test_check_uses_the_options_of_the_settings(capsys: pytest.CaptureFixture[str]) -> None:
    Path("paygent.toml").write_text("[plugins.vvs]\nslipage_bps = 5\n")

    assert main(["plugins", "check", "vvs", "--json"]) == 1
    assert "slipage_bps" in said(capsys)["error"]["message"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["plugins", "check", "vsv"], "did you mean vvs"),
        (["plugins", "check"], "takes the NAME"),
        (["plugins", "list", "vvs"], "takes no NAME"),
    ],
)
def test_wrong_use_is_told(capsys: pytest.CaptureFixture[str], arguments: list[str], words: str) -> None:
    assert main([*arguments, "--json"]) == 1
    assert words in said(capsys)["error"]["message"]
