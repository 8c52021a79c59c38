"""Facilitators over HTTP.  Source: x402 specification, "Facilitator interface" and "Discovery"; docs.cronos.org."""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TypeVar, cast

import httpx

from paygent.adapters._http import Answer, Endpoint
from paygent.core.errors import AdapterError, LocalProtocolError, RemoteProtocolError
from paygent.core.requirements import Settlement
from paygent.ports.facilitator import SupportedKind, Verification
from paygent.x402.settlement import read_cronos_settlement, read_settlement_body
from paygent.x402.strict_json import parse_json

_Wire = Mapping[str, object]
_Verdict = TypeVar("_Verdict")
_EXCERPT = 200
_REASON = 500
_MAX_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoveredResource:
    """Something a facilitator says can be bought; a claim."""

    resource: str
    """Its URL, or the address of a tool."""
    type: str
    """`http`, `mcp`, or one that is not known here."""
    accepts: tuple[_Wire, ...]
    """The seller's offers as they were listed."""
    raw: _Wire = field(repr=False)
    """The whole entry as received."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoveredPage:
    """A part of a facilitator's list."""

    items: tuple[DiscoveredResource, ...]
    limit: int
    offset: int
    total: int | None
    """How many there are in all, where it said so."""


class HttpFacilitator:
    """A `Facilitator` with the API of the x402 specification.

    Asking is repeated while it is out of reach; `settle` is sent once. A verdict counts whatever its HTTP status is.
    Redirects are not followed. `headers` go with every request, for example an authorization.
    """

    def __init__(
        self,
        url: str,
        *,
        client: httpx.AsyncClient | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float = 90,
    ) -> None:
        self._service = _Service(url, client=client, headers=headers, timeout_seconds=timeout_seconds)

    def __repr__(self) -> str:
        return f"HttpFacilitator({self._service.endpoint!r})"

    async def aclose(self) -> None:
        """Close the connections, unless the client was given. Safe to call twice."""
        await self._service.endpoint.aclose()

    async def supported(self) -> Sequence[SupportedKind]:
        """Return what it settles."""
        return _kinds(await self._service.get("/supported"))

    async def verify(self, payload: _Wire, requirements: _Wire) -> Verification:
        """Ask whether a payload would settle; nothing is sent to the chain."""
        return await self._service.verify("/verify", _standard_body(payload, requirements))

    async def settle(self, payload: _Wire, requirements: _Wire) -> Settlement:
        """Ask it to settle, once. An error after sending says nothing about the chain."""
        return await self._service.settle("/settle", _standard_body(payload, requirements), read_settlement_body)

    async def discover(
        self, type: str | None = None, *, limit: int = 20, offset: int = 0, **filters: str  # noqa: A002 - the wire's name
    ) -> DiscoveredPage:  # fmt: skip
        """Return a part of what it lists. `filters` are those of the specification: payTo, scheme, network, extensions.

        Raises: ValueError: `limit` is not from 1 to 100, or `offset` is negative.
        """
        if not 1 <= limit <= 100 or offset < 0:
            raise ValueError(f"limit {limit} must be from 1 to 100, and offset {offset} not negative")
        query = {**filters, **({} if type is None else {"type": type}), "limit": str(limit), "offset": str(offset)}
        return _page(await self._service.get("/discovery/resources", query), limit, offset)


class CronosFacilitator:
    """A `Facilitator` with the API of Cronos Labs: x402 version 1 with the payload in base64.

    It takes payloads in Cronos' flat form and in the standard one of version 1. The service allows about ten
    verifications and five settlements a minute from one address. Without `url` it is the public service.
    """

    def __init__(
        self, url: str | None = None, *, client: httpx.AsyncClient | None = None, timeout_seconds: float = 90
    ) -> None:
        headers = {"X402-Version": "1"}
        self._service = _Service(
            _public_cronos() if url is None else url, client=client, headers=headers, timeout_seconds=timeout_seconds
        )

    def __repr__(self) -> str:
        return f"CronosFacilitator({self._service.endpoint!r})"

    async def aclose(self) -> None:
        """Close the connections, unless the client was given. Safe to call twice."""
        await self._service.endpoint.aclose()

    async def healthcheck(self) -> _Wire:
        """Return what the service says of its health."""
        return await self._service.get("/healthcheck")

    async def supported(self) -> Sequence[SupportedKind]:
        """Return what it settles."""
        return _kinds(await self._service.get("/v2/x402/supported"))

    async def verify(self, payload: _Wire, requirements: _Wire) -> Verification:
        """Ask whether a payload would settle; nothing is sent to the chain."""
        return await self._service.verify("/v2/x402/verify", _cronos_body(payload, requirements))

    async def settle(self, payload: _Wire, requirements: _Wire) -> Settlement:
        """Ask it to settle, once; it answers when the transaction is mined. An error says nothing about the chain."""
        body = _cronos_body(payload, requirements)
        return await self._service.settle("/v2/x402/settle", body, read_cronos_settlement)


class _Service:
    """The exchanges all facilitators share: JSON objects, and which answers are verdicts."""

    def __init__(
        self, url: str, *, client: httpx.AsyncClient | None, headers: Mapping[str, str] | None, timeout_seconds: float
    ) -> None:
        self.endpoint = Endpoint(
            url,
            noun="facilitator",
            client=client,
            headers=headers,
            timeout_seconds=timeout_seconds,
            max_bytes=_MAX_BYTES,
        )

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> _Wire:
        async def once() -> _Wire:
            answer = await self.endpoint.exchange("GET", path, query=query)
            if answer.status != 200:
                raise self._no_verdict(answer, path, read=True)
            return self._object(answer.body, path)

        return await self.endpoint.retried(once)

    async def verify(self, path: str, body: bytes) -> Verification:
        async def once() -> Verification:
            return await self._verdict(path, body, lambda raw: _verification(self._object(raw, path)), read=True)

        return await self.endpoint.retried(once)

    async def settle(self, path: str, body: bytes, reader: Callable[[bytes], Settlement]) -> Settlement:
        return await self._verdict(path, body, reader, read=False)

    async def _verdict(self, path: str, body: bytes, reader: Callable[[bytes], _Verdict], *, read: bool) -> _Verdict:
        answer = await self.endpoint.exchange("POST", path, body=body, read=read)
        if answer.status == 200:
            return reader(answer.body)
        try:
            return reader(answer.body)
        except RemoteProtocolError:
            raise self._no_verdict(answer, path, read=read) from None

    def _no_verdict(self, answer: Answer, path: str, *, read: bool) -> AdapterError:
        said = self.endpoint.scrub(answer.body[:_EXCERPT].decode("utf-8", "replace"))
        leads = f", which leads to {answer.location}: give the URL it leads to" if answer.location else f": {said!r}"
        message = f"{self.endpoint.name} answered {path} with HTTP {answer.status}{leads}"
        return AdapterError(message, retryable=answer.status == 429 or (read and answer.transient))

    def _object(self, raw: bytes, path: str) -> _Wire:
        try:
            read = parse_json(raw)
        except ValueError as unreadable:
            raise self._unreadable(raw, path) from unreadable
        if not isinstance(read, dict):
            raise self._unreadable(raw, path)
        return cast(_Wire, read)

    def _unreadable(self, raw: bytes, path: str) -> RemoteProtocolError:
        excerpt = self.endpoint.scrub(raw[:_EXCERPT].decode("utf-8", "replace"))
        return RemoteProtocolError(f"{self.endpoint.name} answered {path} with no JSON object", excerpt=excerpt)


# what is sent ---------------------------------------------------------------------------------------------------------


def _json(value: _Wire) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _standard_body(payload: _Wire, requirements: _Wire) -> bytes:
    version = payload.get("x402Version")
    if type(version) is not int:
        raise LocalProtocolError(f"a payload says its x402Version as a number, not {version!r}")
    return _json({"x402Version": version, "paymentPayload": payload, "paymentRequirements": requirements})


def _cronos_body(payload: _Wire, requirements: _Wire) -> bytes:
    if payload.get("x402Version") != 1:
        raise LocalProtocolError(f"Cronos speaks x402 version 1, not {payload.get('x402Version')!r}")
    header = base64.b64encode(_json(_flat(payload, requirements))).decode()
    return _json({"x402Version": 1, "paymentHeader": header, "paymentRequirements": requirements})


def _flat(payload: _Wire, requirements: _Wire) -> _Wire:
    """Return the payload in the form of Cronos: no `authorization` object, times as numbers, the asset added."""
    inner = payload.get("payload")
    if not isinstance(inner, dict):
        raise LocalProtocolError("a payload has an object `payload`")
    signed = cast(dict[str, object], inner)
    authorization = signed.get("authorization")
    if authorization is None:
        return payload
    if not isinstance(authorization, dict):
        raise LocalProtocolError("the `authorization` of a payload is an object")
    named = cast(dict[str, object], authorization)
    times = {name: _seconds(named, name) for name in ("validAfter", "validBefore")}
    flat = {**named, **times, "signature": signed.get("signature"), "asset": requirements.get("asset")}
    return {**payload, "payload": flat}


def _seconds(authorization: Mapping[str, object], name: str) -> int:
    try:
        return int(str(authorization[name]))
    except (KeyError, ValueError) as wrong:
        raise LocalProtocolError(f"the authorization of a payload has unix seconds in {name}") from wrong


@cache
def _public_cronos() -> str:
    known: dict[str, str] = json.loads(Path(__file__).with_name("facilitators.json").read_text(encoding="utf-8"))
    return known["cronos"]


# what comes back ------------------------------------------------------------------------------------------------------


def _kinds(said: _Wire) -> tuple[SupportedKind, ...]:
    return tuple(_kind(entry, said) for entry in _list(said, "kinds"))


def _kind(entry: object, said: _Wire) -> SupportedKind:
    if not isinstance(entry, dict):
        raise _wrong("kinds", said)
    kind = cast(_Wire, entry)
    extra = kind.get("extra")
    if extra is not None and not isinstance(extra, dict):
        raise _wrong("extra", kind)
    return SupportedKind(
        x402_version=_number(kind, "x402Version"),
        scheme=_text(kind, "scheme"),
        network=_text(kind, "network"),
        extra=cast(_Wire, extra or {}),
    )


def _verification(said: _Wire) -> Verification:
    reason = _optional(said, "invalidReason") or _optional(said, "invalidMessage")
    return Verification(valid=_truth(said, "isValid"), reason=reason, payer=_optional(said, "payer"))


def _page(said: _Wire, limit: int, offset: int) -> DiscoveredPage:
    pagination = said.get("pagination")
    total = cast(_Wire, pagination).get("total") if isinstance(pagination, dict) else None
    return DiscoveredPage(
        items=tuple(_resource(entry, said) for entry in _list(said, "items")),
        limit=limit,
        offset=offset,
        total=total if type(total) is int else None,
    )


def _resource(entry: object, said: _Wire) -> DiscoveredResource:
    if not isinstance(entry, dict):
        raise _wrong("items", said)
    item = cast(_Wire, entry)
    accepts = _list(item, "accepts")
    if not all(isinstance(offer, dict) for offer in accepts):
        raise _wrong("accepts", item)
    return DiscoveredResource(
        resource=_text(item, "resource"),
        type=_text(item, "type"),
        accepts=tuple(cast(_Wire, offer) for offer in accepts),
        raw=item,
    )


# fields ---------------------------------------------------------------------------------------------------------------


def _wrong(name: str, said: _Wire) -> RemoteProtocolError:
    shown = repr(said.get(name))
    return RemoteProtocolError(f"the facilitator's answer has no readable {name!r}", excerpt=shown[:_EXCERPT])


def _truth(said: _Wire, name: str) -> bool:
    if not isinstance(value := said.get(name), bool):
        raise _wrong(name, said)
    return value


def _number(said: _Wire, name: str) -> int:
    value = said.get(name)
    if type(value) is not int:
        raise _wrong(name, said)
    return value


def _text(said: _Wire, name: str) -> str:
    if not isinstance(value := said.get(name), str):
        raise _wrong(name, said)
    return value


def _optional(said: _Wire, name: str) -> str | None:
    if (value := said.get(name)) is None:
        return None
    if not isinstance(value, str):
        raise _wrong(name, said)
    return value[:_REASON] or None


def _list(said: _Wire, name: str) -> Sequence[object]:
    if not isinstance(value := said.get(name), list):
        raise _wrong(name, said)
    return cast(list[object], value)
