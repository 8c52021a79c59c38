"""A policy that contradicts itself is refused when it is made."""

import pytest

from paygent.core.errors import ConfigurationError
from paygent.core.money import usd
from paygent.policy.policy import Policy


@pytest.mark.parametrize("seconds", [-1, 0, 9, 86_401])
def test_validity_out_of_its_range_is_refused(seconds: int) -> None:
    """An authorization that lives for days is a blank cheque."""
    with pytest.raises(ConfigurationError, match="from 10 to 86400"):
        Policy(max_validity_seconds=seconds)


@pytest.mark.parametrize("name", ["max_per_payment", "per_day"])
def test_limits_without_a_limit_are_refused(name: str) -> None:
    """The absence of a limit never means that everything is allowed."""
    with pytest.raises(ConfigurationError, match=f"{name} is empty"):
        Policy(**{name: ()})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["max_per_payment", "per_day"])
def test_two_limits_for_one_asset_are_refused(name: str) -> None:
    """Which of them is meant cannot be guessed."""
    with pytest.raises(ConfigurationError, match="two limits for one asset"):
        Policy(**{name: (usd("1"), usd("2"))})  # type: ignore[arg-type]


def test_defaults_are_a_dollar_a_payment_and_twenty_a_day() -> None:
    """What nobody configured is small."""
    assert ((usd("1"),), (usd("20"),)) == (Policy().payment_limits, Policy().day_limits)


@pytest.mark.parametrize("name", ["max_per_payment", "per_day", "max_per_trade", "gas_per_day", "approve_above"])
@pytest.mark.parametrize("wrong", ["1", 1.5, ["1"], (usd("1"), "2")])
def test_limit_that_is_no_amount_is_refused(name: str, wrong: object) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} is .*; give an amount such as usd"):
        Policy(**{name: wrong})  # type: ignore[arg-type]


def test_deny_lists_of_another_kind_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"deny is \{'hosts'.*Denied"):
        Policy(deny={"hosts": ["evil.example"]})  # type: ignore[arg-type]
