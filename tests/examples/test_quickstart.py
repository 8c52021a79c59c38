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


def run(name: str, folder: Path) -> list[str]:
    program = EXAMPLES / name / f"{name}.py"
    command = [sys.executable, str(program)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)

    assert 0 == done.returncode, done.stderr
    return done.stdout.splitlines()


def test_approval_waits_for_a_person_and_pays_after_they_agreed(tmp_path: Path) -> None:
    """Runs approval.py."""
    assert [
        "WAITING: nothing is signed yet",
        "a person is shown: 0.25 dUSD",
        "COMPLETED: paid 0.25 dUSD",
        "settled: 0.25 dUSD",
    ] == run("approval", tmp_path)


def test_langgraph_agent_buys_what_it_was_asked_for_and_nothing_else(tmp_path: Path) -> None:
    """Runs langgraph_agent.py."""
    lines = run("langgraph_agent", tmp_path)

    assert "spent 0.10 dUSD" == lines[-1]
    refused = "tool_result: tool 'pay': url 'https://elsewhere.test/upgrade' was named"
    assert any(line.startswith(refused) for line in lines)


def test_every_example_has_a_test_that_runs_it() -> None:
    programs = {path.name for path in EXAMPLES.rglob("*.py")}

    assert {name for name in programs if name in Path(__file__).read_text()} == programs
