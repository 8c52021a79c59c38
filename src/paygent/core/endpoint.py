"""What a URL asks for, alike in every spelling of it."""

from dataclasses import dataclass
from posixpath import normpath
from typing import Final, Self
from urllib.parse import parse_qsl, unquote, urlsplit

_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A resource of a host. Plain http and https are one: what a seller's own redirect makes no difference to."""

    host: str
    """ASCII, lower case, with the port where it is not the scheme's own."""
    path: str
    """Decoded, without ``.`` and ``..``, and without a slash at its end."""
    query: frozenset[tuple[str, str]] = frozenset()
    """Names and values, decoded."""

    @classmethod
    def of(cls, url: str) -> Self | None:
        """Return what a URL asks for; None where it is no http or https URL with a host."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            return None
        scheme = parts.scheme.lower()
        if scheme not in _PORTS or not host:
            return None
        name = _ascii(host.rstrip("."))
        place = name if port in (None, _PORTS[scheme]) else f"{name}:{port}"
        query = frozenset(parse_qsl(parts.query, keep_blank_values=True))
        return cls(host=place, path=_plain(unquote(parts.path)), query=query)

    def is_part_of(self, other: "Endpoint") -> bool:
        """Tell whether it is the other resource, or that one with more parameters."""
        return self.host == other.host and self.path == other.path and other.query <= self.query


def _ascii(host: str) -> str:
    try:
        return host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return host.lower()


def _plain(path: str) -> str:
    """Return a path as a server reads it: ``/a/../b/`` is ``/b``."""
    return normpath(f"/{path.lstrip('/')}").rstrip("/")
