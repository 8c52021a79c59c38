"""Services written by people: a list of JSON objects, with amounts in whole units and assets by id."""

from collections.abc import Mapping
from typing import Any, cast

from paygent.core.caip import AssetId
from paygent.core.money import Amount
from paygent.core.requirements import Token
from paygent.core.service import Pricing, Service
from paygent.core.service_errors import InvalidService

_PRICING = {"model", "price", "asset", "unit", "period_seconds"}
_REQUIRED = ("id", "name", "url", "category", "price", "asset")
_TEXTS = ("id", "name", "url", "category", "description", "payee", "method", "metadata_uri")
_SWITCHES = ("mcp", "verified", "active")


def read_catalogue(document: object, *, tokens: Mapping[AssetId, Token]) -> tuple[Service, ...]:
    """Return the services of a parsed JSON list, or of an object with the list under ``services``.

    Each is an object with ``id name url category price asset`` and, where wanted, ``model unit period_seconds
    description tags payee method mcp verified active metadata_uri``. ``price`` is a string in whole units of ``asset``,
    which is the CAIP-19 id of a known token.

    Raises: InvalidService: something else is there; the message says which entry.
    """
    if isinstance(document, dict):
        document = cast("dict[str, object]", document).get("services")
    if not isinstance(document, list) or not document:
        raise InvalidService("services", "expected a list of at least one service")
    entries = cast("list[object]", document)
    return tuple(_service(place, entry, tokens) for place, entry in enumerate(entries))


def _service(place: int, entry: object, tokens: Mapping[AssetId, Token]) -> Service:
    where = f"services[{place}]"
    if not isinstance(entry, dict):
        raise InvalidService(where, "expected an object")
    given = cast("dict[str, Any]", entry)
    known = {*_TEXTS, *_SWITCHES, *_PRICING, "tags"}
    if unknown := sorted(set(given) - known):
        raise InvalidService(where, f"unknown fields: {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    if missing := [name for name in _REQUIRED if name not in given]:
        raise InvalidService(where, f"missing: {', '.join(missing)}")
    _check_kinds(where, given)
    try:
        return Service(
            **{name: given[name] for name in (*_TEXTS, *_SWITCHES) if name in given},
            tags=tuple(given["tags"]) if "tags" in given else (),
            pricing=_pricing(given, tokens),
        )
    except InvalidService as wrong:
        raise InvalidService(f"{where}.{wrong.field}", str(wrong)) from wrong


def _pricing(given: Mapping[str, Any], tokens: Mapping[AssetId, Token]) -> Pricing:
    try:
        token = tokens[AssetId.parse(given["asset"])]
        price = Amount.parse(given["price"], token.asset)
    except KeyError:
        raise InvalidService(
            "asset", f"{given['asset']!r} is not a known token; add it to the settings' tokens"
        ) from None
    except ValueError as wrong:
        raise InvalidService("price", str(wrong)) from wrong
    rest = {name: given[name] for name in ("unit", "period_seconds") if name in given}
    return Pricing(model=given.get("model", "per_call"), price=price, **rest)


def _check_kinds(where: str, given: Mapping[str, Any]) -> None:
    texts = (*_TEXTS, "price", "asset", "model", "unit")
    wrong = [name for name in texts if name in given and not isinstance(given[name], str)]
    wrong += [name for name in _SWITCHES if name in given and not isinstance(given[name], bool)]
    seconds = given.get("period_seconds")
    wrong += ["period_seconds"] if seconds is not None and type(seconds) is not int else []
    tags = given.get("tags", [])
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in cast("list[object]", tags)):
        wrong.append("tags")
    if wrong:
        raise InvalidService(where, f"of the wrong kind: {', '.join(wrong)}; a price is a string such as '0.10'")
