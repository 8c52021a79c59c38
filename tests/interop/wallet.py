"""Wallets of the tests: one engine on local chains, driven under asyncio, under trio and synchronously alike."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from enum import Enum
from typing import Any, TypeVar

import anyio
import anyio.to_thread
import httpx
from eth_account.signers.local import LocalAccount

from paygent.adapters.httpx import PAYMENT, AsyncPaymentTransport, PaymentTransport
from paygent.adapters.local_signer import LocalSigner
from paygent.adapters.rpc import RpcChain
from paygent.adapters.system import SystemClock, SystemEntropy
from paygent.core.caip import AssetId, ChainId, chain_id
from paygent.core.ids import PaymentId
from paygent.core.payment import Payment
from paygent.core.receipt import Receipt
from paygent.core.requirements import Token
from paygent.engine.choose import Chooser
from paygent.engine.handle import PaymentHandle
from paygent.engine.pay import Engine
from paygent.engine.portal import Portal
from paygent.engine.sign import AuthorizationSigner
from paygent.engine.tokens import TokenBook
from paygent.evm.tokens import TOKENS
from paygent.policy.policy import Policy
from paygent.ports.chain import Chain
from paygent.ports.clock import Clock
from paygent.ports.storage import Storage
from paygent.testing.journal import MemoryJournal
from paygent.x402.select import Preferences
from tests.interop.peers.chain import TRANSFER_TOPIC, TokenChain

T = TypeVar("T")


class Drive(Enum):
    """How the buyer's program runs."""

    ASYNCIO = "asyncio"
    TRIO = "trio"
    SYNC = "sync"

    def run(self, main: Callable[[], Awaitable[T]]) -> T:
        """Run a test; the synchronous one waits in worker threads."""

        async def call() -> T:
            with anyio.fail_after(100):
                return await main()

        return anyio.run(call, backend="trio" if self is Drive.TRIO else "asyncio")

    def __str__(self) -> str:
        return self.value


def engine(
    payer: LocalAccount,
    chains: Mapping[ChainId, Chain],
    *,
    journal: Storage | None = None,
    policy: Policy | None = None,
    clock: Clock | None = None,
    tokens: Mapping[AssetId, Token] = TOKENS,
) -> Engine:
    """Wire an engine to local chains; without more said, with a journal in memory and the default policy."""
    rules, time = policy or Policy(), clock or SystemClock()
    signer = AuthorizationSigner(LocalSigner(payer.key), max_validity_seconds=rules.max_validity_seconds)
    chooser = Chooser(
        payer=signer.address,
        policy=rules,
        tokens=TokenBook(tokens, chains),
        chains=chains,
        clock=time,
        preferences=Preferences(),
    )
    return Engine(
        signer=signer,
        chooser=chooser,
        journal=journal or MemoryJournal(),
        chains=chains,
        clock=time,
        entropy=SystemEntropy(),
    )


class Wallet(ABC):
    """A buyer: the same test drives it whichever way it runs."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @abstractmethod
    async def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        """Send a request through the payment layer and read the whole answer."""

    @abstractmethod
    async def within(self, work: Callable[[], Awaitable[T]]) -> T:
        """Run a coroutine where the engine lives."""

    async def payment_of(self, method: str, url: str, body: bytes = b"") -> Payment | None:
        return await self.within(lambda: self.engine.payment_of(method, url, body))

    async def reconcile(self, payment_id: PaymentId) -> Payment:
        return await self.within(lambda: self.engine.reconciler.reconcile(payment_id))

    async def settled(self, response: httpx.Response, timeout_seconds: float | None = 20) -> Receipt:
        handle: PaymentHandle = response.extensions[PAYMENT]
        return await self.within(lambda: handle.settled(timeout_seconds=timeout_seconds))

    async def stored(self, response: httpx.Response) -> Payment:
        """Return the payment of an answer as the journal has it."""
        handle: PaymentHandle = response.extensions[PAYMENT]
        payment = await self.within(lambda: self.engine.journal.get(handle.id))
        assert payment is not None
        return payment


class AsyncWallet(Wallet):
    """Runs in the test's own loop."""

    def __init__(self, engine: Engine, http: httpx.AsyncClient) -> None:
        super().__init__(engine)
        self.http = http

    async def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        return await self.http.request(method, url, **options)

    async def within(self, work: Callable[[], Awaitable[T]]) -> T:
        return await work()


class SyncWallet(Wallet):
    """The synchronous client, in worker threads of the test's loop."""

    def __init__(self, engine: Engine, http: httpx.Client, portal: Portal) -> None:
        super().__init__(engine)
        self.http = http
        self.portal = portal

    async def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        return await anyio.to_thread.run_sync(lambda: self.http.request(method, url, **options))

    async def within(self, work: Callable[[], Awaitable[T]]) -> T:
        return await anyio.to_thread.run_sync(lambda: self.portal.call(work))


@asynccontextmanager
async def open_wallet(
    drive: Drive,
    payer: LocalAccount,
    chain: TokenChain,
    *,
    instant_finality: bool = True,
    journal: Storage | None = None,
    policy: Policy | None = None,
    clock: Clock | None = None,
    tokens: Mapping[AssetId, Token] = TOKENS,
    paid_timeout_seconds: float = 90,
    **client: Any,
) -> AsyncIterator[Wallet]:
    """Open a wallet with an httpx client of the wanted kind; `client` is what httpx takes, but for transports."""
    network = chain_id(chain.network)
    rpc = RpcChain(chain.anvil.url, chain=network, instant_finality=instant_finality)
    made = engine(payer, {network: rpc}, journal=journal, policy=policy, clock=clock, tokens=tokens)
    async with AsyncExitStack() as stack:
        wallet: Wallet
        if drive is Drive.SYNC:
            portal = stack.enter_context(Portal())
            stack.callback(lambda: portal.call(rpc.aclose))
            under = PaymentTransport(made, portal=portal, paid_timeout_seconds=paid_timeout_seconds)
            wallet = SyncWallet(made, stack.enter_context(httpx.Client(transport=under, **client)), portal)
        else:
            stack.push_async_callback(rpc.aclose)
            over = AsyncPaymentTransport(made, paid_timeout_seconds=paid_timeout_seconds)
            wallet = AsyncWallet(made, await stack.enter_async_context(httpx.AsyncClient(transport=over, **client)))
        yield wallet


def transfers_from(chain: TokenChain, payer: str) -> list[dict[str, Any]]:
    """Return the logs of all token transfers from an address since the first block."""
    topics = [TRANSFER_TOPIC, "0x" + payer[2:].lower().rjust(64, "0")]
    query = {"fromBlock": "0x0", "toBlock": "latest", "address": chain.token, "topics": topics}
    logs: list[dict[str, Any]] = chain.anvil.call("eth_getLogs", query)
    return logs
