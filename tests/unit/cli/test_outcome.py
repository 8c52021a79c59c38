"""Exit codes and JSON, decided without running anything."""

from dataclasses import replace

import httpx
import pytest
from idna import IDNAError

from paygent.cli.outcome import Outcome, body_as_json, code_of_error, code_of_payment, gravest, message_of
from paygent.core import errors
from paygent.core.ids import PaymentId
from paygent.core.lifecycle import State
from paygent.core.requirements import Settlement
from paygent.testing.conformance.payments import denied, paid, reserved, settled, signed, submitted

PAYMENT = PaymentId("pay_" + "0" * 32)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.PaymentOutcomeUnknown(PAYMENT, nonce="", expires_at=0, why=""), 5),
        (errors.AuthorizationExpired(""), 4),
        (errors.AuthorizationCancelled(""), 4),
        (errors.NoAcceptableRequirements((), resource=""), 3),
        (errors.SigningFailed(""), 3),
        (errors.AdapterError("", retryable=True), 3),
        (errors.RemoteProtocolError(""), 6),
        (errors.ConfigurationError(""), 1),
        (errors.LocalProtocolError(""), 1),
        (httpx.ConnectError(""), 3),
        (httpx.ReadTimeout(""), 3),
        (httpx.UnsupportedProtocol(""), 1),
        (httpx.InvalidURL(""), 1),
        (IDNAError(""), 1),
        (KeyboardInterrupt(), 130),
    ],
    ids=lambda value: type(value).__name__,
)
def test_error_has_the_exit_code_that_says_where_the_money_is(error: BaseException, code: int) -> None:
    assert code == code_of_error(error)


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (State.SETTLED, 0),
        (State.RESERVED, 5),
        (State.SIGNED, 5),
        (State.SUBMITTED, 5),
        (State.OUTCOME_UNKNOWN, 5),
        (State.EXPIRED, 4),
        (State.CANCELLED, 4),
        (State.REVERTED, 4),
        (State.DENIED, 3),
        (State.VOIDED, 3),
        (State.SUPERSEDED, 3),
        (State.PROPOSED, 3),
        (State.AWAITING_APPROVAL, 3),
        (State.APPROVED, 3),
    ],
)
def test_state_has_the_exit_code_that_says_where_the_money_is(state: State, code: int) -> None:
    assert code == code_of_payment(replace(reserved(), state=state))


def test_every_state_has_an_exit_code() -> None:
    assert {0, 3, 4, 5} == {code_of_payment(replace(reserved(), state=state)) for state in State}


@pytest.mark.parametrize(
    ("codes", "code"), [([], 0), ([0, 6], 6), ([6, 3], 3), ([3, 4], 4), ([0, 4, 5], 5), ([5, 1], 1)]
)
def test_gravest_is_the_first_that_fits(codes: list[int], code: int) -> None:
    assert code == gravest(codes)


def test_json_has_four_keys_always() -> None:
    nothing = {"status_code": None, "body": None, "payment": None, "error": None}

    assert nothing == Outcome(exit_code=0).as_json()
    assert {**nothing, "payments": []} == Outcome(exit_code=0, payments=()).as_json()


def test_payment_in_json_has_its_transaction_by_proof_or_by_claim_or_none() -> None:
    claimed = Settlement(success=True, transaction="0x1", network=None, payer=None, amount=None, error=None)
    out = submitted(signed(reserved()))
    proven = settled(reserved())
    seen = [
        Outcome(exit_code=0, payment=one).as_json()["payment"]
        for one in (denied(), replace(out, claim=claimed), proven)
    ]

    transactions = [one["transaction"] for one in seen if isinstance(one, dict)]
    assert proven.receipt is not None
    assert [None, "0x1", proven.receipt.transaction] == transactions


def test_payment_in_json_shows_what_moved_not_the_ceiling() -> None:
    payment = settled(reserved(), charged=1)

    shown = Outcome(exit_code=0, payment=payment).as_json()["payment"]

    assert isinstance(shown, dict)
    assert ("1", "SETTLED", payment.id) == (shown["amount"], shown["state"], shown["id"])


def test_payment_in_json_holds_nothing_that_moves_money() -> None:
    shown = Outcome(exit_code=0, payment=paid()).as_json()["payment"]

    assert isinstance(shown, dict)
    assert {"id", "state", "network", "asset", "amount", "payee", "nonce", "transaction"} == set(shown)


@pytest.mark.parametrize(
    ("body", "shown"), [(b"", ""), ("ä".encode(), "ä"), (b"\xff", {"base64": "/w=="})], ids=["none", "text", "bytes"]
)
def test_body_is_text_or_base64(body: bytes, shown: object) -> None:
    assert shown == body_as_json(body)


@pytest.mark.parametrize(
    ("error", "message"),
    [(KeyboardInterrupt(), "interrupted"), (ValueError("no"), "no"), (httpx.ReadTimeout(""), "ReadTimeout")],
)
def test_every_error_has_a_message(error: BaseException, message: str) -> None:
    assert message == message_of(error)
