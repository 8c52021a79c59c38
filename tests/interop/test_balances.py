"""Balances by Circle's token, on anvil with viem's Multicall3 and without it: the same answer."""

from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest

from paygent.adapters.rpc import RpcChain
from paygent.core.caip import ChainId, erc20, native
from paygent.core.errors import AdapterError, TokenUnusable
from paygent.core.money import Amount, Asset
from paygent.evm.coins import coin
from paygent.evm.deployments import MULTICALL3
from paygent.wallet.balances import BalanceReader
from tests.interop.peers.chain import STARTING_BALANCE, USDC, TokenChain

pytestmark = pytest.mark.anyio
CHAIN = ChainId.evm(84532)
DOLLARS = Asset(id=erc20(CHAIN, USDC), symbol="USDC", decimals=6)
NOTHING = Asset(id=erc20(CHAIN, "0x" + "77" * 20), symbol="NONE", decimals=6)
MULTICALL = Asset(id=erc20(CHAIN, MULTICALL3), symbol="MULTI", decimals=6)
COIN = coin(CHAIN)


@pytest.fixture
async def rpc(hostile_chain: TokenChain) -> AsyncGenerator[RpcChain]:
    async with RpcChain(hostile_chain.anvil.url, chain=CHAIN) as chain:
        yield chain


class Counted(RpcChain):
    """Counts the calls of contracts."""

    calls = 0

    async def call(self, to: str, data: str, *, at: object = "latest") -> str:
        self.calls += 1
        return await super().call(to, data, at=at)  # type: ignore[arg-type]


@pytest.mark.parametrize("address", [MULTICALL3, None, "0x" + "66" * 20])
async def test_balances_are_what_the_tokens_say_with_and_without_multicall(
    hostile_chain: TokenChain, rpc: RpcChain, address: str | None
) -> None:
    owner = hostile_chain.new_payer().address
    wrong = replace(DOLLARS, decimals=18)
    reader = BalanceReader(rpc, CHAIN, multicall_address=address)
    found = await reader.read(owner, [COIN, DOLLARS, NOTHING, MULTICALL])

    assert (Amount(10**18, COIN), Amount(STARTING_BALANCE, DOLLARS)) == (found[native(CHAIN)], found[DOLLARS])
    assert hostile_chain.anvil.call("eth_blockNumber") == hex(found.block)
    for unusable in (NOTHING, MULTICALL):
        with pytest.raises(TokenUnusable, match="balanceOf"):
            found[unusable]
    with pytest.raises(TokenUnusable, match="counts 6 decimal places, and was expected to count 18"):
        (await reader.read(owner, [wrong]))[wrong]
    with pytest.raises(KeyError):
        found[erc20(CHAIN, "0x" + "78" * 20)]


async def test_many_balances_are_one_call(hostile_chain: TokenChain) -> None:
    owner = hostile_chain.new_payer().address
    counted = Counted(hostile_chain.anvil.url, chain=CHAIN)
    async with counted:
        reader = BalanceReader(counted, CHAIN)
        await reader.read(owner, [COIN, *[DOLLARS] * 50])
        assert 1 == counted.calls
        await reader.read(owner, [DOLLARS] * 401)
        assert 3 == counted.calls


async def test_balances_refuse_another_chain_and_what_is_no_address(rpc: RpcChain) -> None:
    reader = BalanceReader(rpc, CHAIN)
    with pytest.raises(ValueError, match="not on eip155:84532"):
        await reader.read(USDC, [coin(ChainId.evm(25))])
    with pytest.raises(ValueError, match="not an EVM address"):
        await reader.read("0x12", [COIN])


async def test_nonsense_at_the_address_of_multicall_is_an_error(rpc: RpcChain) -> None:
    with pytest.raises(AdapterError):
        await BalanceReader(rpc, CHAIN, multicall_address=USDC).read(USDC, [DOLLARS])


async def test_balances_read_well(hostile_chain: TokenChain, rpc: RpcChain) -> None:
    owner = hostile_chain.new_payer().address
    found = await BalanceReader(rpc, CHAIN).read(owner, [COIN, DOLLARS, NOTHING])

    assert f"{owner} on eip155:84532 at block {found.block}" == str(found).splitlines()[0]
    assert ["1.00 ETH", "1000.00 USDC"] == [line.strip() for line in str(found).splitlines()[1:3]]
    assert "<td>1000.00 USDC</td>" in found._repr_html_()
