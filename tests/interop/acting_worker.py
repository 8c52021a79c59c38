"""A server of processes that act: forks one for each line it reads, which is killed at the port call it is told.

It imports everything once and starts no thread or loop before it forks.
"""

import gc
import json
import os
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import anyio

from paygent import X402Client
from paygent.adapters.httpx import PAYMENT
from paygent.adapters.local_signer import LocalSigner
from paygent.adapters.rpc import RpcChain
from paygent.adapters.sql import open_journal
from paygent.adapters.sql.sqlite import statements
from paygent.core.caip import chain_id
from paygent.core.ids import IntentId
from paygent.core.money import Amount, usd
from paygent.core.plan_record import read_action
from paygent.core.requirements import Token
from paygent.engine.transact import Patience
from paygent.evm.coins import coin
from paygent.policy.policy import Policy
from paygent.testing.faults import FaultPlan, FaultyJournal
from paygent.testing.transactions import FaultyTransactions, FaultyTransactionSigner
from paygent.wallet import Wallet
from paygent.wallet.agent_wallet import AgentWallet

T = TypeVar("T")


@dataclass(kw_only=True)
class KillPlan(FaultPlan):
    """Ends the process at the planned call."""

    when: str = "before"
    diary: str = ""

    async def around(self, name: str, call: Callable[[], Awaitable[T]], error: Callable[[str], Exception]) -> T:
        number = len(self.calls)
        self.calls.append(name)
        if number == self.at and self.when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = await call()
        if number == self.at:
            os.kill(os.getpid(), signal.SIGKILL)
        return result


async def work(job: dict[str, Any]) -> list[str]:
    """Do the action of a job, or buy what it names from an AgentWallet; return the calls."""
    network = chain_id(job["network"])
    plan = KillPlan(at=job["at"], when=job["when"])
    whole = Amount(10**18, coin(network))
    limits = (usd("100"), whole)
    gas: dict[str, Any] = {"gas_per_transaction": whole, "gas_per_day": Amount(10**20, whole.asset)}
    policy = Policy(max_per_payment=limits, per_day=limits, approve_above=None, **gas)
    signer = LocalSigner(job["key"])
    async with (
        open_journal(job["storage"]) as journal,
        RpcChain(job["rpc"], chain=network, instant_finality=True) as rpc,
    ):
        wiring: dict[str, Any] = {
            "signer": signer,
            "transaction_signer": FaultyTransactionSigner(signer, plan),
            "journal": FaultyJournal(journal, plan),
            "chains": {network: rpc},
            "transactions": {network: FaultyTransactions(rpc, plan)},
            "policy": policy,
            "patience": Patience(timeout_seconds=10, resend_seconds=0.2, first_look_seconds=0.005),
        }
        await (_act if "action" in job else _buy)(job, wiring)
    return plan.calls


async def _act(job: dict[str, Any], wiring: dict[str, Any]) -> None:
    action = read_action(job["action"])
    spent = action.spend.asset
    tokens = [] if spent.id.native else [Token(asset=spent, name="T", versions=("1",), usd=True)]
    async with Wallet.open(**wiring, tokens=tokens) as wallet:
        await wallet.execute(action, intent_id=IntentId(job["intent"]))


async def _buy(job: dict[str, Any], wiring: dict[str, Any]) -> None:
    async with AgentWallet.open(address=job["wallet"], **wiring) as wallet, X402Client(wallet.engine) as client:
        response = await client.get(job["url"], idempotency_key=job["intent"])
        assert 200 == response.status_code
        await response.extensions[PAYMENT].settled(timeout_seconds=10)


def child(job: dict[str, Any]) -> None:
    try:
        said = anyio.run(work, job)
    except BaseException:  # noqa: BLE001  the boundary of the process
        said = [traceback.format_exc()]
    with open(job["diary"], "w") as file:
        json.dump(said, file)


def main() -> None:
    import anyio._backends._asyncio

    del anyio._backends._asyncio
    statements()
    gc.freeze()
    print("ready", flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            child(json.loads(line))
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
