"""The tokens that are known and trusted.  Source: default assets of x402 2.25 (PyPI), Cronos documentation."""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TypedDict

from paygent.core.caip import AssetId, ChainId, erc20
from paygent.core.money import Asset
from paygent.core.requirements import Token
from paygent.core.typed_data import Domain
from paygent.evm.address import checksum
from paygent.evm.tables import table


class _Row(TypedDict):
    chain_id: int
    address: str
    symbol: str
    decimals: int
    name: str
    versions: list[str]
    usd: bool
    eip3009: bool
    test: bool


def _token(row: _Row) -> Token:
    asset = Asset(
        id=erc20(ChainId.evm(row["chain_id"]), row["address"]), symbol=row["symbol"], decimals=row["decimals"]
    )
    return Token(
        asset=asset,
        name=row["name"],
        versions=tuple(row["versions"]),
        usd=row["usd"],
        eip3009=row["eip3009"],
        test=row["test"],
    )


TOKENS: Mapping[AssetId, Token] = MappingProxyType(
    {(token := _token(row)).asset.id: token for row in table("tokens.json", list[_Row])}
)
"""Every known token by its id."""


@lru_cache(maxsize=1024)
def domains(token: Token) -> tuple[Domain, ...]:
    """Return the EIP-712 domains that a token may have, likeliest first; more than one is decided on chain.

    Raises: ValueError: it is not an ERC-20 token of an EVM chain.
    """
    contract = checksum(token.asset.id.address)
    number = token.asset.id.chain.evm_number
    return tuple(
        Domain(name=token.name, version=version, chain_id=number, verifying_contract=contract)
        for version in token.versions
    )


def domain(token: Token) -> Domain:
    """Return the likeliest EIP-712 domain of a token.

    Raises: ValueError: it is not an ERC-20 token of an EVM chain.
    """
    return domains(token)[0]
