"""Facilitators over HTTP: what is sent, which answers are verdicts, and what is asked again."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import respx

from paygent.adapters.facilitator import CronosFacilitator, HttpFacilitator
from paygent.core.errors import AdapterError, ConfigurationError, LocalProtocolError, RemoteProtocolError
from paygent.core.requirements import Settlement
from paygent.ports.facilitator import SupportedKind, Verification

pytestmark = pytest.mark.anyio

URL = "https://facilitator.example/base"
HASH = f"0x{'ab' * 32}"
PAYER = f"0x{'11' * 20}"
AUTHORIZATION = {"from": PAYER, "to": PAYER, "value": "5", "validAfter": "0", "validBefore": "99", "nonce": HASH}
INNER = {"signature": "0x12", "authorization": AUTHORIZATION}
PAYLOAD = {"x402Version": 1, "scheme": "exact", "network": "cronos-testnet", "payload": INNER}
REQUIREMENTS = {"scheme": "exact", "network": "cronos-testnet", "asset": f"0x{'22' * 20}", "maxAmountRequired": "5"}
SETTLED = {"success": True, "transaction": HASH, "network": "base", "payer": PAYER, "amount": "5"}


@pytest.fixture
def service() -> Iterator[respx.MockRouter]:
    with respx.mock(base_url=URL, assert_all_called=False) as router:
        yield router


def sent(route: respx.Route) -> Any:
    return json.loads(route.calls.last.request.content)


# the standard API -----------------------------------------------------------------------------------------------------


async def test_verify_sends_payload_and_requirements_as_they_are(service: respx.MockRouter) -> None:
    route = service.post("/verify").respond(json={"isValid": True, "payer": PAYER})

    verdict = await HttpFacilitator(URL, headers={"Authorization": "Bearer t"}).verify(PAYLOAD, REQUIREMENTS)

    assert verdict == Verification(valid=True, reason=None, payer=PAYER)
    assert sent(route) == {"x402Version": 1, "paymentPayload": PAYLOAD, "paymentRequirements": REQUIREMENTS}
    assert route.calls.last.request.headers["authorization"] == "Bearer t"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"isValid": False, "invalidReason": "insufficient_funds", "invalidMessage": "poor"}, "insufficient_funds"),
        ({"isValid": False, "invalidReason": None, "invalidMessage": "poor"}, "poor"),
        ({"isValid": False}, None),
    ],
)
@pytest.mark.parametrize("status", [200, 400, 402, 500])
async def test_verify_takes_a_readable_verdict_whatever_its_status(
    service: respx.MockRouter, status: int, answer: dict[str, object], reason: str | None
) -> None:
    route = service.post("/verify").respond(status, json=answer)

    verdict = await HttpFacilitator(URL).verify(PAYLOAD, REQUIREMENTS)

    assert verdict == Verification(valid=False, reason=reason, payer=None)
    assert route.call_count == 1


@pytest.mark.parametrize("trouble", [httpx.ConnectError("no"), httpx.ReadTimeout("no"), 429, 502])
async def test_verify_is_repeated_when_the_facilitator_is_out_of_reach(service: respx.MockRouter, trouble: Any) -> None:
    first = httpx.Response(trouble) if isinstance(trouble, int) else trouble
    route = service.post("/verify").mock(side_effect=[first, httpx.Response(200, json={"isValid": True})])

    assert (await HttpFacilitator(URL).verify(PAYLOAD, REQUIREMENTS)).valid
    assert route.call_count == 2


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"[" * 100_000, b"{}", b'{"isValid":"yes"}', b'{"isValid":true,"payer":5}']
)
async def test_verify_refuses_an_answer_that_cannot_be_read(service: respx.MockRouter, body: bytes) -> None:
    route = service.post("/verify").respond(200, content=body)

    with pytest.raises(RemoteProtocolError):
        await HttpFacilitator(URL).verify(PAYLOAD, REQUIREMENTS)
    assert route.call_count == 1


async def test_verify_of_a_payload_without_version_is_refused_unsent(service: respx.MockRouter) -> None:
    route = service.post("/verify")

    for version in (None, "1", True):
        with pytest.raises(LocalProtocolError, match="x402Version"):
            await HttpFacilitator(URL).verify({**PAYLOAD, "x402Version": version}, REQUIREMENTS)
    assert not route.called


async def test_settle_returns_the_claim(service: respx.MockRouter) -> None:
    route = service.post("/settle").respond(json=SETTLED)

    claim = await HttpFacilitator(URL).settle(PAYLOAD, REQUIREMENTS)

    assert claim == Settlement(success=True, transaction=HASH, network="base", payer=PAYER, amount=5, error=None)
    assert sent(route) == {"x402Version": 1, "paymentPayload": PAYLOAD, "paymentRequirements": REQUIREMENTS}


@pytest.mark.parametrize("status", [200, 400, 500])
async def test_settle_takes_a_readable_verdict_whatever_its_status(service: respx.MockRouter, status: int) -> None:
    failed = {"success": False, "errorReason": "settlement_pending", "transaction": HASH, "network": "base"}
    service.post("/settle").respond(status, json=failed)

    claim = await HttpFacilitator(URL).settle(PAYLOAD, REQUIREMENTS)

    assert (claim.success, claim.pending, claim.transaction) == (False, True, HASH)


@pytest.mark.parametrize(
    ("trouble", "retryable"),
    [
        (httpx.ConnectError("no"), True),
        (httpx.ReadTimeout("no"), False),
        (httpx.RemoteProtocolError("cut"), False),
        (429, True),
        (502, False),
        (404, False),
    ],
)
async def test_settle_is_sent_once_and_tells_whether_it_can_have_been_taken(
    service: respx.MockRouter, trouble: Any, retryable: bool
) -> None:
    reply = httpx.Response(trouble, text="no") if isinstance(trouble, int) else trouble
    route = service.post("/settle").mock(side_effect=[reply])

    with pytest.raises(AdapterError) as raised:
        await HttpFacilitator(URL).settle(PAYLOAD, REQUIREMENTS)

    assert raised.value.retryable is retryable
    assert route.call_count == 1


async def test_settle_refuses_an_unreadable_answer(service: respx.MockRouter) -> None:
    service.post("/settle").respond(200, json={"success": "yes"})

    with pytest.raises(RemoteProtocolError):
        await HttpFacilitator(URL).settle(PAYLOAD, REQUIREMENTS)


@pytest.mark.parametrize("ask", ["verify", "settle", "supported"])
async def test_redirects_are_not_followed(service: respx.MockRouter, ask: str) -> None:
    elsewhere = service.route(host="other.example").respond(json=SETTLED)
    service.route(url=f"/{ask}").respond(308, headers={"Location": "https://other.example/x"})
    facilitator = HttpFacilitator(URL)
    arguments = () if ask == "supported" else (PAYLOAD, REQUIREMENTS)

    with pytest.raises(AdapterError, match=r"HTTP 308, which leads to other\.example") as raised:
        await getattr(facilitator, ask)(*arguments)

    assert not raised.value.retryable
    assert not elsewhere.called


@pytest.mark.parametrize(
    "place", ["https://xn--zzzzzzz---.example/", "https://[::1", "https://other.example:99999999/"]
)
async def test_redirect_to_a_place_that_cannot_be_read_is_told(service: respx.MockRouter, place: str) -> None:
    service.post("/settle").respond(302, headers={"Location": place})

    with pytest.raises(AdapterError) as raised:
        await HttpFacilitator(URL).settle(PAYLOAD, REQUIREMENTS)

    assert not raised.value.retryable


async def test_supported_returns_the_kinds(service: respx.MockRouter) -> None:
    kinds = [
        {"x402Version": 2, "scheme": "upto", "network": "eip155:1", "extra": {"facilitatorAddress": PAYER}},
        {"x402Version": 1, "scheme": "exact", "network": "base"},
    ]
    service.get("/supported").mock(side_effect=[httpx.Response(503), httpx.Response(200, json={"kinds": kinds})])

    assert await HttpFacilitator(URL).supported() == (
        SupportedKind(x402_version=2, scheme="upto", network="eip155:1", extra={"facilitatorAddress": PAYER}),
        SupportedKind(x402_version=1, scheme="exact", network="base", extra={}),
    )


KIND = {"x402Version": 2, "scheme": "exact", "network": "base"}


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"kinds": {}},
        {"kinds": [5]},
        {"kinds": [{**KIND, "x402Version": "2"}]},
        {"kinds": [{**KIND, "scheme": None}]},
        {"kinds": [{**KIND, "extra": 5}]},
    ],
)
async def test_supported_refuses_an_answer_that_cannot_be_read(service: respx.MockRouter, answer: object) -> None:
    service.get("/supported").respond(json=answer)

    with pytest.raises(RemoteProtocolError, match="no readable"):
        await HttpFacilitator(URL).supported()


# discovery ------------------------------------------------------------------------------------------------------------

OFFER = {"scheme": "exact"}
ITEM: dict[str, object] = {"resource": "https://a.example", "type": "http", "x402Version": 2, "accepts": [OFFER]}


async def test_discover_returns_a_page_of_claims(service: respx.MockRouter) -> None:
    route = service.get("/discovery/resources").respond(json={"items": [ITEM], "pagination": {"total": 41}})

    page = await HttpFacilitator(URL).discover("http", limit=5, offset=10, network="eip155:1")

    (item,) = page.items
    assert (item.resource, item.type, item.accepts, item.raw) == (
        "https://a.example",
        "http",
        (OFFER,),
        ITEM,
    )
    assert (page.limit, page.offset, page.total) == (5, 10, 41)
    query = dict(route.calls.last.request.url.params)
    assert query == {"type": "http", "limit": "5", "offset": "10", "network": "eip155:1"}


async def test_discover_knows_no_total_where_none_is_said(service: respx.MockRouter) -> None:
    service.get("/discovery/resources").respond(json={"items": []})

    assert (await HttpFacilitator(URL).discover()).total is None


@pytest.mark.parametrize("item", [5, {**ITEM, "accepts": [5]}, {**ITEM, "resource": None}])
async def test_discover_refuses_an_entry_that_cannot_be_read(service: respx.MockRouter, item: object) -> None:
    service.get("/discovery/resources").respond(json={"items": [item]})

    with pytest.raises(RemoteProtocolError, match="no readable"):
        await HttpFacilitator(URL).discover()


@pytest.mark.parametrize(("limit", "offset"), [(0, 0), (101, 0), (1, -1)])
async def test_discover_refuses_a_wrong_page(limit: int, offset: int) -> None:
    with pytest.raises(ValueError, match="must be from 1 to 100"):
        await HttpFacilitator(URL).discover(limit=limit, offset=offset)


# Cronos ---------------------------------------------------------------------------------------------------------------

FLAT = {**AUTHORIZATION, "validAfter": 0, "validBefore": 99, "signature": "0x12", "asset": REQUIREMENTS["asset"]}


@pytest.mark.parametrize("inner", [INNER, FLAT])
async def test_cronos_verify_sends_the_flat_payload_in_base64(service: respx.MockRouter, inner: object) -> None:
    route = service.post("/v2/x402/verify").respond(json={"isValid": False, "invalidReason": "Invalid amount: 5"})

    verdict = await CronosFacilitator(URL).verify({**PAYLOAD, "payload": inner}, REQUIREMENTS)

    assert verdict == Verification(valid=False, reason="Invalid amount: 5", payer=None)
    body = sent(route)
    assert json.loads(base64.b64decode(body.pop("paymentHeader"), validate=True)) == {**PAYLOAD, "payload": FLAT}
    assert body == {"x402Version": 1, "paymentRequirements": REQUIREMENTS}
    assert route.calls.last.request.headers["x402-version"] == "1"


async def test_cronos_settle_returns_the_claim(service: respx.MockRouter) -> None:
    settled = {
        "x402Version": 1,
        "event": "payment.settled",
        "txHash": HASH,
        "from": PAYER,
        "value": "5",
        "network": "n",
    }
    service.post("/v2/x402/settle").respond(json=settled)

    claim = await CronosFacilitator(URL).settle(PAYLOAD, REQUIREMENTS)

    assert claim == Settlement(success=True, transaction=HASH, network="n", payer=PAYER, amount=5, error=None)


@pytest.mark.parametrize("status", [200, 400])
async def test_cronos_settle_tells_the_failure(service: respx.MockRouter, status: int) -> None:
    failed = {"x402Version": 1, "event": "payment.failed", "network": "n", "error": "Authorization already used"}
    service.post("/v2/x402/settle").respond(status, json=failed)

    claim = await CronosFacilitator(URL).settle(PAYLOAD, REQUIREMENTS)

    assert (claim.success, claim.error, claim.transaction) == (False, "Authorization already used", None)


async def test_cronos_settle_takes_no_unknown_event_for_success(service: respx.MockRouter) -> None:
    service.post("/v2/x402/settle").respond(json={"x402Version": 1, "event": "payment.maybe", "network": "n"})

    claim = await CronosFacilitator(URL).settle(PAYLOAD, REQUIREMENTS)

    assert (claim.success, claim.error) == (False, "payment.maybe")


async def test_cronos_settle_fails_when_an_error_is_no_verdict(service: respx.MockRouter) -> None:
    service.post("/v2/x402/settle").respond(500, json={"error": "Internal"})

    with pytest.raises(AdapterError, match="HTTP 500"):
        await CronosFacilitator(URL).settle(PAYLOAD, REQUIREMENTS)


@pytest.mark.parametrize(
    "change",
    [
        {"x402Version": 2},
        {"payload": None},
        {"payload": {"authorization": 5}},
        {"payload": {"authorization": {**AUTHORIZATION, "validAfter": "soon"}}},
        {"payload": {"authorization": {}}},
    ],
)
async def test_cronos_refuses_a_payload_of_another_kind_unsent(service: respx.MockRouter, change: Any) -> None:
    with pytest.raises(LocalProtocolError):
        await CronosFacilitator(URL).settle({**PAYLOAD, **change}, REQUIREMENTS)
    assert not service.calls


async def test_cronos_healthcheck_and_supported(service: respx.MockRouter) -> None:
    service.get("/healthcheck").respond(json={"status": "success"})
    service.get("/v2/x402/supported").respond(json={"kinds": [KIND]})
    facilitator = CronosFacilitator(URL)

    assert await facilitator.healthcheck() == {"status": "success"}
    assert [kind.scheme for kind in await facilitator.supported()] == ["exact"]


async def test_cronos_without_url_is_the_public_service() -> None:
    assert repr(CronosFacilitator()) == "CronosFacilitator(<facilitator facilitator.cronoslabs.org>)"


# both -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [HttpFacilitator, CronosFacilitator])
async def test_aclose_may_be_called_twice(make: Callable[[str], HttpFacilitator | CronosFacilitator]) -> None:
    facilitator = make(URL)
    await facilitator.aclose()
    await facilitator.aclose()

    with pytest.raises(AdapterError, match="was closed"):
        await facilitator.supported()


async def test_errors_show_the_host_only(service: respx.MockRouter) -> None:
    service.get("/sekrit-key/supported").respond(403, text="no sekrit-key here")
    facilitator = HttpFacilitator(f"{URL}/sekrit-key")

    with pytest.raises(AdapterError, match="HTTP 403") as raised:
        await facilitator.supported()

    assert "sekrit" not in f"{raised.value} {facilitator!r}"


@pytest.mark.parametrize(
    "url",
    [
        "facilitator.example",
        "https://",
        "https://xn--zzzzzzz---.example/",
        "ftp://a.example",
        "https://a.example:65536",
    ],
)
def test_construction_refuses_a_url_that_is_none(url: str) -> None:
    with pytest.raises(ConfigurationError, match="facilitator must be like https://host/path"):
        HttpFacilitator(url)
