"""The buyers that are compared: ours, the official SDK's, and a bare httpx client."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import httpx
from eth_account import Account
from x402 import x402Client
from x402.http.clients.httpx import x402_httpx_transport
from x402.mechanisms.evm.exact import register_exact_evm_client

from paygent import Policy, Settings, X402Client, usd
from paygent.adapters.httpx import PAYMENT
from paygent.adapters.local_signer import LocalSigner
from paygent.engine.handle import PaymentHandle
from paygent.ports.storage import Storage
from tests.bench.seller import NETWORK, PAYER, Seller

POLICY = Policy(per_day=usd("1000000"))
"""The default limits, and room for many payments."""


@asynccontextmanager
async def our_client(seller: Seller, journal: Storage) -> AsyncIterator[X402Client]:
    """Yield a client as `X402Client.open` makes it, on a chain in memory."""
    async with X402Client.open(
        settings=Settings(storage=":memory:"),
        signer=LocalSigner(PAYER.private_key),
        policy=POLICY,
        journal=journal,
        chains={NETWORK: seller.chain},
        transport=seller.transport(),
    ) as client:
        yield client


def official_sdk() -> x402Client:
    """Return the official client with the payer's key."""
    return register_exact_evm_client(x402Client(), Account.from_key(PAYER.private_key))


def official_client(seller: Seller) -> httpx.AsyncClient:
    """Return what the official `x402HttpxClient` is, with the seller below it."""
    return httpx.AsyncClient(transport=x402_httpx_transport(official_sdk(), seller.transport()))


def bare_client(seller: Seller) -> httpx.AsyncClient:
    """Return an httpx client that does not pay."""
    return httpx.AsyncClient(transport=seller.transport())


async def proven(response: httpx.Response) -> None:
    """Wait until the proof that goes on in the background has found the payment on chain."""
    handle: PaymentHandle = response.extensions[PAYMENT]
    await asyncio.sleep(0)  # its turn; with a journal and a chain in memory that is all it needs
    if handle.payment.receipt is None:
        done = anyio.Event()
        handle.on_proof(lambda _: done.set())
        await done.wait()
