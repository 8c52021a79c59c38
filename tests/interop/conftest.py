"""Fixtures of the interop tests: one market of real peers for the whole run."""

from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from tests.interop.agent import Agency, new_agency, place_contracts
from tests.interop.install import Installed, find_installed
from tests.interop.peers.anvil import running_anvil
from tests.interop.peers.chain import TokenChain, place_base_sepolia
from tests.interop.peers.market import BASE_SEPOLIA_ID, Market, running_market
from tests.interop.peers.uniswap import Exchange, place_exchange

_HERE = Path(__file__).parent


def pytest_addoption(parser: pytest.Parser) -> None:
    """Known where these tests are named on the command line, as `nox -s crash` does."""
    parser.addoption("--every-move", action="store_true", help="kill acting processes at every move, not at the few")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep these tests in one xdist worker, so that the peers start once."""
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("interop"))


@pytest.fixture(scope="session")
def installed() -> Installed:
    """Where the peers are installed; fails when they are not."""
    return find_installed()


@pytest.fixture(scope="session")
def market(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    """Both chains, all facilitators and all sellers, running."""
    with running_market(installed, tmp_path_factory.mktemp("peers")) as market:
        yield market


@pytest.fixture(scope="session")
def hostile_chain(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TokenChain]:
    """A chain that no facilitator settles on, so that its time may run ahead."""
    with running_anvil(installed, chain_id=BASE_SEPOLIA_ID, log_dir=tmp_path_factory.mktemp("hostile")) as anvil:
        yield place_base_sepolia(anvil, installed)


@pytest.fixture(scope="session")
def acting_chain(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TokenChain]:
    """A chain for transactions of one's own, so that its mining may pause."""
    with running_anvil(installed, chain_id=BASE_SEPOLIA_ID, log_dir=tmp_path_factory.mktemp("acting")) as anvil:
        yield place_base_sepolia(anvil, installed)


@pytest.fixture(scope="session")
def contracts(acting_chain: TokenChain) -> TokenChain:
    """That chain, with this project's contracts on it."""
    anyio.run(place_contracts, acting_chain)
    return acting_chain


@pytest.fixture
async def agency(contracts: TokenChain) -> Agency:
    """A wallet that its operator has deployed."""
    made = new_agency(contracts)
    async with made.open(made.operator) as wallet:
        await wallet.deploy(await made.signed())
    return made


@pytest.fixture(scope="session")
def trading(acting_chain: TokenChain, installed: Installed) -> Exchange:
    """Uniswap V2 with pools on that chain."""
    return place_exchange(acting_chain.anvil, installed)


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look again at once where the engine would wait; how long it waits is unit-tested."""
    monkeypatch.setattr("paygent.engine.pay.RESEND_DELAY_SECONDS", 0.01)
