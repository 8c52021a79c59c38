"""The seal of an exported audit log: who signed it can be told, and nothing else takes the signature."""

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from paygent.adapters.local_signer import LocalSigner
from paygent.evm import audit_export
from paygent.evm.audit_export import signer_of, typed_data
from paygent.testing.keys import dev_accounts

ACCOUNT = dev_accounts()[0]
DATA = typed_data(head="ab" * 32, count=3, exported_at=7)
ORDER = 2 * 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0 + 1


@pytest.fixture
def signature() -> bytes:
    return bytes(Account.sign_message(_message(), ACCOUNT.private_key).signature)


def _message() -> object:
    types = {name: [{"name": m, "type": t} for m, t in fields] for name, fields in DATA.types.items()}
    domain = {
        "name": DATA.domain.name,
        "version": DATA.domain.version,
        "chainId": 0,
        "verifyingContract": DATA.domain.verifying_contract,
    }
    message = {**DATA.message, "head": bytes.fromhex("ab" * 32)}
    return encode_typed_data(domain, types, message)


@pytest.mark.anyio
async def test_signer_of_tells_who_signed_by_eth_account_and_by_a_local_signer(signature: bytes) -> None:
    assert ACCOUNT.address == signer_of(DATA, signature)
    assert signature == await LocalSigner(ACCOUNT.private_key).sign_typed_data(DATA)


@given(st.integers(0, 64), st.integers(1, 255))
def test_signer_of_tells_another_or_refuses_when_a_byte_is_another(place: int, change: int) -> None:
    signed = bytes(Account.sign_message(_message(), ACCOUNT.private_key).signature)
    changed = bytes([*signed[:place], signed[place] ^ change, *signed[place + 1 :]])
    try:
        told = signer_of(DATA, changed)
    except ValueError:
        return
    assert ACCOUNT.address != told


def test_signer_of_refuses_the_other_form_of_a_signature(signature: bytes) -> None:
    high = (ORDER - int.from_bytes(signature[32:64])).to_bytes(32)
    with pytest.raises(ValueError, match="a signature is 65 bytes"):
        signer_of(DATA, signature[:32] + high + bytes([55 - signature[64]]))


@pytest.mark.parametrize("wrong", [b"", bytes(64), bytes(66), bytes(64) + b"\x00", bytes(64) + b"\x1b"])
def test_signer_of_refuses_what_is_no_signature(wrong: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        signer_of(DATA, wrong)


def test_the_domain_is_of_no_chain_and_no_contract() -> None:
    assert (0, "0x" + "00" * 20) == (audit_export.DOMAIN.chain_id, audit_export.DOMAIN.verifying_contract)
