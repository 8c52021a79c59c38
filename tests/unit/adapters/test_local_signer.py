"""A key in memory signs, and is never shown."""

import copy
import pickle

import coincurve
import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from paygent.adapters.local_signer import LocalSigner
from paygent.core.errors import ConfigurationError, SigningFailed
from paygent.core.typed_data import Domain, TypedData
from paygent.evm.deployments import PERMIT2
from paygent.evm.eip712 import digest
from paygent.ports.signer import Signer

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
ADDRESS = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
KEYS = st.integers(1, ORDER - 1).map(lambda number: number.to_bytes(32, "big"))
DATA = TypedData(
    domain=Domain(name="Ether Mail", version="1", chain_id=1, verifying_contract=PERMIT2),
    primary_type="Mail",
    types={"Mail": (("contents", "string"),)},
    message={"contents": "Hello, Bob!"},
)

pytestmark = pytest.mark.anyio


async def test_local_signer_signs_as_eth_account() -> None:
    fields = {"name": "Ether Mail", "version": "1", "chainId": 1, "verifyingContract": PERMIT2}
    signable = encode_typed_data(fields, {"Mail": [{"name": "contents", "type": "string"}]}, dict(DATA.message))

    assert bytes(Account.sign_message(signable, KEY).signature) == await LocalSigner(KEY).sign_typed_data(DATA)


async def test_local_signer_returns_a_low_s_and_a_v_that_recovers_the_address() -> None:
    for number in range(1, 30):
        signer: Signer = LocalSigner(number.to_bytes(32, "big"))
        signature = await signer.sign_typed_data(DATA)
        recoverable = signature[:64] + bytes([signature[64] - 27])
        public = coincurve.PublicKey.from_signature_and_message(recoverable, digest(DATA), hasher=None)

        assert (len(signature), signature[64] in {27, 28}) == (65, True)
        assert int.from_bytes(signature[32:64]) <= ORDER // 2
        assert public.format() == coincurve.PrivateKey(number.to_bytes(32, "big")).public_key.format()


@given(key=KEYS)
def test_local_signer_has_the_address_of_eth_account_for_any_key(key: bytes) -> None:
    assert Account.from_key(key).address == LocalSigner(key).address


@pytest.mark.parametrize("written", [KEY, KEY[2:], KEY.upper().replace("X", "x"), bytes.fromhex(KEY[2:])])
def test_local_signer_takes_a_key_as_bytes_or_digits(written: bytes | str) -> None:
    assert LocalSigner(written).address == ADDRESS


WRONG: list[object] = [
    "",
    "0x",
    KEY[:-1],
    KEY + "0",
    " " + KEY,
    KEY + "\n",
    "0x" + "00" * 32,
    "0x" + "ff" * 32,
    f"0x{ORDER:064x}",
    bytes(32),
    b"\x01" * 31,
    KEY.encode(),
    12345,
    None,
]


@pytest.mark.parametrize("wrong", WRONG)
def test_local_signer_refuses_without_showing_it_when_it_is_no_key(wrong: object) -> None:
    with pytest.raises(ConfigurationError) as caught:
        LocalSigner(wrong)  # type: ignore[arg-type]  # by design

    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert KEY[2:20] not in str(caught.value)
    assert "private key" in str(caught.value)


async def test_local_signer_refuses_when_the_message_is_not_of_its_types() -> None:
    wrong = TypedData(domain=DATA.domain, primary_type="Mail", types=DATA.types, message={"contents": 1})

    with pytest.raises(SigningFailed, match="cannot sign a Mail: 1 is not a string"):
        await LocalSigner(KEY).sign_typed_data(wrong)


def test_local_signer_shows_only_its_address() -> None:
    signer = LocalSigner(KEY)

    assert repr(signer) == f"LocalSigner({ADDRESS})"
    assert (str(signer), f"{signer}") == (repr(signer), repr(signer))
    assert KEY[2:] not in repr([getattr(signer, name) for name in signer.__slots__])


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_local_signer_is_not_pickled(protocol: int) -> None:
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(LocalSigner(KEY), protocol)


def test_local_signer_is_not_copied() -> None:
    signer = LocalSigner(KEY)

    for way_out in (copy.copy, copy.deepcopy, lambda signed: signed.__getstate__()):
        with pytest.raises(TypeError, match="never pickled or copied"):
            way_out(signer)


def test_local_signer_has_no_dict_and_no_key_attribute_to_print() -> None:
    with pytest.raises(TypeError):
        vars(LocalSigner(KEY))
