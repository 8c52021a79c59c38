"""The devnet: chain, token, facilitator and seller in one process, started and stopped together."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import anyio
import anyio.to_thread
from eth_utils.address import to_checksum_address

from paygent.core.caip import chain_id, erc20
from paygent.core.errors import ConfigurationError
from paygent.core.money import Asset
from paygent.devnet.contracts import artifact, calldata, topic
from paygent.devnet.exchange import DevExchange, place_exchange
from paygent.devnet.facilitator import facilitator_application
from paygent.devnet.keys import DevAccount, dev_accounts
from paygent.devnet.node import CHAIN_ID, Node, choose_node
from paygent.devnet.rpc_client import RpcClient
from paygent.devnet.seller import Seller, Token
from paygent.devnet.serving import LocalServer

PAYER_FUNDS = 1_000_000_000
"""What the payer has at the start, in atomic units: 1,000 dUSD."""
HEARTBEAT_SECONDS = 5
"""How old the head may grow before an empty block follows it."""

_TRANSFER = "Transfer(address,address,uint256)"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenTransfer:
    """One Transfer event of the devnet's token."""

    sender: str
    """Whose balance fell; the zero address when units were created."""
    recipient: str
    """Whose balance rose."""
    value: int
    """Atomic units."""
    transaction: str
    """Hash of the transaction."""
    block_number: int
    """Height of its block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Running:
    """What exists from start to stop."""

    rpc: RpcClient
    node: Node
    token: Token
    facilitator: LocalServer
    seller: Seller


class Devnet:
    """A local chain with a stable token, a facilitator and a seller, for a ``with`` or ``async with`` block.

    Everything listens on 127.0.0.1 on ports the system chooses and keeps its state in memory. Works inside a running
    event loop, so also in a notebook; its methods wait for a few milliseconds.

    Args:
        anvil: the path of an anvil binary; True for the one on PATH; False for the embedded chain; None for anvil if it
            is on PATH and the embedded chain otherwise.
        heartbeat_seconds: an empty block follows when the head is older, so that an idle chain keeps the time; 0 for
            never.

    Raises: ConfigurationError: the extra `devnet` is not installed, or anvil was asked for and is not there.
    """

    chain_id: int = CHAIN_ID
    """The EIP-155 number of the chain."""
    network: str = f"eip155:{CHAIN_ID}"
    """The CAIP-2 id of the chain."""

    def __init__(self, *, anvil: str | Path | bool | None = None, heartbeat_seconds: int = HEARTBEAT_SECONDS) -> None:
        self._anvil = anvil
        self._heartbeat_seconds = heartbeat_seconds
        self._running: _Running | None = None
        self._closing = ExitStack()
        self._exchange: DevExchange | None = None
        payer, self._payee, self._settler, self._minter = dev_accounts()[:4]
        self.payer: DevAccount = payer
        """Has 1,000 dUSD and 10,000 ether at the start; its key is public."""

    # what runs

    @property
    def rpc_url(self) -> str:
        """JSON-RPC endpoint of the chain."""
        return self._started.node.url

    @property
    def node_name(self) -> str:
        """What executes: ``py-evm`` or ``anvil``."""
        return self._started.node.name

    @property
    def token(self) -> Token:
        """The stable token."""
        return self._started.token

    @property
    def asset(self) -> Asset:
        """The stable token as an asset of amounts."""
        token = self.token
        return Asset(id=erc20(chain_id(self.network), token.address), symbol=token.symbol, decimals=token.decimals)

    @property
    def facilitator_url(self) -> str:
        """Base address of the facilitator."""
        return self._started.facilitator.url

    @property
    def seller(self) -> Seller:
        """The seller."""
        return self._started.seller

    # the chain

    def balance(self, address: str) -> int:
        """Return an account's dUSD in atomic units."""
        data = calldata("balanceOf(address)", address)
        return int(self._started.rpc.call("eth_call", {"to": self.token.address, "data": data}, "latest"), 16)

    def coin_balance(self, address: str) -> int:
        """Return an account's coins in wei."""
        return int(self._started.rpc.call("eth_getBalance", address, "latest"), 16)

    def transfers(self) -> Sequence[TokenTransfer]:
        """Return all transfers of dUSD, oldest first; the first one is the payer's funding."""
        logs = self._started.rpc.logs(self.token.address, [topic(_TRANSFER)])
        return tuple(
            TokenTransfer(
                sender=_address_in(log["topics"][1]),
                recipient=_address_in(log["topics"][2]),
                value=int(log["data"], 16),
                transaction=log["transactionHash"],
                block_number=int(log["blockNumber"], 16),
            )
            for log in logs
        )

    def mint(self, address: str, value: int) -> str:
        """Create `value` atomic units for an account; return the transaction's hash."""
        data = calldata("mint(address,uint256)", address, value)
        return str(self._started.rpc.send(self._minter, to=self.token.address, data=data)["transactionHash"])

    def mine(self) -> int:
        """Add an empty block; return its height."""
        self._started.rpc.call("evm_mine")
        return int(self._started.rpc.call("eth_blockNumber"), 16)

    def increase_time(self, seconds: int) -> int:
        """Let the chain's clock jump ahead of real time and mine a block there; return its time in unix seconds."""
        self._started.rpc.call("evm_increaseTime", seconds)
        self._started.rpc.call("evm_mine")
        return int(self._started.rpc.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def exchange(self) -> DevExchange:
        """Return an exchange with one pool, of the coin and dUSD; deployed at the first call."""
        running = self._started
        if self._exchange is None:
            self._exchange = place_exchange(running.rpc, self._minter, running.token, network=chain_id(self.network))
        return self._exchange

    # starting and stopping

    def start(self) -> Self:
        """Start everything, as entering a ``with`` block does."""
        if self._running is not None:
            raise ConfigurationError("this Devnet runs already; make another one")
        with ExitStack() as closing:
            self._running = self._start(closing)
            self._closing = closing.pop_all()
        return self

    def stop(self) -> None:
        """Stop everything and wait for it; does nothing when it is stopped."""
        running, self._running = self._running, None
        self._exchange = None
        if running is None:
            return
        for part in (running.seller, running.facilitator, running.node):
            part.request_stop()
        self._closing.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await anyio.to_thread.run_sync(self.start)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self.stop)

    @property
    def _started(self) -> _Running:
        if self._running is None:
            raise ConfigurationError("the Devnet is not running; use it inside `with Devnet() as net:`")
        return self._running

    def _start(self, closing: ExitStack) -> _Running:
        node = choose_node(self._anvil, heartbeat_seconds=self._heartbeat_seconds)
        closing.callback(node.stop)
        node.start()
        rpc = RpcClient(node.url)
        closing.callback(rpc.close)
        token = self._deploy(rpc)
        application = facilitator_application(rpc_url=node.url, network=self.network, account=self._settler)
        facilitator = LocalServer(application, name="facilitator", lifespan=True)
        closing.callback(facilitator.stop)
        facilitator.start()
        seller = Seller(facilitator_url=facilitator.url, network=self.network, token=token, payee=self._payee.address)
        closing.callback(seller.stop)
        seller.start()
        return _Running(rpc=rpc, node=node, token=token, facilitator=facilitator, seller=seller)

    def _deploy(self, rpc: RpcClient) -> Token:
        receipt = rpc.send(self._minter, to=None, data="0x" + artifact("DevUSD").bytecode.hex())
        token = Token(address=to_checksum_address(receipt["contractAddress"]))
        funding = calldata("mint(address,uint256)", self.payer.address, PAYER_FUNDS)
        rpc.send(self._minter, to=token.address, data=funding)
        return token


def _address_in(topic_value: str) -> str:
    return to_checksum_address("0x" + topic_value[-40:])
