"""All that is particular to PostgreSQL: finding the server, transactions, and what its errors mean."""

from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any, Final

from sqlalchemy.dialects.postgresql.psycopg import dialect
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from paygent.adapters.sql.statement import Cursor
from paygent.adapters.sql.statements import Statements
from paygent.core.errors import AdapterError, ConfigurationError

try:
    import psycopg
    from psycopg import errors
    from psycopg.conninfo import make_conninfo
except ImportError as exc:
    raise ConfigurationError('PostgreSQL needs its driver: run pip install ".[postgres]" in a clone') from exc

SCHEMES: Final = ("postgresql", "postgresql+psycopg")
_EXAMPLE: Final = "write postgresql://user:password@host:5432/database"
_LOCK: Final = 0x70617967656E74
"""The advisory lock under which the schema is changed: the word paygent."""
_PASSING: Final = (errors.SerializationFailure, errors.DeadlockDetected, errors.LockNotAvailable)
_OF_ONE: Final = (psycopg.IntegrityError, psycopg.DataError, psycopg.ProgrammingError)
_REFUSALS: Final = (
    "password authentication failed",
    "does not exist",
    "no pg_hba.conf entry",
    "no password supplied",
    "permission denied",
)
_SETTINGS: Final = """
SELECT set_config('lock_timeout', %(busy)s, false),
       set_config('idle_in_transaction_session_timeout', %(idle)s, false),
       set_config('default_transaction_isolation', 'read committed', false),
       set_config('synchronous_commit',
                  CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'
                  ELSE current_setting('synchronous_commit') END, false)
"""


def server(url: str) -> dict[str, Any]:
    """Return where a URL says the database is, as the driver wants it. The options of its query go to the driver.

    Raises: ConfigurationError: not a URL of a PostgreSQL database; the URL, which has a password, is not shown.
    """
    try:
        read = make_url(url)
        place = _place(read)
    except (ArgumentError, ValueError):
        raise ConfigurationError(f"the PostgreSQL URL cannot be read; {_EXAMPLE}") from None
    if read.drivername not in SCHEMES or not read.database:
        raise ConfigurationError(f"the PostgreSQL URL has another driver, or no database; {_EXAMPLE}")
    return place


def _place(url: URL) -> dict[str, Any]:
    named = {
        "host": url.host,
        "port": url.port,
        "user": url.username,
        "password": url.password,
        "dbname": url.database,
    }
    options = {name: value if isinstance(value, str) else ",".join(value) for name, value in url.query.items()}
    return {**options, **{name: value for name, value in named.items() if value is not None}}


@cache
def statements() -> Statements:
    """Return the journal's statements in PostgreSQL's words, compiled once in a process."""
    return Statements(dialect(paramstyle="format"))  # type: ignore[no-untyped-call]  # SQLAlchemy does not annotate it


class PostgreSQL:
    """One database of a server; makes connections and says what went wrong.

    Transactions that write run one after the other: each begins by locking the head of the audit log (`Ledger.begin`),
    which it has to write in the end. At READ COMMITTED every statement after that lock sees all that was committed
    before it was granted, so checks and writes are as if nobody else were there: no write skew, no deadlock, and
    ordinals in the order of commits. docs/explanation/storage.md says why nothing finer was chosen.
    """

    begin_write = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
    begin_read = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    engine = "postgresql+psycopg://"
    """What SQLAlchemy calls this kind of database."""
    error = psycopg.Error
    """What the driver raises."""
    file = None
    alone = False

    def __init__(self, place: dict[str, Any], *, busy_seconds: int) -> None:
        self._place = place
        self.busy_seconds = busy_seconds
        """How long to wait for another process's transaction; twice as long, and the server ends one that is idle."""

    @property
    def name(self) -> str:
        """How messages call the database."""
        return f"the PostgreSQL database {self._place['dbname']!r}"

    def connect(self) -> "psycopg.Connection[Any]":
        """Return a connection.

        Raises:
            ConfigurationError: the server refuses who asks, or has no such database.
            AdapterError: the server cannot be reached.
        """
        defaults = {"connect_timeout": max(self.busy_seconds, 2), "application_name": "paygent"}
        try:
            place = make_conninfo("", **{**defaults, **self._place})
            connection: psycopg.Connection[Any] = psycopg.connect(place, autocommit=True)
        except psycopg.ProgrammingError as exc:
            option = " ".join(str(exc).split()) if "invalid connection option" in str(exc) else "it is malformed"
            raise ConfigurationError(f"the PostgreSQL URL cannot be used: {option}; {_EXAMPLE}") from None
        except psycopg.Error as exc:
            raise self.refusal(exc) from exc
        try:
            times = {"busy": f"{max(self.busy_seconds, 1)}s", "idle": f"{max(self.busy_seconds, 1) * 2}s"}
            connection.execute(_SETTINGS, times)
        except psycopg.Error as exc:
            connection.close()
            raise self.refusal(exc) from exc
        return connection

    @staticmethod
    def statements() -> Statements:
        return statements()

    @staticmethod
    def together(connection: "psycopg.Connection[Any]") -> AbstractContextManager[object]:
        """Return a block whose statements are sent without waiting, where the installed libpq (14 or later) can."""
        return connection.pipeline() if psycopg.Pipeline.is_supported() else nullcontext()

    def begin_migration(self, cursor: Cursor) -> None:
        """Begin a transaction that changes the schema: it waits for those of other processes."""
        cursor.execute(self.begin_write)
        cursor.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")

    @staticmethod
    def tables(cursor: Cursor) -> set[str]:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        return {str(row[0]) for row in cursor.fetchall()}

    @staticmethod
    def still_there() -> bool:
        return True

    @staticmethod
    def lost(connection: "psycopg.Connection[Any]") -> bool:
        return connection.closed

    @staticmethod
    def roll_back(connection: "psycopg.Connection[Any]") -> None:
        """End the transaction, where there still is one."""
        if not connection.closed:
            connection.rollback()

    @staticmethod
    def passing(error: psycopg.Error) -> bool:
        """Tell whether another process was in the way, so that the same transaction may be tried again."""
        return isinstance(error, _PASSING)

    @staticmethod
    def of_one_statement(error: psycopg.Error) -> bool:
        """Tell whether the error is about what one caller wrote; going back to its savepoint heals the transaction."""
        return isinstance(error, _OF_ONE)

    def refusal(self, error: psycopg.Error) -> ConfigurationError | AdapterError:
        """Return what is raised for an error while the database is opened."""
        said = _line(error)
        if any(words in said for words in _REFUSALS):
            return ConfigurationError(f"{self.name} cannot be used: {said}; correct the URL or the server's rights")
        return self.failure(error)

    def failure(self, error: psycopg.Error) -> AdapterError:
        """Return what is raised for an error while the database is used."""
        retryable = isinstance(error, (*_PASSING, psycopg.OperationalError))
        return AdapterError(f"{self.name} cannot answer: {_line(error)}", retryable=retryable)


def _line(error: psycopg.Error) -> str:
    return " ".join(str(error).split())[:500]
