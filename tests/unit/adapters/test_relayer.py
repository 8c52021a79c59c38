"""A relayer with a key of its own: what it signs, what it pays at most, and what it says of the end."""

import pickle

import anyio
import pytest
from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from hexbytes import HexBytes

from paygent.adapters.relayer import KeyRelayer
from paygent.core.caip import ChainId
from paygent.core.errors import AdapterError, ConfigurationError
from paygent.evm.keccak import keccak256
from paygent.ports.transactions import Fees, TransactionReceipt
from paygent.testing.keys import dev_accounts

pytestmark = pytest.mark.anyio

CHAIN = ChainId.evm(25)
ACCOUNT = dev_accounts()[5]
TOKEN = "0x" + "ab" * 20
DATA = "0x5a049a70" + "00" * 32


class Node:
    """The writing side of a chain that mines as it is told."""

    def __init__(self, *, fees: Fees, gas: int = 80_000, mines: bool = True, succeeds: bool = True) -> None:
        self.raw: list[bytes] = []
        self.nonce = 3
        self.counts = True
        self.refusal: AdapterError | None = None
        self._fees = fees
        self._gas = gas
        self._mines = mines
        self._succeeds = succeeds
        self._looks = 0

    async def chain_number(self) -> int:
        return CHAIN.evm_number

    async def next_nonce(self, address: str) -> int:
        assert ACCOUNT.address == address
        await anyio.lowlevel.checkpoint()
        return self.nonce + (len(self.raw) if self.counts else 0)

    async def fees(self) -> Fees:
        await anyio.lowlevel.checkpoint()
        return self._fees

    async def estimate_gas(self, sender: str, to: str, data: str) -> int:
        assert (ACCOUNT.address, TOKEN, DATA) == (sender, to, data)
        await anyio.lowlevel.checkpoint()
        return self._gas

    async def send_raw(self, raw: bytes) -> None:
        await anyio.lowlevel.checkpoint()
        self.raw.append(raw)
        if self.refusal is not None:
            raise self.refusal

    async def receipt(self, transaction_hash: str) -> TransactionReceipt | None:
        self._looks += 1
        if not self._mines or self._looks == 1:
            return None
        return TransactionReceipt(
            transaction=transaction_hash,
            succeeded=self._succeeds,
            block_number=9,
            block_hash="0x" + "9" * 64,
            gas_used=1,
            gas_price=1,
        )

    def sent(self, place: int = -1) -> dict[str, object]:
        return dict(TypedTransaction.from_bytes(HexBytes(self.raw[place])).as_dict())


def relayer(node: Node, **options: int | float) -> KeyRelayer:
    return KeyRelayer(ACCOUNT.private_key, chains={CHAIN: node}, **options)  # type: ignore[arg-type, dict-item]  # by name, and what is sent with


async def test_send_signs_an_eip1559_call_and_returns_its_hash() -> None:
    node = Node(fees=Fees(base_fee=1000, tip=7))

    transaction = await relayer(node).send(CHAIN, TOKEN, DATA)

    assert f"0x{keccak256(node.raw[0]).hex()}" == transaction
    assert ACCOUNT.address == Account.recover_transaction(node.raw[0])
    sent = node.sent()
    assert (2, 25, 3, 0) == (sent["type"], sent["chainId"], sent["nonce"], sent["value"])
    assert (100_000, 2007, 7) == (sent["gas"], sent["maxFeePerGas"], sent["maxPriorityFeePerGas"])
    assert (TOKEN, DATA) == (f"0x{HexBytes(sent['to']).hex()}", f"0x{HexBytes(sent['data']).hex()}")  # type: ignore[arg-type]  # bytes there


async def test_send_offers_a_quarter_above_the_base_fee_and_no_tip_where_tips_buy_nothing() -> None:
    node = Node(fees=Fees(base_fee=1001, tip=0))

    await relayer(node).send(CHAIN, TOKEN, DATA)

    assert (1252, 0) == (node.sent()["maxFeePerGas"], node.sent()["maxPriorityFeePerGas"])


@pytest.mark.parametrize("counts", [True, False])
async def test_sends_side_by_side_have_nonces_of_their_own(counts: bool) -> None:
    node = Node(fees=Fees(base_fee=1, tip=0))
    node.counts = counts
    pays = relayer(node)

    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(pays.send, CHAIN, TOKEN, DATA)

    assert {3, 4, 5, 6} == {node.sent(place)["nonce"] for place in range(4)}


async def test_send_asks_the_chain_for_the_nonce_again_when_the_node_refused() -> None:
    node = Node(fees=Fees(base_fee=1, tip=0))
    node.counts = False
    pays = relayer(node)
    await pays.send(CHAIN, TOKEN, DATA)
    node.refusal = AdapterError("no room", retryable=True)

    with pytest.raises(AdapterError, match="was perhaps not sent: no room"):
        await pays.send(CHAIN, TOKEN, DATA)
    node.refusal = None
    await pays.send(CHAIN, TOKEN, DATA)

    assert [3, 4, 3] == [node.sent(place)["nonce"] for place in range(3)]


@pytest.mark.parametrize(("gas", "base_fee"), [(800_001, 1), (80_000, 10**13)], ids=["too much gas", "too high a fee"])
async def test_send_refuses_when_it_would_cost_too_much(gas: int, base_fee: int) -> None:
    node = Node(fees=Fees(base_fee=base_fee, tip=0), gas=gas)

    with pytest.raises(AdapterError, match="the transaction would cost up to"):
        await relayer(node).send(CHAIN, TOKEN, DATA)

    assert [] == node.raw


async def test_send_pays_exactly_the_most_that_is_allowed() -> None:
    node = Node(fees=Fees(base_fee=4, tip=0))

    assert await relayer(node, max_cost_wei=500_000).send(CHAIN, TOKEN, DATA)
    with pytest.raises(AdapterError, match="allowed are 499999 wei"):
        await relayer(node, max_cost_wei=499_999).send(CHAIN, TOKEN, DATA)


async def test_send_fails_when_the_transaction_reverted() -> None:
    with pytest.raises(AdapterError, match="was mined and reverted") as raised:
        await relayer(Node(fees=Fees(base_fee=1, tip=0), succeeds=False)).send(CHAIN, TOKEN, DATA)

    assert not raised.value.retryable


async def test_send_fails_when_nothing_is_mined_in_time() -> None:
    with pytest.raises(AdapterError, match=r"was sent and not mined in 0\.05 s"):
        await relayer(Node(fees=Fees(base_fee=1, tip=0), mines=False), timeout_seconds=0.05).send(CHAIN, TOKEN, DATA)


async def test_send_refuses_a_chain_without_an_endpoint() -> None:
    with pytest.raises(ConfigurationError, match="no endpoint for eip155:338"):
        await relayer(Node(fees=Fees(base_fee=1, tip=0))).send(ChainId.evm(338), TOKEN, DATA)


async def test_a_relayer_shows_its_address_only_and_is_never_copied() -> None:
    pays = relayer(Node(fees=Fees(base_fee=1, tip=0)))

    assert f"KeyRelayer({ACCOUNT.address})" == repr(pays)
    with pytest.raises(TypeError, match="never pickled or copied"):
        pickle.dumps(pays)
    with pytest.raises(TypeError, match="never pickled or copied"):
        pays.__getstate__()


@pytest.mark.parametrize("key", ["", "0x12", bytes(31), bytes(32), b"\xff" * 32, "zz" * 32])
async def test_a_relayer_refuses_what_is_no_key_without_showing_it(key: bytes | str) -> None:
    with pytest.raises(ConfigurationError, match="the relayer's private key is") as caught:
        KeyRelayer(key, chains={})

    assert len(key) == 0 or str(key) not in str(caught.value)


async def test_a_relayer_takes_the_bytes_of_a_key() -> None:
    assert ACCOUNT.address == KeyRelayer(bytes.fromhex(ACCOUNT.private_key[2:]), chains={}).address


async def test_send_refuses_a_chain_without_a_base_fee() -> None:
    with pytest.raises(AdapterError, match="needs EIP-1559"):
        await relayer(Node(fees=Fees(base_fee=1, tip=0, legacy=True))).send(CHAIN, TOKEN, DATA)
