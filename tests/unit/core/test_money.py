"""Amounts are exact, whatever their size, and nothing that is not exact becomes one."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from paygent.core.caip import ChainId, erc20
from paygent.core.money import MAX_ATOMIC, USD, Amount, Asset, parse_atomic, usd
from paygent.testing.strategies import amounts, assets, atomics

OTHER = Asset(id=erc20(ChainId.evm(1), f"0x{'12' * 20}"), symbol="OTHER", decimals=6)
DIGITS = st.text("0123456789", min_size=1, max_size=77)


def of(decimals: int) -> Asset:
    return Asset(id=OTHER.id, symbol="T", decimals=decimals)


@given(amounts)
def test_parse_of_plain_is_the_amount(amount: Amount) -> None:
    assert amount == Amount.parse(amount.plain, amount.asset)


@given(amounts)
def test_parse_of_decimal_is_the_amount(amount: Amount) -> None:
    assert amount == Amount.parse(amount.to_decimal(), amount.asset)


@pytest.mark.parametrize("decimals", range(78))
@pytest.mark.parametrize("atomic", [0, 1, MAX_ATOMIC - 1, MAX_ATOMIC])
def test_parse_of_plain_is_the_amount_at_the_edges(decimals: int, atomic: int) -> None:
    amount = Amount(atomic, of(decimals))

    assert amount == Amount.parse(amount.plain, amount.asset)


@given(DIGITS, DIGITS, st.integers(0, 77))
def test_parse_never_rounds(whole: str, fraction: str, decimals: int) -> None:
    """It gives the exact value, or refuses."""
    text = f"{int(whole)}.{fraction}"
    numerator, scale = int(f"{int(whole)}{fraction}") * 10**decimals, 10 ** len(fraction)
    try:
        amount = Amount.parse(text, of(decimals))
    except ValueError:
        assert numerator % scale or numerator // scale > MAX_ATOMIC
        return

    assert numerator == amount.atomic * scale


@given(atomics)
def test_str_of_an_amount_is_exact(atomic: int) -> None:
    shown, symbol = str(Amount(atomic, USD)).split(" ")

    assert Decimal(shown) == Amount(atomic, USD).to_decimal()
    assert "USD" == symbol


@pytest.mark.parametrize(
    ("atomic", "shown"), [(0, "0.00 USD"), (1, "0.000001 USD"), (1_500_000, "1.50 USD"), (12_345_678, "12.345678 USD")]
)
def test_str_of_an_amount_is_short(atomic: int, shown: str) -> None:
    assert shown == str(Amount(atomic, USD))


def test_html_of_an_amount_is_its_text_and_no_markup_of_a_token() -> None:
    asset = Asset(id=OTHER.id, symbol="<b>", decimals=6)

    assert "<pre>1.50 &lt;b&gt;</pre>" == Amount(1_500_000, asset)._repr_html_()


def test_str_of_an_amount_without_decimals_has_no_dot() -> None:
    assert "7 T" == str(Amount(7, of(0)))


@pytest.mark.parametrize("wrong", [1, 1.5, True, None, b"1", [1], float("nan")])
def test_parse_refuses_what_is_no_text(wrong: Any) -> None:
    with pytest.raises(TypeError):
        Amount.parse(wrong, USD)


@pytest.mark.parametrize(
    "text",
    ["", " ", "1 ", " 1", "1\n", "+1", "-1", "1e3", "1E3", "1,000", "1_000", "01", "00", ".5", "5.", "1.2.3", "0x10",
     "\u0661", "\uff11", "\u00b2", "NaN", "Infinity", "1.0000001", "1" + "0" * 78, "9" * 5000],
)  # fmt: skip
def test_parse_refuses_what_is_no_plain_number(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # messages differ
        Amount.parse(text, USD)


@pytest.mark.parametrize("number", [Decimal("NaN"), Decimal("Infinity"), Decimal(-1), Decimal("-0"), Decimal("1e-7")])
def test_parse_refuses_decimals_that_are_no_amount(number: Decimal) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # messages differ
        Amount.parse(number, USD)


def test_parse_reads_a_decimal_with_an_exponent() -> None:
    assert Amount(1_000_000_000, USD) == Amount.parse(Decimal("1e3"), USD)


def test_parse_takes_zeros_beyond_the_assets_decimals() -> None:
    assert usd("1.5") == usd("1.500000000")


@pytest.mark.parametrize("wrong", [1.0, True, "1", None, Decimal(1)])
def test_amount_refuses_what_is_no_integer(wrong: Any) -> None:
    with pytest.raises(TypeError):
        Amount(wrong, USD)


@pytest.mark.parametrize("wrong", [-1, MAX_ATOMIC + 1])
def test_amount_refuses_numbers_no_token_can_hold(wrong: int) -> None:
    with pytest.raises(ValueError, match="2\\*\\*256"):
        Amount(wrong, USD)


@given(atomics, atomics)
def test_adding_and_subtracting_are_exact_or_refused(left: int, right: int) -> None:
    assume(left + right <= MAX_ATOMIC)
    total = Amount(left, USD) + Amount(right, USD)

    assert left + right == total.atomic
    assert Amount(left, USD) == total - Amount(right, USD)


def test_results_below_zero_or_too_large_are_refused() -> None:
    with pytest.raises(ValueError, match="0 to 2"):
        _ = usd("1") - usd("2")
    with pytest.raises(ValueError, match="0 to 2"):
        _ = Amount(MAX_ATOMIC, USD) + Amount(1, USD)


@given(atomics, atomics)
def test_comparing_compares_integers(left: int, right: int) -> None:
    one, other = Amount(left, USD), Amount(right, USD)
    outcomes = (one < other, one <= other, one > other, one >= other, one == other)

    assert (left < right, left <= right, left > right, left >= right, left == right) == outcomes


def test_two_assets_are_never_added_or_compared() -> None:
    for use in (Amount.__add__, Amount.__sub__, Amount.__lt__, Amount.__le__, Amount.__gt__, Amount.__ge__):
        with pytest.raises(ValueError, match="different assets"):
            use(usd("1"), Amount(1, OTHER))
    assert Amount(1, USD) != Amount(1, OTHER)


def test_amounts_are_never_added_to_or_compared_with_numbers() -> None:
    for use in (Amount.__add__, Amount.__sub__, Amount.__lt__):
        with pytest.raises(TypeError):
            use(usd("1"), 1)  # type: ignore[operator]


@given(assets)
def test_assets_are_the_same_when_their_ids_are(asset: Asset) -> None:
    """What a seller calls a token does not make it another one."""
    assert asset == Asset(id=asset.id, symbol="X", decimals=0)


@pytest.mark.parametrize("decimals", [-1, 78, True, 1.0, "6"])
def test_asset_refuses_decimals(decimals: Any) -> None:
    with pytest.raises(ValueError, match="decimals must be"):
        of(decimals)


@pytest.mark.parametrize("symbol", ["", "a\n", "x" * 33, "\u202e"])
def test_asset_refuses_symbols_that_deceive(symbol: str) -> None:
    with pytest.raises(ValueError, match="symbol"):
        Asset(id=OTHER.id, symbol=symbol, decimals=6)


@given(atomics)
def test_parse_atomic_reads_every_amount(atomic: int) -> None:
    assert atomic == parse_atomic(str(atomic))


@pytest.mark.parametrize(
    "wrong",
    ["", "-1", "+1", "01", "1.0", "1e3", " 1", "1\n", "\u0661", "0x1", 1, True, None, 1.0,
     str(2**256), "9" * 9999],
)  # fmt: skip
def test_parse_atomic_refuses_the_rest_and_quotes_little(wrong: object) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011  # messages differ
        parse_atomic(wrong)

    assert len(str(refusal.value)) < 200
