"""A chain over JSON-RPC: what is sent, what is believed, and what is told when it goes wrong."""

import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import anyio
import httpx
import pytest

from paygent.adapters.rpc import RpcChain
from paygent.core.caip import ChainId
from paygent.core.errors import AdapterError, ConfigurationError
from paygent.ports.chain import Block, Log, NextBlock, Transaction
from paygent.ports.transactions import Fees, Simulation, TransactionReceipt

pytestmark = pytest.mark.anyio

URL = "https://rpc.example:8443/v3/sekrit-api-key"
CHAIN = ChainId.evm(25)
TOKEN = f"0x{'Ab' * 20}"
HASH = f"0x{'aB' * 32}"
OTHER_HASH = f"0x{'cd' * 32}"
TOPIC = f"0x{'11' * 32}"
BLOCK = {"number": "0x10", "hash": HASH, "timestamp": "0x6553f100"}
LOG = {
    "address": TOKEN,
    "topics": [TOPIC],
    "data": "0xFF",
    "blockNumber": "0x10",
    "blockHash": HASH,
    "transactionHash": HASH,
    "logIndex": "0x0",
    "removed": False,
}

Reply = Any
"""A result, an exception to raise, a response, or a function of the parameters that gives one of them."""


class Node:
    """Answers JSON-RPC from a table of method and reply, and remembers what it was asked."""

    def __init__(self, replies: Mapping[str, Reply]) -> None:
        self.replies: dict[str, Reply] = {"eth_chainId": "0x19", **replies}
        self.asked: list[tuple[str, list[Any]]] = []
        self.requests: list[httpx.Request] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        await anyio.lowlevel.checkpoint()
        message = json.loads(request.content)
        self.requests.append(request)
        self.asked.append((message["method"], message["params"]))
        reply = self.replies[message["method"]]
        if isinstance(reply, list) and reply and callable(reply[0]):
            reply = reply.pop(0) if len(reply) > 1 else reply[0]
        if callable(reply):
            reply = reply(*message["params"])
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, httpx.Response):
            return reply
        return httpx.Response(200, json={"jsonrpc": "2.0", "id": message["id"], **_outcome(reply)})

    @property
    def methods(self) -> list[str]:
        return [method for method, _ in self.asked]


class Refused:
    def __init__(self, code: int, message: str, data: Any = None) -> None:
        self.error = {"code": code, "message": message} | ({} if data is None else {"data": data})


def _outcome(reply: object) -> dict[str, object]:
    return {"error": reply.error} if isinstance(reply, Refused) else {"result": reply}


def chain_of(node: Callable[[httpx.Request], Any], **options: Any) -> RpcChain:
    client = httpx.AsyncClient(transport=httpx.MockTransport(node))
    return RpcChain(URL, chain=CHAIN, client=client, **options)


# values ---------------------------------------------------------------------------------------------------------------


async def test_chain_number_is_what_the_endpoint_says() -> None:
    chain = chain_of(Node({"eth_chainId": "0x1a"}))

    assert await chain.chain_number() == 26


async def test_block_returns_number_lower_case_hash_and_time() -> None:
    node = Node({"eth_getBlockByNumber": BLOCK})

    block = await chain_of(node).block(16)

    assert block == Block(number=16, hash=HASH.lower(), timestamp=1_700_000_000)
    assert node.asked[-1] == ("eth_getBlockByNumber", ["0x10", False])


@pytest.mark.parametrize(("instant", "sent"), [(False, "finalized"), (True, "latest")])
async def test_block_finalized_is_latest_where_finality_is_instant(instant: bool, sent: str) -> None:
    node = Node({"eth_getBlockByNumber": BLOCK})

    await chain_of(node, instant_finality=instant).block("finalized")

    assert node.asked[-1][1][0] == sent


async def test_block_fails_retryably_when_the_node_does_not_have_it() -> None:
    with pytest.raises(AdapterError, match="does not have block 0x63") as raised:
        await chain_of(Node({"eth_getBlockByNumber": None})).block(99)

    assert raised.value.retryable


async def test_block_refuses_another_block_than_the_one_asked_for() -> None:
    with pytest.raises(AdapterError, match="block 17"):
        await chain_of(Node({"eth_getBlockByNumber": BLOCK})).block(17)


async def test_next_block_is_the_pending_one() -> None:
    node = Node({"eth_getBlockByNumber": {**BLOCK, "hash": None}})

    assert await chain_of(node).next_block() == NextBlock(number=16, timestamp=1_700_000_000)
    assert node.asked[-1] == ("eth_getBlockByNumber", ["pending", False])


@pytest.mark.parametrize("pending", [None, Refused(-32602, "no pending"), {**BLOCK, "number": None}])
async def test_next_block_is_the_newest_where_the_node_has_no_pending_one(pending: object) -> None:
    node = Node({"eth_getBlockByNumber": lambda tag, _: pending if tag == "pending" else BLOCK})
    chain = chain_of(node)

    assert await chain.next_block() == NextBlock(number=16, timestamp=1_700_000_000)
    assert await chain.next_block() == NextBlock(number=16, timestamp=1_700_000_000)
    assert [params[0] for method, params in node.asked[1:]] == ["pending", "latest", "latest"]


async def test_next_block_fails_when_the_node_refuses_to_answer_now() -> None:
    with pytest.raises(AdapterError, match="limit exceeded"):
        await chain_of(Node({"eth_getBlockByNumber": Refused(-32005, "limit exceeded")})).next_block()


@pytest.mark.parametrize("tag", [-1, True, "pending", "0x1"])
async def test_block_refuses_what_names_no_block(tag: Any) -> None:
    with pytest.raises(ValueError, match="names no block"):
        await chain_of(Node({})).block(tag)


@pytest.mark.parametrize("number", ["10", 16, "0x010", "0x", "0xg", "-0x1", None, f"0x1{'0' * 64}"])
async def test_block_reads_quantities_strictly(number: object) -> None:
    with pytest.raises(AdapterError, match="a block number") as raised:
        await chain_of(Node({"eth_getBlockByNumber": {**BLOCK, "number": number}})).block("latest")

    assert not raised.value.retryable


@pytest.mark.parametrize("entry", [{**BLOCK, "hash": "0x12"}, {**BLOCK, "timestamp": 5}, [], "block"])
async def test_block_refuses_a_malformed_header(entry: object) -> None:
    with pytest.raises(AdapterError, match="did not answer with a block"):
        await chain_of(Node({"eth_getBlockByNumber": entry})).block("latest")


async def test_code_is_lower_case_hexadecimal() -> None:
    node = Node({"eth_getCode": "0x60FE"})

    assert await chain_of(node).code(TOKEN) == "0x60fe"
    assert node.asked[-1] == ("eth_getCode", [TOKEN.lower(), "latest"])


async def test_code_refuses_what_is_no_address() -> None:
    with pytest.raises(ValueError, match="not an EVM address"):
        await chain_of(Node({})).code("0x12")


async def test_transaction_is_lower_case() -> None:
    entry = {"hash": HASH, "to": TOKEN, "input": "0xAB", "blockNumber": "0x1"}

    found = await chain_of(Node({"eth_getTransactionByHash": entry})).transaction(HASH)

    assert found == Transaction(hash=HASH.lower(), to=TOKEN.lower(), input="0xab")


async def test_transaction_of_a_deployment_has_no_recipient() -> None:
    entry = {"hash": HASH, "to": None, "input": "0x", "blockNumber": "0x1"}

    found = await chain_of(Node({"eth_getTransactionByHash": entry})).transaction(HASH)

    assert found is not None
    assert found.to is None


@pytest.mark.parametrize("entry", [None, {"hash": HASH, "blockNumber": None}])
async def test_transaction_is_none_when_unknown_or_not_mined(entry: object) -> None:
    assert await chain_of(Node({"eth_getTransactionByHash": entry})).transaction(HASH) is None


@pytest.mark.parametrize("change", [{"hash": OTHER_HASH}, {"to": "0x12"}, {"input": "0x1"}, {"hash": None}])
async def test_transaction_refuses_a_malformed_or_foreign_one(change: Mapping[str, object]) -> None:
    entry = {"hash": HASH, "to": TOKEN, "input": "0x", "blockNumber": "0x1", **change}

    with pytest.raises(AdapterError, match="did not answer with"):
        await chain_of(Node({"eth_getTransactionByHash": entry})).transaction(HASH)


async def test_transaction_refuses_what_is_no_hash() -> None:
    with pytest.raises(ValueError, match="not a hash"):
        await chain_of(Node({})).transaction("0x12")


# calls ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("at", "sent"), [("latest", "latest"), ("finalized", "finalized"), (16, "0x10")])
async def test_call_names_the_block(at: Any, sent: str) -> None:
    node = Node({"eth_call": "0xFF"})

    assert await chain_of(node).call(TOKEN, "0x1234", at=at) == "0xff"
    assert node.asked[-1] == ("eth_call", [{"to": TOKEN.lower(), "data": "0x1234"}, sent])


async def test_call_at_a_hash_asks_for_that_block_on_the_canonical_chain() -> None:
    node = Node({"eth_call": "0x01"})

    await chain_of(node).call(TOKEN, "0x", at=HASH)

    assert node.asked[-1][1][1] == {"blockHash": HASH.lower(), "requireCanonical": True}


def _only_by_number(message: object, at: object) -> object:
    return Refused(-32602, "invalid argument 1: cannot unmarshal object") if isinstance(at, dict) else "0x2a"


async def test_call_at_a_hash_sees_that_block_before_and_after_where_the_node_takes_numbers_only() -> None:
    node = Node({"eth_call": _only_by_number, "eth_getBlockByHash": BLOCK, "eth_getBlockByNumber": BLOCK})
    chain = chain_of(node)

    assert await chain.call(TOKEN, "0x", at=HASH) == "0x2a"
    around = ["eth_getBlockByHash", "eth_getBlockByNumber", "eth_call", "eth_getBlockByNumber"]
    assert node.methods[1:] == ["eth_call", *around]


async def test_call_at_a_hash_remembers_that_the_node_takes_numbers_only() -> None:
    node = Node({"eth_call": _only_by_number, "eth_getBlockByHash": BLOCK, "eth_getBlockByNumber": BLOCK})
    chain = chain_of(node)
    await chain.call(TOKEN, "0x", at=HASH)
    node.asked.clear()

    await chain.call(TOKEN, "0x", at=HASH)

    assert node.methods.count("eth_call") == 1


@pytest.mark.parametrize("changed_at", [0, 1])
async def test_call_at_a_hash_fails_retryably_when_the_block_is_reorganised_meanwhile(changed_at: int) -> None:
    headers = [lambda *_: BLOCK, lambda *_: BLOCK]
    headers[changed_at] = lambda *_: {**BLOCK, "hash": OTHER_HASH}
    node = Node({"eth_call": _only_by_number, "eth_getBlockByHash": BLOCK, "eth_getBlockByNumber": headers})

    with pytest.raises(AdapterError, match="no longer block 16") as raised:
        await chain_of(node).call(TOKEN, "0x", at=HASH)

    assert raised.value.retryable


async def test_call_at_a_hash_never_falls_back_when_the_node_refuses_for_another_reason() -> None:
    node = Node({"eth_call": Refused(-32000, "header for hash not found")})

    with pytest.raises(AdapterError, match="header for hash not found") as raised:
        await chain_of(node).call(TOKEN, "0x", at=HASH)

    assert raised.value.retryable
    assert node.methods == ["eth_chainId", "eth_call"]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (3, "execution reverted: no"),
        (3, "custom"),
        (-32000, "execution reverted"),
        (-32015, "VM execution error."),
        (-32603, "reverted with reason"),
    ],
)
async def test_call_fails_for_good_when_the_contract_reverts(code: int, said: str) -> None:
    with pytest.raises(AdapterError, match="says the contract reverted on eth_call") as raised:
        await chain_of(Node({"eth_call": Refused(code, said)})).call(TOKEN, "0x")

    assert not raised.value.retryable


@pytest.mark.parametrize(("code", "retryable"), [(-32005, True), (-32603, True), (-32601, False), (-32602, False)])
async def test_call_tells_whether_asking_again_may_help(code: int, retryable: bool) -> None:
    with pytest.raises(AdapterError, match="refused eth_call") as raised:
        await chain_of(Node({"eth_call": Refused(code, "no")})).call(TOKEN, "0x")

    assert raised.value.retryable is retryable


@pytest.mark.parametrize("result", ["0x1", "1234", None, 5, "0xzz"])
async def test_call_refuses_a_result_that_is_no_bytes(result: object) -> None:
    with pytest.raises(AdapterError, match="the result of a call"):
        await chain_of(Node({"eth_call": result})).call(TOKEN, "0x")


# logs -----------------------------------------------------------------------------------------------------------------


async def ask_logs(chain: RpcChain, *, first: int = 16, last: int = 16, topics: Any = (TOPIC,)) -> Any:
    return await chain.logs(address=TOKEN, topics=topics, from_block=first, to_block=last)


async def test_logs_returns_lower_case_values() -> None:
    node = Node({"eth_getLogs": [LOG]})

    logs = await ask_logs(chain_of(node))

    assert logs == (
        Log(
            address=TOKEN.lower(),
            topics=(TOPIC,),
            data="0xff",
            block_number=16,
            block_hash=HASH.lower(),
            transaction=HASH.lower(),
        ),
    )
    wanted = {"address": TOKEN.lower(), "topics": [TOPIC], "fromBlock": "0x10", "toBlock": "0x10"}
    assert node.asked[-1] == ("eth_getLogs", [wanted])


async def test_logs_are_in_order_of_block_and_place() -> None:
    later = {**LOG, "logIndex": "0xa", "data": "0x02"}
    node = Node({"eth_getLogs": [later, {**LOG, "logIndex": "0x9", "data": "0x01"}]})

    assert [log.data for log in await ask_logs(chain_of(node))] == ["0x01", "0x02"]


async def test_logs_of_an_empty_range_are_none_without_asking() -> None:
    node = Node({})

    assert await ask_logs(chain_of(node), first=17, last=16) == ()
    assert node.asked == []


async def test_logs_refuses_a_range_above_the_maximum() -> None:
    node = Node({"eth_getLogs": []})
    chain = chain_of(node, max_log_range=10)

    assert chain.max_log_range == 10
    assert await ask_logs(chain, first=1, last=10) == ()
    with pytest.raises(ValueError, match="blocks 1 to 11 are more than 10"):
        await ask_logs(chain, first=1, last=11)


@pytest.mark.parametrize(
    "change",
    [
        {"address": HASH},
        {"address": f"0x{'ee' * 20}"},
        {"topics": [OTHER_HASH]},
        {"topics": []},
        {"topics": "0x"},
        {"topics": ["0x1"]},
        {"blockNumber": "0x11"},
        {"blockHash": None},
        {"transactionHash": None},
        {"logIndex": None},
        {"data": None},
        {"removed": True},
    ],
)
async def test_logs_refuses_a_log_that_is_malformed_or_was_not_asked_for(change: Mapping[str, object]) -> None:
    with pytest.raises(AdapterError, match="did not answer with"):
        await ask_logs(chain_of(Node({"eth_getLogs": [{**LOG, **change}]})))


async def test_logs_refuses_an_answer_that_is_no_list() -> None:
    with pytest.raises(AdapterError, match="a list of logs"):
        await ask_logs(chain_of(Node({"eth_getLogs": {}})))


async def test_logs_takes_any_topic_for_none() -> None:
    entry = {**LOG, "topics": [OTHER_HASH, TOPIC]}

    logs = await ask_logs(chain_of(Node({"eth_getLogs": [entry]})), topics=[None, TOPIC])

    assert len(logs) == 1


# the endpoint ---------------------------------------------------------------------------------------------------------


async def test_reads_check_the_chain_once_even_at_the_same_time() -> None:
    node = Node({"eth_getCode": "0x"})
    chain = chain_of(node)

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(chain.code, TOKEN)
    await chain.code(TOKEN)

    assert node.methods.count("eth_chainId") == 1
    assert node.methods.count("eth_getCode") == 6


async def test_reads_refuse_an_endpoint_of_another_chain_and_name_both() -> None:
    node = Node({"eth_chainId": "0x1"})
    chain = chain_of(node)

    for _ in range(2):
        with pytest.raises(ConfigurationError, match="serves eip155:1, not eip155:25"):
            await chain.code(TOKEN)


@pytest.mark.parametrize("trouble", [httpx.ConnectError("no"), httpx.ReadTimeout("no"), 429, 500, 503])
async def test_reads_are_repeated_when_the_endpoint_is_out_of_reach(trouble: Any) -> None:
    first = httpx.Response(trouble) if isinstance(trouble, int) else trouble
    node = Node({"eth_getCode": [lambda *_: first, lambda *_: first, lambda *_: "0x01"]})

    assert await chain_of(node).code(TOKEN) == "0x01"


async def test_reads_stop_repeating_after_four_times() -> None:
    node = Node({"eth_getCode": lambda *_: httpx.Response(503)})

    with pytest.raises(AdapterError, match="HTTP 503") as raised:
        await chain_of(node).code(TOKEN)

    assert raised.value.retryable
    assert node.methods.count("eth_getCode") == 4


async def test_reads_are_not_repeated_when_the_node_refuses() -> None:
    node = Node({"eth_getCode": Refused(-32005, "limit exceeded")})

    with pytest.raises(AdapterError):
        await chain_of(node).code(TOKEN)

    assert node.methods.count("eth_getCode") == 1


async def test_reads_fail_when_nothing_comes_in_time() -> None:
    async def silent(_: httpx.Request) -> httpx.Response:
        await anyio.sleep_forever()
        raise AssertionError

    with pytest.raises(AdapterError, match=r"did not answer in 0\.01 s") as raised:
        await chain_of(silent, timeout_seconds=0.01).chain_number()

    assert raised.value.retryable


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b"null",
        b"{}",
        b'{"id":1}',
        b'{"id":2,"result":"0x19"}',
        b'{"id":"1","result":"0x19"}',
        b'{"id":1,"error":"no"}',
        b'{"id":1,"error":{"code":"x","message":"no"}}',
        b'{"id":1,"error":{"code":1}}',
        b"[" * 100_000,
        b'{"id":1,"result":' + b"9" * 5_000 + b"}",
        b"\xff\xfe",
    ],
)
async def test_reads_refuse_an_answer_that_is_no_json_rpc(body: bytes) -> None:
    async def node(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=body)

    with pytest.raises(AdapterError, match="did not answer with") as raised:
        await chain_of(node).chain_number()

    assert not raised.value.retryable


async def test_reads_refuse_a_result_with_another_status() -> None:
    async def node(_: httpx.Request) -> httpx.Response:
        return httpx.Response(302, headers={"Location": "https://b.example/"}, json={"id": 1, "result": "0x19"})

    with pytest.raises(AdapterError, match="HTTP 302"):
        await chain_of(node).chain_number()


async def test_reads_tell_the_nodes_error_whatever_its_status() -> None:
    async def node(_: httpx.Request) -> httpx.Response:
        return httpx.Response(400, json={"id": None, "error": {"code": -32600, "message": "bad\nrequest"}})

    with pytest.raises(AdapterError, match=r"bad request \(code -32600\)"):
        await chain_of(node).chain_number()


class Endless(httpx.AsyncByteStream):
    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        return b"x" * 1_000_000


@pytest.mark.filterwarnings("ignore:Async generator 'httpx:ResourceWarning")  # httpx leaves them to trio when one stops
async def test_reads_stop_at_the_largest_answer() -> None:
    async def node(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=Endless())

    with pytest.raises(AdapterError, match="more than 8388608 bytes") as raised:
        await chain_of(node).chain_number()

    assert not raised.value.retryable


async def test_reads_refuse_a_compressed_answer_unread() -> None:
    async def node(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=Endless())

    with pytest.raises(AdapterError, match="answered compressed"):
        await chain_of(node).chain_number()


async def test_reads_are_one_post_each_with_an_id_of_its_own() -> None:
    node = Node({"eth_getCode": "0x"})
    chain = chain_of(node)
    await chain.code(TOKEN)
    await chain.code(TOKEN)

    ids = [json.loads(request.content)["id"] for request in node.requests]
    assert ids == [1, 2, 3]
    assert {request.method for request in node.requests} == {"POST"}


# secrets --------------------------------------------------------------------------------------------------------------

SECRET_URL = "https://user-name:pass-word@rpc.example/v3/sekrit-api-key?token=sekrit-token"


def _told(error: BaseException) -> str:
    seen = [error]
    while (cause := seen[-1].__cause__ or seen[-1].__context__) is not None:
        seen.append(cause)
    return " ".join(f"{each} {each!r}" for each in seen)


@pytest.mark.parametrize(
    "reply", [httpx.Response(503), httpx.ConnectError(f"cannot {SECRET_URL}"), Refused(1, f"bad key in {SECRET_URL}")]
)
async def test_errors_and_logs_show_the_host_only(reply: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = httpx.AsyncClient(transport=httpx.MockTransport(Node({"eth_chainId": reply})))
    chain = RpcChain(SECRET_URL, chain=CHAIN, client=client)

    with pytest.raises(AdapterError) as raised:
        await chain.chain_number()

    said = f"{raised.value} {raised.value!r} {chain!r} {caplog.text}"
    assert "rpc.example" in said
    assert [word for word in ("sekrit", "user-name", "pass-word") if word in said] == []


async def test_the_url_is_sent_whole_and_shown_by_host() -> None:
    node = Node({})
    client = httpx.AsyncClient(transport=httpx.MockTransport(node))

    await RpcChain(SECRET_URL, chain=CHAIN, client=client).chain_number()

    assert node.requests[0].url.raw_path == b"/v3/sekrit-api-key?token=sekrit-token"
    assert node.requests[0].headers["authorization"].startswith("Basic ")
    assert repr(node.requests[0].url) == "URL('https://rpc.example/...')"


@pytest.mark.parametrize("url", ["", "rpc.example", "ftp://rpc.example/sekrit", "https://", "https://sekrit:x/"])
async def test_construction_refuses_a_url_that_is_none_without_showing_it(url: str) -> None:
    with pytest.raises(ConfigurationError, match="https://host/path") as raised:
        RpcChain(url, chain=CHAIN)

    assert "sekrit" not in _told(raised.value)


async def test_construction_refuses_a_chain_that_is_no_evm_chain() -> None:
    with pytest.raises(ConfigurationError, match="EVM chains only"):
        RpcChain(URL, chain=ChainId("solana:mainnet"))


# closing --------------------------------------------------------------------------------------------------------------


async def test_aclose_leaves_a_given_client_open() -> None:
    client = httpx.AsyncClient(transport=httpx.MockTransport(Node({})))
    async with RpcChain(URL, chain=CHAIN, client=client) as chain:
        await chain.chain_number()

    assert not client.is_closed
    with pytest.raises(AdapterError, match="was closed"):
        await chain.chain_number()


async def test_aclose_closes_its_own_client_and_may_be_called_twice(free_tcp_port: int) -> None:
    chain = RpcChain(f"http://127.0.0.1:{free_tcp_port}", chain=CHAIN, timeout_seconds=0.5)

    with pytest.raises(AdapterError, match="could not be reached"):
        await chain.chain_number()

    await chain.aclose()
    await chain.aclose()
    with pytest.raises(AdapterError, match="was closed"):
        await chain.chain_number()


# own transactions -----------------------------------------------------------------------------------------------------


async def test_next_nonce_counts_what_waits_too() -> None:
    node = Node({"eth_getTransactionCount": "0x7"})

    assert await chain_of(node).next_nonce(TOKEN) == 7
    assert node.asked[-1] == ("eth_getTransactionCount", [TOKEN.lower(), "pending"])


@pytest.mark.parametrize(("tips", "tip"), [(True, 2), (False, 0)])
async def test_fees_are_the_newest_base_fee_and_a_tip_where_tips_count(tips: bool, tip: int) -> None:
    node = Node({"eth_getBlockByNumber": {**BLOCK, "baseFeePerGas": "0x64"}, "eth_maxPriorityFeePerGas": "0x2"})

    assert await chain_of(node, tips=tips).fees() == Fees(base_fee=100, tip=tip)
    assert ("eth_maxPriorityFeePerGas" in node.methods) == tips


async def test_fees_are_the_gas_price_where_blocks_have_no_base_fee() -> None:
    node = Node({"eth_getBlockByNumber": BLOCK, "eth_gasPrice": "0x65"})

    assert Fees(base_fee=101, tip=0, legacy=True) == await chain_of(node).fees()


async def test_mined_nonce_and_balance_are_read_at_a_block() -> None:
    node = Node({"eth_getTransactionCount": "0x7", "eth_getBalance": "0xa"})
    chain = chain_of(node)

    assert (7, 10) == (await chain.mined_nonce(TOKEN, at="finalized"), await chain.balance(TOKEN, at=9))
    assert [[TOKEN.lower(), "finalized"], [TOKEN.lower(), "0x9"]] == [params for _, params in node.asked[-2:]]


async def test_simulate_returns_the_outputs_of_a_call_with_its_value() -> None:
    node = Node({"eth_call": "0x2a"})

    assert Simulation(succeeded=True, data="0x2a") == await chain_of(node).simulate(TOKEN, TOKEN, "0x12", value=5)
    assert {"from": TOKEN.lower(), "to": TOKEN.lower(), "data": "0x12", "value": "0x5"} == node.asked[-1][1][0]


@pytest.mark.parametrize("data", ["0x08C379A0", {"data": "0x08c379a0"}])
async def test_simulate_returns_what_a_contract_reverted_with(data: Any) -> None:
    node = Node({"eth_call": Refused(3, "execution reverted", data)})

    said = await chain_of(node).simulate(TOKEN, TOKEN, "0x12")

    assert (False, "0x08c379a0") == (said.succeeded, said.data)


async def test_simulate_fails_when_the_node_does_not_answer_the_call() -> None:
    with pytest.raises(AdapterError, match="header not found"):
        await chain_of(Node({"eth_call": Refused(-32602, "header not found")})).simulate(TOKEN, TOKEN, "0x12")


async def test_estimate_gas_asks_as_the_sender() -> None:
    node = Node({"eth_estimateGas": "0x5208"})

    assert await chain_of(node).estimate_gas(TOKEN, TOKEN, "0x12") == 21_000
    assert node.asked[-1][1] == [{"from": TOKEN.lower(), "to": TOKEN.lower(), "data": "0x12"}]


@pytest.mark.parametrize("refused", [Refused(3, "execution reverted"), Refused(-32000, "execution reverted: used")])
async def test_estimate_gas_fails_for_good_when_the_call_reverts(refused: Refused) -> None:
    with pytest.raises(AdapterError, match="the contract reverted on eth_estimateGas") as raised:
        await chain_of(Node({"eth_estimateGas": refused})).estimate_gas(TOKEN, TOKEN, "0x12")

    assert not raised.value.retryable


@pytest.mark.parametrize("reply", [HASH, Refused(-32000, "already known"), Refused(-32000, "Known transaction: 0x1")])
async def test_send_raw_takes_what_the_node_has_already_as_sent(reply: Any) -> None:
    node = Node({"eth_sendRawTransaction": reply})

    await chain_of(node).send_raw(b"\x02\xff")

    assert node.asked[-1] == ("eth_sendRawTransaction", ["0x02ff"])


async def test_send_raw_fails_when_the_node_refuses() -> None:
    with pytest.raises(AdapterError, match="insufficient funds"):
        await chain_of(Node({"eth_sendRawTransaction": Refused(-32602, "insufficient funds")})).send_raw(b"\x02")


@pytest.mark.parametrize(("status", "succeeded"), [("0x1", True), ("0x0", False)])
async def test_receipt_says_what_became_of_a_transaction(status: str, succeeded: bool) -> None:
    gas = {"gasUsed": "0x3", "effectiveGasPrice": "0x4"}
    reply = {"transactionHash": HASH, "status": status, "blockNumber": "0x10", "blockHash": HASH, "logs": [], **gas}

    receipt = await chain_of(Node({"eth_getTransactionReceipt": reply})).receipt(HASH)

    assert receipt == TransactionReceipt(
        transaction=HASH.lower(),
        succeeded=succeeded,
        block_number=16,
        block_hash=HASH.lower(),
        gas_used=3,
        gas_price=4,
    )
    assert receipt is not None
    assert 12 == receipt.fee


async def test_receipt_of_another_transaction_is_refused() -> None:
    gas = {"gasUsed": "0x3", "effectiveGasPrice": "0x4"}
    reply = {"transactionHash": HASH, "status": "0x1", "blockNumber": "0x10", "blockHash": HASH, "logs": [], **gas}

    with pytest.raises(AdapterError, match="the receipt that was asked for"):
        await chain_of(Node({"eth_getTransactionReceipt": reply})).receipt("0x" + "77" * 32)


async def test_receipt_is_none_while_the_transaction_waits() -> None:
    reply = {"transactionHash": HASH, "blockNumber": None}

    assert await chain_of(Node({"eth_getTransactionReceipt": reply})).receipt(HASH) is None


async def test_receipt_is_none_while_nothing_is_mined() -> None:
    assert await chain_of(Node({"eth_getTransactionReceipt": None})).receipt(HASH) is None
