"""Eight tasks of one process pay at once, under a policy whose rules look at the past; also run as a process."""

import sys
from collections import Counter

import anyio
import httpx

from paygent.adapters.httpx import CONTEXT, AsyncPaymentTransport
from paygent.adapters.local_signer import LocalSigner
from paygent.adapters.sql import open_journal
from paygent.adapters.system import SystemEntropy
from paygent.core.context import Context
from paygent.core.errors import PaygentError
from paygent.core.money import usd
from paygent.engine.choose import Chooser
from paygent.engine.facts import FactFinder
from paygent.engine.pay import Engine
from paygent.engine.sign import AuthorizationSigner
from paygent.engine.tokens import TokenBook
from paygent.policy.policy import Policy
from paygent.policy.risk import Burst, Risk
from paygent.policy.terms import AgentTerms, Priority
from paygent.ports.storage import Storage
from paygent.testing.chain import MemoryChain
from paygent.testing.clock import VirtualClock
from paygent.testing.engine import NETWORK, TOKEN
from paygent.testing.keys import dev_accounts
from paygent.testing.seller import MemorySeller, Reply
from paygent.x402.select import Preferences

TASKS = 8
ROOM = 3
"""How many payments fit."""
PRICE = 1_000
FUNDS = 1_000_000
_KEPT = usd(f"0.{FUNDS - ROOM * PRICE - 1:06}")
POLICIES = {
    "reserve": Policy(
        per_day=usd("1000"),
        agent_terms=(
            AgentTerms(id="boss", priority=Priority.HIGH, daily_budget=_KEPT, max_per_payment=usd("1")),
            AgentTerms(id="helper", priority=Priority.LOW, daily_budget=usd("1"), max_per_payment=usd("1")),
        ),
    ),
    "burst": Policy(
        per_day=usd("1000"),
        risk=Risk(burst=Burst(payments=ROOM, amount=usd("0.000001")), first_payment=None, failures=None)
    ),
}  # fmt: skip
REFUSED = {"reserve": "PolicyDenied", "burst": "ApprovalPending"}


def engine_over(storage: Storage, policy: Policy, chain: MemoryChain, clock: VirtualClock) -> Engine:
    """Return an engine as a process of its own would make it."""
    signer = AuthorizationSigner(LocalSigner(dev_accounts()[0].private_key), max_validity_seconds=600)
    chooser = Chooser(
        payer=signer.address,
        policy=policy,
        tokens=TokenBook({TOKEN.asset.id: TOKEN}, {NETWORK: chain}),
        chains={NETWORK: chain},
        clock=clock,
        preferences=Preferences(),
        finder=FactFinder(history=storage, chains={NETWORK: chain}),
    )
    return Engine(
        signer=signer, chooser=chooser, journal=storage, chains={NETWORK: chain}, clock=clock, entropy=SystemEntropy()
    )


async def rush(storage: Storage, rule: str, *, process: int = 0) -> Counter[str]:
    """Return what became of eight purchases of one agent that began at once."""
    clock = VirtualClock()
    chain = MemoryChain(chain=NETWORK, tokens=[TOKEN], clock=clock)
    chain.mint(TOKEN, dev_accounts()[0].address, FUNDS)
    seller = MemorySeller(chain=chain, token=TOKEN, payee=dev_accounts()[1].address, price=PRICE)
    seller.replies.extend([Reply(settle=False, claim="none")] * TASKS)  # what was reserved stays out
    transport = AsyncPaymentTransport(
        engine_over(storage, POLICIES[rule], chain, clock), inner=httpx.MockTransport(seller)
    )
    said: Counter[str] = Counter()

    async def buy(client: httpx.AsyncClient, number: int) -> None:
        url = f"http://seller.test/{process}/{number}"
        try:
            answer = await client.get(url, extensions={CONTEXT: Context(agent="helper")})
            said[str(answer.status_code)] += 1
        except PaygentError as error:
            said[type(error).__name__] += 1

    async with httpx.AsyncClient(transport=transport) as client, anyio.create_task_group() as tasks:
        for number in range(TASKS):
            tasks.start_soon(buy, client, number)
    return said


async def main(*arguments: str) -> None:
    """Take a URL, a rule and a number, do so in that database, and print what became of the tasks, a word each."""
    url, rule, process = arguments
    async with open_journal(url, busy_seconds=60) as journal:
        await journal.secret()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        said = await rush(journal, rule, process=int(process))
    sys.stdout.write(" ".join(said.elements()))


if __name__ == "__main__":
    anyio.run(main, *sys.argv[1:])
