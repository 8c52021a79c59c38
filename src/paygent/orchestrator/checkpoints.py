"""Checkpoints of runs: plain JSON, in the database of the journal."""

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from paygent.core.errors import AdapterError
from paygent.orchestrator.extras import extra_needed

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver

_KIND: Final = "paygent-json-1"
_INTERRUPT: Final = "$interrupt"
_ERROR: Final = "$error"
_TUPLE: Final = "$tuple"
_BUSY_SECONDS: Final = 30
_PAUSE_SECONDS: Final = 0.05


class JsonSerializer:
    """LangGraph's serializer protocol, for JSON alone: what is not JSON is refused, and reading it runs nothing.

    The kind carries a digest of the bytes, so that a damaged checkpoint is known before anything goes by it. LangGraph
    itself writes two things besides the state: interrupts, and errors of nodes, of which the class's name is kept.
    """

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        """Return the kind, with the digest, and the bytes. Raises: TypeError: it is not JSON."""
        plain: Any = _plain(obj) if isinstance(obj, tuple) else obj  # the rest goes through the fast encoder
        raw = _encode(plain).encode()
        return f"{_KIND}:{_digest(raw)}", raw

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """Return what was written. Raises: ValueError: this serializer did not write these bytes."""
        name, raw = data
        kind, _, digest = name.partition(":")
        if kind != _KIND:
            raise ValueError(f"a checkpoint of kind {name!r} is none of this version's")
        if digest != _digest(raw):
            raise ValueError("a checkpoint has other bytes than were written")
        return _restored(json.loads(raw))


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def _special(value: Any) -> Any:
    """Return what LangGraph writes besides JSON as JSON. Raises: TypeError: it is something else."""
    from langgraph.types import Interrupt

    if isinstance(value, Interrupt):
        return {_INTERRUPT: [value.value, value.id]}
    if isinstance(value, BaseException):
        return {_ERROR: type(value).__name__}
    raise TypeError(f"{type(value).__name__} is not JSON, and does not go into a checkpoint")


def _plain(value: Any) -> Any:
    return {_TUPLE: [_plain(each) if isinstance(each, tuple) else each for each in value]}


_encode: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False, default=_special).encode


def _restored(value: Any) -> Any:
    from langgraph.types import Interrupt

    if isinstance(value, list):
        return [_restored(each) for each in value]  # pyright: ignore[reportUnknownVariableType]  # JSON
    if not isinstance(value, dict):
        return value
    given = cast("dict[str, Any]", value)
    if given.keys() == {_INTERRUPT}:
        said, name = given[_INTERRUPT]
        return Interrupt(value=_restored(said), id=name)
    if given.keys() == {_ERROR}:
        return RuntimeError(str(given[_ERROR]))
    if given.keys() == {_TUPLE}:
        return tuple(_restored(each) for each in given[_TUPLE])
    return {name: _restored(each) for name, each in given.items()}


@asynccontextmanager
async def open_checkpoints(storage: str) -> "AsyncGenerator[BaseCheckpointSaver[Any]]":
    """Yield where checkpoints are kept: in the database that a file's path or an SQLAlchemy URL names.

    A database in memory has its checkpoints in the memory of the process too.

    Raises: ConfigurationError: LangGraph or the driver is not installed, or the storage cannot be used.
    """
    scheme = storage.partition("://")[0].partition("+")[0] if "://" in storage else ""
    opened = _postgresql(storage) if scheme in ("postgresql", "postgres") else _sqlite(storage)
    async with AsyncExitStack() as made:
        with extra_needed():
            saver = await made.enter_async_context(opened)
        yield saver


def _sqlite(storage: str) -> Any:
    from paygent.adapters.sql.sqlite import location

    file = location(storage)
    return _in_memory() if file is None else _in_file(file)


@asynccontextmanager
async def _in_memory() -> "AsyncGenerator[BaseCheckpointSaver[Any]]":
    from langgraph.checkpoint.memory import InMemorySaver

    yield InMemorySaver(serde=JsonSerializer())


@asynccontextmanager
async def _in_file(file: Path) -> "AsyncGenerator[BaseCheckpointSaver[Any]]":
    import aiosqlite
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    async with aiosqlite.connect(str(file), timeout=_BUSY_SECONDS) as connection:
        try:
            await connection.execute("PRAGMA synchronous = FULL")
            saver = AsyncSqliteSaver(connection, serde=JsonSerializer())
            await _set_up(connection, saver)
        except aiosqlite.Error as exc:
            raise AdapterError(f"the checkpoints in {str(file)!r} cannot be opened: {exc}", retryable=True) from exc
        yield saver


async def _set_up(connection: Any, saver: Any) -> None:
    """Make the tables, one process at a time: SQLite's own lock is the advisory one."""
    cursor = await connection.execute("SELECT count(*) FROM sqlite_master WHERE name IN ('checkpoints', 'writes')")
    (there,) = await cursor.fetchone()
    if there == 2:
        saver.is_setup = True  # its script begins with a change of mode that waits for nobody
        return
    await saver.setup()


@asynccontextmanager
async def _postgresql(storage: str) -> "AsyncGenerator[BaseCheckpointSaver[Any]]":
    from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
    from psycopg.conninfo import make_conninfo

    from paygent.adapters.sql.postgresql import server

    async with AsyncPostgresSaver.from_conn_string(make_conninfo(**server(storage)), serde=JsonSerializer()) as saver:
        await _set_up_alone(cast("Any", saver.conn), saver)
        yield saver


async def _set_up_alone(connection: Any, saver: Any) -> None:
    """Make the tables, one process at a time.

    The lock is tried and not waited for: setting up builds an index concurrently, which waits for every statement that
    is under way, and so for those that would wait for the lock.
    """
    lock = "SELECT pg_try_advisory_lock(hashtext('paygent checkpoints')) AS taken"
    until = asyncio.get_running_loop().time() + _BUSY_SECONDS
    while not (await (await connection.execute(lock)).fetchone())["taken"]:
        if asyncio.get_running_loop().time() > until:
            raise AdapterError("somebody else has been making the tables of checkpoints for too long", retryable=True)
        await asyncio.sleep(_PAUSE_SECONDS)
    try:
        await saver.setup()
    finally:
        await connection.execute("SELECT pg_advisory_unlock(hashtext('paygent checkpoints'))")
