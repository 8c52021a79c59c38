"""A local chain: anvil under our control, and the few JSON-RPC calls the harness needs."""

import itertools
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from eth_account import Account
from eth_account.signers.local import LocalAccount

from tests.interop.install import Installed
from tests.interop.peers.process import running

MNEMONIC = "test test test test test test test test test test test junk"
"""The mnemonic of every local development chain; its keys are public and worthless."""
ACCOUNT_COUNT = 16
"""Accounts that have ether and a role; payers come after them."""


class RpcError(Exception):
    """The node refused a call."""


def dev_account(index: int) -> LocalAccount:
    """Return the key at this place of the mnemonic."""
    Account.enable_unaudited_hdwallet_features()
    account: LocalAccount = Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{index}")
    return account


@dataclass(frozen=True, slots=True, kw_only=True)
class Anvil:
    """A running node."""

    url: str
    chain_id: int
    http: httpx.Client = field(repr=False)
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1), repr=False)

    def call(self, method: str, *params: Any) -> Any:
        return self.batch([(method, params)])[0]

    def batch(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """Send calls in one request; anvil may run them in any order, so they must not depend on each other."""
        body = [
            {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": list(params)}
            for method, params in calls
        ]
        answers = {answer["id"]: answer for answer in self.http.post(self.url, json=body).raise_for_status().json()}
        ordered = [answers[request["id"]] for request in body]
        for request, answer in zip(body, ordered, strict=True):
            if "error" in answer:
                raise RpcError(f"{request['method']}: {answer['error']}")
        return [answer["result"] for answer in ordered]

    def send(self, sender: str, to: str, data: str) -> str:
        """Send a transaction from any account that has ether and return its hash; raises if it reverts."""
        transaction: str = self.call("eth_sendTransaction", {"from": sender, "to": to, "data": data})
        receipt = self._receipt(transaction)
        if receipt["status"] != "0x1":
            raise RpcError(f"transaction {transaction} to {to} failed: {receipt}")
        return transaction

    def _receipt(self, transaction: str) -> dict[str, Any]:
        """Wait for a receipt: anvil mines at once, but answers before it has."""
        for _ in range(2000):
            receipt: dict[str, Any] | None = self.call("eth_getTransactionReceipt", transaction)
            if receipt is not None:
                return receipt
            time.sleep(0.001)
        raise RpcError(f"transaction {transaction} is not mined")

    def snapshot(self) -> str:
        snapshot: str = self.call("evm_snapshot")
        return snapshot

    def revert(self, snapshot: str) -> None:
        """Go back. Not while an official facilitator runs on this chain: both remember their next transaction nonce."""
        if self.call("evm_revert", snapshot) is not True:
            raise RpcError(f"snapshot {snapshot} is unknown")

    @contextmanager
    def paused_mining(self) -> Iterator[None]:
        """Keep transactions pending until the block ends: settlements are then broadcast and not mined."""
        self.call("evm_setAutomine", False)
        try:
            yield
        finally:
            self.call("evm_setAutomine", True)
            self.call("evm_mine")

    def timestamp(self) -> int:
        return int(self.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)


@contextmanager
def running_anvil(
    installed: Installed, *, chain_id: int, log_dir: Path, hardfork: str | None = None
) -> Iterator[Anvil]:
    """Run a node on a free port until the block ends. Args: hardfork: the newest rules it has; all of them if None."""
    command = [str(installed.anvil), "--host", "127.0.0.1", "--port", "0", "--chain-id", str(chain_id)]
    options = ["--accounts", str(ACCOUNT_COUNT), "--mnemonic", MNEMONIC, "--auto-impersonate"]
    options += [] if hardfork is None else ["--hardfork", hardfork]
    with (
        running(f"anvil-{chain_id}", [*command, *options], log_dir=log_dir) as urls,
        httpx.Client(trust_env=False, timeout=30) as http,
    ):
        anvil = Anvil(url=urls[0], chain_id=chain_id, http=http)
        # Before the first block eth_call sees block.timestamp 1, so that every authorization looks not yet valid.
        anvil.call("evm_mine")
        yield anvil
