"""The coin of each chain, which pays for gas.  Source: the chains' own documents, as viem has them."""

from paygent.core.caip import ChainId, native
from paygent.core.money import Asset
from paygent.core.requirements import Token
from paygent.evm.tables import table

DECIMALS = 18
"""Every EVM counts its coin in so many decimal places."""
_SYMBOLS = table("coins.json", dict[str, str])


def coin(chain: ChainId) -> Asset:
    """Return the coin of an EVM chain; ``ETH`` is said of a chain that is not known by name."""
    return Asset(id=native(chain), symbol=_SYMBOLS.get(str(chain.evm_number), "ETH"), decimals=DECIMALS)


def coin_token(chain: ChainId) -> Token:
    """Return the coin as a policy looks at it: without a signature domain, and worth what a rate or an oracle says."""
    asset = coin(chain)
    return Token(asset=asset, name=asset.symbol, versions=(), eip3009=False)
