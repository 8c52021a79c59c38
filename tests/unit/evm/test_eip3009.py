"""EIP-3009 messages, calls and topics."""

from dataclasses import replace

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from paygent.core.money import Amount
from paygent.core.requirements import Authorization
from paygent.core.typed_data import Domain
from paygent.evm import eip3009
from paygent.evm.eip712 import encode_type
from paygent.evm.tokens import TOKENS, domain

TOKEN = next(iter(TOKENS.values()))
PAYER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
PAYEE = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
AUTHORIZATION = Authorization(
    scheme="exact",
    method="eip3009",
    payer=PAYER,
    payee=PAYEE,
    amount=Amount(1000, TOKEN.asset),
    nonce="0x" + "ab" * 32,
    valid_after=5,
    valid_before=1_800_000_000,
)


def test_typed_data_says_what_the_authorization_says() -> None:
    data = eip3009.typed_data(AUTHORIZATION, domain(TOKEN))

    assert data.message == {
        "from": PAYER,
        "to": PAYEE,
        "value": 1000,
        "validAfter": 5,
        "validBefore": 1_800_000_000,
        "nonce": "0x" + "ab" * 32,
    }
    assert data.domain == Domain(
        name="Bridged USDC (Stargate)",
        version="2",
        chain_id=25,
        verifying_contract="0xf951eC28187D9E5Ca673Da8FE6757E6f0Be5F77C",
    )


def test_the_type_hash_is_the_one_of_the_standard() -> None:
    written = encode_type(eip3009.PRIMARY_TYPE, eip3009.TYPES)

    assert keccak(text=written).hex() == "7c7c6cdb67a18743f49ec6fa9b35f50d52ed05cbed4cc592e13b44501c1a2267"


@pytest.mark.parametrize("other", [{"method": "permit2"}, {"scheme": "upto"}])
def test_typed_data_refuses_when_it_is_paid_in_another_way(other: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="not paid by EIP-3009"):
        eip3009.typed_data(replace(AUTHORIZATION, **other), domain(TOKEN))  # type: ignore[arg-type]  # by design


@given(st.binary(min_size=20, max_size=20), st.binary(min_size=32, max_size=32))
def test_authorization_state_call_equals_eth_abi(authorizer: bytes, nonce: bytes) -> None:
    words = encode(["address", "bytes32"], [f"0x{authorizer.hex()}", nonce])

    called = eip3009.authorization_state_call(f"0x{authorizer.hex()}", f"0x{nonce.hex()}")

    assert "0xe94a0102" + words.hex() == called


def test_topics_are_those_of_circle_s_token() -> None:
    assert eip3009.AUTHORIZATION_USED == "0x98de503528ee59b575ef0c0a2576a82497bfc029a5685b209e9ec333479b10a5"
    assert eip3009.AUTHORIZATION_CANCELED == "0x1cdd46ff242716cdaa72d159d339a485b3438398348d68f09d7c8c0a59353d81"


def test_the_cancellation_s_type_hash_is_the_one_of_the_standard() -> None:
    written = encode_type(eip3009.CANCEL_PRIMARY_TYPE, eip3009.CANCEL_TYPES)

    assert keccak(text=written).hex() == "158b0a9edf7a828aad02f63cd515c68ef2f50ba807396f6d12842833a1597429"


def test_cancel_typed_data_names_payer_and_nonce() -> None:
    data = eip3009.cancel_typed_data(PAYER, AUTHORIZATION.nonce, domain(TOKEN))

    assert {"authorizer": PAYER, "nonce": AUTHORIZATION.nonce} == data.message
    assert domain(TOKEN) == data.domain


@given(st.binary(min_size=20, max_size=20), st.binary(min_size=32, max_size=32), st.binary(min_size=65, max_size=65))
def test_cancel_call_equals_eth_abi(authorizer: bytes, nonce: bytes, signature: bytes) -> None:
    words = encode(
        ["address", "bytes32", "uint8", "bytes32", "bytes32"],
        [f"0x{authorizer.hex()}", nonce, signature[64], signature[:32], signature[32:64]],
    )

    called = eip3009.cancel_call(f"0x{authorizer.hex()}", f"0x{nonce.hex()}", signature)

    assert "0x5a049a70" + words.hex() == called


def test_cancel_call_refuses_a_signature_of_another_length() -> None:
    with pytest.raises(ValueError, match="65 bytes, not 64"):
        eip3009.cancel_call(PAYER, AUTHORIZATION.nonce, bytes(64))
