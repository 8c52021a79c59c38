"""HTTP by hand over TCP: an answer may be anything, in any pieces, or nothing."""

import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a client sent, once all of it is here."""

    method: str
    target: str
    headers: dict[str, str]
    """Under lower-case names."""
    body: bytes

    @property
    def payment(self) -> str | None:
        """The payment header, version 2's or 1's."""
        return self.headers.get("payment-signature") or self.headers.get("x-payment")


class Wire:
    """One connection."""

    def __init__(self, connection: socket.socket, closing: threading.Event) -> None:
        self._connection = connection
        self._closing = closing
        self._buffer = b""

    def head(self) -> tuple[str, str, dict[str, str]] | None:
        """Read a request's head; None where the client closed instead."""
        while b"\r\n\r\n" not in self._buffer:
            if not (chunk := self._connection.recv(65536)):
                return None
            self._buffer += chunk
        text, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        first, *lines = text.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return method, target, headers

    def body(self, headers: Headers) -> bytes:
        """Read the request's body, whichever way it is framed."""
        if headers.get("transfer-encoding") == "chunked":
            return self._chunks()
        return self._read(int(headers.get("content-length", "0")))

    def send(self, raw: bytes) -> None:
        self._connection.sendall(raw)

    def reset(self) -> None:
        """End the connection with a TCP reset."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.close()

    def hang(self) -> None:
        """Say nothing until the server is closed."""
        self._closing.wait()

    def pipe(self, address: tuple[str, int], raw: bytes) -> None:
        """Send `raw` to another server, and what it answers to the client."""
        with socket.create_connection(address) as upstream:
            upstream.sendall(raw)
            while chunk := upstream.recv(65536):
                self.send(chunk)

    def _chunks(self) -> bytes:
        whole = b""
        while size := int(self._line(), 16):
            whole += self._read(size)
            self._line()
        self._line()
        return whole

    def _line(self) -> bytes:
        while b"\r\n" not in self._buffer:
            self._fill()
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line

    def _read(self, size: int) -> bytes:
        parts, have = [self._buffer], len(self._buffer)
        while have < size:
            parts.append(self._received())
            have += len(parts[-1])
        whole = b"".join(parts)
        self._buffer = whole[size:]
        return whole[:size]

    def _fill(self) -> None:
        self._buffer += self._received()

    def _received(self) -> bytes:
        if not (chunk := self._connection.recv(1 << 20)):
            raise ConnectionError("the client closed within a request")
        return chunk


Serve = Callable[[Wire], None]


@dataclass(slots=True, kw_only=True)
class RawServer:
    """Serves each connection in a thread of its own until it is closed; errors of the handler fail the test."""

    serve: Serve
    errors: list[Exception] = field(default_factory=list)
    port: int = field(init=False)
    _listener: socket.socket = field(init=False)
    _closing: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_listening()
        self._closing.set()
        for thread in self._threads:
            thread.join(10)
        if error is None and self.errors:
            raise self.errors[0]

    def close_connections(self) -> None:
        """Let go of those who wait for an answer that never comes."""
        self._closing.set()

    def stop_listening(self) -> None:
        """Refuse every further connection."""
        if self._listener.fileno() != -1:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._start(lambda: self._handle(connection))  # noqa: B023  started before the next one is accepted

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _handle(self, connection: socket.socket) -> None:
        with connection:
            try:
                self.serve(Wire(connection, self._closing))
            except OSError:
                return  # the client has gone; that is its right
            except Exception as error:  # noqa: BLE001  a thread has nobody above it; __exit__ raises what is kept here
                self.errors.append(error)


def answer(
    status: int,
    body: bytes = b"",
    headers: Headers | None = None,
    *,
    raw_headers: bytes = b"",
    length: int | None = None,
) -> bytes:
    """Return an HTTP answer; `length` may lie about the body."""
    lines = {"Content-Length": str(len(body) if length is None else length), "Connection": "close"} | dict(
        headers or {}
    )
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items()).encode("latin-1")
    return b"HTTP/1.1 %d Said\r\n" % status + head + raw_headers + b"\r\n" + body
