"""Whether two URLs belong to the same seller.  Source: RFC 6454, WHATWG URL.

What cannot be read in one way only has no origin, so it is never the same as anything.
"""

import re
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from paygent.core.requirements import PaymentRequired, Refusal
from paygent.x402.strict_json import excerpt

Origin = tuple[str, str, int]
"""Scheme, host in ASCII lower case, port. An IPv6 address keeps its zone, which is part of where it leads."""

_PORTS = {"http": 80, "https": 443}
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):")
_AUTHORITY = re.compile(r"//([^/?#]*)")
_PLACE = re.compile(r"(?:[^@\\]*@)?(\[[0-9a-fA-F:.]+(?:%[A-Za-z0-9._~-]+)?\]|[^\[\]:@]+)(?::([0-9]{0,5}))?")
_HOST = re.compile(r"[a-z0-9_.-]+")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]|\A ")
_HOST_ONLY = re.compile(r"[/\\]{2}")


@lru_cache(maxsize=256)
def origin(url: str) -> Origin | None:
    """Return the origin of an http or https URL, or None where it has none or could be read in two ways."""
    scheme = _SCHEME.match(url)
    name = scheme[1].lower() if scheme else ""
    if scheme is None or name not in _PORTS or _CONTROL.search(url):
        return None
    authority = _AUTHORITY.match(url, scheme.end())
    place = _PLACE.fullmatch(authority[1]) if authority else None
    if place is None:
        return None
    host, port = _host(place[1]), int(place[2] or _PORTS[name])
    return (name, host, port) if host is not None and 0 < port < 2**16 else None


def same_origin(a: str, b: str) -> bool:
    """Tell whether both are http or https URLs of one scheme, host and port."""
    first = origin(a)
    return first is not None and first == origin(b)


def foreign_resource(required: PaymentRequired, url: str) -> Refusal | None:
    """Refuse an answer that says it sells a resource of another origin than the one that was asked.

    Left alone: no claim, a claim without a host (a path), and schemes such as ``mcp:``. A claim of plain http for the
    same host asked by https, both at their usual ports, is what sellers behind a TLS proxy say of themselves.
    """
    for index, claim in _claims(required):
        if _is_foreign(claim, url):
            text = f"asked was {excerpt(url)}, and the seller says it sells {excerpt(claim)}"
            return Refusal(index=index, code="foreign_resource", text=text)
    return None


def _claims(required: PaymentRequired) -> list[tuple[int, str]]:
    """Version 1 claims with each offer, version 2 once."""
    claims = [] if required.resource_url is None else [(-1, required.resource_url)]
    each = [(offer.index, offer.raw.get("resource")) for offer in required.requirements]
    return claims + [(index, claim) for index, claim in each if isinstance(claim, str)]


@lru_cache(maxsize=256)
def _is_foreign(claim: str, url: str) -> bool:
    if _CONTROL.search(claim):
        return True
    scheme = _SCHEME.match(claim)
    if scheme is None:
        return _HOST_ONLY.match(claim) is not None and not same_origin(f"{url.partition(':')[0]}:{claim}", url)
    if scheme[1].lower() not in _PORTS:
        return False
    asked, claimed = origin(url), origin(claim)
    return claimed is None or claimed not in (asked, _behind_tls(asked))


def _behind_tls(asked: Origin | None) -> Origin | None:
    return ("http", asked[1], 80) if asked is not None and asked[0] == "https" and asked[2] == 443 else asked


def _host(text: str) -> str | None:
    if text.startswith("["):
        try:
            address = IPv6Address(text[1:-1])
        except AddressValueError:
            return None
        return f"[{address.compressed}]" if address.ipv4_mapped is None else None
    host = text.lower() if text.isascii() else _ascii(text)
    return host if host is not None and _HOST.fullmatch(host) and not _is_number(host) else None


def _is_number(host: str) -> bool:
    """Tell whether a host leads to an IPv4 address that is written in another way, such as `127.1` or `0x7f000001`.

    Source: the WHATWG's URL standard, which reads a host as an address where its last part is a number.
    """
    if not _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        return False
    try:
        IPv4Address(host)
    except AddressValueError:
        return True
    return False


def _ascii(host: str) -> str | None:
    import idna  # 10 ms to load, and few hosts need it

    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError:
        return None
