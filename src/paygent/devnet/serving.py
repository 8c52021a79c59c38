"""An ASGI application on a port of 127.0.0.1, served by uvicorn in a thread of this process."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from types import TracebackType
from typing import Any, Self, TypeAlias

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from paygent.core.errors import AdapterError

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

HANG_UP = "paygent.hang_up"
"""The scope's key of a function that closes the connection at once, without an answer."""

_START_TIMEOUT_SECONDS = 20
_STOP_TIMEOUT_SECONDS = 10
_GRACE_SECONDS = 2


class LocalServer:
    """Serve `application` from construction's `start` to `stop`. Requests that are running get two seconds to end."""

    def __init__(self, application: Application, *, name: str, lifespan: bool = False) -> None:
        config = uvicorn.Config(
            application,
            http=_ClosableProtocol,
            ws="none",
            loop="asyncio",
            lifespan="on" if lifespan else "off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        self._name = name
        self._server = _NotifyingServer(config)
        self._thread = threading.Thread(target=self._serve, name=f"paygent-devnet-{name}", daemon=True)
        # The protocol is named because asyncio turns Nagle's algorithm off only then; with it an answer takes 40 ms.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]

    @property
    def url(self) -> str:
        """Scheme, address and port."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Return when the port answers.

        Raises: AdapterError: it does not within 20 seconds.
        """
        self._thread.start()
        self._server.settled.wait(_START_TIMEOUT_SECONDS)
        if not self._server.started:
            self.stop()
            raise AdapterError(f"the devnet's {self._name} did not start; its log says why", retryable=False)

    def stop(self) -> None:
        """Close all connections and the port, and wait for the thread."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(_STOP_TIMEOUT_SECONDS)
        self._socket.close()

    def request_stop(self) -> None:
        """Begin to stop without waiting, so that several servers stop at the same time."""
        self._server.should_exit = True

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _serve(self) -> None:
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._server.settled.set()


class _NotifyingServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.settled = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.settled.set()


class _ClosableProtocol(H11Protocol):
    """Give each request's scope a way to close its connection, which ASGI itself has not."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the base class
        super().connection_made(transport)
        application = self.app

        async def closable(scope: Any, receive: Any, send: Any) -> None:
            scope[HANG_UP] = transport.abort
            await application(scope, receive, send)

        self.app = closable
