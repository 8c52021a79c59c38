"""The embedded chain: nonces, time, heartbeat and snapshots."""

import pytest

from paygent.devnet.chain import Call, TransactionRefused
from tests.unit.devnet.evm import ALICE, BOB, ETHER, GWEI, NOW, Evm, octets


def submit(evm: Evm, **fields: int) -> bytes:
    return evm.chain.submit(octets(evm.sign(ALICE, BOB.address, "0x", **fields)))


def test_transaction_is_mined_at_once_in_a_block_of_its_own() -> None:
    evm = Evm()
    hashes = [submit(evm, value=1), submit(evm, value=2)]

    assert [1, 2] == [mined.number for one in hashes if (mined := evm.chain.blocks.of_transaction(one))]


def test_transaction_waits_until_the_lower_nonce_is_there() -> None:
    evm = Evm()
    later = submit(evm, nonce=1)

    assert evm.chain.blocks.of_transaction(later) is None
    assert evm.chain.waiting(later) is not None

    submit(evm, nonce=0)
    mined = evm.chain.blocks.of_transaction(later)

    assert mined is not None
    assert 2 == mined.number


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"nonce": 0, "value": 2}, "nonce too low"),
        ({"chainId": 1}, "invalid chain id"),
        ({"value": 2_000 * ETHER}, "balance"),
        ({"gas": 1}, "gas"),
        ({"gasPrice": 1}, "gas"),
    ],
)
def test_transaction_is_refused_with_its_reason(fields: dict[str, int], reason: str) -> None:
    evm = Evm()
    submit(evm)

    with pytest.raises(TransactionRefused, match=reason):
        submit(evm, **fields)
    assert 1 == evm.chain.head.number


@pytest.mark.parametrize("raw", [b"", b"\x01", b"\x05abc", b"\xc0", b"\x02\xc0", b"\x00" * 200])
def test_bytes_that_are_no_transaction_are_refused(raw: bytes) -> None:
    with pytest.raises(TransactionRefused):
        Evm().chain.submit(raw)


def test_same_transaction_is_refused_when_it_is_mined_already() -> None:
    evm = Evm()
    raw = octets(evm.sign(ALICE, BOB.address))
    evm.chain.submit(raw)

    with pytest.raises(TransactionRefused, match="already known"):
        evm.chain.submit(raw)


def test_blocks_carry_the_clock_even_when_several_share_a_second() -> None:
    evm = Evm()
    blocks = [evm.chain.mine(), evm.chain.mine()]
    evm.now += 90
    blocks.append(evm.chain.mine())

    assert [NOW, NOW, NOW + 90] == [mined.timestamp for mined in blocks]


def test_time_never_runs_backwards_when_the_clock_does() -> None:
    evm = Evm()
    evm.now -= 50

    assert NOW == evm.chain.mine().timestamp


def test_increased_time_stays_ahead_of_the_clock() -> None:
    evm = Evm()

    assert 3_600 == evm.chain.increase_time(3_600)
    evm.now += 10
    assert NOW + 3_610 == evm.chain.mine().timestamp


def test_call_after_the_head_sees_the_present() -> None:
    clock = "0x" + "66" * 20
    evm = Evm(code={clock: "0x4260005260206000f3"})  # TIMESTAMP PUSH1 0 MSTORE PUSH1 32 PUSH1 0 RETURN
    evm.now += 77
    output = evm.chain.call(Call(to=octets(clock)), evm.chain.head).output

    assert NOW + 77 == int.from_bytes(output, "big")


def test_call_changes_nothing() -> None:
    evm = Evm()
    evm.chain.call(Call(sender=octets(ALICE.address), to=octets(BOB.address), value=ETHER), evm.chain.head)

    assert 1_000 * ETHER == evm.chain.state(evm.chain.head).get_balance(octets(BOB.address))  # type: ignore[arg-type]


def test_heartbeat_adds_a_block_when_the_head_is_old() -> None:
    evm = Evm(heartbeat_seconds=5)
    evm.now += 4
    evm.chain.beat()

    assert 0 == evm.chain.head.number

    evm.now += 1
    evm.chain.beat()

    assert (1, NOW + 5) == (evm.chain.head.number, evm.chain.head.timestamp)


def test_heartbeat_of_zero_adds_nothing() -> None:
    evm = Evm(heartbeat_seconds=0)
    evm.now += 10_000
    evm.chain.beat()

    assert 0 == evm.chain.head.number


def test_revert_goes_back_to_the_snapshot() -> None:
    evm = Evm()
    submit(evm, value=1)
    identifier = evm.chain.snapshot()
    evm.chain.increase_time(500)
    undone = submit(evm, value=2)

    assert evm.chain.revert(identifier)
    assert 1 == evm.chain.head.number
    assert evm.chain.blocks.of_transaction(undone) is None
    assert NOW == evm.chain.mine().timestamp


def test_chain_goes_on_after_a_revert() -> None:
    evm = Evm()
    identifier = evm.chain.snapshot()
    undone = submit(evm, value=2)
    evm.chain.revert(identifier)
    again = submit(evm, value=2)

    assert undone == again
    assert 1 == evm.chain.head.number


def test_snapshot_can_be_used_once() -> None:
    evm = Evm()
    first, second = evm.chain.snapshot(), evm.chain.snapshot()

    assert evm.chain.revert(first)
    assert not evm.chain.revert(first)
    assert not evm.chain.revert(second)


def test_balance_pays_value_and_gas() -> None:
    evm = Evm()
    submit(evm, value=ETHER, gasPrice=3 * GWEI)
    left = evm.chain.state(evm.chain.head).get_balance(octets(ALICE.address))  # type: ignore[arg-type]

    assert 999 * ETHER - 21_000 * 3 * GWEI == left


def test_waiting_transaction_that_cannot_be_paid_any_more_is_dropped() -> None:
    evm = Evm()
    later = submit(evm, nonce=1, value=2_000 * ETHER)
    first = submit(evm, nonce=0)

    assert evm.chain.blocks.of_transaction(first) is evm.chain.head
    assert evm.chain.waiting(later) is None


def test_chain_keeps_its_id_and_its_blocks_apart_after_a_revert_to_genesis() -> None:
    asks = "0x" + "66" * 20
    evm = Evm(code={asks: "0x4660005260206000f3"})  # CHAINID PUSH1 0 MSTORE PUSH1 32 PUSH1 0 RETURN
    identifier = evm.chain.snapshot()
    undone = evm.chain.mine()
    evm.chain.revert(identifier)
    again = evm.chain.mine()

    assert 31337 == int.from_bytes(evm.chain.call(Call(to=octets(asks)), evm.chain.head).output, "big")
    assert undone.block.hash != again.block.hash
    assert evm.chain.blocks.by_hash(undone.block.hash) is None
