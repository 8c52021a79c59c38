"""A plan forgets nothing that was signed, and signs a step again with its own account nonce only."""

from dataclasses import replace

import pytest

from paygent.core.errors import LocalProtocolError
from paygent.core.lifecycle import State
from paygent.core.money import Amount
from paygent.core.payment import Payment
from paygent.core.transaction import Attempt, Mined, Plan, Step
from paygent.testing.conformance.journal_nonces import COIN, acting, mined, sent_with
from tests.unit.core.test_action import ACTION, CALL

OTHER = replace(CALL, value=1)
PLAN = Plan.of(replace(ACTION, calls=(CALL, OTHER)), gas=Amount(100, COIN), first_nonce=3)


def attempt(nonce: int, name: int = 1) -> Attempt:
    return Attempt(hash=f"0x{name:064x}", nonce=nonce, gas_limit=21_000, max_fee=2, tip=0)


def block(fee: int) -> Mined:
    return Mined(transaction=f"0x{1:064x}", block_number=1, block_hash=f"0x{2:064x}", succeeded=True, fee=fee)


def test_plan_goes_through_its_steps_in_order() -> None:
    first = PLAN.with_attempt(0, attempt(3))
    second = first.with_step(0, replace(first.steps[0], mined=block(7)))

    assert [0, 0, 1] == [plan.current for plan in (PLAN, first, second)]
    assert (0, 7) == (first.gas_spent, second.gas_spent)
    assert (None, 3) == (PLAN.steps[0].nonce, first.steps[0].nonce)
    assert (attempt(3),) == first.attempts
    assert 42_000 == attempt(3).ceiling


def test_plan_whose_steps_are_all_over_has_no_current_one() -> None:
    done = replace(PLAN, steps=(Step(call=CALL, mined=block(1)), Step(call=OTHER, taken=True)))

    assert done.current is None


def test_plan_continues_with_more_signed_and_with_a_cleanup_in_place_of_what_was_not() -> None:
    first = PLAN.with_attempt(0, attempt(3))
    bumped = first.with_attempt(0, attempt(3, 2))
    cleaned = replace(bumped, steps=(bumped.steps[0], Step(call=replace(CALL, value=9), cleanup=True)))

    assert first.continues(PLAN)
    assert bumped.continues(first)
    assert cleaned.continues(bumped)


@pytest.mark.parametrize(
    "after",
    [
        PLAN,
        replace(PLAN, steps=()),
        PLAN.with_attempt(0, attempt(3)).with_attempt(0, attempt(4, 2)),
        replace(PLAN.with_attempt(0, attempt(3)), gas=Amount(101, COIN)),
        replace(PLAN.with_attempt(0, attempt(3)), first_nonce=4),
        replace(PLAN, steps=(Step(call=OTHER, attempts=(attempt(3),)), PLAN.steps[1])),
    ],
)
def test_plan_does_not_continue_what_it_forgets_or_signs_anew(after: Plan) -> None:
    assert not after.continues(PLAN.with_attempt(0, attempt(3)))


def settled() -> Payment:
    return mined(sent_with(acting(1), 0), 30)


def test_payment_keeps_its_plan() -> None:
    sent = sent_with(acting(1), 0)
    for plan in (None, acting(1).plan):
        with pytest.raises(LocalProtocolError, match="its action and what was signed"):
            sent.check_successor(replace(sent.learn(), plan=plan))

    sent.check_successor(sent.learn())
    assert State.SETTLED is settled().state


def test_payment_without_an_action_gets_none() -> None:
    plain = replace(acting(1), plan=None)

    with pytest.raises(LocalProtocolError, match="neither is replaced"):
        plain.check_successor(replace(plain.learn(), plan=acting(1).plan))


def test_payment_that_awaits_approval_may_get_other_gas_but_no_other_action() -> None:
    waiting = replace(acting(1), state=State.AWAITING_APPROVAL)
    plan = waiting.plan
    assert plan is not None
    waiting.check_successor(replace(waiting.learn(), plan=replace(plan, gas=Amount(5, COIN), first_nonce=9)))

    with pytest.raises(LocalProtocolError):
        waiting.check_successor(replace(waiting.learn(), plan=PLAN))
    assert "proven" not in str(plan)


def test_receipt_says_what_gas_cost() -> None:
    receipt = settled().receipt

    assert receipt is not None
    assert receipt.proven
    assert Amount(30, COIN) == receipt.fee
