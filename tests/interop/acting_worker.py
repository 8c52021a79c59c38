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
    network = chain_id(job["network"])
    action = read_action(job["action"])
    plan = KillPlan(at=job["at"], when=job["when"])
    whole = Amount(10**18, coin(network))
    limits = (usd("100"), whole)
    gas: dict[str, Any] = {"gas_per_transaction": whole, "gas_per_day": Amount(10**20, whole.asset)}
    policy = Policy(max_per_payment=limits, per_day=limits, approve_above=None, **gas)
    signer = LocalSigner(job["key"])
    spent = action.spend.asset
    tokens = [] if spent.id.native else [Token(asset=spent, name="T", versions=("1",), usd=True)]
    async with (
        open_journal(job["storage"]) as journal,
        RpcChain(job["rpc"], chain=network, instant_finality=True) as rpc,
        Wallet.open(
            signer=signer,
            transaction_signer=FaultyTransactionSigner(signer, plan),
            journal=FaultyJournal(journal, plan),
            chains={network: rpc},
            transactions={network: FaultyTransactions(rpc, plan)},
            policy=policy,
            tokens=tokens,
            patience=Patience(timeout_seconds=10, resend_seconds=0.2, first_look_seconds=0.005),
        ) as wallet,
    ):
        await wallet.execute(action, intent_id=IntentId(job["intent"]))
    return plan.calls


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
