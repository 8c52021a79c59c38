"""Blocks, transactions, receipts and logs in the shapes of Ethereum's JSON-RPC.

Source: ethereum/execution-apis.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import rlp  # type: ignore[import-untyped]  # rlp ships no type information
from eth.abc import SignedTransactionAPI
from eth.vm.forks.berlin.transactions import TypedTransaction
from eth_utils.crypto import keccak

from paygent.devnet.blocks import Mined

Json: TypeAlias = bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"] | None

_DYNAMIC_FEE, _SET_CODE = 2, 4


def quantity(number: int) -> str:
    """Return a number as JSON-RPC writes it: hexadecimal without leading zeros."""
    return hex(number)


def data(octets: bytes) -> str:
    """Return bytes as JSON-RPC writes them: two hexadecimal digits each."""
    return "0x" + octets.hex()


def block_json(mined: Mined, *, full: bool) -> Json:
    """Return a block with its transactions, or with their hashes only."""
    header, transactions = mined.block.header, mined.block.transactions
    return {
        "number": quantity(mined.number),
        "hash": data(mined.block.hash),
        "parentHash": data(header.parent_hash),
        "nonce": data(header.nonce),
        "mixHash": data(header.mix_hash),
        "sha3Uncles": data(header.uncles_hash),
        "logsBloom": data(header.bloom.to_bytes(256, "big")),
        "transactionsRoot": data(header.transaction_root),
        "stateRoot": data(header.state_root),
        "receiptsRoot": data(header.receipt_root),
        "miner": data(header.coinbase),
        "difficulty": quantity(header.difficulty),
        "totalDifficulty": quantity(header.difficulty),
        "extraData": data(header.extra_data),
        "size": quantity(len(_rlp(mined.block))),
        "gasLimit": quantity(header.gas_limit),
        "gasUsed": quantity(header.gas_used),
        "baseFeePerGas": quantity(header.base_fee_per_gas or 0),
        "timestamp": quantity(mined.timestamp),
        "uncles": [],
        "transactions": [
            transaction_json(tx, mined, index) if full else data(tx.hash) for index, tx in enumerate(transactions)
        ],
    }


def transaction_json(tx: SignedTransactionAPI, mined: Mined | None, index: int = 0) -> Json:
    """Return a transaction; its place is null while no block holds it."""
    return {
        "hash": data(tx.hash),
        "type": quantity(_type_of(tx)),
        "nonce": quantity(tx.nonce),
        "blockHash": None if mined is None else data(mined.block.hash),
        "blockNumber": None if mined is None else quantity(mined.number),
        "transactionIndex": None if mined is None else quantity(index),
        "from": data(tx.sender),
        "to": data(tx.to) if tx.to else None,
        "value": quantity(tx.value),
        "gas": quantity(tx.gas),
        "input": data(tx.data),
        **_fees(tx, mined),
        **_signature(tx),
    }


def receipt_json(mined: Mined, index: int) -> Json:
    """Return what came of a block's transaction."""
    tx, receipt = mined.block.transactions[index], mined.receipts[index]
    before = mined.receipts[index - 1].gas_used if index else 0
    return {
        "transactionHash": data(tx.hash),
        "transactionIndex": quantity(index),
        "type": quantity(_type_of(tx)),
        "blockHash": data(mined.block.hash),
        "blockNumber": quantity(mined.number),
        "from": data(tx.sender),
        "to": data(tx.to) if tx.to else None,
        "contractAddress": None if tx.to else data(_created_address(tx)),
        "cumulativeGasUsed": quantity(receipt.gas_used),
        "gasUsed": quantity(receipt.gas_used - before),
        "effectiveGasPrice": quantity(_price(tx, mined)),
        "logs": [log for log in logs_json(mined) if log["transactionHash"] == data(tx.hash)],
        "logsBloom": data(receipt.bloom.to_bytes(256, "big")),
        "status": quantity(int.from_bytes(receipt.state_root, "big")),
    }


def logs_json(mined: Mined) -> Iterator[dict[str, Json]]:
    """Yield the logs of a block in their order."""
    log_index = 0
    for index, (tx, receipt) in enumerate(zip(mined.block.transactions, mined.receipts, strict=True)):
        for log in receipt.logs:
            yield {
                "address": data(log.address),
                "topics": [data(topic.to_bytes(32, "big")) for topic in log.topics],
                "data": data(log.data),
                "blockHash": data(mined.block.hash),
                "blockNumber": quantity(mined.number),
                "transactionHash": data(tx.hash),
                "transactionIndex": quantity(index),
                "logIndex": quantity(log_index),
                "removed": False,
            }
            log_index += 1


def _type_of(tx: SignedTransactionAPI) -> int:
    return tx.type_id or 0 if isinstance(tx, TypedTransaction) else 0


def _price(tx: SignedTransactionAPI, mined: Mined) -> int:
    if _type_of(tx) < _DYNAMIC_FEE:
        return int(tx.gas_price)
    base_fee = mined.block.header.base_fee_per_gas or 0
    return min(int(tx.max_fee_per_gas), int(tx.max_priority_fee_per_gas) + base_fee)


def _fees(tx: SignedTransactionAPI, mined: Mined | None) -> dict[str, Json]:
    if _type_of(tx) < _DYNAMIC_FEE:
        return {"gasPrice": quantity(tx.gas_price)}
    return {
        "gasPrice": quantity(tx.max_fee_per_gas if mined is None else _price(tx, mined)),
        "maxFeePerGas": quantity(tx.max_fee_per_gas),
        "maxPriorityFeePerGas": quantity(tx.max_priority_fee_per_gas),
    }


def _signature(tx: SignedTransactionAPI) -> dict[str, Json]:
    parts: dict[str, Json] = {"r": quantity(tx.r), "s": quantity(tx.s)}
    if not isinstance(tx, TypedTransaction):
        protected = 27 if tx.chain_id is None else 35 + 2 * tx.chain_id
        return {**parts, "v": quantity(protected + tx.y_parity)}
    access_list: Json = [
        {"address": data(address), "storageKeys": [data(slot.to_bytes(32, "big")) for slot in slots]}
        for address, slots in tx.access_list
    ]
    chain_id, parity = quantity(tx.chain_id or 0), quantity(tx.y_parity)
    signed = {**parts, "v": parity, "yParity": parity, "chainId": chain_id, "accessList": access_list}
    return signed if _type_of(tx) < _SET_CODE else {**signed, "authorizationList": _authorizations(tx)}


def _authorizations(tx: SignedTransactionAPI) -> Json:
    return [
        {
            "chainId": quantity(each.chain_id),
            "address": data(each.address),
            "nonce": quantity(each.nonce),
            "yParity": quantity(each.y_parity),
            "r": quantity(each.r),
            "s": quantity(each.s),
        }
        for each in tx.authorization_list
    ]


def _created_address(tx: SignedTransactionAPI) -> bytes:
    # Source: Yellow Paper, section 7: the last 20 bytes of the hash of RLP(sender, nonce).
    return keccak(_rlp([tx.sender, tx.nonce]))[12:]


def _rlp(value: object) -> bytes:
    return bytes(rlp.encode(value))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]  # untyped
