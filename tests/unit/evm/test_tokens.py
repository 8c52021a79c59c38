"""The table of tokens."""

import json
from pathlib import Path
from typing import Any

import pytest
from eth_account.messages import encode_typed_data
from eth_utils.address import is_checksum_address
from x402.mechanisms.evm.default_assets import DEFAULT_ASSETS

from paygent.core.caip import ChainId, erc20
from paygent.core.requirements import Token
from paygent.evm.eip712 import domain_separator
from paygent.evm.networks import NETWORKS
from paygent.evm.tokens import TOKENS, domain, domains

ROWS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[3] / "src/paygent/evm/tokens.json").read_text(encoding="utf-8")
)
CRONOS = erc20(ChainId.evm(25), "0xf951eC28187D9E5Ca673Da8FE6757E6f0Be5F77C")
CRONOS_TESTNET = erc20(ChainId.evm(338), "0xc01efAaF7C5C61bEbFAeb358E1161b537b8bC0e0")


DEFAULTS: list[tuple[str, dict[str, Any]]] = [
    (network, dict(asset)) for network, assets in DEFAULT_ASSETS.items() for asset in assets
]


@pytest.mark.parametrize(("network", "asset"), DEFAULTS, ids=lambda value: str(value)[:60])
def test_tokens_agree_with_the_official_sdk(network: str, asset: dict[str, Any]) -> None:
    token = TOKENS[erc20(ChainId(network), asset["asset"])]

    assert (asset["name"], (asset["version"],), asset["decimals"], asset["symbol"]) == (
        token.name,
        token.versions,
        token.asset.decimals,
        token.asset.symbol,
    )
    assert token.eip3009 == (asset.get("asset_transfer_method") != "permit2")


def test_the_cronos_token_has_a_disputed_version() -> None:
    token = TOKENS[CRONOS]

    assert ("2", "1") == token.versions
    assert (token.name, token.asset.decimals, token.usd, token.test) == ("Bridged USDC (Stargate)", 6, True, False)


def test_the_cronos_test_token_is_worth_nothing() -> None:
    token = TOKENS[CRONOS_TESTNET]

    assert ("1",) == token.versions
    assert (token.name, token.asset.decimals, token.usd, token.test) == ("Bridged USDC (Stargate)", 6, True, True)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['symbol']}-{row['chain_id']}")
def test_check_tables_every_row_has_the_shape_of_a_token(row: dict[str, Any]) -> None:
    kinds = {"chain_id": int, "address": str, "symbol": str, "decimals": int, "name": str, "versions": list}

    assert {key: type(value) for key, value in row.items()} == kinds | {"usd": bool, "eip3009": bool, "test": bool}
    assert row["versions"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['symbol']}-{row['chain_id']}")
def test_check_tables_every_address_has_a_valid_checksum(row: dict[str, Any]) -> None:
    assert is_checksum_address(row["address"])


def test_check_tables_every_token_is_there_once() -> None:
    assert len(ROWS) == len(TOKENS)


@pytest.mark.parametrize("token", list(TOKENS.values()), ids=lambda token: str(token.asset.id))
def test_check_tables_every_token_is_on_a_known_chain(token: Token) -> None:
    assert token.test == NETWORKS[token.asset.id.chain].test


@pytest.mark.parametrize("token", list(TOKENS.values()), ids=lambda token: str(token.asset.id))
def test_check_tables_every_domain_is_the_one_of_eth_account(token: Token) -> None:
    for made in domains(token):
        fields = {
            "name": made.name,
            "version": made.version,
            "chainId": made.chain_id,
            "verifyingContract": made.verifying_contract,
        }
        signable = encode_typed_data(fields, {"A": [{"name": "a", "type": "bool"}]}, {"a": True})
        assert signable.header == domain_separator(made)


def test_domain_has_the_likeliest_version() -> None:
    assert domain(TOKENS[CRONOS]) == domains(TOKENS[CRONOS])[0]
    assert [made.version for made in domains(TOKENS[CRONOS])] == ["2", "1"]
