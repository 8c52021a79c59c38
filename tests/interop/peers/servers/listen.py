"""What every Python peer shares: arguments, sockets bound before the slow imports, and serving them."""

import socket
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import WSGIApplication


@dataclass(frozen=True, slots=True, kw_only=True)
class SellerPlan:
    """What a seller process is told: one application for each facilitator."""

    payee: str
    token: str
    token_name: str
    token_version: str
    network: str
    facilitators: tuple[str, ...]


def seller_plan(arguments: Sequence[str]) -> SellerPlan:
    payee, token, token_name, token_version, network, *facilitators = arguments
    return SellerPlan(
        payee=payee,
        token=token,
        token_name=token_name,
        token_version=token_version,
        network=network,
        facilitators=tuple(facilitators),
    )


def open_sockets(count: int) -> list[socket.socket]:
    """Listen and announce it at once: callers may connect, and wait in the backlog until the application is there."""
    sockets = [socket.create_server(("127.0.0.1", 0), backlog=256) for _ in range(count)]
    for listener in sockets:
        sys.stdout.write(f"Listening on 127.0.0.1:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    return sockets


def serve_asgi(listeners: Sequence[socket.socket], apps: "Iterable[Any]") -> None:
    import uvicorn

    def server(listener: socket.socket, app: Any) -> Callable[[], None]:
        running = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", ws="none"))
        return lambda: running.run(sockets=[listener])

    _serve([server(listener, app) for listener, app in zip(listeners, apps, strict=True)])


def serve_wsgi(listeners: Sequence[socket.socket], apps: "Iterable[WSGIApplication]") -> None:
    from werkzeug.serving import make_server

    servers = [
        make_server("127.0.0.1", listener.getsockname()[1], app, threaded=True, fd=listener.fileno())
        for listener, app in zip(listeners, apps, strict=True)
    ]
    _serve([server.serve_forever for server in servers])


def _serve(targets: Sequence[Callable[[], None]]) -> None:
    """Serve in threads, where uvicorn leaves the signals alone: a termination ends the process at once."""
    threads = [threading.Thread(target=target, daemon=True) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
