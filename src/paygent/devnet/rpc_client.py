"""What the devnet itself asks its node, over the same HTTP that everybody uses."""

import itertools
import time
from collections.abc import Sequence
from typing import Any

import httpx
from eth_account import Account

from paygent.core.errors import AdapterError
from paygent.devnet.keys import DevAccount

_TIMEOUT_SECONDS = 30
_RECEIPT_TIMEOUT_SECONDS = 10
_POLL_SECONDS = 0.005
_GAS_LIMIT = 10_000_000


class RpcClient:
    """Call a node's methods; safe to use from several threads."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=_TIMEOUT_SECONDS, trust_env=False)
        self._identifiers = itertools.count(1)

    def call(self, method: str, *params: object) -> Any:
        """Return the result of a method.

        Raises: AdapterError: the node answered with an error, or not at all.
        """
        request = {"jsonrpc": "2.0", "id": next(self._identifiers), "method": method, "params": params}
        try:
            answer = self._http.post("/", json=request).raise_for_status().json()
        except httpx.HTTPError as error:
            raise AdapterError(f"the devnet's node does not answer {method}: {error}", retryable=True) from error
        if "error" in answer:
            raise AdapterError(f"the devnet's node refused {method}: {answer['error']['message']}", retryable=False)
        return answer["result"]

    def send(self, sender: DevAccount, *, to: str | None, data: str, value: int = 0) -> Any:
        """Sign and send a transaction of a development account, with `value` wei; return its receipt.

        Raises: AdapterError: the node refused it, it reverted, or no block took it within ten seconds.
        """
        fields = {
            "chainId": int(self.call("eth_chainId"), 16),
            "nonce": int(self.call("eth_getTransactionCount", sender.address, "latest"), 16),
            "gas": _GAS_LIMIT,
            "gasPrice": self._gas_price(),
            "value": value,
            "data": data,
            **({} if to is None else {"to": to}),
        }
        signed = Account.sign_transaction(fields, sender.private_key)
        transaction = self.call("eth_sendRawTransaction", "0x" + bytes(signed.raw_transaction).hex())
        receipt = self._await_receipt(transaction)
        if receipt["status"] != "0x1":
            raise AdapterError(f"the devnet's transaction {transaction} reverted", retryable=False)
        return receipt

    def _gas_price(self) -> int:
        """Return what the next block takes; anvil's own advice follows what was paid last, and would double it."""
        head = self.call("eth_getBlockByNumber", "latest", False)
        return 2 * int(head["baseFeePerGas"], 16)

    def logs(self, address: str, topics: Sequence[str | None]) -> Any:
        """Return all logs of a contract that match, oldest first."""
        query = {"address": address, "topics": topics, "fromBlock": "earliest", "toBlock": "latest"}
        return self.call("eth_getLogs", query)

    def _await_receipt(self, transaction: str) -> Any:
        # The embedded chain has it at once; anvil may answer eth_sendRawTransaction before it has mined.
        deadline = time.monotonic() + _RECEIPT_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            if (receipt := self.call("eth_getTransactionReceipt", transaction)) is not None:
                return receipt
            time.sleep(_POLL_SECONDS)
        raise AdapterError(f"the devnet's transaction {transaction} was not mined", retryable=False)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()
