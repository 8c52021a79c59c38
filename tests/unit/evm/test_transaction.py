"""Signed bytes are those of eth-account, byte for byte."""

from dataclasses import replace

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from paygent.adapters.local_signer import LocalSigner
from paygent.core.transaction import UnsignedTransaction
from paygent.evm.address import checksum
from paygent.evm.transaction import signed, signing_digest, transaction_hash
from paygent.testing.keys import dev_accounts

KEY = dev_accounts()[0].private_key
TO = checksum(f"0x{'ab' * 20}")
ONE = UnsignedTransaction(chain_number=25, nonce=0, to=TO, value=0, data="0x", gas_limit=21_000, max_fee=100, tip=None)
transactions = st.builds(
    UnsignedTransaction,
    chain_number=st.integers(1, 2**40),
    nonce=st.integers(0, 2**40),
    to=st.just(TO),
    value=st.integers(0, 2**256 - 1),
    data=st.binary(max_size=300).map(lambda raw: f"0x{raw.hex()}"),
    gas_limit=st.integers(21_000, 2**40),
    max_fee=st.integers(2**20, 2**60),
    tip=st.none() | st.integers(0, 2**20),
)


def others(transaction: UnsignedTransaction) -> bytes:
    fields: dict[str, object] = {
        "chainId": transaction.chain_number,
        "nonce": transaction.nonce,
        "to": transaction.to,
        "value": transaction.value,
        "data": transaction.data,
        "gas": transaction.gas_limit,
    }
    if transaction.tip is None:
        fields["gasPrice"] = transaction.max_fee
    else:
        fields |= {"type": 2, "maxFeePerGas": transaction.max_fee, "maxPriorityFeePerGas": transaction.tip}
    return bytes(Account.sign_transaction(fields, KEY).raw_transaction)


@given(transactions)
def test_signed_bytes_are_those_of_eth_account(transaction: UnsignedTransaction) -> None:
    expected = others(transaction)
    signature = Account.unsafe_sign_hash(signing_digest(transaction), KEY).signature

    assert expected == signed(transaction, bytes(signature))


@pytest.mark.anyio
@pytest.mark.parametrize("tip", [None, 0, 3])
async def test_local_signer_signs_the_same_transaction(tip: int | None) -> None:
    transaction = replace(ONE, tip=tip)
    raw = signed(transaction, await LocalSigner(KEY).sign_transaction(transaction))

    assert others(transaction) == raw
    assert dev_accounts()[0].address == Account.recover_transaction(raw)


def test_transaction_hash_is_the_name_of_the_bytes() -> None:
    fields = {"chainId": 25, "nonce": 0, "to": TO, "value": 0, "data": "0x", "gas": 21_000, "gasPrice": 100}
    known = Account.sign_transaction(fields, KEY)

    assert f"0x{bytes(known.hash).hex()}" == transaction_hash(bytes(known.raw_transaction))


@pytest.mark.parametrize("signature", [b"", bytes(65), bytes(64) + b"\x01"])
def test_signed_refuses_what_is_no_signature(signature: bytes) -> None:
    with pytest.raises(ValueError, match="65 bytes"):
        signed(ONE, signature)
