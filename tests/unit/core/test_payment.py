"""What a payment allows, and what it says of itself."""

from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace

import pytest

from paygent.core.caip import ChainId
from paygent.core.context import Context
from paygent.core.errors import LocalProtocolError
from paygent.core.ids import PaymentId
from paygent.core.lifecycle import TRANSITIONS, Event, State
from paygent.core.money import usd
from paygent.core.payment import Move, Payment
from paygent.core.receipt import Receipt
from paygent.testing.conformance.payments import (
    START,
    approved,
    awaiting,
    denied,
    expired,
    lost,
    released,
    reserved,
    sent,
    settled,
    signed,
    voided,
)

LIVES: dict[str, Callable[[], Payment]] = {
    "approved": approved,
    "denied": denied,
    "reserved": reserved,
    "voided": lambda: voided(reserved()),
    "signed": lambda: signed(reserved()),
    "sent": lambda: sent(reserved()),
    "lost": lambda: lost(reserved()),
    "settled": lambda: settled(reserved(), final=False),
    "final": lambda: settled(reserved()),
    "expired": lambda: expired(signed(reserved())),
}


def named(*names: str) -> set[str]:
    assert set(names) <= set(LIVES)
    return set(names)


def where(holds: Callable[[Payment], bool]) -> set[str]:
    return {name for name, life in LIVES.items() if holds(life())}


def test_move_writes_a_line_of_history_and_counts_versions() -> None:
    payment = approved()
    moved = payment.move(Event.BUDGET_RESERVED, at=START + 9, note="why", lease_until=7)

    assert (payment.version + 1, State.RESERVED, 7) == (moved.version, moved.state, moved.lease_until)
    assert payment.history == moved.history[:-1]
    last = moved.history[-1]
    assert (Event.BUDGET_RESERVED, State.RESERVED, START + 9, "why") == (last.event, last.state, last.at, last.note)


def test_move_returns_values_that_stay_as_they_are_when_somebody_sets_a_field() -> None:
    moved = approved().move(Event.BUDGET_RESERVED, at=START + 9)

    for value, name in ((moved, "delivered"), (moved.history[-1], "note")):
        with pytest.raises(FrozenInstanceError):
            setattr(value, name, "another")

    assert (Payment, Move) == (type(moved), type(moved.history[-1]))


def test_learn_refuses_a_fact_that_no_payment_has() -> None:
    with pytest.raises(AttributeError):
        approved().learn(delivery=True)


def test_move_refuses_what_the_table_has_not() -> None:
    for life in LIVES.values():
        payment = life()
        for event in set(Event) - set(TRANSITIONS[payment.state]):
            with pytest.raises(LocalProtocolError):
                payment.move(event, at=START)


def test_move_refuses_a_payment_settled_in_a_final_block() -> None:
    assert State.OUTCOME_UNKNOWN is settled(reserved(), final=False).move(Event.REORGANISED, at=START).state
    with pytest.raises(LocalProtocolError, match="final block"):
        settled(reserved()).move(Event.REORGANISED, at=START)


def test_learn_keeps_state_and_history() -> None:
    payment = sent(reserved())
    learned = payment.learn(delivered=True)

    assert replace(payment, delivered=True, version=payment.version + 1) == learned


def test_over_is_where_no_move_is_left() -> None:
    assert named("denied", "voided", "final", "expired") == where(lambda payment: payment.over)


def test_unresolved_is_what_reconciling_may_move() -> None:
    assert named("reserved", "signed", "sent", "lost", "settled") == where(lambda payment: payment.unresolved)


def test_blocks_repeat_is_what_might_pay_twice() -> None:
    out = named("reserved", "signed", "sent", "lost", "settled", "final")

    assert out == where(lambda payment: payment.blocks_repeat)
    assert set() == where(lambda payment: payment.learn(delivered=True).blocks_repeat)


def test_blocks_key_is_what_was_not_freed() -> None:
    out = named("approved", "reserved", "signed", "sent", "lost", "settled", "final")

    assert out == where(lambda payment: payment.blocks_key)


def test_out_of_budget_is_denied_in_place_of_reserved() -> None:
    refused = reserved().out_of_budget(at=START + 1, note="no room")

    assert (State.DENIED, reserved().version) == (refused.state, refused.version)
    assert [Event.ALLOWED, Event.REFUSED] == [move.event for move in refused.history]
    assert (None, 0) == (refused.authorization, refused.lease_until)


def test_out_of_budget_is_only_for_who_was_just_reserved() -> None:
    for name in set(LIVES) - {"reserved"}:
        with pytest.raises(LocalProtocolError):
            LIVES[name]().out_of_budget(at=START, note="")
    with pytest.raises(LocalProtocolError):
        replace(reserved(), history=()).out_of_budget(at=START, note="")


def test_successor_is_a_later_version_of_the_same_offer() -> None:
    for before, after in ((reserved(), settled(reserved())), (approved(), reserved())):
        before.check_successor(after)

        assert before.version < after.version


@pytest.mark.parametrize(
    "after",
    [
        reserved(2),
        reserved(amount=101),
        reserved(),
        approved(),
        signed(reserved()).learn(authorization=None),
        signed(reserved()).learn(history=()),
    ],
)
def test_successor_of_another_offer_or_past_is_refused(after: Payment) -> None:
    with pytest.raises(LocalProtocolError):
        reserved().check_successor(after)


def test_repr_of_a_payment_has_no_signed_bytes() -> None:
    payment = signed(reserved())

    assert payment.payload is not None
    assert payment.payload.value not in repr(payment) + repr(payment.payload) + str(payment)


def test_payment_is_told_in_one_line() -> None:
    payment = reserved()
    odd = replace(payment, intent=replace(payment.intent, resource="https://a.example/\x1b[2J\nb"))

    assert f"{payment.id} RESERVED {payment.intent.amount} to {payment.intent.payee}, {payment.intent.resource}" == str(
        payment
    )
    assert str(odd).endswith(", https://a.example/?[2J?b")


def test_payment_that_is_settled_tells_what_was_charged() -> None:
    payment = settled(reserved(amount=100), charged=30)

    assert f" SETTLED {payment.receipt.amount} to " in str(payment)  # type: ignore[union-attr]
    assert payment.intent.amount != payment.receipt.amount  # type: ignore[union-attr]


def test_payment_keeps_its_context() -> None:
    payment = reserved()

    with pytest.raises(LocalProtocolError, match="does not change"):
        payment.check_successor(replace(payment, version=3, context=Context(agent="another")))


def test_payment_keeps_its_quantity() -> None:
    payment = reserved()

    with pytest.raises(LocalProtocolError, match="buys 1 units; that does not change"):
        payment.check_successor(replace(payment, version=3, quantity=2))


def test_append_never_reserves() -> None:
    waiting = awaiting()
    granted = waiting.move(Event.GRANTED, at=START)
    for after in (granted, released(waiting)):
        with pytest.raises(LocalProtocolError, match="only where its budget is reserved"):
            waiting.check_append(after)
    refused = granted.move(Event.REFUSED, at=START)
    waiting.check_append(refused)

    assert State.DENIED is refused.state


def test_reserve_takes_a_grant_and_nothing_between() -> None:
    waiting = awaiting()
    waiting.check_reserve(released(waiting))
    wrong = [
        (waiting, waiting.move(Event.REFUSED, at=START)),
        (reserved(), signed(reserved())),
        (waiting, waiting.learn()),
    ]
    for before, after in wrong:
        with pytest.raises(LocalProtocolError, match="a grant is reserved at once"):
            before.check_reserve(after)

    assert 2 == len(waiting.lines_to(released(waiting)))


def test_html_of_a_receipt_is_its_line() -> None:
    receipt = Receipt(
        payment_id=PaymentId("pay_1"),
        network=ChainId.evm(1),
        transaction="0x<i>",
        payer="0x1",
        payee="0x2",
        amount=usd("1"),
        nonce="0x0",
    )

    assert f"<pre>{str(receipt).replace('<i>', '&lt;i&gt;')}</pre>" == receipt._repr_html_()
