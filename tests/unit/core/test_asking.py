"""A request for approval is about one payment, and asking for the same purchase again is the same question."""

from dataclasses import replace

import pytest

from paygent.core.approval import ApprovalState, check_request, decision_note, same_purchase
from paygent.core.context import Context
from paygent.core.errors import LocalProtocolError
from paygent.testing.conformance.payments import awaiting, decision_on, request_for, reserved

REQUEST = request_for(awaiting(), needed=2)


def test_check_request_wants_a_new_request_that_shows_the_intent() -> None:
    check_request(awaiting(), REQUEST)
    wrong = [
        (reserved(), REQUEST),
        (awaiting(2), REQUEST),
        (awaiting(), replace(REQUEST, state=ApprovalState.GRANTED)),
        (awaiting(), REQUEST.decided(decision_on(REQUEST))),
        (awaiting(), replace(REQUEST, facts={"payee": "x"})),
    ]
    for payment, request in wrong:
        with pytest.raises(LocalProtocolError, match="approv"):
            check_request(payment, request)


def test_same_purchase_is_of_one_offer_key_and_payer_with_as_many_units() -> None:
    url = "https://a.example/"
    one = awaiting(1, resource=url)

    assert same_purchase(one, awaiting(2, resource=url))
    assert not same_purchase(one, awaiting(2, resource=url, amount=101))
    assert not same_purchase(one, awaiting(2, resource=url, key="k"))
    assert not same_purchase(one, replace(awaiting(2, resource=url), context=Context(agent="another")))
    assert not same_purchase(one, replace(awaiting(2, resource=url), quantity=2))


def test_decision_note_names_who_and_why() -> None:
    assert "refused by ann" == decision_note(decision_on(REQUEST, granted=False))
    assert "refused by ann: too dear" == decision_note(decision_on(REQUEST, granted=False, reason="too dear"))
