"""Between bytes and values: 402 answers, settlements, payment headers.

Headers are a mapping that finds lower-case names: `httpx.Headers`, or what `fold_headers` returns. A header sent twice
comes joined with a comma, which no base64 has, so it is refused as malformed.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from pydantic import ValidationError

from paygent.core.caip import erc20
from paygent.core.requirements import Dialect, PaymentRequired, PaymentRequirements, Refusal
from paygent.x402.payload import payment_message, write_payload
from paygent.x402.settlement import read_cronos_settlement, read_settlement, read_settlement_body
from paygent.x402.strict_json import MAX_BODY, as_object, decode_base64, excerpt, parse_json, words
from paygent.x402.wire import CronosRequired, Entry1, Entry2, Extra, Required1, Required2, complaint

MAX_OFFERS = 32
"""How many offers of one answer are read."""

_HEADER = "payment-required"
_MARKS = ("x402Version", "accepts", "paymentRequirements")
_OBJECT = re.compile(rb"[ \t\r\n]*\{")
_NO_EXTRA = Extra()


def fold_headers(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return headers under lower-case names; equal ones are joined with a comma, as HTTP says."""
    folded: dict[str, str] = {}
    for name, value in pairs:
        key = name.lower()
        folded[key] = f"{folded[key]}, {value}" if key in folded else value
    return folded


def needs_body(headers: Mapping[str, str]) -> bool:
    """Tell whether a 402 answer's body has to be read to know what the seller wants."""
    return _HEADER not in headers


def read_payment_required(*, headers: Mapping[str, str], body: bytes | None) -> PaymentRequired | None:
    """Read a 402 answer: version 2's header if there is one, else the body in any of the three shapes.

    Never raises. None means that it is not x402 at all (a page, other JSON, binary). What is x402 and cannot be read
    comes back without requirements, and its refusals say why.
    """
    header = headers.get(_HEADER)
    if header is not None:
        return _from_header(header)
    return None if body is None else _from_body(body)


@lru_cache(maxsize=64)
def _from_header(header: str) -> PaymentRequired:
    try:
        value = as_object(parse_json(decode_base64(header)))
    except ValueError as exc:
        return _unread(Dialect.V2, "malformed", f"the PAYMENT-REQUIRED header cannot be read: {exc}")
    if value is None:
        return _unread(Dialect.V2, "malformed", "the PAYMENT-REQUIRED header is not a JSON object")
    return _read(value, Dialect.V2)


def _from_body(body: bytes) -> PaymentRequired | None:
    if not _OBJECT.match(body) or not any(f'"{mark}"'.encode() in body for mark in _MARKS):
        return None
    if len(body) > MAX_BODY:
        return _unread(Dialect.V1, "malformed", f"the body has {len(body)} bytes, {MAX_BODY} are allowed")
    try:
        value = as_object(parse_json(body))
    except ValueError as exc:
        return _unread(Dialect.V1, "malformed", f"the body cannot be read: {exc}")
    return _read(value, Dialect.V1) if value is not None and any(mark in value for mark in _MARKS) else None


def _read(value: dict[str, object], carrier: Dialect) -> PaymentRequired:
    version = value.get("x402Version")
    try:
        if type(version) is int and version == 2:
            return _version2(value)
        if type(version) is int and version == 1:
            return _version1(value) if "accepts" in value or "paymentRequirements" not in value else _cronos(value)
    except ValidationError as exc:
        return _unread(Dialect.V2 if version == 2 else Dialect.V1, "malformed", complaint(exc)[1])
    return _unread(carrier, "unsupported_version", f"x402Version is {excerpt(version)}; 1 and 2 are spoken here")


def _version2(value: dict[str, object]) -> PaymentRequired:
    read = Required2.model_validate(value)
    requirements, refusals = _entries(read.accepts, Entry2)
    return PaymentRequired(
        dialect=Dialect.V2,
        requirements=requirements,
        refusals=refusals,
        resource=as_object(value.get("resource")),
        resource_url=None if read.resource is None else read.resource.url,
        extensions=read.extensions or {},
        error=words(value.get("error")),
    )


def _version1(value: dict[str, object]) -> PaymentRequired:
    return _older(value, Dialect.V1, Required1.model_validate(value).accepts)


def _cronos(value: dict[str, object]) -> PaymentRequired:
    CronosRequired.model_validate(value)
    return _older(value, Dialect.CRONOS, [value["paymentRequirements"]])


def _older(value: dict[str, object], dialect: Dialect, entries: Sequence[object]) -> PaymentRequired:
    requirements, refusals = _entries(entries, Entry1)
    urls = (url for offer in requirements if isinstance(url := offer.raw.get("resource"), str))
    return PaymentRequired(
        dialect=dialect,
        requirements=requirements,
        refusals=refusals,
        resource=None,
        resource_url=next(urls, None),
        extensions={},
        error=words(value.get("error")),
    )


def _entries(
    entries: Sequence[object], model: type[Entry1 | Entry2]
) -> tuple[tuple[PaymentRequirements, ...], tuple[Refusal, ...]]:
    """Read each entry on its own: a bad one does not spoil the others."""
    read = [_entry(index, entry, model) for index, entry in enumerate(entries[:MAX_OFFERS])]
    refusals = [found for found in read if isinstance(found, Refusal)]
    if len(entries) > MAX_OFFERS:
        text = f"the seller made {len(entries)} offers; those from {MAX_OFFERS} on were not read"
        refusals.append(Refusal(index=MAX_OFFERS, code="too_many", text=text))
    return tuple(found for found in read if isinstance(found, PaymentRequirements)), tuple(refusals)


def _entry(index: int, entry: object, model: type[Entry1 | Entry2]) -> PaymentRequirements | Refusal:
    raw = as_object(entry)
    if raw is None:
        return Refusal(index=index, code="malformed", text=f"an offer is an object, not {excerpt(entry)}")
    try:
        return _requirements(index, raw, model.model_validate(raw))
    except ValidationError as exc:
        code, text = complaint(exc)
    except ValueError as exc:
        code, text = "unknown_asset", f"asset: {exc}"
    return Refusal(index=index, code=code, text=text)


def _requirements(index: int, raw: dict[str, object], read: Entry1 | Entry2) -> PaymentRequirements:
    extra = read.extra or _NO_EXTRA
    usual = "permit2" if read.scheme == "upto" else "eip3009"
    return PaymentRequirements(
        index=index,
        scheme=read.scheme,
        network=read.network,
        asset=erc20(read.network, read.asset),
        amount=read.amount,
        pay_to=read.pay_to,
        max_timeout_seconds=read.max_timeout_seconds,
        transfer_method=usual if extra.asset_transfer_method is None else extra.asset_transfer_method,
        payment_flow="authorization" if extra.payment_flow is None else extra.payment_flow,
        eip712_name=extra.name,
        eip712_version=extra.version,
        facilitator=extra.facilitator_address,
        raw=raw,
    )


def _unread(dialect: Dialect, code: str, text: str) -> PaymentRequired:
    return PaymentRequired(
        dialect=dialect,
        requirements=(),
        refusals=(Refusal(index=-1, code=code, text=text),),
        resource=None,
        resource_url=None,
        extensions={},
        error=None,
    )


__all__ = [
    "MAX_OFFERS",
    "fold_headers",
    "needs_body",
    "payment_message",
    "read_cronos_settlement",
    "read_payment_required",
    "read_settlement",
    "read_settlement_body",
    "write_payload",
]
