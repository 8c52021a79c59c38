"""A cost is never counted as less than it is."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from paygent.core.caip import ChainId, erc20
from paygent.core.money import MAX_ATOMIC, USD, Amount, Asset
from paygent.core.price import Price
from paygent.core.requirements import Token
from paygent.policy.valuation import DEFAULT, valued

NOW = 1_800_000_000
_NUMBERS = st.integers(0, MAX_ATOMIC) | st.integers(0, 10**12)


def token(decimals: int, *, usd: bool = True) -> Token:
    asset = Asset(id=erc20(ChainId.evm(1), f"0x{'11' * 20}"), symbol="T", decimals=decimals)
    return Token(asset=asset, name="T", versions=("1",), usd=usd)


@given(st.integers(0, 77), _NUMBERS)
def test_dollar_token_is_never_rounded_down(decimals: int, atomic: int) -> None:
    """At least its worth, less than a millionth more; what no number can hold has no worth, and is denied."""
    dollar = token(decimals)

    worth = valued(Amount(atomic, dollar.asset), USD, dollar)

    exact = Fraction(atomic, 10**decimals) * 10**USD.decimals
    if worth is None:
        assert exact > MAX_ATOMIC
    else:
        assert exact <= worth.atomic < exact + 1


@given(st.integers(0, 30), _NUMBERS, st.decimals("0.000001", "100000", places=6))
def test_priced_token_is_never_rounded_down(decimals: int, atomic: int, rate: Decimal) -> None:
    """The haircut comes on top."""
    coin = token(decimals, usd=False)
    price = Price(asset=coin.asset.id, usd=rate, as_of=NOW, source="feed")

    worth = valued(Amount(atomic, coin.asset), USD, coin, price, now=NOW)

    exact = Fraction(atomic, 10**decimals) * Fraction(rate) * 10**USD.decimals
    assert worth is None or worth.atomic >= exact * (10_000 + DEFAULT.haircut_bps) / 10_000
    assert worth is not None or exact * 2 > MAX_ATOMIC


def test_limit_in_a_copy_of_the_dollar_counts_as_one_in_dollars() -> None:
    dollar = token(6)

    assert Amount(7, USD) == valued(Amount(7, dollar.asset), replace(USD), dollar)


@given(_NUMBERS)
def test_token_counts_as_itself_in_its_own_limit(atomic: int) -> None:
    """Nothing is converted where nothing has to be."""
    coin = token(18, usd=False)
    amount = Amount(atomic, coin.asset)

    assert amount == valued(amount, coin.asset, coin)


@given(_NUMBERS)
def test_token_without_a_price_has_no_worth(atomic: int) -> None:
    """Neither in dollars, nor in another token's units, nor by another token's word."""
    coin = token(18, usd=False)
    other = replace(coin.asset, id=erc20(ChainId.evm(2), f"0x{'11' * 20}"))
    amount = Amount(atomic, coin.asset)

    assert [None, None, None] == [
        valued(amount, USD, coin),
        valued(amount, other, coin),
        valued(Amount(atomic, other), USD, token(18)),
    ]
