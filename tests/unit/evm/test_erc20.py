"""Calls to a token, and its answers."""

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from paygent.core.caip import AssetId
from paygent.core.money import Asset
from paygent.evm import erc20

OWNER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
SPENDER = "0x000000000022D473030F116dDEE9F6B43aC78BA3"


def _padded(address: str) -> str:
    return "0" * 24 + address[2:].lower()


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        (erc20.balance_of(OWNER), "0x70a08231" + _padded(OWNER)),
        (erc20.allowance(OWNER, SPENDER), "0xdd62ed3e" + _padded(OWNER) + _padded(SPENDER)),
        (erc20.decimals(), "0x313ce567"),
        (erc20.name(), "0x06fdde03"),
        (erc20.version(), "0x54fd4d50"),
        (erc20.symbol(), "0x95d89b41"),
        (erc20.domain_separator(), "0x3644e515"),
    ],
)
def test_a_call_has_the_selector_that_tokens_know(call: str, wanted: str) -> None:
    assert wanted == call


def test_transfer_is_the_topic_that_tokens_log() -> None:
    assert erc20.TRANSFER == "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"


def test_topic_address_is_padded_and_lower_case() -> None:
    assert "0x" + _padded(OWNER) == erc20.topic_address(OWNER)


@given(st.integers(0, 2**256 - 1))
def test_uint_reads_what_eth_abi_writes(number: int) -> None:
    assert number == erc20.uint("0x" + encode(["uint256"], [number]).hex())


@pytest.mark.parametrize("wrong", ["0x", "0x01", "0x" + "00" * 33, "0x" + "00" * 64, "", "01"])
def test_uint_refuses_when_the_answer_is_not_one_word(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"expected one word|hexadecimal digits"):
        erc20.uint(wrong)


@given(st.text(max_size=100))
def test_text_reads_what_eth_abi_writes(written: str) -> None:
    assert written == erc20.text("0x" + encode(["string"], [written]).hex())


def test_text_reads_a_bytes32_of_an_old_token() -> None:
    assert erc20.text("0x" + b"Maker".ljust(32, b"\0").hex()) == "Maker"


@pytest.mark.parametrize(
    "wrong",
    [
        "0x",
        "0x" + "00" * 31,
        "0x" + "00" * 31 + "20" + "00" * 31,
        "0x" + "00" * 31 + "20" + "00" * 31 + "01",
        "0x" + "ff" * 64,
        "0x" + "00" * 31 + "20" + "ff" * 32,
        "0x" + "00" * 31 + "20" + "00" * 31 + "01" + "ff" + "00" * 31,
        "0x" + "ff" * 32,
    ],
)
def test_text_refuses_when_the_answer_is_no_string(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"expected a string|codec can't decode"):
        erc20.text(wrong)


@given(st.binary(max_size=200))
def test_text_reads_or_refuses_any_answer(answer: bytes) -> None:
    try:
        read = erc20.text(f"0x{answer.hex()}")
    except ValueError:
        return

    assert read.encode() in answer


@pytest.mark.parametrize(
    ("balance", "places", "said"),
    [
        (5, 6, ""),
        (0, 6, ""),
        (None, 6, "address of a token?"),
        (5, None, "no decimals()"),
        (5, 18, "expected to count 6"),
    ],
)
def test_oddity_tells_what_is_not_as_the_asset_says(balance: int | None, places: int | None, said: str) -> None:
    asset = Asset(id=AssetId.parse(f"eip155:25/erc20:0x{'11' * 20}"), symbol="USDC", decimals=6)
    told = erc20.oddity(asset, balance=balance, places=places)

    assert (said in told, bool(said)) == (True, bool(told))
