"""Approvals by webhook: what is posted, and which decisions are believed."""

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygent.adapters.webhook import MAX_DECISION, WINDOW_SECONDS, WebhookApprovals, signature
from paygent.core.approval import ApprovalDecision, ApprovalRequest
from paygent.core.edit import Edit
from paygent.core.errors import AdapterError, ConfigurationError, RemoteProtocolError
from paygent.core.ids import ApprovalId, PaymentId
from paygent.testing.clock import START, VirtualClock

URL = "https://hooks.example/approvals/sekrit-path"
SECRET = b"a shared secret of some length"
REQUEST = ApprovalRequest(
    id=ApprovalId("apr_" + "0" * 32),
    payment_id=PaymentId("pay_1"),
    facts={"amount": "12 USDC", "payee": "0xabc"},
    needed=1,
    created_at=START,
    expires_at=START + 60,
)
SAID: dict[str, Any] = {"approval": REQUEST.id, "approver": "ada", "digest": REQUEST.digest, "granted": True}


def webhook(answer: Callable[[httpx.Request], httpx.Response] | None = None) -> WebhookApprovals:
    client = None if answer is None else httpx.AsyncClient(transport=httpx.MockTransport(answer))
    return WebhookApprovals(URL, secret=SECRET, clock=VirtualClock(), client=client)


def body_of(said: object) -> bytes:
    return json.dumps(said).encode()


def signed(body: bytes, *, at: int = START, kind: str = "decision", secret: bytes = SECRET) -> dict[str, str]:
    return {"paygent-timestamp": str(at), "PAYGENT-SIGNATURE": signature(secret, kind, at, body)}


# --- asking ---------------------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_ask_posts_the_canonical_request_signed() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(202)

    assert await webhook(answer).ask(REQUEST) is None

    [request] = asked
    message = b"request." + request.headers["Paygent-Timestamp"].encode() + b"." + request.content
    assert "POST" == request.method
    assert REQUEST.canonical == request.content
    assert hashlib.sha256(request.content).hexdigest() == request.headers["Paygent-Digest"] == REQUEST.digest
    assert hmac.new(SECRET, message, "sha256").hexdigest() == request.headers["Paygent-Signature"]
    assert "application/json" == request.headers["Content-Type"]


@pytest.mark.anyio
async def test_ask_tries_again_when_the_other_side_is_out_of_reach() -> None:
    answers: list[Exception | httpx.Response] = [
        httpx.ConnectError("refused"),
        httpx.Response(503),
        httpx.Response(200),
    ]

    def answer(_: httpx.Request) -> httpx.Response:
        next_one = answers.pop(0)
        if isinstance(next_one, Exception):
            raise next_one
        return next_one

    assert await webhook(answer).ask(REQUEST) is None
    assert [] == answers


@pytest.mark.anyio
@pytest.mark.parametrize("status", [302, 400, 404])
async def test_ask_raises_at_once_when_the_request_is_refused(status: int) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(status)

    with pytest.raises(AdapterError, match=f"HTTP {status}") as caught:
        await webhook(answer).ask(REQUEST)

    assert 1 == len(asked)
    assert ("pay_1", False) == (caught.value.payment_id, caught.value.retryable)
    assert "sekrit-path" not in str(caught.value)


@pytest.mark.anyio
async def test_a_webhook_of_its_own_client_is_closed() -> None:
    async with httpx.AsyncClient():
        handler = WebhookApprovals(URL, secret="a shared secret of text")
        await handler.aclose()
        with pytest.raises(AdapterError, match="was closed"):
            await handler.ask(REQUEST)


# --- deciding -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("granted", "reason"), [(True, {}), (False, {"reason": "too expensive"})])
def test_decision_returns_what_the_sender_signed(granted: bool, reason: dict[str, str]) -> None:
    body = body_of(SAID | {"granted": granted} | reason)
    read = webhook().decision(body, signed(body))

    expected = ApprovalDecision(
        approver="ada", granted=granted, digest=REQUEST.digest, at=START, reason=reason.get("reason", "")
    )
    assert REQUEST.id == read.approval_id
    assert expected == read.decision


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        ({"atomic_units": "2500000"}, Edit(atomic_units=2_500_000)),
        ({"quantity": "3"}, Edit(quantity=3)),
        ({"quantity": "3", "atomic_units": "1"}, Edit(quantity=3, atomic_units=1)),
    ],
)
def test_decision_returns_an_edit(edit: dict[str, str], expected: Edit) -> None:
    body = body_of({**SAID, "granted": False, "edit": edit})

    said = webhook().decision(body, signed(body)).decision

    assert (expected, False) == (said.edit, said.granted)


@pytest.mark.parametrize(
    "wrong",
    [
        {"edit": {"quantity": "3"}},
        {"granted": False, "edit": {}},
        {"granted": False, "edit": None},
        {"granted": False, "edit": {"quantity": 3}},
        {"granted": False, "edit": {"quantity": "0"}},
        {"granted": False, "edit": {"quantity": "٣"}},
        {"granted": False, "edit": {"amount": "3"}},
    ],
    ids=str,
)
def test_decision_refuses_what_is_no_edit(wrong: dict[str, object]) -> None:
    body = body_of({**SAID, **wrong})

    with pytest.raises(RemoteProtocolError):
        webhook().decision(body, signed(body))


@pytest.mark.parametrize("off", [-WINDOW_SECONDS, WINDOW_SECONDS])
def test_decision_takes_a_timestamp_at_the_edge_of_the_window(off: int) -> None:
    body = body_of(SAID)

    assert webhook().decision(body, signed(body, at=START + off)).decision.granted


@pytest.mark.parametrize("off", [-WINDOW_SECONDS - 1, WINDOW_SECONDS + 1])
def test_decision_refuses_a_timestamp_out_of_the_window(off: int) -> None:
    body = body_of(SAID)

    with pytest.raises(RemoteProtocolError, match="more than 300 seconds from now"):
        webhook().decision(body, signed(body, at=START + off))


BODY = body_of(SAID)


@pytest.mark.parametrize(
    "headers",
    [
        signed(BODY, secret=b"another secret of some length"),
        signed(BODY, kind="request"),
        signed(BODY + b" "),
        signed(BODY) | {"paygent-timestamp": str(START + 1)},
    ],
    ids=["another secret", "a request sent back", "another body", "another time"],
)
def test_decision_refuses_what_the_sender_did_not_sign(headers: dict[str, str]) -> None:
    with pytest.raises(RemoteProtocolError, match="not signed with the webhook's secret"):
        webhook().decision(BODY, headers)


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({}, "0 headers Paygent-Timestamp"),
        ({"paygent-timestamp": str(START)}, "0 headers Paygent-Signature"),
        (signed(BODY) | {"Paygent-Timestamp": "1"}, "2 headers Paygent-Timestamp"),
        (signed(BODY) | {"paygent-timestamp": "01"}, "has to be unix seconds"),
        (signed(BODY) | {"paygent-timestamp": "\u0661"}, "has to be unix seconds"),
        ({"paygent-timestamp": str(START), "paygent-signature": "AB" * 32}, "64 hexadecimal digits"),
    ],
)
def test_decision_refuses_headers_that_are_none(headers: dict[str, str], why: str) -> None:
    with pytest.raises(RemoteProtocolError, match=why):
        webhook().decision(BODY, headers)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "is not JSON"),
        (b"[]", "a decision is an object of"),
        (body_of(SAID | {"more": 1}), "a decision is an object of"),
        (body_of({name: value for name, value in SAID.items() if name != "digest"}), "a decision is an object of"),
        (b'{"granted": true, "granted": false}', "a key twice"),
        (body_of(SAID | {"granted": 1}), "granted has to be true or false"),
        (body_of(SAID | {"approval": "apr_1"}), "approval is not of the form"),
        (body_of(SAID | {"digest": REQUEST.digest + "\n"}), "digest is not of the form"),
        (body_of(SAID | {"digest": 7}), "digest is not of the form"),
        (body_of(SAID | {"approver": ""}), "approver has to be 1 to 200"),
        (body_of(SAID | {"approver": "a" * 201}), "approver has to be 1 to 200"),
        (body_of(SAID | {"approver": "a\nb"}), "approver has to be 1 to 200 printable"),
        (body_of(SAID | {"approver": None}), "approver has to be"),
        (body_of(SAID | {"reason": None}), "reason has to be 0 to 500"),
        (b" " * (MAX_DECISION + 1), "at most 16384 bytes"),
    ],
)
def test_decision_refuses_a_body_that_is_no_decision(body: bytes, why: str) -> None:
    with pytest.raises(RemoteProtocolError, match=why):
        webhook().decision(body, signed(body))


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
VALUES = st.sampled_from([REQUEST.id, REQUEST.digest, True, False, "ada"]) | JSONS
NEARLY = st.dictionaries(st.sampled_from([*SAID, "reason", "more"]), VALUES, max_size=6).map(body_of)
BODIES = st.one_of(st.binary(max_size=200), JSONS.map(body_of), NEARLY, NEARLY.map(lambda raw: raw[:-1]))


@given(BODIES)
def test_decision_returns_a_decision_or_raises_one_error_whatever_is_signed(body: bytes) -> None:
    try:
        read = webhook().decision(body, signed(body))
    except RemoteProtocolError:
        return
    said = json.loads(body)
    assert said["approval"] == read.approval_id
    assert (said["approver"], said["digest"], START) == (read.decision.approver, read.decision.digest, read.decision.at)
    assert said["granted"] is read.decision.granted


@given(BODIES, st.dictionaries(st.sampled_from(["Paygent-Timestamp", "Paygent-Signature", "other"]), st.text()))
def test_decision_is_never_believed_without_the_secret(body: bytes, headers: dict[str, str]) -> None:
    with pytest.raises(RemoteProtocolError):
        webhook().decision(body, headers)


@given(st.integers(0, len(BODY) - 1), st.integers(1, 255))
def test_decision_is_never_believed_when_one_byte_is_another(place: int, change: int) -> None:
    changed = bytes([*BODY[:place], BODY[place] ^ change, *BODY[place + 1 :]])

    with pytest.raises(RemoteProtocolError, match="not signed"):
        webhook().decision(changed, signed(BODY))


# --- the secret -----------------------------------------------------------------------------------------------------


def test_the_secret_is_not_shown() -> None:
    shown = repr(webhook())

    assert "WebhookApprovals(<approval webhook hooks.example>)" == shown


@pytest.mark.parametrize("secret", [b"", b"fifteen bytes..", "short"])
def test_a_webhook_refuses_a_short_secret_without_showing_it(secret: bytes | str) -> None:
    with pytest.raises(ConfigurationError, match="at least 16 bytes") as caught:
        WebhookApprovals(URL, secret=secret)

    assert not secret or str(secret) not in str(caught.value)


def test_the_machine_s_clock_is_taken_where_none_is_given() -> None:
    handler = WebhookApprovals(URL, secret=SECRET)

    with pytest.raises(RemoteProtocolError, match="more than 300 seconds from now"):
        handler.decision(BODY, signed(BODY, at=1))
