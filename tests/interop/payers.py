"""Processes that make transfers of one key at once, and what each says of it.

`python -m tests.interop.payers` is one of them: it reads a job a line, says `ready` when it could begin, and begins
when it is told to.
"""

import json
import subprocess
import sys
import traceback
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import time
from typing import Any, Self

import anyio
import httpx
from eth_account import Account

from paygent.adapters.sql import open_journal
from paygent.core.money import Amount
from tests.interop.acting import PATIENCE, Actor
from tests.interop.peers.anvil import Anvil
from tests.interop.peers.chain import USDC, TokenChain

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What one process pays."""

    url: str
    """Of the node."""
    chain: int
    """Its number."""
    key: str
    storage: str
    payee: str
    amounts: tuple[int, ...]
    """Atomic units of the token of each transfer."""
    at_once: int
    raw: tuple[str, ...] = ()
    """Signed transactions to send in place of the transfers: no wallet, no journal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one process did."""

    began: float
    """Seconds of the machine's clock."""
    ended: float
    nonces: tuple[int, ...]
    """Of the account, one for each transfer that settled."""


class Payers:
    """Processes that do jobs together; each does many, one after the other."""

    def __init__(self, number: int) -> None:
        command = [sys.executable, "-m", __name__]
        self._processes = [
            subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(number)
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.communicate(timeout=30)

    def run(self, jobs: Sequence[Job]) -> list[Outcome]:
        """Return what became of a job for each process; all begin together."""
        for process, job in zip(self._processes, jobs, strict=True):
            self._say(process, json.dumps(asdict(job)))
        assert ["ready"] * len(jobs) == [self._hear(process) for process in self._processes]
        for process in self._processes:
            self._say(process, "go")
        said = [json.loads(self._hear(process)) for process in self._processes]
        assert [] == (broken := [each["broken"] for each in said if "broken" in each]), "".join(broken)
        return [Outcome(**each | {"nonces": tuple(each["nonces"])}) for each in said]

    @staticmethod
    def _say(process: subprocess.Popen[str], line: str) -> None:
        assert process.stdin is not None
        process.stdin.write(line + "\n")
        process.stdin.flush()

    @staticmethod
    def _hear(process: subprocess.Popen[str]) -> str:
        assert process.stdout is not None
        return process.stdout.readline().strip()


# --- one of the processes ---------------------------------------------------------------------------------------------


def main() -> None:
    """Do a job for each line."""
    for line in sys.stdin:
        said = json.loads(line)
        job = Job(**said | {"amounts": tuple(said["amounts"]), "raw": tuple(said["raw"])})
        try:
            print(json.dumps(asdict(anyio.run(_send if job.raw else _pay, job))), flush=True)
        except BaseException:  # noqa: BLE001  the boundary of the process
            print(json.dumps({"broken": traceback.format_exc()}), flush=True)


async def _pay(job: Job) -> Outcome:
    """Make the transfers with a wallet, each until it is proven."""
    nonces: list[int] = []
    amounts = list(job.amounts)
    with httpx.Client(trust_env=False) as http:
        anvil = Anvil(url=job.url, chain_id=job.chain, http=http)
        chain = TokenChain(anvil=anvil, token=USDC, token_name="USDC", token_version="2")
        async with open_journal(job.storage, busy_seconds=60) as journal:
            actor = Actor(chain=chain, key=Account.from_key(job.key), journal=journal)
            async with actor.wallet(patience=replace(PATIENCE, timeout_seconds=60)) as wallet:

                async def work() -> None:
                    while amounts:
                        payment = await wallet.transfer(Amount(amounts.pop(0), actor.token), job.payee)
                        assert payment.plan is not None
                        nonces.extend(attempt.nonce for attempt in payment.plan.attempts)

                began, ended = await _timed(work, job.at_once)
    return Outcome(began=began, ended=ended, nonces=tuple(nonces))


async def _send(job: Job) -> Outcome:
    """Send what is signed already, each until it has a receipt."""
    waiting = list(job.raw)
    async with httpx.AsyncClient(trust_env=False) as http:

        async def ask(method: str, value: str) -> Any:
            body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": [value]}
            return (await http.post(job.url, json=body)).json()["result"]

        async def work() -> None:
            while waiting:
                name = await ask("eth_sendRawTransaction", waiting.pop(0))
                while True:
                    if await ask("eth_getTransactionReceipt", name) is not None:
                        break
                    await anyio.sleep(PATIENCE.first_look_seconds)

        began, ended = await _timed(work, job.at_once)
    return Outcome(began=began, ended=ended, nonces=())


async def _timed(work: Callable[[], Coroutine[Any, Any, None]], at_once: int) -> tuple[float, float]:
    """Do work so many times at once when it is said; return when it began and when it had ended."""
    print("ready", flush=True)
    sys.stdin.readline()
    began = time()
    async with anyio.create_task_group() as tasks:
        for _ in range(at_once):
            tasks.start_soon(work)
    return began, time()


if __name__ == "__main__":
    main()
