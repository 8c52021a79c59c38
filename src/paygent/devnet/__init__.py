"""A local chain with a real token, a seller and a facilitator: for the quickstart, notebooks and tests.

::

    with Devnet() as net:
        print(net.seller.url("/premium"), net.rpc_url, net.balance(net.payer.address))

Needs the extra ``devnet``: without it the import of a name raises `ConfigurationError`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from paygent.core.errors import ConfigurationError

if TYPE_CHECKING:
    from paygent.devnet.exchange import DevExchange
    from paygent.devnet.keys import DevAccount
    from paygent.devnet.net import Devnet, TokenTransfer
    from paygent.devnet.seller import Seller, Token

__all__ = ["DevAccount", "DevExchange", "Devnet", "Seller", "Token", "TokenTransfer"]

_HOMES = {
    "DevAccount": "paygent.devnet.keys",
    "DevExchange": "paygent.devnet.exchange",
    "Devnet": "paygent.devnet.net",
    "Seller": "paygent.devnet.seller",
    "Token": "paygent.devnet.seller",
    "TokenTransfer": "paygent.devnet.net",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        home = import_module(_HOMES[name])
    except ModuleNotFoundError as missing:
        raise ConfigurationError(
            f'the devnet needs the package {missing.name!r}: run pip install ".[devnet]" in a clone'
        ) from missing
    return vars(home)[name]
