"""A devnet for the tests that need one, shared by the tests of a module."""

from collections.abc import Iterator

import pytest

from paygent.devnet import Devnet


@pytest.fixture(scope="module")
def net() -> Iterator[Devnet]:
    with Devnet(anvil=False) as running:
        yield running
