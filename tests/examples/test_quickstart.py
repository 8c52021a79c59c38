"""The examples run as their readers run them."""

import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_quickstart_buys_what_is_affordable_and_proves_it(tmp_path: Path) -> None:
    program = EXAMPLES / "quickstart" / "quickstart.py"
    done = subprocess.run(
        [sys.executable, program], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )

    lines = done.stdout.splitlines()
    assert (0, "") == (done.returncode, done.stderr)
    assert "  bought: premium" in lines
    assert any(line.startswith("  not bought: the policy denied the payment: 0.25 dUSD is above") for line in lines)
    assert "spent 0.10 dUSD, proven 0.10 dUSD" == lines[-1]


def test_write_a_connector_trades_by_a_plugin_of_its_own(tmp_path: Path) -> None:
    program = EXAMPLES / "write_a_connector" / "write_a_connector.py"
    done = subprocess.run(
        [sys.executable, program], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )

    assert (0, "") == (done.returncode, done.stderr)
    assert "SETTLED: 9.968012 dUSD came in" == done.stdout.splitlines()[-1]


def test_every_example_has_a_test_that_runs_it() -> None:
    programs = {path.name for path in EXAMPLES.rglob("*.py")}

    assert {name for name in programs if name in Path(__file__).read_text()} == programs
