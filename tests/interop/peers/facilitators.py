"""Facilitators that settle on a local chain, as child processes."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from tests.interop.install import ROOT, Installed
from tests.interop.peers.anvil import dev_account
from tests.interop.peers.chain import TokenChain
from tests.interop.peers.process import running

SERVERS = Path(__file__).parent / "servers"


class FacilitatorKind(Enum):
    """Whose code it is; the value is the index of the development key that pays its gas."""

    PYTHON = 2
    TYPESCRIPT = 3
    CRONOS = 4

    @property
    def label(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facilitator:
    """A running facilitator."""

    kind: FacilitatorKind
    url: str
    """Base URL; verify, settle and supported are below it, for Cronos below `/v2/x402`."""
    address: str
    """Who sends the settlements."""


@contextmanager
def running_facilitator(
    kind: FacilitatorKind, chain: TokenChain, *, installed: Installed, log_dir: Path
) -> Iterator[Facilitator]:
    key = dev_account(kind.value)
    command = _command(kind, chain, installed, key.address, "0x" + bytes(key.key).hex())
    with running(f"facilitator-{kind.label}", command, log_dir=log_dir, directory=ROOT) as urls:
        yield Facilitator(kind=kind, url=urls[0], address=key.address)


def _command(kind: FacilitatorKind, chain: TokenChain, installed: Installed, sender: str, key: str) -> Sequence[str]:
    rpc_url = chain.anvil.url
    match kind:
        case FacilitatorKind.PYTHON:
            return [sys.executable, "-m", "tests.interop.peers.servers.facilitator_python", rpc_url, key, chain.network]
        case FacilitatorKind.TYPESCRIPT:
            script = str(SERVERS / "facilitator_node.mjs")
            return ["node", script, str(installed.npm), rpc_url, key, chain.network]
        case FacilitatorKind.CRONOS:
            token = [chain.token, chain.token_name, chain.token_version]
            return [sys.executable, "-m", "tests.interop.peers.servers.facilitator_cronos", rpc_url, sender, *token]
