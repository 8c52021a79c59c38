"""The rules of the test run itself, each seen to bite."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OUTSIDE = "192.0.2.1"
"""TEST-NET-1 of RFC 5737: nobody answers there."""


def run_pytest(folder: Path, body: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_planted.py").write_text(body)
    command = [sys.executable, "-m", "pytest", "-p", "tests.plugins.no_skips", "-p", "no:cacheprovider", str(folder)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ["PYTHONPATH"]])}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "body",
    [
        "import pytest\ndef test_a(): pytest.skip('no tool')",
        "import pytest\npytest.skip('no tool', allow_module_level=True)",
        "import pytest\n@pytest.mark.xfail\ndef test_a(): assert False",
    ],
)
def test_run_fails_when_a_test_is_skipped(tmp_path: Path, body: str) -> None:
    """A skip in CI is a lie."""
    finished = run_pytest(tmp_path, body)

    assert finished.returncode != 0
    assert "test_planted.py" in finished.stdout


def test_run_passes_when_nothing_is_skipped(tmp_path: Path) -> None:
    assert run_pytest(tmp_path, "def test_a(): assert 1 + 1 == 2").returncode == 0


def test_socket_is_refused_when_it_leaves_the_machine() -> None:
    with socket.socket() as outward, pytest.raises(RuntimeError, match=r"127\.0\.0\.1"):
        outward.connect((OUTSIDE, 80))


def test_name_is_not_resolved_when_it_is_not_local() -> None:
    with pytest.raises(RuntimeError, match="getaddrinfo"):
        socket.getaddrinfo("example.com", 80)


def test_socket_is_allowed_when_it_stays_on_the_machine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()


@pytest.mark.parametrize(
    "command",
    [
        [sys.executable, "-c", f"import socket; socket.create_connection(({OUTSIDE!r}, 80), 1)"],
        ["node", "-e", f"require('node:net').connect(80, '{OUTSIDE}').setTimeout(1000, () => process.exit(0))"],
    ],
    ids=["python", "node"],
)
def test_child_process_is_confined_too(command: list[str]) -> None:
    finished = subprocess.run(command, capture_output=True, text=True, check=False)

    assert finished.returncode != 0
    assert "tests talk to" in finished.stderr
