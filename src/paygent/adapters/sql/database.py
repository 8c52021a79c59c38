"""What differs between databases, behind one protocol."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from paygent.adapters.sql.sqlite import SQLite, location
from paygent.adapters.sql.statement import Cursor
from paygent.adapters.sql.statements import Statements
from paygent.core.errors import AdapterError, ConfigurationError


class Connection(Protocol):
    """**Protocol:** what a driver's connection has (PEP 249) and is used here; statements commit by themselves."""

    def cursor(self) -> Any: ...

    def close(self) -> None: ...


class Database(Protocol):
    """**Protocol:** one database: makes connections, begins transactions, and says what went wrong."""

    @property
    def name(self) -> str:
        """How messages call the database; without secrets."""
        ...

    @property
    def file(self) -> Path | None:
        """The database file; None where there is none."""
        ...

    @property
    def alone(self) -> bool:
        """Only one connection can see the database."""
        ...

    @property
    def engine(self) -> str:
        """What SQLAlchemy calls this kind of database, as a URL without a place."""
        ...

    @property
    def busy_seconds(self) -> int:
        """How long to wait for another process's transaction."""
        ...

    @property
    def begin_write(self) -> str:
        """The statement that begins a transaction that writes."""
        ...

    @property
    def begin_read(self) -> str:
        """The statement that begins a transaction that only reads, and sees one state of the database."""
        ...

    @property
    def error(self) -> type[Exception]:
        """What the driver raises."""
        ...

    def connect(self) -> Any:
        """Return a connection whose statements commit by themselves outside of a transaction."""
        ...

    def begin_migration(self, cursor: Cursor, /) -> None:
        """Begin a transaction that changes the schema: it waits for those of other processes."""
        ...

    def statements(self) -> Statements:
        """Return the journal's statements in the database's words."""
        ...

    def together(self, connection: Any, /) -> AbstractContextManager[object]:
        """Return a block whose statements do not wait for each other; errors come at its end at the latest."""
        ...

    def still_there(self) -> bool:
        """Tell whether what was committed can be found by who opens the database now."""
        ...

    def roll_back(self, connection: Any, /) -> None:
        """End the transaction, where the database has not done so by itself."""
        ...

    def lost(self, connection: Any, /) -> bool:
        """Tell whether the connection is gone and a new one is needed."""
        ...

    def tables(self, cursor: Cursor, /) -> set[str]:
        """Return the names of the tables that are there."""
        ...

    def passing(self, error: Any, /) -> bool:
        """Tell whether another process was in the way, so that the same transaction may be tried again."""
        ...

    def of_one_statement(self, error: Any, /) -> bool:
        """Tell whether the error is about what one caller wrote, and leaves the transaction of the others as it was."""
        ...

    def refusal(self, error: Any, /) -> ConfigurationError | AdapterError:
        """Return what is raised for an error while the database is opened."""
        ...

    def failure(self, error: Any, /) -> AdapterError:
        """Return what is raised for an error while the database is used."""
        ...


def database(url_or_path: str, *, busy_seconds: int) -> Database:
    """Return the database that a URL or a path names.

    Raises: ConfigurationError: it names none, or one whose driver is not installed.
    """
    scheme = url_or_path.partition("://")[0] if "://" in url_or_path else ""
    if scheme.partition("+")[0] in ("postgresql", "postgres"):
        from paygent.adapters.sql.postgresql import PostgreSQL, server

        return PostgreSQL(server(url_or_path), busy_seconds=busy_seconds)
    return SQLite(location(url_or_path), busy_seconds=busy_seconds)
