"""JSON-RPC over the embedded chain: the methods that clients use, and how it says no."""

import json
from typing import Any

import pytest
from eth_account import Account

from paygent.devnet.contracts import calldata, topic
from tests.unit.devnet.evm import ALICE, BOB, CAROL, ETHER, GWEI, MINTER, NOW, DollarToken, Evm, Refused, word

TRANSFER = topic("Transfer(address,address,uint256)")
NOBODY = "0x" + "00" * 20


@pytest.fixture
def evm() -> Evm:
    return Evm()


@pytest.fixture
def token(evm: Evm) -> DollarToken:
    return DollarToken(evm)


def test_chain_says_who_it_is(evm: Evm) -> None:
    assert ["0x7a69", "31337", False] == [evm.rpc(name) for name in ("eth_chainId", "net_version", "eth_syncing")]
    assert evm.rpc("web3_clientVersion").startswith("paygent-devnet/")


@pytest.mark.parametrize("tag", ["latest", "pending", "safe", "finalized", "0x2", {"blockNumber": "0x2"}])
def test_head_is_final_whatever_it_is_called(evm: Evm, tag: object) -> None:
    evm.rpc("evm_mine")
    evm.rpc("evm_mine")

    assert "0x2" == evm.rpc("eth_blockNumber")
    assert "0x2" == evm.rpc("eth_getBlockByNumber", tag, False)["number"]


def test_block_is_found_by_number_hash_and_as_the_earliest(evm: Evm) -> None:
    first = evm.rpc("eth_getBlockByNumber", "earliest", False)

    assert first == evm.rpc("eth_getBlockByNumber", "0x0", False) == evm.rpc("eth_getBlockByHash", first["hash"], False)
    assert hex(NOW) == first["timestamp"]


def test_block_is_null_when_there_is_none(evm: Evm) -> None:
    assert evm.rpc("eth_getBlockByNumber", "0x99", False) is None
    assert evm.rpc("eth_getBlockByHash", "0x" + "11" * 32, False) is None


def test_block_links_to_its_parent(evm: Evm) -> None:
    parent = evm.rpc("eth_getBlockByNumber", "latest", False)
    evm.rpc("evm_mine")

    assert parent["hash"] == evm.rpc("eth_getBlockByNumber", "latest", False)["parentHash"]


def test_state_is_answered_at_the_block_that_is_asked_for(evm: Evm) -> None:
    evm.send(ALICE, BOB.address, value=ETHER)
    balances = [int(evm.rpc("eth_getBalance", BOB.address, tag), 16) for tag in ("earliest", "0x1", "latest")]

    assert [1_000 * ETHER, 1_001 * ETHER, 1_001 * ETHER] == balances
    assert "0x1" == evm.rpc("eth_getTransactionCount", ALICE.address, "pending")


def test_state_is_refused_above_the_head(evm: Evm) -> None:
    with pytest.raises(Refused, match="header not found"):
        evm.rpc("eth_getBalance", BOB.address, "0x5")


def test_code_and_storage_are_those_of_the_contract(token: DollarToken) -> None:
    supply = token.evm.rpc("eth_getStorageAt", token.address, "0x0", "latest")

    assert 1_000 == int(supply, 16)
    assert 66 == len(supply)
    assert len(token.evm.rpc("eth_getCode", token.address, "latest")) > 1_000
    assert "0x" == token.evm.rpc("eth_getCode", ALICE.address, "latest")


def test_transaction_and_receipt_agree(evm: Evm) -> None:
    receipt = evm.send(ALICE, BOB.address, value=5)
    transaction = evm.rpc("eth_getTransactionByHash", receipt["transactionHash"])
    block = evm.rpc("eth_getBlockByNumber", "latest", True)

    assert [transaction] == block["transactions"]
    assert (ALICE.address.lower(), BOB.address.lower(), "0x5") == tuple(
        transaction[key] for key in ("from", "to", "value")
    )
    assert block["hash"] == receipt["blockHash"] == transaction["blockHash"]
    assert ("0x1", hex(21_000), hex(3 * GWEI)) == tuple(
        receipt[key] for key in ("status", "gasUsed", "effectiveGasPrice")
    )


@pytest.mark.parametrize("method", ["eth_getTransactionByHash", "eth_getTransactionReceipt"])
def test_transaction_is_null_when_nobody_sent_it(evm: Evm, method: str) -> None:
    assert evm.rpc(method, "0x" + "11" * 32) is None


def test_waiting_transaction_has_no_block_and_no_receipt(evm: Evm) -> None:
    transaction = evm.rpc("eth_sendRawTransaction", evm.sign(ALICE, BOB.address, nonce=3))

    assert evm.rpc("eth_getTransactionByHash", transaction)["blockHash"] is None
    assert evm.rpc("eth_getTransactionReceipt", transaction) is None


def test_dynamic_fee_transaction_is_taken(evm: Evm) -> None:
    used = {"nonce": 0, "gas": 21_000, "chainId": 31337, "value": 1, "to": BOB.address}
    fees = {"maxFeePerGas": 4 * GWEI, "maxPriorityFeePerGas": GWEI}
    raw = sign_transaction({**used, **fees})
    transaction = evm.rpc("eth_getTransactionByHash", evm.rpc("eth_sendRawTransaction", raw))

    assert ("0x2", hex(4 * GWEI), "0x7a69") == tuple(transaction[key] for key in ("type", "maxFeePerGas", "chainId"))


def sign_transaction(fields: dict[str, Any]) -> str:
    return "0x" + bytes(Account.sign_transaction(fields, ALICE.private_key).raw_transaction).hex()


def test_transaction_shows_the_code_that_it_sets(evm: Evm) -> None:
    agreed = Account.sign_authorization({"chainId": 31337, "address": BOB.address, "nonce": 1}, ALICE.private_key)
    fees = {"gas": 100_000, "chainId": 31337, "maxFeePerGas": 3 * GWEI, "maxPriorityFeePerGas": GWEI}
    wanted = {"to": BOB.address, "nonce": 0, "value": 0, "authorizationList": [agreed], **fees}
    raw = Account.sign_transaction(wanted, ALICE.private_key).raw_transaction
    (shown,) = evm.rpc("eth_getTransactionByHash", evm.rpc("eth_sendRawTransaction", raw.to_0x_hex()))[
        "authorizationList"
    ]

    assert ("0x7a69", BOB.address.lower(), "0x1") == (shown["chainId"], shown["address"], shown["nonce"])
    assert (hex(agreed.r), hex(agreed.s), hex(agreed.y_parity)) == (shown["r"], shown["s"], shown["yParity"])
    assert "0xef0100" + BOB.address[2:].lower() == evm.rpc("eth_getCode", ALICE.address, "latest")


def test_more_code_than_may_be_is_refused_and_what_was_sent_before_it_is_mined(evm: Evm) -> None:
    too_much = "0x" + "00" * 49_153
    evm.rpc("eth_sendRawTransaction", evm.sign(ALICE, data=too_much, nonce=1))

    for method, sent in (("eth_call", {"data": too_much}), ("eth_sendRawTransaction", evm.sign(BOB, data=too_much))):
        with pytest.raises(Refused, match="EIP-3860"):
            evm.rpc(method, sent)
    assert "0x1" == evm.send(ALICE, BOB.address, nonce=0)["status"]


def test_tip_above_the_highest_fee_is_refused(evm: Evm) -> None:
    fees = {"nonce": 0, "gas": 21_000, "chainId": 31337, "maxFeePerGas": 3 * GWEI, "maxPriorityFeePerGas": 4 * GWEI}
    signed = Account.sign_transaction({"to": BOB.address, "value": 1, **fees}, ALICE.private_key)

    with pytest.raises(Refused, match="max priority fee per gas higher than max fee per gas"):
        evm.rpc("eth_sendRawTransaction", signed.raw_transaction.to_0x_hex())


def test_reverted_transaction_is_mined_with_status_zero(token: DollarToken) -> None:
    receipt = token.send("transfer(address,uint256)", BOB.address, 1, sender=CAROL)

    assert ("0x0", []) == (receipt["status"], receipt["logs"])


@pytest.mark.parametrize("method", ["eth_call", "eth_estimateGas"])
def test_revert_carries_its_reason_and_its_data(token: DollarToken, method: str) -> None:
    message = {
        "from": CAROL.address,
        "to": token.address,
        "data": calldata("transfer(address,uint256)", BOB.address, 1),
    }

    with pytest.raises(Refused, match="execution reverted: ERC20: transfer amount exceeds balance") as refused:
        token.evm.rpc(method, message, "latest")
    assert 3 == refused.value.code
    assert refused.value.data is not None
    assert refused.value.data.startswith("0x08c379a0")


def test_revert_without_reason_has_empty_data(token: DollarToken) -> None:
    with pytest.raises(Refused) as refused:
        token.evm.rpc("eth_call", {"to": token.address, "data": "0x12345678"}, "latest")

    assert ("execution reverted", "0x") == (str(refused.value), refused.value.data)


def test_estimate_is_enough_to_send(token: DollarToken) -> None:
    data = calldata("transfer(address,uint256)", BOB.address, 1)
    gas = int(token.evm.rpc("eth_estimateGas", {"from": ALICE.address, "to": token.address, "data": data}), 16)

    assert "0x1" == token.evm.send(ALICE, token.address, data, gas=gas)["status"]


def test_fees_are_suggested(evm: Evm) -> None:
    history = evm.rpc("eth_feeHistory", "0x2", "latest", [50])

    assert (1, 2) == (len(history["gasUsedRatio"]), len(history["baseFeePerGas"]))
    assert [[evm.rpc("eth_maxPriorityFeePerGas")]] == history["reward"]
    assert int(evm.rpc("eth_gasPrice"), 16) > int(history["baseFeePerGas"][-1], 16)


def logs(token: DollarToken, **query: object) -> list[Any]:
    found: list[Any] = token.evm.rpc("eth_getLogs", {"fromBlock": "earliest", "toBlock": "latest", **query})
    return found


@pytest.fixture
def busy(token: DollarToken) -> DollarToken:
    """Return a token after its minting (block 2), a transfer from Alice to Bob (3) and an approval (4)."""
    token.send("transfer(address,uint256)", BOB.address, 30, sender=ALICE)
    token.send("approve(address,uint256)", CAROL.address, 7, sender=BOB)
    return token


@pytest.mark.parametrize(
    ("query", "blocks"),
    [
        ({}, [2, 3, 4]),
        ({"topics": []}, [2, 3, 4]),
        ({"topics": [TRANSFER]}, [2, 3]),
        ({"topics": [TRANSFER, word(ALICE.address)]}, [3]),
        ({"topics": [None, word(ALICE.address)]}, [3]),
        ({"topics": [TRANSFER, None, word(ALICE.address)]}, [2]),
        ({"topics": [[TRANSFER, topic("Approval(address,address,uint256)")], word(BOB.address)]}, [4]),
        ({"topics": [TRANSFER, None, None, None]}, []),
        ({"fromBlock": "0x3", "toBlock": "0x3"}, [3]),
        ({"fromBlock": "0x4", "toBlock": "0x99"}, [4]),
        ({"fromBlock": "0x99"}, []),
        ({"address": NOBODY}, []),
        ({"address": [], "topics": [[], word(ALICE.address)]}, [3]),
    ],
)
def test_logs_are_filtered(busy: DollarToken, query: dict[str, object], blocks: list[int]) -> None:
    assert blocks == [int(log["blockNumber"], 16) for log in logs(busy, **query)]


def test_logs_are_filtered_by_one_or_several_addresses_in_any_case(busy: DollarToken) -> None:
    assert 3 == len(logs(busy, address=busy.address))
    assert 3 == len(logs(busy, address=[NOBODY, busy.address.upper().replace("0X", "0x")]))


def test_logs_of_one_block_are_found_by_its_hash(busy: DollarToken) -> None:
    block = busy.evm.rpc("eth_getBlockByNumber", "0x3", False)
    (log,) = busy.evm.rpc("eth_getLogs", {"blockHash": block["hash"]})

    assert (30, block["transactions"][0], "0x0", False) == (
        int(log["data"], 16),
        log["transactionHash"],
        log["logIndex"],
        log["removed"],
    )


def test_mint_logs_a_transfer_from_nobody(token: DollarToken) -> None:
    (log,) = logs(token)

    assert [TRANSFER, word(NOBODY), word(ALICE.address)] == log["topics"]
    assert MINTER.address.lower() == token.evm.rpc("eth_getTransactionByHash", log["transactionHash"])["from"]


def test_snapshot_is_reverted_by_its_number(evm: Evm) -> None:
    identifier = evm.rpc("evm_snapshot")
    evm.rpc("evm_mine")

    assert evm.rpc("evm_revert", identifier)
    assert "0x0" == evm.rpc("eth_blockNumber")


def test_reading_beats_the_heart_of_an_idle_chain() -> None:
    evm = Evm(heartbeat_seconds=5)
    evm.now += 60

    assert hex(NOW + 60) == evm.rpc("eth_getBlockByNumber", "finalized", False)["timestamp"]


def test_batch_is_answered_in_order(evm: Evm) -> None:
    calls: list[dict[str, object]] = [
        {"jsonrpc": "2.0", "id": number, "method": "eth_chainId", "params": []} for number in (5, 6)
    ]
    answers: Any = evm.application.answer(json.dumps(calls).encode())

    assert [5, 6] == [answer["id"] for answer in answers]


@pytest.mark.parametrize("params", [[], ["0x1"]], ids=["served", "refused"])
def test_nothing_is_answered_where_nobody_waits_for_it(evm: Evm, params: list[str]) -> None:
    told = {"jsonrpc": "2.0", "method": "eth_call", "params": params}
    asked = {"jsonrpc": "2.0", "id": 7, "method": "eth_blockNumber"}
    answers: Any = evm.application.answer(json.dumps([told, asked]).encode())

    assert [7] == [answer["id"] for answer in answers]
    assert [None, None] == [evm.application.answer(json.dumps(each).encode()) for each in (told, [told])]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", -32700),
        (b"\xff", -32700),
        (b"[" * 100_000, -32700),
        (b"[]", -32600),
        (b"7", -32600),
        (b'{"id": 7, "method": 1}', -32600),
        (b'{"id": 7, "method": "eth_unheardOf"}', -32601),
        (b'{"id": 7, "method": "eth_call", "params": {}}', -32602),
        (b'{"id": 7, "method": "eth_call", "params": []}', -32602),
        (b'{"id": 7, "method": "eth_call", "params": [7]}', -32602),
        (b'{"id": 7, "method": "eth_getBalance", "params": ["0x12"]}', -32602),
        (b'{"id": 7, "method": "eth_getBalance", "params": [null]}', -32602),
        (b'{"id": 7, "method": "eth_getBlockByNumber", "params": ["newest"]}', -32602),
        (b'{"id": 7, "method": "eth_getStorageAt", "params": ["0x%s", "-0x1"]}' % (b"11" * 20), -32602),
        (b'{"id": 7, "method": "eth_getLogs", "params": ["all"]}', -32602),
        (b'{"id": 7, "method": "eth_getLogs", "params": [{"address": 7}]}', -32602),
        (b'{"id": 7, "method": "eth_sendRawTransaction", "params": ["0x"]}', -32000),
        (b'{"id": 7, "method": "eth_sendRawTransaction", "params": ["zz"]}', -32602),
    ],
)
def test_wrong_request_is_answered_with_an_error(evm: Evm, body: bytes, code: int) -> None:
    answer: Any = evm.application.answer(body)

    assert code == answer["error"]["code"]
