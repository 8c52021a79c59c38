"""EIP-2612 permits."""

from eth_utils.crypto import keccak

from paygent.evm import eip2612
from paygent.evm.deployments import PERMIT2
from paygent.evm.eip712 import encode_type
from paygent.evm.tokens import TOKENS, domain

OWNER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"


def test_typed_data_says_what_was_asked() -> None:
    token = domain(next(iter(TOKENS.values())))
    data = eip2612.typed_data(owner=OWNER, spender=PERMIT2, value=7, nonce=3, deadline=99, domain=token)

    assert data.message == {"owner": OWNER, "spender": PERMIT2, "value": 7, "nonce": 3, "deadline": 99}
    assert data.domain == token


def test_the_type_hash_is_the_one_of_the_standard() -> None:
    written = encode_type(eip2612.PRIMARY_TYPE, eip2612.TYPES)

    assert keccak(text=written).hex() == "6e71edae12b1b97f4d1f60370fef10105fa2faae0126114a169c64845d6126c9"


def test_nonces_call_names_the_owner() -> None:
    assert eip2612.nonces_call(OWNER) == "0x7ecebe00" + "0" * 24 + OWNER[2:].lower()
