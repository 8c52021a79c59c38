"""The coin of each chain, which pays for gas.  Source: the chains' own documents, as viem has them."""

from paygent.core.caip import ChainId, chain_id, native
from paygent.core.money import Amount, Asset
from paygent.core.requirements import Token
from paygent.evm.tables import table

DECIMALS = 18
"""Every EVM counts its coin in so many decimal places."""
_SYMBOLS = table("coins.json", dict[str, str])


def coin(chain: ChainId) -> Asset:
    """Return the coin of an EVM chain; ``ETH`` is said of a chain that is not known by name."""
    return Asset(id=native(chain), symbol=_SYMBOLS.get(str(chain.evm_number), "ETH"), decimals=DECIMALS)


def known_coins() -> tuple[Asset, ...]:
    """Return the coins of all chains that are known by name; several chains count in a coin of one symbol."""
    return tuple(coin(chain_id(f"eip155:{number}")) for number in _SYMBOLS)


def coin_token(chain: ChainId) -> Token:
    """Return the coin as a policy looks at it: without a signature domain, and worth what a rate or an oracle says."""
    asset = coin(chain)
    return Token(asset=asset, name=asset.symbol, versions=(), eip3009=False)


def _usual(name: str) -> tuple[Amount, ...]:
    limits = table("gas_limits.json", dict[str, dict[str, str]])
    return tuple(Amount.parse(limits[each.symbol][name], each) for each in known_coins() if each.symbol in limits)


USUAL_GAS = _usual("transaction")
"""What one transaction's gas may cost where settings say nothing: a trade at several times an ordinary price."""
USUAL_GAS_PER_DAY = _usual("day")
"""What a day's gas may cost where settings say nothing: ten dear transactions."""
