"""Revert data becomes words: standard errors, custom ones by their table, never a stranger's control characters."""

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from paygent.evm.abi import types_of
from paygent.evm.reverts import custom_error, reason, selector_of

ERRORS = ("TooLittle(uint256,address)", "Nested((uint256,bool)[],string)", "Plain()")


def reverted(signature: str, *values: object) -> str:
    return selector_of(signature) + encode(types_of(signature), values).hex()


def test_reason_is_the_text_of_require() -> None:
    assert "VVSRouter: EXPIRED" == reason(reverted("Error(string)", "VVSRouter: EXPIRED"))


@pytest.mark.parametrize(("code", "said"), [(0x11, "panic 0x11: arithmetic"), (0x99, "panic 0x99: unknown")])
def test_reason_explains_a_panic(code: int, said: str) -> None:
    assert reason(reverted("Panic(uint256)", code)).startswith(said)


def test_reason_decodes_a_custom_error_of_the_table() -> None:
    data = reverted("TooLittle(uint256,address)", 7, f"0x{'ab' * 20}")

    assert f"TooLittle(7, 0x{'ab' * 20})" == reason(data, ERRORS)
    assert "Plain()" == reason(selector_of("Plain()"), ERRORS)
    assert "Nested(((1, True),), why)" == reason(reverted(ERRORS[1], [(1, True)], "why"), ERRORS)


def test_custom_error_has_its_name_and_values() -> None:
    data = reverted("TooLittle(uint256,address)", 7, f"0x{'ab' * 20}")

    assert ("TooLittle", (7, f"0x{'ab' * 20}")) == custom_error(data, ERRORS)
    assert ("", ()) == custom_error(data)
    assert ("", ()) == custom_error(data[:-2], ERRORS)


def test_errors_of_the_standard_need_no_table() -> None:
    owner = f"0x{'ab' * 20}"
    data = reverted("ERC20InsufficientBalance(address,uint256,uint256)", owner, 5, 7)

    assert data.startswith("0xe450d38c")
    assert ("ERC20InsufficientBalance", (owner, 5, 7)) == custom_error(data)
    assert f"ERC20InsufficientBalance({owner}, 5, 7)" == reason(data)


def test_reason_says_where_there_is_none() -> None:
    assert "it gave no reason" == reason("0x")
    assert "0x12345678" in reason("0x12345678", ERRORS)


def test_reason_of_broken_data_is_told_as_it_is() -> None:
    assert reason("0x08c379a0ffff").startswith("an error it does not explain")


def test_reason_shows_no_control_characters() -> None:
    assert "a?b" == reason(reverted("Error(string)", "a\x1bb"))


@given(st.binary(max_size=200))
def test_reason_of_anything_is_a_short_line(data: bytes) -> None:
    said = reason(f"0x{data.hex()}", ERRORS)

    assert said.isprintable()
    assert len(said) <= 300


@pytest.mark.parametrize(
    ("signature", "types"),
    [("a()", ()), ("a(uint256)", ("uint256",)), ("a((bool,(int8,int8)),bytes[])", ("(bool,(int8,int8))", "bytes[]"))],
)
def test_types_of_splits_at_the_top_level(signature: str, types: tuple[str, ...]) -> None:
    assert types == types_of(signature)
