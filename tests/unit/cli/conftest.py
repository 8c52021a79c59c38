"""The program in a process of its own, in an empty folder, against a devnet."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from paygent.devnet import Devnet
from tests.unit.cli.shop import Shop
from tests.unit.cli.warm import Warm

COMMAND = [sys.executable, "-W", "error", "-m", "paygent.cli"]
SETTINGS = """\
[[tokens]]
asset = "{asset}"
symbol = "dUSD"
decimals = 6
name = "{name}"
version = "{version}"
usd = true
test = true
"""


@dataclass(frozen=True, kw_only=True)
class Finished:
    """How a run of the program ended."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> Any:
        """The JSON in the last line of standard output."""
        return json.loads(self.out.splitlines()[-1])


@dataclass(frozen=True, kw_only=True)
class Program:
    """Runs `paygent` in a folder; nothing it prints may hold a secret."""

    folder: Path
    net: Devnet
    warm: Warm
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def rpc(self) -> tuple[str, str]:
        return "--rpc", self.net.rpc_url

    def environ(self, **more: str | None) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PAYGENT_")}
        mine = {"PAYGENT_PRIVATE_KEY": self.net.payer.private_key, "PAYGENT_STORAGE": "pay.db", **more}
        return {**inherited, **{name: value for name, value in mine.items() if value is not None}}

    def __call__(self, *arguments: str, **environment: str | None) -> Finished:
        written = self.folder.with_name(f"{self.folder.name}.written")
        code = self.warm.run(arguments, self.folder, self.environ(**environment), written)
        out, err = (written.with_name(f"{written.name}.{kind}").read_text() for kind in ("out", "err"))
        assert self.net.payer.private_key[2:] not in out + err
        return Finished(code=code, out=out, err=err)

    def at_terminal(self, typed: str, *arguments: str) -> Finished:
        """Run it on a pseudo-terminal where somebody types; all that it shows is in `out`."""
        keyboard, terminal = pty.openpty()
        started = subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=self.folder,
            env=self.environ(TERM="dumb"),
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
        )
        os.close(terminal)
        os.write(keyboard, typed.encode())
        shown = b""
        with suppress(OSError):  # how the end of a pseudo-terminal is told
            while chunk := os.read(keyboard, 65536):
                shown += chunk
        os.close(keyboard)
        assert self.net.payer.private_key[2:] not in shown.decode()
        return Finished(code=started.wait(timeout=60), out=shown.decode(), err="")

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=self.folder,
            env=self.environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture(scope="module")
def net() -> Iterator[Devnet]:
    with Devnet(anvil=False) as running:
        yield running


@pytest.fixture
def shop(net: Devnet) -> Iterator[Shop]:
    opened = Shop(net)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm]:
    started = Warm()
    yield started
    started.close()


@pytest.fixture
def paygent(net: Devnet, warm: Warm, tmp_path: Path) -> Program:
    return program(net, warm, tmp_path)


def program(net: Devnet, warm: Warm, folder: Path) -> Program:
    token = net.token
    settings = SETTINGS.format(asset=net.asset.id, name=token.name, version=token.version)
    (folder / "paygent.toml").write_text(settings)
    return Program(folder=folder, net=net, warm=warm)
