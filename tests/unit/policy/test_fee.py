"""A fee beside a token is one more claim on the limits, and no second payment."""

from dataclasses import replace

import pytest

from paygent.core.budget import Hold, Share, share
from paygent.core.money import PAYMENTS, USD, Amount, Asset
from paygent.core.plan_record import action_record, read_action
from paygent.core.transaction import Plan
from paygent.evm.coins import coin
from paygent.evm.tokens import TOKENS
from paygent.policy.fee import with_fee
from paygent.testing.conformance.journal_nonces import acting, mined, sent_with
from tests.unit.core.test_action import ACTION

COIN = coin(ACTION.network)
FEE = Amount(7, COIN)


def hold(atomic: int, asset: Asset, scope: str = "wallet") -> Hold:
    return Hold(scope=scope, window="day", amount=Amount(atomic, asset), limit=Amount(100, asset))


def test_holds_of_one_sum_are_added_and_others_stand_beside() -> None:
    spent = (hold(5, USD), hold(1, PAYMENTS))

    assert (hold(7, USD), hold(1, PAYMENTS), hold(3, COIN)) == with_fee(
        spent, (hold(2, USD), hold(3, COIN), hold(1, PAYMENTS))
    )


def test_fee_is_part_of_the_record_and_of_what_people_agree_to() -> None:
    paying = replace(ACTION, fee=FEE)

    assert paying == read_action(action_record(paying))
    assert "fee" not in action_record(ACTION)
    assert paying.digest != ACTION.digest


@pytest.mark.parametrize("fee", [Amount(0, COIN), Amount(1, next(iter(TOKENS.values())).asset)])
def test_fee_is_coins_above_zero(fee: Amount) -> None:
    with pytest.raises(ValueError, match="a fee above zero in the coin"):
        replace(ACTION, fee=fee)


def test_fee_counts_whole_where_the_trade_took_in_less() -> None:
    sent = sent_with(acting(1), 0)
    assert sent.plan is not None
    assert sent.plan.action.fee is None
    settled = mined(sent, 1)
    assert settled.receipt is not None
    assert settled.plan is not None
    half = Amount(settled.receipt.amount.atomic // 2, settled.receipt.amount.asset)
    less = replace(settled, receipt=replace(settled.receipt, amount=half))
    paying = replace(less, plan=Plan.of(replace(ACTION, fee=FEE), gas=FEE, first_nonce=0))

    assert (Share(0, 50), Share(0, 100)) == (share(100, less), share(100, paying))


def test_fee_beside_coins_is_refused() -> None:
    with pytest.raises(ValueError, match="a trade of a token"):
        replace(ACTION, spend=Amount(1, COIN), fee=FEE)
