"""Where the wallets of a town keep their storages: files, or databases of one PostgreSQL server."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import psycopg

from paygent.adapters.sql import open_journal, upgrade
from tests.postgres import server

SUMS = "SELECT reserved, committed FROM budgets"
MOVES = "SELECT payment_id, version, event FROM moves"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What a storage has in it, past the journal that reads it."""

    sums: list[Any]
    moves: list[Any]


class Vault(Protocol):
    """**Protocol:** makes empty storages, each a copy of one that was made beforehand."""

    def new(self, number: int) -> str:
        """Return the URL or path of a storage that nobody used."""
        ...

    def read(self, storage: str) -> Rows:
        """Read a storage that no process has open."""
        ...

    def drop(self, storage: str) -> None:
        """Give back the room of a storage that was judged."""
        ...


class Files:
    """A SQLite database for each wallet."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._empty = folder / "empty.db"
        open_journal(str(self._empty)).close()

    def new(self, number: int) -> str:
        return str(shutil.copyfile(self._empty, self._folder / f"{number:04}.db"))

    def read(self, storage: str) -> Rows:
        return read_file(storage)

    def drop(self, storage: str) -> None:
        """Leave it to whoever made the folder: a test that fails shows it."""


class Databases:
    """A database of one server for each wallet."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._do("CREATE DATABASE ready TEMPLATE template0")
        upgrade(self._named("ready"))

    def new(self, number: int) -> str:
        self._do(f"CREATE DATABASE purse_{number} TEMPLATE ready STRATEGY file_copy")
        return self._named(f"purse_{number}")

    def read(self, storage: str) -> Rows:
        with psycopg.connect(storage) as connection:
            return Rows(sums=connection.execute(SUMS).fetchall(), moves=connection.execute(MOVES).fetchall())

    def drop(self, storage: str) -> None:
        name = storage.partition("/purse_")[2].partition("?")[0]
        self._do(f"DROP DATABASE purse_{name} WITH (FORCE)")

    def _named(self, name: str) -> str:
        return self._url.replace("/postgres?", f"/{name}?")

    def _do(self, statement: str) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(statement.encode())


def read_file(file: str) -> Rows:
    """Read a SQLite database and make sure that it is whole."""
    with sqlite3.connect(file) as connection:
        sums = connection.execute(SUMS).fetchall()
        moves = connection.execute(MOVES).fetchall()
        assert [("ok",)] == connection.execute("PRAGMA integrity_check").fetchall()
    connection.close()
    return Rows(sums=sums, moves=moves)


@contextmanager
def databases() -> Iterator[Vault]:
    """Start a server and make a database on it for each wallet; it need not be durable: only clients are killed."""
    with server() as url:
        yield Databases(url)
