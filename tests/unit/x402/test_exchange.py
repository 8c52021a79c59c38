"""Every walk through the exchange, four calls deep and beyond its end."""

import json
from collections.abc import Callable
from itertools import product

import pytest

from paygent.core.errors import LocalProtocolError
from paygent.core.payment import SignedPayload
from paygent.x402 import Authorize, Deliver, Exchange, Send
from paygent.x402.exchange import Step
from tests.unit.x402 import wares

PAYLOAD = SignedPayload(header="PAYMENT-SIGNATURE", value="c2VjcmV0")
ASKS = {"payment-required": wares.header(wares.required2())}
HOPELESS = {"payment-required": "%"}
PAGE = b"<html>pay by card</html>"
SETTLED = {"payment-response": wares.header({"success": True, "transaction": wares.TRANSACTION, "network": "x"})}
FAILED = {"payment-response": wares.header({"success": False, "transaction": "", "network": "x"})}
PENDING = {"payment-response": wares.header({"success": False, "errorReason": "settlement_pending"})}
GARBLED = {"payment-response": "%"}

CALLS: dict[str, Callable[[Exchange], Step]] = {
    "start": lambda exchange: exchange.start(),
    "start again": lambda exchange: exchange.start(PAYLOAD),
    "200": lambda exchange: exchange.received(200, {}, None),
    "500": lambda exchange: exchange.received(500, {}, None),
    "402": lambda exchange: exchange.received(402, ASKS, None),
    "402 hopeless": lambda exchange: exchange.received(402, HOPELESS, None),
    "402 page": lambda exchange: exchange.received(402, {}, PAGE),
    "authorized": lambda exchange: exchange.authorized(PAYLOAD),
    "lost": lambda exchange: exchange.lost("cut off"),
}
SENT, PAID, ASKED, OVER = "sent", "paid", "asked", "over"
TABLE = {
    "new": {"start": SENT, "start again": PAID},
    SENT: {"200": OVER, "500": OVER, "402": ASKED, "402 hopeless": OVER, "402 page": OVER, "lost": OVER},
    ASKED: {"authorized": PAID, "lost": OVER},
    PAID: {"200": OVER, "500": OVER, "402": OVER, "402 hopeless": OVER, "402 page": OVER, "lost": OVER},
    OVER: {},
}
"""What each call leads to from each place; every other call is out of turn."""


def place_of(step: Step) -> str:
    match step:
        case Send(paid=True):
            return PAID
        case Send():
            return SENT
        case Authorize():
            return ASKED
        case Deliver():
            return OVER


@pytest.mark.parametrize("first", list(CALLS))
def test_exchange_follows_its_table_on_every_walk(first: str) -> None:
    for walk in product([first], *[CALLS] * 3, ["lost"]):
        exchange, place, paid_sends = Exchange(), "new", 0
        for call in walk:
            expected = TABLE[place].get(call)
            if expected is None:
                with pytest.raises(LocalProtocolError, match="out of turn"):
                    CALLS[call](exchange)
                continue
            place = place_of(CALLS[call](exchange))
            paid_sends += place == PAID
            assert expected == place
        assert paid_sends <= 1


def paid() -> Exchange:
    exchange = Exchange()
    exchange.start()
    exchange.received(402, ASKS, None)
    exchange.authorized(PAYLOAD)
    return exchange


def started() -> Exchange:
    exchange = Exchange()
    exchange.start()
    return exchange


def test_first_send_adds_nothing() -> None:
    assert Send(headers=(), paid=False) == Exchange().start()


def test_paid_send_carries_the_payload_and_does_not_show_it() -> None:
    exchange = Exchange()
    exchange.start()
    asked = exchange.received(402, ASKS, None)
    send = exchange.authorized(PAYLOAD)

    assert isinstance(asked, Authorize)
    assert len(asked.required.requirements) == 1
    assert Send(headers=(("PAYMENT-SIGNATURE", "c2VjcmV0"),), paid=True) == send
    assert "c2VjcmV0" not in repr(send)


def test_same_bytes_are_sent_again_when_started_with_them() -> None:
    exchange = Exchange()

    assert Send(headers=(("PAYMENT-SIGNATURE", "c2VjcmV0"),), paid=True) == exchange.start(PAYLOAD)
    assert exchange.received(200, SETTLED, None).delivered  # type: ignore[union-attr]  # after paying it is Deliver


@pytest.mark.parametrize("status", [200, 204, 302, 404, 500])
def test_answer_is_delivered_without_payment_when_nothing_is_asked(status: int) -> None:
    exchange = Exchange()
    exchange.start()

    assert Deliver(settlement=None, delivered=False, refused=None) == exchange.received(status, SETTLED, None)


@pytest.mark.parametrize(
    ("headers", "body", "codes"),
    [
        ({}, PAGE, None),
        (HOPELESS, None, ["malformed"]),
        ({"payment-required": wares.header(wares.required2(wares.entry2(amount="0")))}, None, ["zero_amount"]),
        ({}, json.dumps(wares.required1(accepts=[])).encode(), []),
    ],
)
def test_first_402_is_handed_back_when_nothing_can_be_taken(
    headers: dict[str, str], body: bytes | None, codes: list[str] | None
) -> None:
    exchange = Exchange()
    exchange.start()
    step = exchange.received(402, headers, body)

    assert isinstance(step, Deliver)
    assert (step.settlement, step.delivered) == (None, False)
    assert codes == (None if step.refused is None else [refusal.code for refusal in step.refused.refusals])


@pytest.mark.parametrize(
    ("status", "headers", "delivered", "success"),
    [
        (200, SETTLED, True, True),
        (200, {}, True, None),
        (206, SETTLED, True, True),
        (200, FAILED, False, False),
        (200, PENDING, False, False),
        (402, PENDING, False, False),
        (402, FAILED, False, False),
        (500, SETTLED, False, True),
        (500, {}, False, None),
        (307, {}, False, None),
        (401, {}, False, None),
        (402, ASKS, False, None),
    ],
)
def test_paid_answer_is_delivered_when_2xx_and_not_said_to_have_failed(
    status: int, headers: dict[str, str], delivered: bool, success: bool | None
) -> None:
    step = paid().received(status, headers, b"{}")

    assert isinstance(step, Deliver)
    assert delivered == step.delivered
    assert success == (None if step.settlement is None else step.settlement.success)
    assert (step.refused is not None) == (headers is ASKS)


def test_paid_answer_is_delivered_when_its_settlement_cannot_be_read() -> None:
    step = paid().received(200, GARBLED, None)

    assert isinstance(step, Deliver)
    assert (step.settlement, step.delivered) == (None, True)
    assert step.why is not None
    assert "cannot be read" in step.why


def test_second_402_says_why_in_the_sellers_words() -> None:
    again = {"payment-required": wares.header(wares.required2(error="invalid_exact_evm_nonce_already_used"))}
    step = paid().received(402, again, None)

    assert isinstance(step, Deliver)
    assert step.refused is not None
    assert step.refused.error == "invalid_exact_evm_nonce_already_used"


def test_402_is_handed_back_when_nobody_authorizes() -> None:
    exchange = Exchange()
    exchange.start()
    asked = exchange.received(402, ASKS, None)

    assert isinstance(asked, Authorize)
    assert Deliver(settlement=None, delivered=False, refused=asked.required, why="denied") == exchange.lost("denied")


@pytest.mark.parametrize("start", [paid, started])
def test_lost_answer_claims_nothing(start: Callable[[], Exchange]) -> None:
    assert Deliver(settlement=None, delivered=False, refused=None, why="cut off") == start().lost("cut off")


def test_exchange_has_no_room_for_more() -> None:
    assert not hasattr(Exchange(), "__dict__")
