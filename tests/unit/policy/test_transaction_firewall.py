"""A transaction is signed only if it is the call it was reserved for, to the byte."""

from dataclasses import replace
from typing import Any

import pytest

from paygent.core.action import Call
from paygent.core.errors import SigningFailed
from paygent.core.transaction import UnsignedTransaction
from paygent.evm.address import checksum
from paygent.policy.firewall import TransactionRules, check_transaction

TO = checksum(f"0x{'ab' * 20}")
CALL = Call(to=TO, data="0xd0e30db0", function="deposit()", value=9)
RULES = TransactionRules(call=CALL, chain_number=25, nonce=3, max_gas_cost=2_100_000, now=100, deadline=101)
GOOD = UnsignedTransaction(
    chain_number=25, nonce=3, to=TO, value=9, data="0xd0e30db0", gas_limit=21_000, max_fee=100, tip=0
)


@pytest.mark.parametrize("tip", [None, 0, 100])
def test_transaction_as_reserved_is_let_through(tip: int | None) -> None:
    refused = None
    try:
        check_transaction(replace(GOOD, tip=tip), RULES)
    except SigningFailed as error:
        refused = error

    assert refused is None


@pytest.mark.parametrize(
    "change",
    [
        {"chain_number": 1},
        {"nonce": 4},
        {"nonce": True},
        {"value": 10},
        {"data": "0x"},
        {"data": "0xd0e30db000"},
        {"to": checksum(f"0x{'cd' * 20}")},
        {"to": f"0x{'00' * 20}"},
        {"gas_limit": 21_001},
        {"max_fee": 101},
        {"tip": 101},
        {"tip": -1},
        {"max_fee": 1.0},
    ],
)
def test_transaction_that_differs_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(SigningFailed, match="the signing firewall refused"):
        check_transaction(replace(GOOD, **change), RULES)


def test_transaction_after_its_deadline_is_refused() -> None:
    with pytest.raises(SigningFailed, match="its deadline was 101"):
        check_transaction(GOOD, replace(RULES, now=101))
