"""What the tests of hostile sellers share."""

import pytest

from tests.interop.peers.chain import TokenChain
from tests.interop.wallet import Drive, transfers_from

drives = pytest.mark.parametrize("drive", Drive, ids=str)
asynchronous = pytest.mark.parametrize("drive", [Drive.ASYNCIO, Drive.TRIO], ids=str)
async_and_sync = pytest.mark.parametrize("drive", [Drive.ASYNCIO, Drive.SYNC], ids=str)
hurried = pytest.mark.usefixtures("hurry")


def moved(chain: TokenChain, payer: str) -> int:
    """Return how many token transfers an address has made."""
    return len(transfers_from(chain, payer))
