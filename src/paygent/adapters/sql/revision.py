"""Which revision of the schema a database is at, and how it gets to the one this version needs."""

from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from paygent.adapters.sql.database import Connection as Link
from paygent.adapters.sql.database import Database
from paygent.adapters.sql.database import database as database_at
from paygent.adapters.sql.schema import REVISION_TABLE, REVISIONS, metadata
from paygent.core.errors import ConfigurationError

HEAD: Final = REVISIONS[-1]
MIGRATIONS: Final = Path(__file__).parent / "migrations"


def ensure(database: Database, connection: Link) -> None:
    """Make the schema in a new database; make sure that any other is at this version's revision.

    Raises: ConfigurationError: it is at another revision, or holds the tables of another program.
    """
    if current(database, connection) is None:
        migrate(database, connection)
    found = current(database, connection)
    if found != HEAD:
        raise ConfigurationError(
            f"{database.name} is at revision {found!r}, and this version needs {HEAD!r}; {_advice(found)}"
        )


def _advice(found: str | None) -> str:
    if found in REVISIONS:
        return "stop every process that uses it, keep a copy, and run `paygent db upgrade` once"
    return "it was made by a newer version of Paygent: install that one"


def current(database: Database, connection: Link) -> str | None:
    """Return the revision of a database, or None where it is empty.

    Raises: ConfigurationError: it holds the tables of another program, or ours without their revision.
    """
    cursor = connection.cursor()
    tables = database.tables(cursor)
    if REVISION_TABLE not in tables:
        if tables:
            raise ConfigurationError(f"{database.name} belongs to another program; name one of its own for Paygent")
        return None
    cursor.execute(f"SELECT version_num FROM {REVISION_TABLE}")  # noqa: S608  # our own word
    row = cursor.fetchone()
    if row is None and tables != {REVISION_TABLE}:
        raise ConfigurationError(f"{database.name} has lost its revision; restore the database from a copy")
    return None if row is None else str(row[0])


def upgrade(url_or_path: str) -> None:
    """Bring a database to this version's revision, in one transaction. Nothing else may use it meanwhile.

    Raises: ConfigurationError: the database cannot be used, or a newer version made it. AdapterError: it is locked.
    """
    database = database_at(url_or_path, busy_seconds=10)
    connection = database.connect()
    try:
        migrate(database, connection)
    except database.error as exc:
        raise database.refusal(exc) from exc
    finally:
        connection.close()


def migrate(database: Database, connection: Link) -> None:
    """Run the migrations that are missing in one transaction, which waits for those of other processes.

    Raises: ConfigurationError: a newer version or another program made it. Of the driver: nothing was changed.
    """
    engine = create_engine(database.engine, creator=lambda: connection, poolclass=StaticPool)
    with engine.connect() as wrapped:  # rolls back once when it first connects, so the transaction begins after it
        try:
            database.begin_migration(connection.cursor())
            found = current(database, connection)
            if found is not None and found not in REVISIONS:
                raise ConfigurationError(f"{database.name} is at revision {found!r}; {_advice(found)}")
            if found != HEAD:
                with wrapped.begin():
                    _run(wrapped)
        except DBAPIError as exc:
            raise exc.orig if isinstance(exc.orig, database.error) else exc from exc
        finally:
            database.roll_back(connection)


def _run(connection: Connection) -> None:
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)

    def steps(found: Any, _: object) -> Any:
        """Alembic's own documentation of EnvironmentContext goes this way."""
        return script._upgrade_revs(HEAD, found)  # pyright: ignore[reportPrivateUsage]

    with EnvironmentContext(config, script, fn=steps) as environment:
        environment.configure(connection=connection, version_table=REVISION_TABLE, target_metadata=metadata)
        environment.run_migrations()
