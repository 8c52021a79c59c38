"""Identifiers are read exactly, and EVM addresses compare without case."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygent.core.caip import AccountId, AssetId, ChainId, chain_id, erc20, is_evm_address
from paygent.testing.strategies import addresses, chains

MIXED = f"0x{'aB' * 20}"


@given(st.integers(0, 10**32 - 1))
def test_evm_chain_keeps_its_number(number: int) -> None:
    assert number == ChainId.evm(number).evm_number == chain_id(f"eip155:{number}").evm_number


@pytest.mark.parametrize("text", ["eip155:01", "eip155:x", "eip155:-1", "solana:5eykt", "eip155:1_0"])
def test_evm_number_of_another_chain_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an EVM chain id"):
        _ = ChainId(text).evm_number


@pytest.mark.parametrize(
    "text",
    ["", "25", "eip155", "eip155:", ":25", "EIP155:25", "ab:1", "eip155:25\n", "eip155:2 5", f"eip155:{'1' * 33}"],
)
def test_chain_that_is_no_caip2_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a CAIP-2 chain id"):
        ChainId(text)


def test_chain_has_namespace_and_reference() -> None:
    chain = ChainId("solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp")

    assert ("solana", "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp") == (chain.namespace, chain.reference)
    assert chain.text == str(chain)


@given(chains, addresses)
def test_asset_reads_what_it_writes(chain: ChainId, address: str) -> None:
    asset = erc20(chain, address)

    assert asset == AssetId.parse(str(asset))
    assert address == asset.address


def test_asset_of_an_evm_address_is_equal_in_any_case() -> None:
    chain = ChainId.evm(25)
    assets = {erc20(chain, MIXED), erc20(chain, MIXED.lower()), AssetId.parse(f"eip155:25/erc20:{MIXED}")}

    assert 1 == len(assets)


@pytest.mark.parametrize(
    "text", ["", "eip155:25", "eip155:25/", "eip155:25/erc20", "/erc20:0x1", "eip155:25/erc20:a/b"]
)
def test_asset_that_is_no_caip19_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="CAIP"):
        AssetId.parse(text)


def test_address_of_a_coin_is_refused() -> None:
    with pytest.raises(ValueError, match="is not an ERC-20 token"):
        _ = AssetId.parse("eip155:25/slip44:394").address


@pytest.mark.parametrize(
    "wrong", ["", "0x", MIXED[:-1], f"{MIXED}0", f"{MIXED}\n", MIXED[2:], f"0X{MIXED[2:]}", None, 1]
)
def test_evm_address_is_0x_and_40_digits(wrong: Any) -> None:
    assert not is_evm_address(wrong)
    assert is_evm_address(MIXED)


def test_erc20_refuses_another_address() -> None:
    with pytest.raises(ValueError, match="is not an EVM address"):
        erc20(ChainId.evm(1), "0x12")


def test_evm_accounts_are_equal_in_any_case() -> None:
    one, other = AccountId(ChainId.evm(25), MIXED), AccountId(ChainId.evm(25), MIXED.lower())

    assert one == other
    assert 1 == len({one, other})
    assert f"eip155:25:{MIXED}" == str(one)


def test_accounts_of_other_chains_keep_their_case() -> None:
    solana = ChainId("solana:5eykt")

    assert AccountId(solana, "Abc") != AccountId(solana, "abc")
    assert AccountId(ChainId.evm(1), MIXED) != AccountId(ChainId.evm(2), MIXED)
    assert AccountId(solana, "Abc") != "solana:5eykt:Abc"


@pytest.mark.parametrize("address", ["", "a b", "x" * 129, "a:b"])
def test_account_that_is_no_caip10_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="CAIP-10"):
        AccountId(ChainId.evm(1), address)
