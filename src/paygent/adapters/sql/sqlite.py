"""All that is particular to SQLite: finding the file, durable settings, transactions, and what its errors mean."""

import os
import sqlite3
import time
from contextlib import AbstractContextManager, nullcontext, suppress
from errno import EISDIR
from functools import cache
from pathlib import Path
from typing import Final

from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from paygent.adapters.sql.statement import Cursor
from paygent.adapters.sql.statements import Statements
from paygent.core.errors import AdapterError, ConfigurationError

_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_NOT_USABLE: Final = frozenset(
    {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}
)
_PASSING: Final = _BUSY | {sqlite3.SQLITE_FULL, sqlite3.SQLITE_NOMEM}
"""What may be over when the store is asked again."""

_IN_MEMORY: Final = ":memory:"
"""SQLite's own name of a database that is no file."""


def location(url_or_path: str) -> Path | None:
    """Return the database file that a URL or a path names, or None for a database in memory.

    Raises: ConfigurationError: not a SQLite URL, or one with options.
    """
    if "://" not in url_or_path:
        return None if url_or_path == _IN_MEMORY else _file(url_or_path)
    try:
        url = make_url(url_or_path)
    except ArgumentError as exc:
        raise ConfigurationError("the storage URL cannot be read; write sqlite:///pay.db, or a file's path") from exc
    _check(url)
    return None if url.database in (None, "", _IN_MEMORY) else _file(str(url.database))


def _check(url: URL) -> None:
    shown = url.render_as_string(hide_password=True)
    if url.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise ConfigurationError(
            f"storage {shown!r} is not supported; write sqlite:///pay.db, a file's path, or postgresql://host/database"
        )
    if url.query or url.host:
        raise ConfigurationError(
            f"storage {shown!r} has a host or options; write sqlite:///pay.db, or sqlite:////abs/pay.db"
        )


def _file(path: str) -> Path:
    if not path.strip() or "\0" in path:
        raise ConfigurationError(f"{path!r} is not a path of a database file; write for example pay.db")
    return Path(path).absolute()


@cache
def statements() -> Statements:
    """Return the journal's statements in SQLite's words, compiled once in a process."""
    return Statements(sqlite.dialect())


class SQLite:
    """One database, in a file or in memory; makes connections and says what went wrong."""

    begin_write = "BEGIN IMMEDIATE"
    """Takes the write lock at once: a deferred transaction that reads first can find its snapshot stale at a write."""
    begin_read = "BEGIN"
    engine = "sqlite://"
    """What SQLAlchemy calls this kind of database."""

    error = sqlite3.Error
    """What the driver raises."""

    def __init__(self, file: Path | None, *, busy_seconds: int) -> None:
        self.file = file
        self._path = "" if file is None else str(file)
        self.busy_seconds = busy_seconds
        """How long to wait for another process's transaction."""
        self._inode: tuple[int, int] | None = None

    @property
    def alone(self) -> bool:
        """Only one connection can see the database."""
        return self.file is None

    @property
    def name(self) -> str:
        """How messages call the database."""
        return "the database in memory" if self.file is None else f"the database {str(self.file)!r}"

    def connect(self) -> sqlite3.Connection:
        """Return a connection, making the file where there is none, readable by its owner alone.

        Raises:
            ConfigurationError: the file cannot be made, written, or is not a database.
            AdapterError: it is locked or damaged.
        """
        if self.file is not None:
            self._make_file(self.file)
        try:
            return self._connect()
        except sqlite3.Error as exc:
            raise self.refusal(exc) from exc

    def _make_file(self, file: Path) -> None:
        """Make the file before SQLite would, because it holds signed payloads and a secret: SQLite's would be 0644.

        A file that is there is never opened here: closing any descriptor of it takes away the locks that SQLite's other
        connections of this process hold on it (POSIX), and another process that closes its own would then delete the
        write-ahead log under them, with what they commit.
        Source: https://www.sqlite.org/howtocorrupt.html, section 2.2.
        """
        try:
            with suppress(FileExistsError):
                os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
            stat = file.stat()
            if file.is_dir():
                raise IsADirectoryError(EISDIR, os.strerror(EISDIR))
        except OSError as exc:
            raise ConfigurationError(
                f"{self.name} cannot be opened ({exc.strerror}); name a file in a folder that exists and may be written"
            ) from exc
        self._inode = (stat.st_dev, stat.st_ino)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            ":memory:" if self.file is None else self.file,
            timeout=self.busy_seconds,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            self._settle(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _settle(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA foreign_keys = ON")
        if self.file is None:
            return
        mode = self._journal_mode(connection)
        if mode != "wal":
            raise ConfigurationError(
                f"{self.name} cannot use a write-ahead log here (it uses {mode!r}); use a local disk"
            )
        connection.execute("PRAGMA synchronous = FULL")

    def _journal_mode(self, connection: sqlite3.Connection) -> str:
        """Switch to a write-ahead log; SQLite does not wait for the lock here, so this does."""
        deadline = time.monotonic() + self.busy_seconds
        while True:
            try:
                return str(connection.execute("PRAGMA journal_mode = WAL").fetchone()[0])
            except sqlite3.OperationalError as exc:
                if not self.passing(exc) or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def still_there(self) -> bool:
        """Tell whether the opened file is the one that its path names: writes to a deleted file are lost."""
        if self._inode is None:
            return True
        try:
            stat = os.stat(self._path)
        except OSError:
            return False
        return (stat.st_dev, stat.st_ino) == self._inode

    @staticmethod
    def roll_back(connection: sqlite3.Connection) -> None:
        """End the transaction, where SQLite has not done so by itself."""
        if connection.in_transaction:
            connection.execute("ROLLBACK")

    def begin_migration(self, cursor: Cursor) -> None:
        """Begin a transaction that changes the schema: it waits for those of other processes."""
        cursor.execute(self.begin_write)

    @staticmethod
    def lost(connection: sqlite3.Connection) -> bool:
        """Tell whether a new connection is needed: a file is never lost in between."""
        return False

    @staticmethod
    def statements() -> Statements:
        return statements()

    @staticmethod
    def together(connection: sqlite3.Connection) -> AbstractContextManager[object]:
        """Return a block; a statement here has its answer at once."""
        return nullcontext()

    @staticmethod
    def tables(cursor: Cursor) -> set[str]:
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {str(row[0]) for row in cursor.fetchall()}

    @staticmethod
    def passing(error: sqlite3.Error) -> bool:
        """Tell whether another process was in the way, so that the same transaction may be tried again."""
        return _code(error) in _BUSY

    @staticmethod
    def of_one_statement(error: sqlite3.Error) -> bool:
        """Tell whether the error is about what one caller wrote, and leaves the transaction of the others as it was."""
        return isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError | sqlite3.DataError)

    def refusal(self, error: sqlite3.Error) -> ConfigurationError | AdapterError:
        """Return what is raised for an error while the database is opened."""
        if _code(error) in _NOT_USABLE:
            return ConfigurationError(
                f"{self.name} cannot be used: {error}; name another file, or one that may be written"
            )
        return self.failure(error)

    def failure(self, error: sqlite3.Error) -> AdapterError:
        """Return what is raised for an error while the database is used."""
        return AdapterError(f"{self.name} cannot answer: {error}", retryable=_code(error) in _PASSING)


def _code(error: sqlite3.Error) -> int | None:
    """Return SQLite's primary result code; errors of the Python module itself have none."""
    code = vars(error).get("sqlite_errorcode")
    return code & 0xFF if isinstance(code, int) else None
