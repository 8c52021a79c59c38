"""Plain values as 32-byte words."""

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from paygent.evm import word


@given(st.integers(0, 2**256 - 1))
def test_uint256_equals_eth_abi_for_any_number(number: int) -> None:
    assert encode(["uint256"], [number]) == word.uint256(number)


@pytest.mark.parametrize("wrong", [-1, 2**256, True, "1", 1.0, None])
def test_uint256_refuses_when_it_is_no_unsigned_integer(wrong: object) -> None:
    with pytest.raises(ValueError, match="not an integer from 0"):
        word.uint256(wrong)


@given(st.binary(min_size=20, max_size=20), st.booleans())
def test_address_equals_eth_abi_for_any_address_and_case(raw: bytes, upper: bool) -> None:
    digits = raw.hex().upper() if upper else raw.hex()

    assert encode(["address"], [f"0x{raw.hex()}"]) == word.address(f"0x{digits}")


@pytest.mark.parametrize("wrong", ["", "0x", f"0x{'1' * 39}", f"0x{'1' * 41}", f"0x{'1' * 38} 1", "1" * 42, 5, None])
def test_address_refuses_when_it_is_no_address(wrong: object) -> None:
    with pytest.raises(ValueError, match="is not an EVM address"):
        word.address(wrong)


@given(st.binary(min_size=32, max_size=32))
def test_bytes32_returns_the_bytes_of_64_digits(raw: bytes) -> None:
    assert raw == word.bytes32(f"0x{raw.hex()}")


@pytest.mark.parametrize(
    "wrong", ["0x" + "1" * 63, "0x" + "1" * 65, "0x" + "g" * 64, "0x" + "11 " * 21 + "1", "1" * 66, b"1" * 66]
)
def test_bytes32_refuses_when_it_is_not_64_digits(wrong: object) -> None:
    with pytest.raises(ValueError, match="hexadecimal digits"):
        word.bytes32(wrong)


@given(st.binary(max_size=70))
def test_raw_reads_what_hex_writes(raw: bytes) -> None:
    assert raw == word.raw(f"0x{raw.hex()}")


@pytest.mark.parametrize("wrong", ["", "0", "0x1", "0x 1", "0x1g", "0X11", "0x11\n", None, 17])
def test_raw_refuses_when_it_is_not_pairs_of_digits(wrong: object) -> None:
    with pytest.raises(ValueError, match="pairs of hexadecimal digits"):
        word.raw(wrong)


def test_topic_is_the_hash_of_the_event() -> None:
    signature = "Transfer(address,address,uint256)"

    assert "0x" + keccak(text=signature).hex() == word.topic(signature)


def test_calldata_is_the_selector_and_the_words() -> None:
    assert "0xa9059cbb" + bytes(31).hex() + "07" == word.calldata("transfer(address,uint256)", word.uint256(7))


def test_excerpt_is_cut_when_the_value_is_long() -> None:
    assert "'" + "x" * 86 + "..." == word.excerpt("x" * 1000)
