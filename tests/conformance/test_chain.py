"""Every chain adapter keeps the promises of the port: the one in memory, and JSON-RPC against a node."""

from collections.abc import AsyncIterator, Iterator
from itertools import count

import anyio.to_thread
import pytest

from paygent.adapters.rpc import RpcChain
from paygent.core.caip import ChainId, erc20
from paygent.core.money import Amount, Asset
from paygent.core.requirements import Authorization, Token
from paygent.core.typed_data import Domain
from paygent.devnet.contracts import artifact
from paygent.devnet.node import CHAIN_ID, EmbeddedNode
from paygent.devnet.rpc_client import RpcClient
from paygent.evm import eip3009, word
from paygent.evm.address import checksum
from paygent.evm.eip712 import digest
from paygent.evm.tokens import domain
from paygent.testing.chain import MemoryChain
from paygent.testing.conformance.chain import ChainContract
from paygent.testing.keys import dev_accounts

CHAIN = ChainId.evm(CHAIN_ID)
_STAGES = count(1)
PAYEE = checksum(f"0x{'77' * 20}")


def usd_token(address: str) -> Token:
    asset = Asset(id=erc20(CHAIN, address), symbol="dUSD", decimals=6)
    return Token(asset=asset, name="Devnet USD", versions=("1",), usd=True)


def authorize(token: Token, payer: str, name: int, now: int) -> Authorization:
    return Authorization(
        scheme="exact",
        method="eip3009",
        payer=payer,
        payee=PAYEE,
        amount=Amount(1_000 + name, token.asset),
        nonce=f"0x{name:064x}",
        valid_after=0,
        valid_before=now + 600,
    )


class MemoryStage:
    def __init__(self) -> None:
        self.token = usd_token(f"0x{'33' * 20}")
        self.domain: Domain = domain(self.token)
        self.chain_number = CHAIN_ID
        self.chain = MemoryChain(chain=CHAIN, tokens=[self.token], confirmations=2)
        self._payer = dev_accounts()[0].address
        self.chain.mint(self.token, self._payer, 10**9)

    async def authorization(self, *, name: int) -> Authorization:
        return authorize(self.token, self._payer, name, self.chain.head.timestamp)

    async def settle(self, authorization: Authorization) -> str:
        return self.chain.settle(authorization)

    async def mine(self) -> None:
        self.chain.mine()


class NodeStage:
    """The devnet's node and token, and the development accounts that sign and send."""

    def __init__(self, client: RpcClient, chain: RpcChain, token: Token) -> None:
        self.chain, self.token = chain, token
        self.domain: Domain = domain(token)
        self.chain_number = CHAIN_ID
        self._client = client
        self._first_nonce = next(_STAGES) * 1_000
        self._payer, self._sender = dev_accounts()[:2]

    async def authorization(self, *, name: int) -> Authorization:
        newest = await self.chain.block("latest")
        return authorize(self.token, self._payer.address, self._first_nonce + name, newest.timestamp)

    async def settle(self, authorization: Authorization) -> str:
        return await anyio.to_thread.run_sync(self._settle, authorization)

    async def mine(self) -> None:
        await anyio.to_thread.run_sync(self._client.call, "evm_mine")

    def _settle(self, authorization: Authorization) -> str:
        from eth_keys.datatypes import PrivateKey

        signed = PrivateKey(bytes.fromhex(self._payer.private_key[2:])).sign_msg_hash(
            digest(eip3009.typed_data(authorization, self.domain))
        )
        data = word.calldata(
            "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)",
            word.address(authorization.payer),
            word.address(authorization.payee),
            word.uint256(authorization.amount.atomic),
            word.uint256(authorization.valid_after),
            word.uint256(authorization.valid_before),
            word.bytes32(authorization.nonce),
            word.uint256(27 + signed.v),
            word.uint256(signed.r),
            word.uint256(signed.s),
        )
        receipt = self._client.send(self._sender, to=checksum(self.token.asset.id.address), data=data)
        return str(receipt["transactionHash"])


@pytest.fixture(scope="module")
def node() -> Iterator[EmbeddedNode]:
    node = EmbeddedNode(heartbeat_seconds=0)
    node.start()
    yield node
    node.stop()


@pytest.fixture(scope="module")
def client(node: EmbeddedNode) -> Iterator[RpcClient]:
    client = RpcClient(node.url)
    yield client
    client.close()


@pytest.fixture(scope="module")
def token(client: RpcClient) -> Token:
    payer, _, _, minter = dev_accounts()[:4]
    deployed = client.send(minter, to=None, data=f"0x{artifact('DevUSD').bytecode.hex()}")
    address = str(deployed["contractAddress"])
    mint = word.calldata("mint(address,uint256)", word.address(payer.address), word.uint256(10**9))
    client.send(minter, to=checksum(address), data=mint)
    return usd_token(address)


class TestMemoryChain(ChainContract):
    @pytest.fixture
    def stage(self) -> MemoryStage:
        return MemoryStage()


class TestRpcChain(ChainContract):
    @pytest.fixture
    async def stage(self, node: EmbeddedNode, client: RpcClient, token: Token) -> AsyncIterator[NodeStage]:
        async with RpcChain(node.url, chain=CHAIN, instant_finality=True, max_log_range=100) as chain:
            yield NodeStage(client, chain, token)
