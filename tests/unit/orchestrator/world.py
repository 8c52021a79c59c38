"""A wallet, a seller and an orchestrator in memory."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from langgraph.checkpoint.memory import InMemorySaver

from paygent.adapters.local_signer import LocalSigner
from paygent.core.money import usd
from paygent.orchestrator import Orchestrator
from paygent.orchestrator.checkpoints import JsonSerializer
from paygent.policy.policy import Policy
from paygent.testing.chain import MemoryChain
from paygent.testing.clock import CountedEntropy, VirtualClock
from paygent.testing.engine import FUNDS, NETWORK, TOKEN
from paygent.testing.journal import MemoryJournal
from paygent.testing.keys import dev_accounts
from paygent.testing.seller import MemorySeller
from paygent.testing.sessions import MemorySessions

URL = "https://seller.test/thing"
POLICY = Policy(max_per_payment=usd("1"), per_day=usd("20"), approve_above=usd("0.50"))


@dataclass(kw_only=True)
class World:
    """Everything that outlives an orchestrator; `open` is a process."""

    policy: Policy = POLICY
    chain: MemoryChain = field(init=False)
    seller: MemorySeller = field(init=False)
    clock: VirtualClock = field(default_factory=VirtualClock)
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    sessions: MemorySessions = field(default_factory=MemorySessions)
    checkpoints: Any = field(default_factory=lambda: InMemorySaver(serde=JsonSerializer()))
    entropy: CountedEntropy = field(default_factory=CountedEntropy)

    def __post_init__(self) -> None:
        self.chain = MemoryChain(chain=NETWORK, tokens=[TOKEN], clock=self.clock)
        self.payer, self.payee = dev_accounts()[0], dev_accounts()[1].address
        self.chain.mint(TOKEN, self.payer.address, FUNDS)
        self.seller = MemorySeller(chain=self.chain, token=TOKEN, payee=self.payee)

    @asynccontextmanager
    async def open(self, **changes: Any) -> AsyncGenerator[Orchestrator]:
        async with Orchestrator.open(**self.conduct(**changes)) as agent:
            yield agent

    def conduct(self, **changes: Any) -> Any:
        """Return what an orchestrator is opened with."""
        return {
            "policy": self.policy,
            "signer": LocalSigner(self.payer.private_key),
            "journal": self.journal,
            "sessions": self.sessions,
            "checkpoints": self.checkpoints,
            "chains": {NETWORK: self.chain},
            "clock": self.clock,
            "entropy": self.entropy,
            "transport": httpx.MockTransport(self.seller),
            **changes,
        }

    @property
    def spent(self) -> int:
        """Atomic units that left the wallet."""
        return FUNDS - self.chain.balance(TOKEN, self.payer.address)

    @property
    def paid(self) -> int:
        """How many different authorizations the seller was given."""
        return len({authorization.nonce for authorization, _ in self.seller.kept})
