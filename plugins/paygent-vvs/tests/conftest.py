"""Real Uniswap V2 on anvil as Cronos (25), and the connector configured for it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from paygent.adapters.rpc import RpcChain
from tests.conftest import anyio_backend
from tests.interop.install import Installed, find_installed
from tests.interop.peers.anvil import running_anvil
from tests.interop.peers.desk import CRONOS, Desk
from tests.interop.peers.uniswap import Exchange, place_exchange, place_farms

__all__ = ["anyio_backend"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of the plugin in one xdist worker: one anvil serves them all."""
    for item in items:
        if "paygent-vvs" in item.path.parts:
            item.add_marker(pytest.mark.xdist_group("vvs"))


@pytest.fixture(scope="session")
def installed() -> Installed:
    """Where the peers are installed; fails when they are not."""
    return find_installed()


@pytest.fixture(scope="session")
def standing(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    with running_anvil(installed, chain_id=25, log_dir=tmp_path_factory.mktemp("exchange")) as anvil:
        exchange = place_exchange(anvil, installed)
        place_farms(exchange)
        yield exchange


@pytest.fixture
def exchange(standing: Exchange) -> Iterator[Exchange]:
    """The exchange as it was placed, whatever other tests did to it."""
    snapshot = standing.anvil.snapshot()
    yield standing
    standing.anvil.revert(snapshot)


@pytest.fixture
async def chain(exchange: Exchange) -> AsyncIterator[RpcChain]:
    async with RpcChain(exchange.anvil.url, chain=CRONOS, instant_finality=True) as chain:
        yield chain


@pytest.fixture
async def desk(exchange: Exchange, chain: RpcChain) -> Desk:
    return Desk(exchange, chain)
