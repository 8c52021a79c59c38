"""Fixtures of the crash tests."""

import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from paygent.adapters.sql import open_journal
from tests.crash.shop import Shop, hurried
from tests.crash.town import Town, open_town
from tests.crash.vaults import databases


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A devnet of these tests alone, because its time runs ahead."""
    with open_town(tmp_path_factory.mktemp("town")) as town:
        yield town


@pytest.fixture
def town_on_server(town: Town) -> Iterator[Town]:
    """The same devnet, while its wallets keep their storages on a PostgreSQL server."""
    files = town.vault
    with databases() as town.vault:
        yield town
    town.vault = files


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new database, made once: copying it is faster than making it."""
    file = tmp_path_factory.mktemp("empty") / "pay.db"
    open_journal(str(file)).close()
    return file


@pytest.fixture
def new_shop(empty: Path, tmp_path: Path) -> Iterator[Callable[..., Shop]]:
    """Makes shops whose payer has a database of its own, and in which nobody waits."""
    numbers = count()

    def new(**options: int) -> Shop:
        return Shop(Path(shutil.copy(empty, tmp_path / f"{next(numbers)}.db")), **options)

    with hurried():
        yield new
