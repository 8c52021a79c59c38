"""A chain over JSON-RPC.  Source: Ethereum JSON-RPC API, EIP-1474, EIP-1898."""

import json
import re
from collections.abc import Sequence
from itertools import count
from typing import Self, cast

import anyio
import httpx

from paygent.adapters._http import Answer, Endpoint
from paygent.adapters._rpc_values import DATA, HASH, Json, RpcValues
from paygent.core.caip import ChainId, is_evm_address
from paygent.core.errors import AdapterError, ConfigurationError
from paygent.ports.chain import Block, BlockTag, Log, NextBlock, Transaction
from paygent.ports.transactions import Fees, Simulation, TransactionReceipt
from paygent.x402.strict_json import parse_json

_REVERTED = re.compile(r"revert|invalid opcode|out of gas|stack (under|over)flow|vm exception|vm execution error", re.I)
_HAS_IT = re.compile(r"already known|known transaction|already imported", re.I)
_INVALID_PARAMS = -32602
_WRONG_CALL = frozenset({-32700, -32600, -32601, _INVALID_PARAMS, -32004, 3, -32015})


class _Refusal(AdapterError):
    """The node understood and answered with an error."""

    def __init__(self, message: str, *, code: int, retryable: bool, reverted: bool, data: str) -> None:
        super().__init__(message, retryable=retryable)
        self.code = code
        self.reverted = reverted
        self.data = data


class RpcChain(RpcValues):
    """A `Chain` behind one JSON-RPC URL. Reads are repeated while the endpoint is out of reach; nothing is cached.

    The first read asks the endpoint which chain it serves. `instant_finality` says that a block of this chain is final
    when it is there; `tips`, that a priority fee buys an earlier place. One URL may have many nodes behind it, of which
    none is more than `node_lag` blocks behind another. A given `client` is shared, and stays the giver's to close.
    """

    def __init__(
        self,
        url: str,
        *,
        chain: ChainId,
        client: httpx.AsyncClient | None = None,
        timeout_seconds: float = 10,
        instant_finality: bool = False,
        max_log_range: int = 2_000,
        tips: bool = True,
        node_lag: int = 12,
    ) -> None:
        try:
            self._number = chain.evm_number
        except ValueError as wrong:
            raise ConfigurationError(f"JSON-RPC serves EVM chains only: {wrong}") from wrong
        self._chain = chain
        self._endpoint = Endpoint(url, noun="chain endpoint", client=client, timeout_seconds=timeout_seconds)
        self._finalized = "latest" if instant_finality else "finalized"
        self._max_log_range = max_log_range
        self._tips = tips
        self._node_lag = node_lag
        self._ids = count(1)
        self._checking = anyio.Lock()
        self._checked = False
        self._knows_hashes = True
        self._has_pending = True

    def __repr__(self) -> str:
        return f"RpcChain({self._chain}, {self._endpoint!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections, unless the client was given. Safe to call twice."""
        await self._endpoint.aclose()

    @property
    def max_log_range(self) -> int:
        """How many blocks one `logs` call may span."""
        return self._max_log_range

    async def chain_number(self) -> int:
        """Return the EIP-155 chain number that the endpoint says it serves."""
        return self._quantity(await self._ask("eth_chainId"), "a chain id")

    async def next_block(self) -> NextBlock:
        """Return what the next block would be; where the node has none pending, the newest one's height and time."""
        if self._has_pending:
            if (pending := await self._pending()) is not None:
                return pending
            self._has_pending = False
        newest = await self.block("latest")
        return NextBlock(number=newest.number, timestamp=newest.timestamp)

    async def block(self, tag: BlockTag) -> Block:
        """Return the header of a block."""
        return await self._block(self._tag(tag))

    async def call(self, to: str, data: str, *, at: str | BlockTag = "latest") -> str:
        """Return the 0x result of an `eth_call`; `at` may be a block hash."""
        message = {"to": _address(to), "data": data}
        if isinstance(at, str) and HASH.fullmatch(at):
            return await self._call_at_hash(message, at.lower())
        return self._data(await self._read("eth_call", message, self._tag(at)), "the result of a call")

    async def code(self, address: str) -> str:
        """Return the 0x runtime code at an address, `0x` where there is none."""
        return self._data(await self._read("eth_getCode", _address(address), "latest"), "code")

    async def logs(
        self, *, address: str, topics: Sequence[str | None], from_block: int, to_block: int
    ) -> Sequence[Log]:
        """Return the matching logs in order.

        Raises: ValueError: the range holds more than `max_log_range` blocks; ask for it in pieces.
        """
        if to_block - from_block >= self._max_log_range:
            raise ValueError(
                f"blocks {from_block} to {to_block} are more than {self._max_log_range}, the most this endpoint is "
                "asked for at once; ask in pieces, or raise max_log_range"
            )
        wanted: dict[str, object] = {
            "address": _address(address),
            "topics": list(topics),
            "fromBlock": self._tag(from_block),
            "toBlock": self._tag(to_block),
        }
        if from_block > to_block:
            return ()
        found = self._list(await self._read("eth_getLogs", wanted), "a list of logs")
        logs = sorted((self._log(entry) for entry in found), key=lambda log: log[0])
        for (number, _), log in logs:
            if not (from_block <= number <= to_block and _matches(log, address.lower(), topics)):
                raise self._malformed("a log that was asked for")
        return tuple(log for _, log in logs)

    async def transaction(self, transaction_hash: str) -> Transaction | None:
        """Return a mined transaction, or None where the chain does not know it."""
        asked = self._hash(transaction_hash, None)
        found = await self._read("eth_getTransactionByHash", asked)
        if found is None:
            return None
        entry = self._object(found, "a transaction")
        if entry.get("blockNumber") is None:
            return None
        to = entry.get("to")
        known = Transaction(
            hash=self._hash(entry.get("hash"), "a transaction hash"),
            to=None if to is None else self._address(to),
            input=self._data(entry.get("input"), "the input of a transaction"),
        )
        if known.hash != asked:
            raise self._malformed("the transaction that was asked for")
        return known

    # own transactions (the port `Transactions`) -----------------------------------------------------------------------

    @property
    def node_lag(self) -> int:
        """How many blocks one of the nodes behind the endpoint may be behind another."""
        return self._node_lag

    async def next_nonce(self, address: str) -> int:
        """Return how many transactions an account has sent, those that wait included."""
        return self._quantity(await self._read("eth_getTransactionCount", _address(address), "pending"), "a nonce")

    async def mined_nonce(self, address: str, *, at: BlockTag = "latest") -> int:
        """Return how many transactions of an account are in blocks up to `at`."""
        said = await self._read("eth_getTransactionCount", _address(address), self._tag(at))
        return self._quantity(said, "a nonce")

    async def balance(self, address: str, *, at: BlockTag = "latest") -> int:
        """Return what an account has of the chain's coin, in wei."""
        return self._quantity(await self._read("eth_getBalance", _address(address), self._tag(at)), "a balance")

    async def fees(self) -> Fees:
        """Return what a place in the next block costs: the base fee of the newest block, and the tip the node suggests.

        Where blocks have no base fee (EIP-1559), it is the node's gas price.
        """
        newest = self._object(await self._read("eth_getBlockByNumber", "latest", False), "a block")
        if newest.get("baseFeePerGas") is None:
            price = self._quantity(await self._read("eth_gasPrice"), "a gas price")
            return Fees(base_fee=price, tip=0, legacy=True)
        base_fee = self._quantity(newest["baseFeePerGas"], "a base fee")
        tip = await self._read("eth_maxPriorityFeePerGas") if self._tips else "0x0"
        return Fees(base_fee=base_fee, tip=self._quantity(tip, "a priority fee"))

    async def simulate(self, sender: str, to: str, data: str, *, value: int = 0, at: BlockTag = "latest") -> Simulation:
        """Return what a call would do after a block; a revert is an answer, no error."""
        try:
            said = await self._read("eth_call", _message(sender, to, data, value), self._tag(at))
        except _Refusal as refusal:
            if not refusal.reverted:
                raise
            return Simulation(succeeded=False, data=refusal.data, message=str(refusal))
        return Simulation(succeeded=True, data=self._data(said, "the result of a call"))

    async def estimate_gas(self, sender: str, to: str, data: str, *, value: int = 0) -> int:
        """Return the gas that a call takes now. A revert is an AdapterError."""
        return self._quantity(await self._read("eth_estimateGas", _message(sender, to, data, value)), "a gas limit")

    async def send_raw(self, raw: bytes) -> None:
        """Hand a signed transaction to the node; one that the node has already is taken as handed over."""
        try:
            await self._read("eth_sendRawTransaction", f"0x{raw.hex()}")
        except _Refusal as refusal:
            if not _HAS_IT.search(str(refusal)):
                raise

    async def receipt(self, transaction_hash: str) -> TransactionReceipt | None:
        """Return what became of a transaction once it is mined, or None."""
        found = await self._read("eth_getTransactionReceipt", self._hash(transaction_hash, None))
        if found is None:
            return None
        entry = self._object(found, "a receipt")
        if entry.get("blockNumber") is None:  # some nodes answer for what waits
            return None
        logs = (self._log(log) for log in self._list(entry.get("logs"), "a list of logs"))
        known = TransactionReceipt(
            transaction=self._hash(entry.get("transactionHash"), "a transaction hash"),
            succeeded=self._quantity(entry.get("status"), "a receipt's status") == 1,
            block_number=self._quantity(entry.get("blockNumber"), "a block number"),
            block_hash=self._hash(entry.get("blockHash"), "a block hash"),
            gas_used=self._quantity(entry.get("gasUsed"), "the gas that was used"),
            gas_price=self._quantity(entry.get("effectiveGasPrice"), "the price of gas"),
            logs=tuple(log for _, log in sorted(logs, key=lambda pair: pair[0])),
        )
        if known.transaction != transaction_hash.lower():
            raise self._malformed("the receipt that was asked for")
        return known

    # blocks -----------------------------------------------------------------------------------------------------------

    def _tag(self, tag: str | BlockTag) -> str:
        if isinstance(tag, int) and not isinstance(tag, bool) and tag >= 0:
            return hex(tag)
        if tag == "finalized":
            return self._finalized
        if tag == "latest":
            return "latest"
        raise ValueError(f"{tag!r} names no block: give a height, 'latest', 'finalized', or a block hash to call at")

    async def _pending(self) -> NextBlock | None:
        try:
            found = await self._read("eth_getBlockByNumber", "pending", False)
        except _Refusal as refusal:
            if refusal.retryable:
                raise
            return None
        if found is None:
            return None
        entry = self._object(found, "a block")
        if entry.get("number") is None:
            return None
        return NextBlock(
            number=self._quantity(entry.get("number"), "a block number"),
            timestamp=self._quantity(entry.get("timestamp"), "a block's time"),
        )

    async def _block(self, tag: str) -> Block:
        block = self._header(await self._read("eth_getBlockByNumber", tag, False), tag)
        if tag.startswith("0x") and block.number != int(tag, 16):
            raise self._malformed(f"block {int(tag, 16)}")
        return block

    def _header(self, found: object, name: str) -> Block:
        if found is None:
            raise AdapterError(f"{self._endpoint.name} does not have block {name} (yet)", retryable=True)
        entry = self._object(found, "a block")
        return Block(
            number=self._quantity(entry.get("number"), "a block number"),
            hash=self._hash(entry.get("hash"), "a block hash"),
            timestamp=self._quantity(entry.get("timestamp"), "a block's time"),
        )

    async def _call_at_hash(self, message: Json, block_hash: str) -> str:
        if self._knows_hashes:
            at = {"blockHash": block_hash, "requireCanonical": True}
            try:
                return self._data(await self._read("eth_call", message, at), "the result of a call")
            except _Refusal as refusal:
                if refusal.code != _INVALID_PARAMS:
                    raise
        result = await self._call_around_hash(message, block_hash)
        self._knows_hashes = False
        return result

    async def _call_around_hash(self, message: Json, block_hash: str) -> str:
        """Call at the height of a block, and see before and after that the block is still the one at that height.

        For nodes without EIP-1898. Raises: AdapterError: it was not.
        """
        number = self._header(await self._read("eth_getBlockByHash", block_hash, False), block_hash).number
        await self._still_at(number, block_hash)
        result = self._data(await self._read("eth_call", message, hex(number)), "the result of a call")
        await self._still_at(number, block_hash)
        return result

    async def _still_at(self, number: int, block_hash: str) -> None:
        if (await self._block(hex(number))).hash != block_hash:
            raise AdapterError(f"block {block_hash} is no longer block {number} of {self._chain}", retryable=True)

    # exchanges --------------------------------------------------------------------------------------------------------

    async def _read(self, method: str, *params: object) -> object:
        if not self._checked:
            await self._check()
        return await self._ask(method, *params)

    async def _check(self) -> None:
        async with self._checking:
            if self._checked:
                return
            served = await self.chain_number()
            if served != self._number:
                raise ConfigurationError(
                    f"{self._endpoint.name} serves eip155:{served}, not {self._chain}; "
                    f"give the URL of a node of {self._chain}"
                )
            self._checked = True

    async def _ask(self, method: str, *params: object) -> object:
        number = next(self._ids)
        body = json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}, separators=(",", ":"))

        async def once() -> Answer:
            answer = await self._endpoint.exchange("POST", body=body.encode())
            if answer.transient:
                raise AdapterError(f"{self._endpoint.name} answered {method} with HTTP {answer.status}", retryable=True)
            return answer

        return self._result(await self._endpoint.retried(once), method, number)

    def _result(self, answer: Answer, method: str, number: int) -> object:
        try:
            read = parse_json(answer.body)
        except ValueError as unreadable:
            raise self._malformed(f"JSON to {method} (HTTP {answer.status})") from unreadable
        reply = self._object(read, f"a JSON-RPC object to {method}")
        if (error := reply.get("error")) is not None:
            raise self._refusal(error, method)
        if answer.status != 200 or reply.get("id") != number or "result" not in reply:
            raise self._malformed(f"a result to {method} (HTTP {answer.status})")
        return reply["result"]

    def _refusal(self, error: object, method: str) -> AdapterError:
        entry = self._object(error, f"a JSON-RPC error to {method}")
        code, said = entry.get("code"), entry.get("message")
        if not isinstance(code, int) or not isinstance(said, str):
            return self._malformed(f"a JSON-RPC error to {method}")
        called = method in ("eth_call", "eth_estimateGas")
        reverted = (called and _REVERTED.search(said) is not None) or code == 3
        verb = "says the contract reverted on" if reverted else "refused"
        message = f"{self._endpoint.name} {verb} {method}: {self._endpoint.scrub(said)} (code {code})"
        retryable = not reverted and code not in _WRONG_CALL
        return _Refusal(
            message, code=code, retryable=retryable, reverted=reverted, data=_revert_data(entry.get("data"))
        )


def _address(text: str) -> str:
    if not is_evm_address(text):
        raise ValueError(f"{text!r} is not an EVM address")
    return text.lower()


def _message(sender: str, to: str, data: str, value: int) -> Json:
    message = {"from": _address(sender), "to": _address(to), "data": data}
    return {**message, "value": hex(value)} if value else message


def _revert_data(found: object) -> str:
    """Return what a node says a contract reverted with: bare, or in an object as some nodes wrap it."""
    inner = cast(Json, found).get("data") if isinstance(found, dict) else found
    return inner.lower() if isinstance(inner, str) and DATA.fullmatch(inner) else "0x"


def _matches(log: Log, address: str, topics: Sequence[str | None]) -> bool:
    if log.address != address or len(log.topics) < len(topics):
        return False
    return all(asked is None or asked.lower() == has for asked, has in zip(topics, log.topics, strict=False))
