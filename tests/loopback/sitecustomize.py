"""Refuse every socket that leaves this machine, in the test process and in each Python process it starts.

`tests/conftest.py` imports this file and puts its folder on PYTHONPATH, where every interpreter
looks for `sitecustomize`. An audit hook sees every socket whatever library opened it, and a test
cannot remove it.
"""

import ipaddress
import socket
import sys
from typing import Any


class OutsideLoopbackError(RuntimeError):
    """Not an OSError on purpose: code under test may handle those and hide the attempt."""


def is_loopback(host: object) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name is None or name == "localhost":
        return True
    try:
        return ipaddress.ip_address(str(name)).is_loopback
    except ValueError:
        return False


def _check_socket(event: str, args: tuple[Any, ...]) -> None:
    family, address = args[0].family, args[1]
    if address is not None and family in (socket.AF_INET, socket.AF_INET6) and not is_loopback(address[0]):
        raise OutsideLoopbackError(f"{event} to {address!r}: tests talk to 127.0.0.1 and ::1 only")


def _check_name(event: str, args: tuple[Any, ...]) -> None:
    if not is_loopback(args[0]):
        raise OutsideLoopbackError(f"{event} of {args[0]!r}: tests talk to 127.0.0.1 and ::1 only")


_CHECKS = {
    "socket.bind": _check_socket,
    "socket.connect": _check_socket,
    "socket.sendto": _check_socket,
    "socket.sendmsg": _check_socket,
    "socket.getaddrinfo": _check_name,
    "socket.gethostbyname": _check_name,
}


def _hook(event: str, args: tuple[Any, ...]) -> None:
    check = _CHECKS.get(event)
    if check is not None:
        check(event, args)


sys.addaudithook(_hook)
