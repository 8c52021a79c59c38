"""The embedded chain by eth-tester's own interface: one chain, whichever way it is asked."""

from typing import Any

import pytest
from eth_account import Account
from eth_tester import EthereumTester, PyEVMBackend  # type: ignore[import-untyped]  # ships no type information

from paygent.devnet.backend import Allocation, DevnetBackend
from tests.unit.devnet.evm import ALICE, BOB, ETHER, GWEI, NOW, octets

_TRANSFER = {"nonce": 0, "gas": 21_000, "chainId": 31337, "gasPrice": 3 * GWEI, "value": 7, "to": BOB.address}


@pytest.fixture
def backend() -> DevnetBackend:
    genesis = {octets(ALICE.address): Allocation(balance=ETHER)}
    return DevnetBackend(chain_id=31337, genesis=genesis, clock=lambda: NOW)


@pytest.fixture
def ethereum(backend: DevnetBackend) -> Any:
    return EthereumTester(backend=backend)


def test_eth_tester_mines_what_it_is_sent_on_a_chain_with_our_id_and_time(ethereum: Any) -> None:
    signed = Account.sign_transaction(_TRANSFER, ALICE.private_key)
    transaction = ethereum.send_raw_transaction(signed.raw_transaction.to_0x_hex())

    assert isinstance(ethereum.backend, PyEVMBackend)
    assert (1, 1) == (ethereum.get_transaction_receipt(transaction)["status"], ethereum.get_block_by_number()["number"])
    assert (7, NOW) == (ethereum.get_balance(BOB.address), ethereum.get_block_by_number()["timestamp"])


def test_blocks_follow_what_eth_tester_mines_and_takes_back(ethereum: Any, backend: DevnetBackend) -> None:
    ethereum.mine_block()
    snapshot = ethereum.take_snapshot()
    ethereum.mine_blocks(3)

    assert 4 == backend.blocks.head.number

    ethereum.revert_to_snapshot(snapshot)

    assert ethereum.get_block_by_number()["hash"] == "0x" + bytes(backend.blocks.head.block.hash).hex()
    assert (1, None) == (backend.blocks.head.number, backend.blocks.at(2))


def test_nothing_is_signed_in_the_chain(ethereum: Any) -> None:
    assert [] == ethereum.get_accounts()
