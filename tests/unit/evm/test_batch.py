"""Whom a batch of an AgentWallet pays is what its call says, and nothing else."""

from dataclasses import replace
from typing import Any

import pytest

from paygent.core.action import Action, Call
from paygent.core.caip import ChainId, erc20
from paygent.core.money import Amount, Asset
from paygent.evm import word
from paygent.evm.address import checksum
from paygent.evm.agent_wallet import NATIVE, coin_moved, payment_call
from paygent.evm.batch import MOST_SHARES, Share, batch_call, is_batch, pays_batch, recipients, shares_of
from paygent.evm.calls import faults
from paygent.ports.chain import Log

CHAIN = ChainId.evm(25)
TOKEN, WALLET, ONE, TWO = (checksum(f"0x{byte * 20}") for byte in ("11", "22", "33", "44"))
ASSET = Asset(id=erc20(CHAIN, TOKEN), symbol="USDX", decimals=6)
REF = bytes(31) + b"\x01"
SHARES = (Share(ONE, 5), Share(TWO, 7), Share(ONE, 1))
CALL = batch_call(WALLET, TOKEN, SHARES, REF)
ACTION = Action(
    purpose="transfer",
    network=CHAIN,
    account=WALLET,
    spend=Amount(13, ASSET),
    counterparty=WALLET,
    calls=(CALL,),
    deadline=1_800_000_000,
    summary="Pay two",
)


def changed(place: int, value: int) -> Call:
    """Return the call with another word. Args: place: counted from the first one after the selector."""
    start = 10 + place * 64
    return replace(CALL, data=f"{CALL.data[:start]}{value:064x}{CALL.data[start + 64 :]}")


def test_shares_are_read_from_the_call_and_told_to_people() -> None:
    assert SHARES == shares_of(CALL)
    assert (f"payment 2 to {TWO}", "7") in CALL.arguments


def test_recipients_of_a_batch_are_its_payees_each_once() -> None:
    assert (ONE, TWO) == recipients(ACTION)


def test_recipient_of_anything_else_is_the_counterparty() -> None:
    single = replace(ACTION, counterparty=ONE, calls=(payment_call(WALLET, TOKEN, ONE, 13, REF),))

    assert (ONE,) == recipients(single)
    assert not is_batch(single)
    assert (TWO,) == recipients(replace(ACTION, counterparty=TWO))
    assert (WALLET,) == recipients(replace(ACTION, calls=(changed(1, 128),)))


def test_batch_that_pays_what_its_action_says_has_no_faults() -> None:
    assert [] == list(faults(ACTION))


OTHERS: list[Call] = [
    changed(0, int(TWO, 16)),  # another token
    changed(1, 128),  # other words than the ones that are read
    changed(3, 2),  # one payee less than there are words
    changed(4, int(ONE, 16) + (1 << 160)),  # dirty bits
    changed(5, 6),  # one unit more
    changed(5, 0),  # nothing for one
    replace(CALL, to=TWO),
    replace(CALL, value=1),
    replace(CALL, data=CALL.data + "00" * 32),
    replace(CALL, data=CALL.data + "00" * 64),
    replace(CALL, data=CALL.data[:-2]),
    batch_call(WALLET, TOKEN, (), REF),
    batch_call(WALLET, NATIVE, SHARES, REF),
    batch_call(WALLET, TOKEN, [Share(ONE, 1)] * 14, REF),
    payment_call(WALLET, TOKEN, ONE, 13, REF),
]


@pytest.mark.parametrize("call", OTHERS)
def test_call_that_pays_something_else_is_refused(call: Call) -> None:
    assert "not_the_transfer" in [code for code, _ in faults(replace(ACTION, calls=(call,)))]


@pytest.mark.parametrize("changes", [{"spend": Amount(12, ASSET)}, {"counterparty": ONE}, {"account": None}])
def test_batch_of_another_action_is_refused(changes: dict[str, Any]) -> None:
    assert not pays_batch(CALL, replace(ACTION, **changes))


def test_batch_has_a_most_of_payees() -> None:
    many = batch_call(WALLET, TOKEN, [Share(ONE, 1)] * (MOST_SHARES + 1), REF)

    assert not pays_batch(many, replace(ACTION, spend=Amount(MOST_SHARES + 1, ASSET)))


def test_batches_of_one_sum_to_other_payees_are_other_wishes() -> None:
    other = replace(ACTION, calls=(batch_call(WALLET, TOKEN, [Share(TWO, 13)], REF),))

    assert ACTION.wish != other.wish
    assert ACTION.wish == replace(ACTION, deadline=1, summary="Pay again").wish


def test_sum_of_coin_is_read_from_the_wallets_own_event_of_a_batch() -> None:
    coin = f"0x{word.address(NATIVE).hex()}"
    topics = (word.topic("BatchPaid(address,uint256,(address,uint256)[],address,bytes32)"), coin)
    log = Log(
        address=WALLET.lower(),
        topics=topics,
        data=f"0x{13:064x}{0:0128x}",
        block_number=1,
        block_hash="0x",
        transaction="0x",
    )

    assert 13 == coin_moved(WALLET, WALLET, [log])
    assert 0 == coin_moved(WALLET, ONE, [log])
    assert 0 == coin_moved(ONE, ONE, [log])
