"""A small exchange on the devnet: one pool of the chain's coin and dUSD, by contracts of our own.

It answers to the functions of the Uniswap V2 family, so a connector for such a venue works on it when it is configured
with `DevExchange.options`. It is the devnet's own pool, and says so: no other venue stands behind it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eth_utils.address import to_checksum_address

from paygent.core.caip import ChainId, erc20
from paygent.core.money import Asset
from paygent.devnet.contracts import artifact, calldata
from paygent.devnet.keys import DevAccount
from paygent.devnet.rpc_client import RpcClient
from paygent.evm.coins import coin

if TYPE_CHECKING:
    from paygent.devnet.seller import Token

NAME = "devnet"
"""What its connector is called."""
TITLE = "the devnet's own pool"
POOL_COINS = 5_000 * 10**18
"""Wei in the pool at the start: 5,000 coins."""
POOL_DOLLARS = 50_000 * 10**6
"""Atomic units in the pool at the start: 50,000 dUSD, so that a coin is worth about ten."""
_FOR_EVER = 2**40


@dataclass(frozen=True, slots=True, kw_only=True)
class DevExchange:
    """Where the exchange is."""

    network: ChainId
    router: str
    factory: str
    wrapped: str
    """The wrapped coin."""
    pair_code_hash: str
    """0x and 64 hexadecimal digits: the hash of the code that makes a pool."""
    dollar: Asset
    """dUSD."""

    @property
    def coin(self) -> Asset:
        """The chain's own coin."""
        return coin(self.network)

    @property
    def wrapped_coin(self) -> Asset:
        """The coin as a token."""
        return Asset(id=erc20(self.network, self.wrapped), symbol=f"W{self.coin.symbol}", decimals=18)

    @property
    def options(self) -> dict[str, object]:
        """The options of a connector for such venues, as the settings would have them under its plugin's name."""
        return {"name": NAME, "networks": {self.network.text: self._described()}}

    def _described(self) -> dict[str, object]:
        tokens = [
            {"symbol": asset.symbol, "address": asset.id.address, "decimals": asset.decimals}
            for asset in (self.wrapped_coin, self.dollar)
        ]
        return {
            "title": TITLE,
            "coin": self.coin.symbol,
            "share_symbol": "DEV-LP",
            "router": self.router,
            "factory": self.factory,
            "init_code_hash": self.pair_code_hash,
            "wrapped": self.wrapped_coin.symbol,
            "hubs": [self.wrapped_coin.symbol],
            "tokens": tokens,
        }


def place_exchange(rpc: RpcClient, minter: DevAccount, token: "Token", *, network: ChainId) -> DevExchange:
    """Deploy the exchange and fill its pool with coins of `minter`, and with dUSD that it mints.

    Raises: AdapterError: the node refused a transaction.
    """
    wrapped = _deploy(rpc, minter, "DevCoin")
    router = _deploy(rpc, minter, "DevRouter", bytes(12) + bytes.fromhex(wrapped[2:]))
    factory = to_checksum_address("0x" + _read(rpc, router, "factory()")[-40:])
    rpc.send(minter, to=token.address, data=calldata("mint(address,uint256)", minter.address, POOL_DOLLARS))
    rpc.send(minter, to=token.address, data=calldata("approve(address,uint256)", router, POOL_DOLLARS))
    adding = "addLiquidityETH(address,uint256,uint256,uint256,address,uint256)"
    given = (token.address, POOL_DOLLARS, POOL_DOLLARS, POOL_COINS, minter.address, _FOR_EVER)
    rpc.send(minter, to=router, data=calldata(adding, *given), value=POOL_COINS)
    dollar = Asset(id=erc20(network, token.address), symbol=token.symbol, decimals=token.decimals)
    return DevExchange(
        network=network,
        router=router,
        factory=factory,
        wrapped=wrapped,
        pair_code_hash=_read(rpc, factory, "pairCodeHash()"),
        dollar=dollar,
    )


def _deploy(rpc: RpcClient, minter: DevAccount, name: str, arguments: bytes = b"") -> str:
    code = artifact(name).bytecode + arguments
    return to_checksum_address(rpc.send(minter, to=None, data=f"0x{code.hex()}")["contractAddress"])


def _read(rpc: RpcClient, to: str, function: str) -> str:
    return str(rpc.call("eth_call", {"to": to, "data": calldata(function)}, "latest"))
