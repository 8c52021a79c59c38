"""The chains that are known by name.  Source: x402 version 1 network names; chain numbers as viem has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypedDict

from paygent.core.caip import ChainId, chain_id
from paygent.evm.tables import table


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A chain and what is known of it."""

    chain: ChainId
    """Its CAIP-2 id."""
    name: str
    """For people."""
    v1_names: tuple[str, ...]
    """What x402 version 1 calls it, usual name first; several where documents disagree."""
    test: bool
    """Its tokens are worth nothing."""
    instant_finality: bool
    """A mined block is never reorganised away, so the newest block is final."""
    tips: bool
    """A priority fee buys an earlier place; Cronos takes transactions in the order they come, whatever the tip."""


class _Row(TypedDict):
    chain_id: int
    name: str
    v1_names: list[str]
    test: bool
    instant_finality: bool
    tips: bool


def _network(row: _Row) -> Network:
    return Network(
        chain=ChainId.evm(row["chain_id"]),
        name=row["name"],
        v1_names=tuple(row["v1_names"]),
        test=row["test"],
        instant_finality=row["instant_finality"],
        tips=row["tips"],
    )


NETWORKS: Mapping[ChainId, Network] = MappingProxyType(
    {(network := _network(row)).chain: network for row in table("networks.json", list[_Row])}
)
"""Every known chain by its id."""

_BY_NAME = {name: network.chain for network in NETWORKS.values() for name in network.v1_names}


def chain_of(name: str) -> ChainId:
    """Return the chain that a seller or user means by a version 1 name or a CAIP-2 id, known or not.

    Raises: ValueError: no such name, or no EVM chain.
    """
    if known := _BY_NAME.get(name):
        return known
    if ":" not in name:
        raise ValueError(f"{name[:90]!r} is not a known network; {_near(name[:90])}")
    return ChainId.evm(chain_id(name).evm_number)


def _near(name: str) -> str:
    from difflib import get_close_matches

    if close := get_close_matches(name.lower(), _BY_NAME, n=3):
        return f"did you mean {' or '.join(map(repr, close))}?"
    return "write a CAIP-2 id such as 'eip155:25', or a name such as 'base' or 'cronos-testnet'"
