"""A PostgreSQL server that is full, slow, or silent: typed errors, and nothing is lost or written by half."""

import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager, suppress
from urllib.parse import parse_qs, urlsplit

import anyio
import psycopg
import pytest

from paygent.adapters.sql import SqlJournal, open_journal
from paygent.core.audit import first_break
from paygent.core.errors import AdapterError
from paygent.testing.conformance.payments import daily, reserved, signed
from paygent.testing.conformance.steps import put
from tests.conformance.books import check

pytestmark = pytest.mark.anyio


class Wire:
    """Carries bytes between clients and a server's Unix socket, and stops where it is told."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._flows = threading.Event()
        self._flows.set()
        self._sockets: list[socket.socket] = []
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def stop(self) -> None:
        """Let nothing through any more; connections stay open."""
        self._flows.clear()

    def go_on(self) -> None:
        """Let through what was held back, and what comes."""
        self._flows.set()

    def close(self) -> None:
        self._flows.set()
        self.cut()
        self._door.close()

    def cut(self) -> None:
        """End every connection."""
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._sockets.clear()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._door.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._target)
            self._sockets += [client, server]
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                self._flows.wait()
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def wire(postgres_url: str) -> Iterator[Wire]:
    folder = parse_qs(urlsplit(postgres_url).query)["host"][0]
    with closing(Wire(f"{folder}/.s.PGSQL.5432")) as wire:
        yield wire


@pytest.fixture
async def journal(wire: Wire) -> AsyncIterator[SqlJournal]:
    async with open_journal(f"postgresql://paygent@127.0.0.1:{wire.port}/postgres", busy_seconds=2) as journal:
        yield journal


@contextmanager
def trigger(url: str, body: str) -> Iterator[None]:
    """Let the server do something on each new payment, until the end."""
    function = f"CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NEW; END $$"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(function.encode())
        connection.execute("CREATE TRIGGER fault BEFORE INSERT ON payments FOR EACH ROW EXECUTE FUNCTION fault()")
        try:
            yield
        finally:
            connection.execute("DROP FUNCTION fault CASCADE")


@pytest.mark.parametrize("state", ["53100", "53200"], ids=["disk full", "out of memory"])
async def test_server_without_room_is_retryable_and_writes_nothing(
    journal: SqlJournal, postgres_url: str, state: str
) -> None:
    """The server raises what it raises in that case, in the middle of the transaction."""
    first = await put(journal, reserved(1), daily(1, limit=9))
    with (
        trigger(postgres_url, f"RAISE SQLSTATE '{state}' USING MESSAGE = 'no space left on device';"),
        pytest.raises(AdapterError, match="no space left") as full,
    ):
        await put(journal, reserved(2), daily(1, limit=9))

    assert full.value.retryable
    assert await journal.get(reserved(2).id) is None
    await put(journal, reserved(2), daily(1, limit=9))
    assert first == await journal.get(first.id)
    await check(journal, payments=2)


async def test_statement_that_takes_too_long_is_retryable_and_writes_nothing(wire: Wire, postgres_url: str) -> None:
    """`statement_timeout` is the server's own, for sessions of this user or database; here it is in the URL."""
    url = f"postgresql://paygent@127.0.0.1:{wire.port}/postgres?options=-cstatement_timeout%3D200"
    async with open_journal(url, busy_seconds=2) as journal:
        with trigger(postgres_url, "PERFORM pg_sleep(30);"), pytest.raises(AdapterError, match="timeout") as slow:
            await put(journal, reserved(1), daily(1, limit=9))

        assert slow.value.retryable
        await put(journal, reserved(1), daily(1, limit=9))
        await check(journal, payments=1)


async def test_silent_server_is_waited_for_and_loses_nothing(
    journal: SqlJournal, wire: Wire, postgres_url: str
) -> None:
    """Nothing comes through for a while; whoever writes meanwhile has it when it does."""
    async with anyio.create_task_group() as tasks:
        wire.stop()
        for index in range(5):
            tasks.start_soon(put, journal, reserved(index), daily(1, limit=9))
        await anyio.sleep(0.3)
        with psycopg.connect(postgres_url) as connection:
            assert (0,) == connection.execute("SELECT count(*) FROM payments").fetchone()
        wire.go_on()

    await check(journal, payments=5)


async def test_wire_that_breaks_while_a_server_is_silent_leaves_all_or_nothing(journal: SqlJournal, wire: Wire) -> None:
    """The commit may be on its way: the error is retryable, and reading tells what became of it."""
    first = await put(journal, reserved(1), daily(1, limit=9))
    outcome: list[AdapterError | None] = []

    async def sign() -> None:
        try:
            await journal.append(first, signed(first))
        except AdapterError as error:
            outcome.append(error)
        else:
            outcome.append(None)

    async with anyio.create_task_group() as tasks:
        wire.stop()
        tasks.start_soon(sign)
        await anyio.sleep(0.2)
        wire.cut()
        wire.go_on()

    assert all(error is None or error.retryable for error in outcome)
    stored = await journal.get(first.id)
    assert stored == (signed(first) if outcome == [None] else stored)
    assert stored in (first, signed(first))
    assert first_break(await journal.entries()) is None
