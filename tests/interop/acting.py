"""A wallet on anvil whose transactions are really mined, and what the chain then says of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from eth_account.signers.local import LocalAccount

from paygent.adapters.local_signer import LocalSigner
from paygent.adapters.rpc import RpcChain
from paygent.core.caip import chain_id
from paygent.core.money import Amount, usd
from paygent.engine.transact import Patience
from paygent.evm.coins import coin
from paygent.evm.tokens import TOKENS
from paygent.policy.policy import Policy
from paygent.ports.storage import Storage
from paygent.testing.journal import MemoryJournal
from paygent.wallet import Wallet
from tests.interop.peers.chain import TokenChain

PATIENCE = Patience(timeout_seconds=5, resend_seconds=0.2, bump_seconds=60, first_look_seconds=0.005)


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A funded key on a chain, with its journal."""

    chain: TokenChain
    key: LocalAccount
    journal: Storage

    @property
    def coin(self) -> Any:
        return coin(chain_id(self.chain.network))

    @property
    def token(self) -> Any:
        network = chain_id(self.chain.network)
        return next(t for t in TOKENS.values() if t.asset.id.chain == network and t.usd).asset

    def policy(self, **changes: Any) -> Policy:
        whole = Amount(10**18, self.coin)
        limits = (usd("100"), whole)
        given: dict[str, Any] = {
            "max_per_payment": limits,
            "per_day": limits,
            "approve_above": None,
            "gas_per_transaction": Amount(10**16, self.coin),
            "gas_per_day": whole,
        }
        return Policy(**(given | changes))

    @asynccontextmanager
    async def wallet(
        self, *, policy: Policy | None = None, patience: Patience = PATIENCE, instant: bool = True, **wiring: Any
    ) -> AsyncIterator[Wallet]:
        """Open a wallet; every call makes what a new process would have."""
        network = chain_id(self.chain.network)
        async with RpcChain(self.chain.anvil.url, chain=network, instant_finality=instant) as rpc:
            given: dict[str, Any] = {
                "signer": LocalSigner(bytes(self.key.key)),
                "journal": self.journal,
                "chains": {network: rpc},
                "transactions": {network: rpc},
                "policy": self.policy() if policy is None else policy,
                "patience": patience,
            }
            async with Wallet.open(**(given | wiring)) as wallet:
                yield wallet

    @property
    def sent(self) -> int:
        """How many transactions of the key are mined."""
        return int(self.chain.anvil.call("eth_getTransactionCount", self.key.address, "latest"), 16)

    def coins(self, address: str) -> int:
        return int(self.chain.anvil.call("eth_getBalance", address, "latest"), 16)


def new_actor(chain: TokenChain, journal: Storage | None = None) -> Actor:
    return Actor(chain=chain, key=chain.new_payer(), journal=MemoryJournal() if journal is None else journal)
