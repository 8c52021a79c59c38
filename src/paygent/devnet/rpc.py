"""JSON-RPC over the embedded chain, as an ASGI application.

The head is final: ``latest``, ``pending``, ``safe`` and ``finalized`` name the same block, because a chain of one node
never reorganises. Transactions are mined before eth_sendRawTransaction answers.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, TypeGuard, cast

from eth.abc import ComputationAPI
from eth.exceptions import Revert, VMError
from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_typing import Address
from eth_utils.crypto import keccak
from eth_utils.exceptions import ValidationError

from paygent.devnet.backend import GAS_LIMIT
from paygent.devnet.blocks import Mined
from paygent.devnet.chain import Call, EmbeddedChain, TransactionRefused
from paygent.devnet.rpc_json import Json, block_json, data, logs_json, quantity, receipt_json, transaction_json
from paygent.x402.strict_json import check_depth

Params: TypeAlias = Sequence[Any]
"""The arguments of a call as JSON gave them: checked by each method."""

_PARSE_ERROR, _INVALID_REQUEST, _UNKNOWN_METHOD, _INVALID_PARAMS, _REFUSED = -32700, -32600, -32601, -32602, -32000
_REVERTED = 3
_HEAD_NAMES = frozenset({"latest", "pending", "safe", "finalized"})
_TIP = 1_000_000_000
"""The priority fee this node suggests, in wei."""
_MAX_FEE_HISTORY = 1024
_ERROR_STRING = keccak(text="Error(string)")[:4]


class _RpcFault(Exception):
    """A call's error object: becomes the `error` member of the answer."""

    def __init__(self, code: int, message: str, revert_data: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.revert_data = revert_data

    def as_json(self) -> Json:
        """Return the error object."""
        error: dict[str, Json] = {"code": self.code, "message": str(self)}
        return error if self.revert_data is None else {**error, "data": self.revert_data}


class RpcApplication:
    """Answer JSON-RPC calls and batches by POST."""

    def __init__(self, chain: EmbeddedChain) -> None:
        self._methods = Methods(chain).table()
        self._chain = chain

    async def __call__(self, scope: Mapping[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        """Serve one HTTP request; its path does not matter."""
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message.get("body", b""), message.get("more_body", False)
        answered = self.answer(body)
        answer = b"" if answered is None else json.dumps(answered).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    def answer(self, body: bytes) -> Json:
        """Return the answer to a call or to a batch of calls; None where nobody waits for one."""
        try:
            said = body.decode()
            check_depth(said)
            request = json.loads(said)
        except ValueError:
            return _failure(None, _RpcFault(_PARSE_ERROR, "the body is not JSON"))
        if _is_list(request) and request:
            return [answer for one in request if (answer := self._answer_one(one)) is not None] or None
        return self._answer_one(request)

    def _answer_one(self, request: Any) -> Json:
        match request:
            case {"method": str(method)}:
                identifier, params = request.get("id"), request.get("params", [])
            case _:
                return _failure(None, _RpcFault(_INVALID_REQUEST, "not a JSON-RPC call"))
        try:
            answer: Json = {"jsonrpc": "2.0", "id": identifier, "result": self._perform(method, params)}
        except _RpcFault as fault:
            answer = _failure(identifier, fault)
        return answer if "id" in request else None

    def _perform(self, method: str, params: Any) -> Json:
        if method not in self._methods:
            raise _RpcFault(_UNKNOWN_METHOD, f"the method {method} does not exist")
        if not _is_list(params):
            raise _RpcFault(_INVALID_PARAMS, "params must be a list")
        if not method.startswith("evm_"):
            self._chain.beat()
        try:
            return self._methods[method](params)
        except TransactionRefused as refusal:
            raise _RpcFault(_REFUSED, str(refusal)) from refusal
        except (ValueError, TypeError, IndexError, KeyError, ValidationError) as wrong:
            raise _RpcFault(_INVALID_PARAMS, f"wrong arguments for {method}: {wrong!r}") from wrong


class Methods:
    """The JSON-RPC methods, by name in `table`."""

    def __init__(self, chain: EmbeddedChain) -> None:
        self._chain = chain

    def table(self) -> Mapping[str, Callable[[Params], Json]]:
        """Return what serves each method."""
        chain = self._chain
        return {
            "web3_clientVersion": lambda _: "paygent-devnet/eth-tester/py-evm",
            "net_version": lambda _: str(chain.chain_id),
            "eth_chainId": lambda _: quantity(chain.chain_id),
            "eth_syncing": lambda _: False,
            "eth_accounts": lambda _: [],
            "eth_blockNumber": lambda _: quantity(chain.head.number),
            "eth_gasPrice": lambda _: quantity(self._base_fee(chain.head) + _TIP),
            "eth_maxPriorityFeePerGas": lambda _: quantity(_TIP),
            "eth_feeHistory": self._fee_history,
            "eth_getBlockByNumber": lambda params: self._block(self._find_block(params[0]), params),
            "eth_getBlockByHash": lambda params: self._block(chain.blocks.by_hash(_octets(params[0])), params),
            "eth_getBalance": lambda params: quantity(self._state(params, 1).get_balance(_address(params[0]))),
            "eth_getTransactionCount": lambda params: quantity(self._state(params, 1).get_nonce(_address(params[0]))),
            "eth_getCode": lambda params: data(self._state(params, 1).get_code(_address(params[0]))),
            "eth_getStorageAt": self._storage,
            "eth_call": self._call,
            "eth_estimateGas": self._estimate_gas,
            "eth_sendRawTransaction": lambda params: data(chain.submit(_octets(params[0]))),
            "eth_getTransactionByHash": self._transaction,
            "eth_getTransactionReceipt": self._receipt,
            "eth_getLogs": self._logs,
            "evm_mine": self._mine,
            "evm_increaseTime": lambda params: chain.increase_time(_number(params[0])),
            "evm_snapshot": lambda _: quantity(chain.snapshot()),
            "evm_revert": lambda params: chain.revert(_number(params[0])),
        }

    # blocks and accounts

    def _find_block(self, tag: Any) -> Mined | None:
        match tag:
            case {"blockHash": str(block_hash)}:  # EIP-1898
                return self._chain.blocks.by_hash(_octets(block_hash))
            case {"blockNumber": str(number)}:
                return self._chain.blocks.at(_number(number))
            case "earliest":
                return self._chain.blocks.at(0)
            case str() if tag in _HEAD_NAMES:
                return self._chain.head
            case _:
                return self._chain.blocks.at(_number(tag))

    def _at(self, params: Params, index: int) -> Mined:
        found = self._find_block(params[index] if len(params) > index else "latest")
        if found is None:
            raise _RpcFault(_REFUSED, "header not found")
        return found

    def _state(self, params: Params, index: int) -> Any:
        return self._chain.state(self._at(params, index))

    def _block(self, mined: Mined | None, params: Params) -> Json:
        return None if mined is None else block_json(mined, full=len(params) > 1 and params[1] is True)

    def _storage(self, params: Params) -> Json:
        value: int = self._state(params, 2).get_storage(_address(params[0]), _number(params[1]))
        return data(value.to_bytes(32, "big"))

    def _base_fee(self, mined: Mined) -> int:
        return int(mined.block.header.base_fee_per_gas or 0)

    def _fee_history(self, params: Params) -> Json:
        newest = self._at(params, 1)
        oldest = max(0, newest.number - min(_number(params[0]), _MAX_FEE_HISTORY) + 1)
        blocks = [self._chain.blocks.at(number) or newest for number in range(oldest, newest.number + 1)]
        percentiles: Sequence[Any] = params[2] if len(params) > 2 and params[2] else ()
        history: dict[str, Json] = {
            "oldestBlock": quantity(oldest),
            "baseFeePerGas": [quantity(self._base_fee(mined)) for mined in (*blocks, newest)],
            "gasUsedRatio": [mined.block.header.gas_used / GAS_LIMIT for mined in blocks],
        }
        return {**history, "reward": [[quantity(_TIP)] * len(percentiles)] * len(blocks)} if percentiles else history

    # execution

    def _call(self, params: Params) -> Json:
        computation = self._chain.call(_message(params[0]), self._at(params, 1))
        _raise_if_failed(computation)
        return data(computation.output)

    def _estimate_gas(self, params: Params) -> Json:
        try:
            return quantity(self._chain.estimate_gas(_message(params[0]), self._at(params, 1)))
        except Revert as revert:
            raise _revert_fault(bytes(revert.args[0]) if revert.args else b"") from revert
        except VMError as error:
            raise _RpcFault(_REFUSED, str(error)) from error

    # transactions and logs

    def _transaction(self, params: Params) -> Json:
        transaction_hash = _octets(params[0])
        mined = self._chain.blocks.of_transaction(transaction_hash)
        if mined is not None:
            index = _index_in(mined, transaction_hash)
            return transaction_json(mined.block.transactions[index], mined, index)
        waiting = self._chain.waiting(transaction_hash)
        return None if waiting is None else transaction_json(waiting, None)

    def _receipt(self, params: Params) -> Json:
        transaction_hash = _octets(params[0])
        mined = self._chain.blocks.of_transaction(transaction_hash)
        return None if mined is None else receipt_json(mined, _index_in(mined, transaction_hash))

    def _logs(self, params: Params) -> Json:
        query = _fields(params[0])
        wanted: Sequence[Any] = query.get("topics") or ()
        addresses, topics = _options(query.get("address")), [_options(topic) for topic in wanted]
        return [
            log for mined in self._log_blocks(query) for log in logs_json(mined) if _log_matches(log, addresses, topics)
        ]

    def _log_blocks(self, query: Mapping[str, Any]) -> Sequence[Mined]:
        if "blockHash" in query:
            return [self._at([{"blockHash": query["blockHash"]}], 0)]
        newest = self._chain.head.number
        bounds = [self._find_block(query.get(bound) or "latest") for bound in ("fromBlock", "toBlock")]
        first, last = (newest + 1 if bound is None else bound.number for bound in bounds)
        numbers = range(first, min(last, newest) + 1)
        return [mined for number in numbers if (mined := self._chain.blocks.at(number)) is not None]

    def _mine(self, params: Params) -> Json:
        self._chain.mine()
        return "0x0"


def _failure(identifier: Json, fault: _RpcFault) -> Json:
    return {"jsonrpc": "2.0", "id": identifier, "error": fault.as_json()}


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError(f"{value!r} is not a number")
    return value if isinstance(value, int) else int(value, 16)


def _octets(value: Any) -> bytes:
    if not isinstance(value, str) or not value.startswith("0x"):
        raise ValueError("data must be hexadecimal and begin with 0x")
    return bytes.fromhex(value[2:])


def _address(value: Any) -> Address:
    octets = _octets(value)
    if len(octets) != 20:
        raise ValueError("an address has 20 bytes")
    return Address(octets)


def _fields(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("an object is expected")
    return cast(Mapping[str, Any], value)


def _message(value: Any) -> Call:
    fields, absent = _fields(value), Call()
    recipient, payload = fields.get("to"), fields.get("input") or fields.get("data")
    return Call(
        sender=absent.sender if fields.get("from") is None else _address(fields["from"]),
        to=absent.to if recipient is None else _address(recipient),
        data=absent.data if payload is None else _octets(payload),
        value=absent.value if fields.get("value") is None else _number(fields["value"]),
        gas=absent.gas if fields.get("gas") is None else _number(fields["gas"]),
    )


def _raise_if_failed(computation: ComputationAPI) -> None:
    if not computation.is_error:
        return
    if isinstance(computation.error, Revert):
        raise _revert_fault(bytes(computation.output))
    raise _RpcFault(_REFUSED, f"{type(computation.error).__name__}: {computation.error}")


def _revert_fault(output: bytes) -> _RpcFault:
    message = "execution reverted"
    if output[:4] == _ERROR_STRING:
        try:
            (reason,) = decode(["string"], output[4:])
        except DecodingError:
            reason = None
        message = message if reason is None else f"{message}: {reason}"
    return _RpcFault(_REVERTED, message, data(output))


def _index_in(mined: Mined, transaction_hash: bytes) -> int:
    return [bytes(tx.hash) for tx in mined.block.transactions].index(transaction_hash)


def _options(value: Any) -> frozenset[str] | None:
    """Return the accepted values of a filter field, None for any: so does an empty list mean."""
    if value is None or value == []:
        return None
    return frozenset(one.lower() for one in ([value] if isinstance(value, str) else value))


def _log_matches(
    log: Mapping[str, Any], addresses: frozenset[str] | None, topics: Sequence[frozenset[str] | None]
) -> bool:
    if addresses is not None and log["address"] not in addresses:
        return False
    if len(topics) > len(log["topics"]):
        return False
    return all(wanted is None or topic in wanted for wanted, topic in zip(topics, log["topics"], strict=False))
