"""ERC-55 checksums."""

import pytest
from eth_utils.address import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from paygent.evm.address import checksum


@given(st.binary(min_size=20, max_size=20), st.sampled_from([str.upper, str.lower]))
def test_checksum_equals_eth_utils_whatever_the_case(raw: bytes, case: "type[str] | object") -> None:
    digits = raw.hex().upper() if case is str.upper else raw.hex()

    assert to_checksum_address(raw) == checksum(f"0x{digits}")


@pytest.mark.parametrize(
    "written",
    [
        "0x52908400098527886E0F7030069857D2E4169EE7",
        "0xde709f2102306220921060314715629080e2fb77",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    ],
)
def test_checksum_returns_the_examples_of_erc_55(written: str) -> None:
    assert written == checksum(written.lower())


@pytest.mark.parametrize("wrong", ["", "0x12", "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0x" + "z" * 40])
def test_checksum_refuses_when_it_is_no_address(wrong: str) -> None:
    with pytest.raises(ValueError, match="is not an EVM address"):
        checksum(wrong)
