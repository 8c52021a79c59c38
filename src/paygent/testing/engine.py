"""An engine in memory: a journal, a chain, a development key and a clock that stands still, wired as a program does."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import httpx

from paygent.adapters.httpx import NEW_PURCHASE, PAYMENT, AsyncPaymentTransport
from paygent.adapters.local_signer import LocalSigner
from paygent.core.caip import ChainId
from paygent.core.lifecycle import HOLDING, State
from paygent.core.payment import Payment
from paygent.core.requirements import Authorization, Token
from paygent.engine.choose import Chooser
from paygent.engine.facts import FactFinder
from paygent.engine.pay import Engine
from paygent.engine.reserve import People
from paygent.engine.sign import AuthorizationSigner
from paygent.engine.tokens import TokenBook
from paygent.evm import erc20
from paygent.evm.tokens import TOKENS
from paygent.policy.policy import Policy
from paygent.ports.chain import Chain
from paygent.ports.entropy import Entropy
from paygent.ports.signer import Signer
from paygent.ports.storage import Storage
from paygent.testing.chain import MemoryChain
from paygent.testing.clock import CountedEntropy, VirtualClock
from paygent.testing.faults import FaultPlan, FaultyChain, FaultyJournal, FaultySigner
from paygent.testing.journal import MemoryJournal
from paygent.testing.keys import dev_accounts
from paygent.testing.seller import MemorySeller, Reply
from paygent.x402.select import Preferences

NETWORK = ChainId.evm(84532)
"""Base Sepolia's number, because every dialect has a name for it; nothing but memory is behind it."""
TOKEN: Token = next(token for token in TOKENS.values() if token.asset.id.chain == NETWORK and token.usd)
"""USDC as the table knows it there."""
FUNDS = 1_000_000_000
"""Atomic units that the payer begins with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryEngine:
    """An engine and everything around it. Frozen: `restarted` gives what a new process would have."""

    engine: Engine
    journal: MemoryJournal
    chain: MemoryChain
    clock: VirtualClock
    signer: FaultySigner
    plan: FaultPlan
    token: Token
    entropy: Entropy
    policy: Policy
    with_chain: bool
    people: People

    @property
    def payer(self) -> str:
        """Checksummed address of the wallet."""
        return self.engine.address

    def seller(self, **changes: Any) -> MemorySeller:
        """Return a seller on the same chain; `changes` are fields of `MemorySeller`."""
        changes.setdefault("payee", dev_accounts()[1].address)
        return MemorySeller(chain=self.chain, token=self.token, **changes)

    def restarted(self, plan: FaultPlan | None = None) -> "MemoryEngine":
        """Return what a new process would have over the same journal, chain and clock."""
        plan = FaultPlan() if plan is None else plan
        signer = FaultySigner(LocalSigner(dev_accounts()[0].private_key), plan)
        return replace(self, engine=_engine(self, signer, plan), signer=signer, plan=plan)

    async def sent(self, **changes: Any) -> tuple[Payment, Authorization]:
        """Return an unknown payment, and its authorization, which a seller keeps and anybody may still settle.

        Args: changes: fields of the `MemorySeller`.
        """
        seller = self.seller(**changes)
        seller.replies.append(Reply(status=500, settle=False, claim="none"))
        transport = AsyncPaymentTransport(self.engine, inner=httpx.MockTransport(seller))
        async with httpx.AsyncClient(transport=transport) as client:
            extensions = {NEW_PURCHASE: True}
            response = await client.post("http://seller.test/kept", extensions=extensions)
        payment: Payment = response.extensions[PAYMENT].payment
        return payment, seller.kept[-1][0]

    def transfers(self) -> int:
        """Return how often money of the wallet moved on the chain."""
        return len(self._transfers())

    def moved(self) -> int:
        """Return how many atomic units of the wallet moved on the chain."""
        return FUNDS - self.chain.balance(self.token, self.payer)

    def _transfers(self) -> Sequence[str]:
        payer = erc20.topic_address(self.payer)
        return [
            log.transaction
            for mined in self.chain._mined  # pyright: ignore[reportPrivateUsage]  same package
            for log in mined.logs
            if log.topics[0] == erc20.TRANSFER and log.topics[1] == payer
        ]

    async def payments(self) -> tuple[Payment, ...]:
        """Return every payment of the journal, newest first."""
        return (await self.journal.page(limit=10_000)).payments

    async def states(self) -> Counter[State]:
        """Return how many payments are in each state."""
        return Counter(payment.state for payment in await self.payments())

    def held(self) -> tuple[int, int]:
        """Return the atomic units that the journal's windows count as reserved, and as committed."""
        sums = self.journal._sums.values()  # pyright: ignore[reportPrivateUsage]  same package
        return sum(each.reserved for each in sums), sum(each.committed for each in sums)

    async def owed(self) -> tuple[int, int]:
        """Return what `held` has to be, by the states of the payments: what is under way, and what settled."""
        payments = await self.payments()
        reserved = sum(payment.intent.amount.atomic for payment in payments if payment.state in HOLDING)
        settled = [payment.receipt for payment in payments if payment.state is State.SETTLED]
        return reserved, sum(receipt.amount.atomic for receipt in settled if receipt is not None)

    async def end(self, *, seconds: int = 100_000) -> "MemoryEngine":
        """Let every authorization expire, and reconcile in a new process; return it."""
        later = self.restarted()
        self.clock.advance(seconds)
        self.chain.mine()
        for _ in range(self.chain.confirmations):
            self.chain.mine()
        _, failed = await later.engine.reconciler.run()
        if failed:
            raise failed[0]
        return later


def memory_engine(  # noqa: PLR0913  a test names the one part it changes
    *,
    policy: Policy | None = None,
    token: Token = TOKEN,
    funds: int = FUNDS,
    confirmations: int = 0,
    max_log_range: int = 2_000,
    plan: FaultPlan | None = None,
    signer: Signer | None = None,
    with_chain: bool = True,
    entropy: Entropy | None = None,
    resends: int = 2,
    people: People | None = None,
) -> MemoryEngine:
    """Return an engine whose wallet has `funds` and has let Permit2 take them.

    Args: plan: counts the calls of journal, chain and signer, and lets one go wrong. with_chain: False leaves the
    engine without an endpoint; the chain is there all the same.
    """
    clock, plan = VirtualClock(), FaultPlan() if plan is None else plan
    chain = MemoryChain(
        chain=token.asset.id.chain,
        tokens=[token],
        clock=clock,
        confirmations=confirmations,
        max_log_range=max_log_range,
    )
    account = dev_accounts()[0]
    signs = FaultySigner(LocalSigner(account.private_key) if signer is None else signer, plan)
    chain.mint(token, account.address, funds)
    chain.approve(token, account.address, funds)
    parts = _Parts(
        journal=MemoryJournal(bytes(32)),
        chain=chain,
        clock=clock,
        token=token,
        entropy=CountedEntropy() if entropy is None else entropy,
        policy=Policy() if policy is None else policy,
        with_chain=with_chain,
        people=People() if people is None else people,
    )
    return MemoryEngine(
        engine=_engine(parts, signs, plan, resends=resends),
        journal=parts.journal,
        chain=chain,
        clock=clock,
        signer=signs,
        plan=plan,
        token=token,
        entropy=parts.entropy,
        policy=parts.policy,
        with_chain=with_chain,
        people=parts.people,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    journal: MemoryJournal
    chain: MemoryChain
    clock: VirtualClock
    token: Token
    entropy: Entropy
    policy: Policy
    with_chain: bool
    people: People


def _engine(parts: _Parts | MemoryEngine, signer: Signer, plan: FaultPlan, *, resends: int = 2) -> Engine:
    journal: Storage = FaultyJournal(parts.journal, plan)
    network = parts.token.asset.id.chain
    chains: Mapping[ChainId, Chain] = {network: FaultyChain(parts.chain, plan)} if parts.with_chain else {}
    authorizing = AuthorizationSigner(signer, max_validity_seconds=parts.policy.max_validity_seconds)
    chooser = Chooser(
        payer=signer.address,
        policy=parts.policy,
        tokens=TokenBook({parts.token.asset.id: parts.token}, chains),
        chains=chains,
        clock=parts.clock,
        preferences=Preferences(),
        finder=FactFinder(history=journal, chains=chains),
    )
    return Engine(
        signer=authorizing,
        chooser=chooser,
        journal=journal,
        chains=chains,
        clock=parts.clock,
        entropy=parts.entropy,
        resends=resends,
        people=parts.people,
    )
