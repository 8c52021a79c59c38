"""No signature and no signed payload in a log, a message or a repr, whatever happens to the payment."""

import base64
import json
import logging
import traceback

import httpx
import pytest

from paygent.adapters.httpx import KEY, PAYMENT, RECEIPT, AsyncPaymentTransport
from paygent.core.errors import PaygentError, PaymentOutcomeUnknown
from paygent.core.requirements import Dialect
from paygent.engine import pay
from paygent.testing.engine import memory_engine
from paygent.testing.faults import FaultKind, FaultPlan, FaultyTransport
from paygent.testing.keys import dev_accounts
from paygent.testing.seller import Reply

pytestmark = pytest.mark.anyio
URL = "http://seller.test/thing"
REPLIES = [
    Reply(),
    Reply(lose=httpx.ReadError("gone")),
    Reply(cut=True),
    Reply(status=402, settle=False, claim="failed"),
    Reply(status=500, claim="garbage"),
]


def secrets(headers: list[str]) -> set[str]:
    """What must not be seen: payment headers, signatures in hexadecimal and as bytes, the key."""
    found = {dev_accounts()[0].private_key[2:]}
    for header in headers:
        signature = json.loads(base64.b64decode(header))["payload"]["signature"]
        found |= {header, signature[2:], repr(bytes.fromhex(signature[2:]))[2:-1]}
    return found


async def test_error_of_a_transport_that_quotes_the_header_is_not_repeated() -> None:
    """What was lost is told in the words of the transport, without what moves money."""
    memory = memory_engine()
    seller = memory.seller()
    sent: list[str] = []

    def quoting(request: httpx.Request) -> httpx.Response:
        header = request.headers.get("payment-signature")
        if header is None:
            return seller(request)
        sent.append(header)
        raise httpx.LocalProtocolError(f"illegal header value {header!r}")

    async with httpx.AsyncClient(
        transport=AsyncPaymentTransport(memory.engine, inner=httpx.MockTransport(quoting))
    ) as client:
        with pytest.raises(PaymentOutcomeUnknown, match="illegal header value '…'") as caught:
            await client.post(URL)

    assert sent[0] not in str(caught.value)
    assert sent[0] not in caught.value.why


@pytest.mark.parametrize("reply", REPLIES, ids=str)
@pytest.mark.parametrize("dialect", list(Dialect))
@pytest.mark.parametrize("fault", [None, "journal.append", "chain.logs", "signer.sign", "http.send"])
async def test_nothing_that_is_shown_has_a_secret(
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    reply: Reply,
    dialect: Dialect,
    fault: str | None,
) -> None:
    """Flows of every ending, with all logs at DEBUG; then everything a person could print is searched."""
    monkeypatch.setattr(pay, "RESEND_DELAY_SECONDS", 0)
    caplog.set_level(logging.DEBUG)
    plan = FaultPlan(kind=FaultKind.RAISE_AFTER)
    memory = memory_engine(plan=plan)
    seller = memory.seller(dialect=dialect)
    seller.replies.append(reply)
    shown: list[object] = []
    inner = FaultyTransport(httpx.MockTransport(seller), plan)
    async with httpx.AsyncClient(transport=AsyncPaymentTransport(memory.engine, inner=inner)) as client:
        for number in range(2):
            if number and fault in plan.calls:
                plan.at = len(plan.calls) + plan.calls.index(fault)
            try:
                response = await client.post(URL, extensions={KEY: f"key {number}"})
                handle = response.extensions[PAYMENT]
                shown += [response, response.request, handle, handle.payment, response.extensions[RECEIPT]]
            except (PaygentError, httpx.HTTPError) as error:
                shown += [error, error.args, vars(error), "".join(traceback.format_exception(error))]
    shown += [memory.engine, memory.signer, memory, memory.engine.reconciler, *await memory.payments()]
    for payment in await memory.payments():
        stored = await memory.journal.get(payment.id)
        shown += [stored, payment.authorization]
    text = "\n".join([*(f"{each!r}\n{each}" for each in shown), caplog.text])
    headers = [
        request.headers.get("payment-signature") or request.headers["x-payment"] for request in seller.paid_requests
    ]

    assert headers
    assert [] == [secret for secret in secrets(headers) if secret.lower() in text.lower()]
