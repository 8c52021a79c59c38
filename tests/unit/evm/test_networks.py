"""The table of chains, and how one is named."""

import json
from pathlib import Path
from typing import Any

import pytest
from x402.mechanisms.evm.v1.constants import V1_NETWORK_CHAIN_IDS

from paygent.core.caip import ChainId
from paygent.evm.networks import NETWORKS, chain_of

ROWS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[3] / "src/paygent/evm/networks.json").read_text(encoding="utf-8")
)
SDK_IS_WRONG = {"story": 1514, "educhain": 41923, "skale-base-sepolia": 324705682}
"""Version 1 names for which the official Python SDK signs another chain number than viem and the TypeScript SDK."""


@pytest.mark.parametrize("name", sorted(V1_NETWORK_CHAIN_IDS))
def test_chain_of_knows_every_name_of_version_1(name: str) -> None:
    assert ChainId.evm(SDK_IS_WRONG.get(name, V1_NETWORK_CHAIN_IDS[name])) == chain_of(name)


@pytest.mark.parametrize(
    ("name", "number"),
    [("cronos", 25), ("cronos-mainnet", 25), ("cronos-testnet", 338), ("sepolia", 11155111), ("sei-testnet", 1328)],
)
def test_chain_of_knows_the_names_that_the_sdk_lacks(name: str, number: int) -> None:
    assert ChainId.evm(number) == chain_of(name)


def test_chain_of_takes_any_evm_chain_by_its_caip2_id() -> None:
    assert chain_of("eip155:987654321") == ChainId.evm(987654321)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("base-sepola", "did you mean 'base-sepolia'"),
        ("Base", "did you mean 'base'"),
        ("qqqq", "write a CAIP-2 id"),
        ("", "write a CAIP-2 id"),
        ("x" * 500, "write a CAIP-2 id"),
        ("eip155:08453", "not an EVM chain id"),
        ("eip155:", "not a CAIP-2"),
        ("solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", "not an EVM chain id"),
    ],
)
def test_chain_of_refuses_when_the_name_is_no_evm_chain(name: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        chain_of(name)


def test_check_tables_every_chain_and_name_is_there_once() -> None:
    names = [name for row in ROWS for name in row["v1_names"]]

    assert len(ROWS) == len(NETWORKS)
    assert len(names) == len(set(names))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row["chain_id"]))
def test_check_tables_every_row_has_the_shape_of_a_network(row: dict[str, Any]) -> None:
    kinds = {"chain_id": int, "name": str, "v1_names": list, "test": bool, "instant_finality": bool, "tips": bool}

    assert {key: type(value) for key, value in row.items()} == kinds


def test_only_cronos_and_local_chains_are_final_at_once() -> None:
    final = {network.chain.evm_number for network in NETWORKS.values() if network.instant_finality}

    assert final == {25, 338, 31337, 1337}


def test_only_cronos_takes_no_tips() -> None:
    assert {25, 338} == {network.chain.evm_number for network in NETWORKS.values() if not network.tips}
