"""Fixtures of the crash tests."""

from collections.abc import Iterator

import pytest

from tests.crash.town import Town, open_town


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A devnet of these tests alone, because its time runs ahead."""
    with open_town(tmp_path_factory.mktemp("town")) as town:
        yield town
