"""The devnet's two nodes: eth-tester on py-evm here, or anvil as a child process. Both speak JSON-RPC on 127.0.0.1."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Protocol

from paygent.core.errors import AdapterError, ConfigurationError
from paygent.devnet.backend import Allocation
from paygent.devnet.chain import EmbeddedChain
from paygent.devnet.contracts import artifact, multicall_address
from paygent.devnet.keys import dev_accounts, dev_mnemonic
from paygent.devnet.rpc import RpcApplication
from paygent.devnet.rpc_client import RpcClient
from paygent.devnet.serving import LocalServer

CHAIN_ID = 31337
"""What anvil, hardhat and this devnet call their chain."""

_ETHER = 10**18
_START_TIMEOUT_SECONDS = 10
_STOP_TIMEOUT_SECONDS = 5
_POLL_SECONDS = 0.01
_LISTENING = "Listening on "


class Node(Protocol):
    """**Protocol:** a chain that answers JSON-RPC."""

    @property
    def name(self) -> str:
        """What executes: ``py-evm`` or ``anvil``."""
        ...

    @property
    def url(self) -> str:
        """The JSON-RPC endpoint; known once started."""
        ...

    def start(self) -> None:
        """Return when the endpoint answers."""
        ...

    def request_stop(self) -> None:
        """Begin to stop without waiting."""
        ...

    def stop(self) -> None:
        """Stop and wait for it."""
        ...


class EmbeddedNode:
    """eth-tester on py-evm in a thread of this process."""

    name = "py-evm"

    def __init__(self, *, heartbeat_seconds: int, clock: Callable[[], float] = time.time) -> None:
        chain = EmbeddedChain(chain_id=CHAIN_ID, genesis=_genesis(), clock=clock, heartbeat_seconds=heartbeat_seconds)
        self._server = LocalServer(RpcApplication(chain), name="node")

    @property
    def url(self) -> str:
        """The JSON-RPC endpoint."""
        return self._server.url

    def start(self) -> None:
        """Return when the endpoint answers."""
        self._server.start()

    def request_stop(self) -> None:
        """Begin to stop without waiting."""
        self._server.request_stop()

    def stop(self) -> None:
        """Stop and wait for it."""
        self._server.stop()


class AnvilNode:
    """Foundry's anvil as a child process on a port that the system chooses."""

    name = "anvil"

    def __init__(self, binary: Path, *, heartbeat_seconds: int) -> None:
        if not binary.is_file():
            raise ConfigurationError(
                f"there is no anvil at {str(binary)!r}; pass anvil=False to use the embedded chain"
            )
        self._command = [str(binary), *_anvil_options(heartbeat_seconds)]
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None
        self._url = ""

    @property
    def url(self) -> str:
        """The JSON-RPC endpoint."""
        return self._url

    def start(self) -> None:
        """Return when the endpoint answers.

        Raises: AdapterError: anvil ended, or did not answer within ten seconds.
        """
        self._log = log = tempfile.TemporaryFile()  # noqa: SIM115  # closed by stop
        self._process = subprocess.Popen(  # noqa: S603  # the binary is the one the caller named
            self._command, stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
        try:
            self._url = self._await_url(self._process, log)
            self._prepare()
        except AdapterError:
            self.stop()
            raise

    def request_stop(self) -> None:
        """Ask anvil to end."""
        if self._process is not None:
            self._process.terminate()

    def stop(self) -> None:
        """End anvil and wait for it."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._log is not None:
            self._log.close()

    def _await_url(self, process: subprocess.Popen[bytes], log: IO[bytes]) -> str:
        deadline = time.monotonic() + _START_TIMEOUT_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            log.seek(0)
            _, found, rest = log.read().decode(errors="replace").partition(_LISTENING)
            if found and "\n" in rest:
                return f"http://{rest.splitlines()[0].strip()}"
            time.sleep(_POLL_SECONDS)
        raise AdapterError("anvil did not start", retryable=False)

    def _prepare(self) -> None:
        client = RpcClient(self._url)
        try:
            client.call("anvil_setCode", multicall_address(), "0x" + artifact("DevMulticall").deployed_bytecode.hex())
            # Before its first block anvil lets eth_call see the time 1, so that no authorization would be valid yet.
            client.call("evm_mine")
        finally:
            client.close()


def choose_node(anvil: str | Path | bool | None, *, heartbeat_seconds: int) -> Node:
    """Return anvil at a path; anvil found on PATH for True or None; py-evm for False, and for None without anvil.

    Raises: ConfigurationError: anvil was asked for and is not there.
    """
    found = shutil.which("anvil") if anvil is None or anvil is True else anvil
    if found is None and anvil is True:
        raise ConfigurationError("anvil is not on PATH; pass its path, or anvil=False to use the embedded chain")
    if found is None or found is False:
        return EmbeddedNode(heartbeat_seconds=heartbeat_seconds)
    return AnvilNode(Path(str(found)), heartbeat_seconds=heartbeat_seconds)


def _anvil_options(heartbeat_seconds: int) -> list[str]:
    # With epochs of no slots the finalized block is the head, as on the embedded chain.
    options = ["--host", "127.0.0.1", "--port", "0", "--chain-id", str(CHAIN_ID), "--mnemonic", dev_mnemonic()]
    heartbeat = ["--mixed-mining", "--block-time", str(heartbeat_seconds)] if heartbeat_seconds else []
    return [*options, "--slots-in-an-epoch", "0", *heartbeat]


def _genesis() -> dict[bytes, Allocation]:
    funded = {bytes.fromhex(account.address[2:]): Allocation(balance=10_000 * _ETHER) for account in dev_accounts()}
    multicall = bytes.fromhex(multicall_address()[2:])
    return {**funded, multicall: Allocation(code=artifact("DevMulticall").deployed_bytecode)}
