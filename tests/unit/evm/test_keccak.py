"""The hash of Ethereum, whichever package computes it."""

import sys

import pytest
from Crypto.Hash import keccak
from hypothesis import given
from hypothesis import strategies as st

from paygent.evm.keccak import _fastest, keccak256


def test_keccak256_is_not_sha3_for_the_empty_message() -> None:
    assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"


@given(st.binary(max_size=500))
def test_keccak256_equals_pycryptodome_for_any_message(raw: bytes) -> None:
    assert keccak.new(digest_bits=256, data=raw).digest() == keccak256(raw)


@given(raw=st.binary(max_size=500))
def test_keccak256_is_the_same_when_safe_pysha3_is_missing(raw: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "sha3", None)
        slower = _fastest()

    assert keccak256(raw) == slower(raw)


class _CannedHash:
    """Stands for safe-pysha3, which a platform without its wheels does not have."""

    @staticmethod
    def keccak_256(raw: bytes) -> "_CannedHash":
        assert raw == b"message"
        return _CannedHash()

    def digest(self) -> bytes:
        return b"from sha3"


def test_keccak256_comes_from_safe_pysha3_when_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sha3", _CannedHash)

    assert _fastest()(b"message") == b"from sha3"
