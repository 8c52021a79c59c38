"""Permit2 messages and nonces."""

from dataclasses import replace

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from paygent.core.money import Amount
from paygent.core.requirements import Authorization
from paygent.evm import permit2
from paygent.evm.eip712 import encode_type
from paygent.evm.tokens import TOKENS

TOKEN = next(iter(TOKENS.values()))
PAYER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
PAYEE = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
FACILITATOR = "0x90F79bf6EB2c4f870365E785982E1f101E93b906"
EXACT = Authorization(
    scheme="exact",
    method="permit2",
    payer=PAYER,
    payee=PAYEE,
    amount=Amount(1000, TOKEN.asset),
    nonce="0x" + "00" * 30 + "0105",
    valid_after=5,
    valid_before=1_800_000_000,
    spender=permit2.EXACT_PROXY,
)
UPTO = replace(EXACT, scheme="upto", spender=permit2.UPTO_PROXY.lower(), facilitator=FACILITATOR)


def test_typed_data_says_what_an_exact_authorization_says() -> None:
    data = permit2.typed_data(EXACT, 25)

    assert data.message == {
        "permitted": {"token": "0xf951eC28187D9E5Ca673Da8FE6757E6f0Be5F77C", "amount": 1000},
        "spender": permit2.EXACT_PROXY,
        "nonce": 0x0105,
        "deadline": 1_799_999_999,
        "witness": {"to": PAYEE, "validAfter": 5},
    }
    assert (data.domain.name, data.domain.version, data.domain.chain_id) == ("Permit2", None, 25)
    assert data.domain.verifying_contract == permit2.PERMIT2


def test_typed_data_names_the_facilitator_of_an_upto_authorization() -> None:
    data = permit2.typed_data(UPTO, 25)

    assert data.message["witness"] == {"to": PAYEE, "facilitator": FACILITATOR, "validAfter": 5}
    assert data.message["spender"] == permit2.UPTO_PROXY


def test_the_type_of_exact_is_the_one_of_the_proxy() -> None:
    written = encode_type(permit2.PRIMARY_TYPE, permit2.EXACT_TYPES)

    assert written == (
        "PermitWitnessTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline,"
        "Witness witness)TokenPermissions(address token,uint256 amount)Witness(address to,uint256 validAfter)"
    )


@pytest.mark.parametrize(
    ("authorization", "why"),
    [
        (replace(EXACT, method="eip3009"), "not paid by Permit2"),
        (replace(EXACT, spender=None), "the spender of exact"),
        (replace(EXACT, spender=permit2.UPTO_PROXY), "the spender of exact"),
        (replace(UPTO, spender=permit2.EXACT_PROXY), "the spender of upto"),
        (replace(UPTO, facilitator=None), "names the only facilitator"),
        (replace(EXACT, nonce="0x01"), "hexadecimal digits"),
    ],
)
def test_typed_data_refuses_when_it_is_no_permit2_payment(authorization: Authorization, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        permit2.typed_data(authorization, 25)


@given(st.binary(min_size=20, max_size=20), st.integers(0, 2**256 - 1))
def test_nonce_bitmap_call_equals_eth_abi(owner: bytes, nonce: int) -> None:
    words = encode(["address", "uint256"], [f"0x{owner.hex()}", nonce >> 8])
    selector = keccak(text="nonceBitmap(address,uint256)")[:4]

    assert f"0x{(selector + words).hex()}" == permit2.nonce_bitmap_call(f"0x{owner.hex()}", f"0x{nonce:064x}")


@given(st.integers(0, 2**256 - 1), st.sets(st.integers(0, 255)))
def test_nonce_used_reads_the_nonce_s_own_bit(nonce: int, used: set[int]) -> None:
    bitmap = sum(1 << bit for bit in used)

    assert ((nonce & 255) in used) == permit2.nonce_used(f"0x{bitmap:064x}", f"0x{nonce:064x}")


def test_nonce_used_refuses_when_there_is_no_contract() -> None:
    with pytest.raises(ValueError, match="expected one word"):
        permit2.nonce_used("0x", EXACT.nonce)
