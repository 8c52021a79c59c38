"""Names of hosts in lists and limits: exact, with or without the port, or every subdomain."""

import re

_UNNAMED = frozenset({":80", ":443"})
"""Ports that URLs leave out."""
_HOST = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+(%[a-z0-9._~-]+)?\]")
"""A name, each below a name, or an IPv6 address: what can be paid."""
_PORT = re.compile(r":[1-9][0-9]{0,4}")


def bare_host(host: str) -> str:
    """Return the host without its port, and without the dot that may end its name: with it the same host answers."""
    return _parts(host)[0]


def normal_host(name: str) -> str:
    """Return a host of a list as those of payments are written: in lower case, without the dot that may end its name.

    Raises: ValueError: it is no host as URLs have them, such as a URL, or has a port that none names.
    """
    if not name.isascii():
        raise ValueError(f"{name!r} is not a host as it is asked for; write it with xn--, as in the browser's address")
    bare, port = _parts(name.lower())
    if not _HOST.fullmatch(bare) or (port and not (_PORT.fullmatch(port) and int(port[1:]) < 2**16)):
        raise ValueError(
            f"{name!r} is no host of a URL, so it would never be met; write one such as 'api.example.com', "
            "'api.example.com:8443', '*.example.com' or '[::1]'"
        )
    if port in _UNNAMED:
        raise ValueError(
            f"{name!r} would never be met: a URL goes to port {port[1:]} without naming it; write {bare!r}"
        )
    return f"{bare}{port}"


def host_allowed(host: str, hosts: frozenset[str]) -> bool:
    """Tell whether `host` (with a port or without) is named, or is a subdomain of a `*.` entry."""
    bare, port = _parts(host)
    for candidate in (f"{bare}{port}", bare):
        if candidate in hosts:
            return True
        parts = candidate.split(".")
        if any(f"*.{'.'.join(parts[at:])}" in hosts for at in range(1, len(parts))):
            return True
    return False


def _parts(host: str) -> tuple[str, str]:
    """Return the name, and the port with its colon or nothing."""
    before, colon, port = host.rpartition(":")
    named, its_port = (before, f":{port}") if colon and port.isdigit() else (host, "")
    return named.rstrip("."), its_port
