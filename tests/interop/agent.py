"""An AgentWallet on anvil: its owner, its operator, and money of both kinds."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from paygent.adapters.local_signer import LocalSigner
from paygent.adapters.rpc import RpcChain
from paygent.core.caip import chain_id
from paygent.core.money import Amount, Asset
from paygent.evm.address import checksum
from paygent.evm.agent_wallet import NATIVE, Configuration, TokenLimit
from paygent.evm.coins import coin
from paygent.ports.storage import Storage
from paygent.testing.journal import MemoryJournal
from paygent.wallet.agent_deploy import SignedConfiguration, sign_configuration
from paygent.wallet.agent_wallet import AgentWallet
from paygent.wallet.deploy import install
from tests.interop.acting import PATIENCE, Actor
from tests.interop.peers.chain import TokenChain

DAY = 10_000
"""Atomic units of the token that may leave in a day."""
ONE = 4_000
"""Of one payment."""
COINS = 10**15
CHAIN_TIME = 2**40
"""Later than any block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    """Owner and operator of one wallet, each with a journal."""

    owner: Actor
    operator: Actor
    address: str
    salt: int

    @property
    def chain(self) -> TokenChain:
        return self.owner.chain

    @property
    def token(self) -> Asset:
        found: Asset = self.owner.token
        return found

    @property
    def coin(self) -> Asset:
        return coin(chain_id(self.chain.network))

    def amount(self, atomic: int) -> Amount:
        return Amount(atomic, self.token)

    def configuration(self, **changes: Any) -> Configuration:
        token = checksum(self.token.id.address)
        limit = TokenLimit(
            token=token, per_day=DAY, per_payment=ONE, approval_above=3_000,
            name=self.chain.token_name, version=self.chain.token_version,
        )  # fmt: skip
        given: dict[str, Any] = {
            "operators": (self.operator.key.address,),
            "limits": (limit, TokenLimit(token=NATIVE, per_day=COINS, per_payment=COINS, approval_above=COINS)),
            "deadline": CHAIN_TIME,
        }
        return Configuration(**(given | changes))

    async def signed(self, **changes: Any) -> SignedConfiguration:
        signer = LocalSigner(bytes(self.owner.key.key))
        network = chain_id(self.chain.network)
        return await sign_configuration(signer, self.configuration(**changes), network=network, salt=self.salt)

    @asynccontextmanager
    async def open(self, who: Actor, **wiring: Any) -> AsyncIterator[AgentWallet]:
        network = chain_id(self.chain.network)
        async with RpcChain(self.chain.anvil.url, chain=network, instant_finality=True) as rpc:
            given: dict[str, Any] = {
                "signer": LocalSigner(bytes(who.key.key)),
                "journal": who.journal,
                "chains": {network: rpc},
                "transactions": {network: rpc},
                "policy": who.policy(),
                "patience": PATIENCE,
            }
            async with AgentWallet.open(address=self.address, **(given | wiring)) as wallet:
                yield wallet

    def count(self) -> int:
        """What the wallet has of the token."""
        return self.chain.balance_of(self.address)


def new_agency(chain: TokenChain, journal: Storage | None = None) -> Agency:
    """Return a wallet that is funded and not deployed."""

    def actor() -> Actor:
        return Actor(chain=chain, key=chain.new_payer(), journal=journal or MemoryJournal())

    owner, salt = actor(), secrets.randbits(200)
    address = AgentWallet.predict(owner.key.address, salt)
    chain.mint(address, 1_000_000)
    chain.anvil.call("anvil_setBalance", address, hex(10**16))
    return Agency(owner=owner, operator=actor(), address=address, salt=salt)


async def place_contracts(chain: TokenChain) -> None:
    """Deploy this project's contracts, by the command's own way."""
    owner = Actor(chain=chain, key=chain.new_payer(), journal=MemoryJournal())
    network = chain_id(chain.network)
    limit = owner.policy(gas_per_transaction=Amount(10**17, owner.coin))
    async with owner.wallet(policy=replace(limit)) as wallet, RpcChain(chain.anvil.url, chain=network) as rpc:
        await install(wallet.engine, rpc, rpc, network)
