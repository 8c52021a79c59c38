"""Networks are data that is verified against the chain before it is believed."""

import re
from dataclasses import replace
from typing import Any

import pytest
from paygent_vvs import VvsConnector
from paygent_vvs.networks import builtin, venue
from paygent_vvs.reverts import refusal

from paygent.adapters.rpc import RpcChain
from paygent.core.caip import is_evm_address
from paygent.plugin import ChainId, ConfigurationError, Swap, Tools, TradeRefused, checksum
from paygent.testing.clock import VirtualClock
from tests.interop.peers.desk import CRONOS, Desk
from tests.interop.peers.uniswap import Exchange

MAINNET: Any = builtin()["eip155:25"]
PUBLISHED = {
    ("WCRO", "WETH"): "0xA111C17f8B8303280d3EB01BBcd61000AA7F39F9",
    ("WCRO", "WBTC"): "0x8F09fFf247B8fDB80461E5Cf5E82dD1aE2EBd6d7",
    ("WCRO", "USDC"): "0xe61Db569E231B3f5530168Aa2C9D50246525b6d6",
    ("WCRO", "VVS"): "0xbf62c67eA509E86F07c8c69d0286C0636C50270b",
    ("VVS", "USDC"): "0x814920D1b8007207db6cB5a2dD92bF0b082BDBa1",
}
"""Pools of VVS's own farm list: factory, hash and tokens of the configuration lead to their addresses."""


@pytest.mark.parametrize(("pair", "address"), list(PUBLISHED.items()))
def test_mainnet_configuration_leads_to_the_published_pools(pair: tuple[str, str], address: str) -> None:
    here = venue("eip155:25", MAINNET)
    tokens = {token.symbol: token for token in here.tokens}

    assert address == here.pair(tokens[pair[0]], tokens[pair[1]])
    assert address == here.pair(tokens[pair[1]], tokens[pair[0]])


def test_every_address_of_the_configuration_has_its_checksum() -> None:
    written = re.findall(r"0x[0-9a-fA-F]{40}\b", str(builtin()))

    assert len(written) > 15
    assert written == [checksum(address) for address in written if is_evm_address(address)]


def test_farms_of_mainnet_are_in_both_craftsmen_but_pool_0() -> None:
    ids = [farm.id for farm in venue("eip155:25", MAINNET).farms]

    assert ["v1:0", "v1:1", "v1:2", "v1:3", "v1:4", "v1:5", "v2:1", "v2:2", "v2:3", "v2:4", "v2:5"] == ids


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"router": ""}, "router"),
        ({"router": "0x12"}, "not an EVM address"),
        ({"init_code_hash": "0x12"}, "64 hexadecimal"),
        ({"wrapped": "NOPE"}, "NOPE"),
        ({"tokens": "USDC"}, "list"),
        ({"hubs": "USDC"}, "list"),
        ({"tokens": [{"symbol": "X", "address": MAINNET["router"], "decimals": "18"}]}, "decimals"),
        ({"max_block_age_seconds": -1}, "whole number"),
        ({"through_smart_router": "false"}, "through_smart_router"),
    ],
)
def test_wrong_description_is_refused_by_its_field(change: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        venue("eip155:25", {**MAINNET, **change})


@pytest.mark.parametrize(
    "options",
    [
        {"slipage_bps": 5},
        {"slippage_bps": 10_000},
        {"slippage_bps": "50"},
        {"deadline_seconds": 0},
        {"max_price_impact_bps": True},
        {"networks": {}},
        {"networks": ["eip155:25"]},
        {"networks": {"eip155:25": "vvs"}},
        {"name": 5},
    ],
)
def test_wrong_option_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match="vvs"):
        VvsConnector.open(Tools(chains={}, clock=VirtualClock(0), options=options))


async def _refused(exchange: Exchange, chain: RpcChain, **network: object) -> str:
    desk = Desk(exchange, chain, network)
    wish = Swap(give=desk.asset("CRO"), get=desk.asset("USDC"), amount=desk.amount("1", "CRO"))
    with pytest.raises(ConfigurationError) as refused:
        await desk.quote(wish)
    return str(refused.value)


@pytest.mark.anyio
async def test_wrong_hash_is_found_by_a_pool_that_exists(exchange: Exchange, chain: RpcChain) -> None:
    assert "one of them is wrong" in await _refused(exchange, chain, init_code_hash="0x" + "11" * 32)


@pytest.mark.anyio
async def test_wrong_factory_is_found_by_the_routers_word(exchange: Exchange, chain: RpcChain) -> None:
    assert "works with factory" in await _refused(exchange, chain, factory=exchange.weth)


@pytest.mark.anyio
async def test_router_that_is_no_contract_is_found(exchange: Exchange, chain: RpcChain) -> None:
    assert "no contract at the router" in await _refused(exchange, chain, router="0x" + "33" * 20)


@pytest.mark.anyio
async def test_without_a_pool_to_verify_by_nothing_is_traded(exchange: Exchange, chain: RpcChain) -> None:
    wrapped = {"symbol": "WCRO", "address": exchange.weth, "decimals": 18}
    lonely = [wrapped, {"symbol": "USDC", "address": "0x" + "55" * 20, "decimals": 6}]
    changes: dict[str, object] = {"tokens": lonely, "hubs": [], "farms": [], "reward": "WCRO"}

    assert "nothing proves" in await _refused(exchange, chain, **changes)


@pytest.mark.anyio
async def test_mainnet_addresses_are_not_believed_on_another_chain(exchange: Exchange, chain: RpcChain) -> None:
    """The configuration that ships, on a chain that has none of its contracts."""
    connector = VvsConnector.open(Tools(chains={CRONOS: chain}, clock=VirtualClock(0)))
    coin = next(asset for asset in connector.manifest.assets if asset.symbol == "CRO")
    usdc = next(asset for asset in connector.manifest.assets if asset.symbol == "USDC")

    wish = Swap(give=coin, get=usdc, amount=Desk(exchange, chain).amount("1", "CRO"))

    with pytest.raises(ConfigurationError, match="no contract at the router"):
        await connector.quote(wish, owner=exchange.owner)


@pytest.mark.anyio
async def test_network_without_an_endpoint_says_what_to_set(desk: Desk) -> None:
    lost = VvsConnector.open(Tools(chains={}, clock=VirtualClock(0)))
    assets = {asset.symbol: asset for asset in lost.manifest.assets if asset.id.chain == CRONOS}
    wish = Swap(give=assets["CRO"], get=assets["USDC"], amount=desk.amount("1", "CRO"))

    with pytest.raises(ConfigurationError, match="PAYGENT_RPC"):
        await lost.quote(wish, owner=desk.trader)
    assert [] == list(await lost.positions(desk.trader))


@pytest.mark.anyio
async def test_endpoint_that_lags_behind_is_not_traded_by(exchange: Exchange, chain: RpcChain) -> None:
    described = exchange.described(max_block_age_seconds=120)
    late = VirtualClock(exchange.anvil.timestamp() + 121)
    connector = VvsConnector.open(
        Tools(chains={CRONOS: chain}, clock=late, options={"networks": {"eip155:25": described}})
    )
    desk = Desk(exchange, chain)
    wish = Swap(give=desk.asset("CRO"), get=desk.asset("USDC"), amount=desk.amount("1", "CRO"))

    with pytest.raises(Exception, match="121 seconds old"):
        await connector.quote(wish, owner=desk.trader)


@pytest.mark.anyio
async def test_wish_on_another_network_is_refused(desk: Desk) -> None:
    elsewhere = ChainId("eip155:1")
    assets = [replace(one, id=replace(one.id, chain=elsewhere)) for one in (desk.asset("CRO"), desk.asset("USDC"))]
    wish = Swap(give=assets[0], get=assets[1], amount=replace(desk.amount("1", "CRO"), asset=assets[0]))

    with pytest.raises(TradeRefused) as refused:
        await desk.quote(wish)

    assert refused.value.code in ("unknown_asset", "unknown_network")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("execution reverted: VVSRouter: EXPIRED", "expired"),
        ("execution reverted: UniswapV2Router: EXPIRED", "expired"),
        ("says the contract reverted on eth_call: VVSRouter: INSUFFICIENT_OUTPUT_AMOUNT (code 3)", "slippage"),
        ("VVSRouter: EXCESSIVE_INPUT_AMOUNT", "slippage"),
        ("VVSLibrary: INSUFFICIENT_LIQUIDITY", "insufficient_liquidity"),
        ("VVS: INSUFFICIENT_LIQUIDITY_MINTED", "insufficient_liquidity"),
        ("VVS: K", "pool_changed"),
        ("UniswapV2: K", "pool_changed"),
        ("TransferHelper: TRANSFER_FROM_FAILED", "transfer_failed"),
        ("execution reverted: withdraw: not good", "insufficient_stake"),
        ("Transaction too old", "expired"),
    ],
)
def test_revert_is_told_by_the_end_of_its_text(said: str, code: str) -> None:
    known = refusal(said)

    assert known is not None
    assert code == known.code


@pytest.mark.parametrize("said", ["execution reverted", "Ownable: caller is not the owner", "VVS: KING", "EXPIRED", ""])
def test_other_reverts_mean_nothing_here(said: str) -> None:
    assert refusal(said) is None
