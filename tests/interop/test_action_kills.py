"""A process that acts on chain is killed before and after each move; another one goes on and sends nothing twice."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import anyio
import pytest

from paygent import X402Client
from paygent.adapters.sql import open_journal
from paygent.adapters.system import SystemClock
from paygent.core.action import Action
from paygent.core.errors import PaymentNotAttempted
from paygent.core.ids import intent_id
from paygent.core.lifecycle import State
from paygent.core.money import Amount
from paygent.core.payment import Payment
from paygent.evm.address import checksum
from paygent.wallet.wallet import transfer_action
from tests.interop.acting import Actor, new_actor
from tests.interop.agent import DAY, Agency, new_agency, place_contracts
from tests.interop.hostile.answers import sells
from tests.interop.hostile.shop import PRICE, Shop, offering
from tests.interop.peers.chain import TokenChain
from tests.interop.peers.uniswap import Exchange
from tests.interop.trader import Trader, new_trader
from tests.interop.wallet import transfers_from

pytestmark = pytest.mark.anyio
KEY = "one"
"""The idempotency key of a purchase."""
PAYEE = checksum(f"0x{'ef' * 20}")
MOVES = {
    "journal.open",
    "journal.append",
    "journal.claim_nonce",
    "signer.sign_transaction",
    "transactions.send_raw",
    "transactions.receipt",
}
"""The calls between which the storage, the signer and the chain know something else."""
TELLING = {"journal.claim_nonce", "journal.append", "transactions.send_raw"}
"""Those whose loss could cost money: the others only read, or are before one of these."""
EVERY = {"before": MOVES, "after": {"journal.append", "transactions.send_raw"}}
"""After one call is before the next, but for what the two tell the outside."""
FEW = {"before": TELLING, "after": {"transactions.send_raw"}}


class Later:
    """A clock past every lease."""

    def now(self) -> int:
        return SystemClock().now() + 200


class Workers:
    """Forks processes that are killed at the n-th call of a port."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count()
        self._empty = folder / "empty.db"
        open_journal(str(self._empty)).close()
        command = [sys.executable, "-m", "tests.interop.acting_worker"]
        self._server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._server.stdout is not None
        assert "ready" == self._server.stdout.readline().strip()

    def storage(self) -> str:
        return str(shutil.copy(self._empty, self._folder / f"{next(self._numbers)}.db"))

    def run(self, trader: Trader, action: Action, storage: str, *, at: int | None = None, when: str = "before") -> Any:
        """Let a process act; return the calls of one that lived, None of one that was killed."""
        about = {"action": action.facts, "intent": intent_id("first", trader.address)}
        return self._run(trader.actor, about, storage, at, when)

    def buy(self, agency: Agency, url: str, storage: str, *, at: int | None = None, when: str = "before") -> Any:
        """Let a process pay a seller from an AgentWallet; return the same."""
        about = {"wallet": agency.address, "url": url, "intent": KEY}
        return self._run(agency.operator, about, storage, at, when)

    def _run(self, actor: Actor, about: dict[str, Any], storage: str, at: int | None, when: str) -> Any:
        diary = self._folder / "diary.json"
        diary.unlink(missing_ok=True)
        job = about | {
            "network": actor.chain.network,
            "key": "0x" + bytes(actor.key.key).hex(),
            "storage": storage,
            "rpc": actor.chain.anvil.url,
            "at": at,
            "when": when,
            "diary": str(diary),
        }
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(job) + "\n")
        self._server.stdin.flush()
        code = int(self._server.stdout.readline())
        assert code == (0 if at is None else -signal.SIGKILL), diary.read_text()
        return json.loads(diary.read_text()) if at is None else None

    def close(self) -> None:
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait(timeout=10)
        assert self._server.stdout is not None
        self._server.stdout.close()


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    made = Workers(tmp_path_factory.mktemp("kills"))
    yield made
    made.close()


async def goes_on(trader: Trader, action: Action, storage: str) -> tuple[Payment, list[Payment]]:
    """Have another process ask for the same intent, and anew where nothing was signed; return what settled, and all."""
    async with open_journal(storage) as journal:
        actor = replace(trader.actor, journal=journal)
        async with actor.wallet(clock=Later(), **trader.wiring()) as wallet:
            try:
                payment = await wallet.execute(action, intent_id=intent_id("first", trader.address))
            except PaymentNotAttempted:
                payment = await wallet.execute(action, intent_id=intent_id("second", trader.address))
            return payment, list((await journal.page()).payments)


@pytest.fixture
def killed(request: pytest.FixtureRequest) -> dict[str, set[str]]:
    """Where processes are killed; `--every-move` (`nox -s crash`) kills them everywhere."""
    return EVERY if request.config.getoption("--every-move", default=False) else FEW


@pytest.fixture(params=["asyncio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_transfer_is_sent_once(
    acting_chain: TokenChain, trading: Exchange, workers: Workers, killed: dict[str, set[str]], when: str
) -> None:
    def transfer(trader: Trader) -> Action:
        return transfer_action(Amount(7, trader.asset("USDC")), PAYEE, deadline=trader.now() + 900)

    first = new_trader(new_actor(acting_chain), trading)
    calls = workers.run(first, transfer(first), workers.storage())
    points = [at for at, call in enumerate(calls) if call in killed[when]]
    for at in points:
        trader = new_trader(new_actor(acting_chain), trading)
        action, storage = transfer(trader), workers.storage()
        workers.run(trader, action, storage, at=at, when=when)
        payment, _ = await goes_on(trader, action, storage)

        assert (State.SETTLED, 1) == (payment.state, trader.actor.sent), calls[at]
        assert 999_999_993 == trader.exchange.balance("USDC", trader.address), calls[at]
    assert len(points) >= 1


@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_swap_of_two_steps_is_done_once(
    acting_chain: TokenChain, trading: Exchange, workers: Workers, killed: dict[str, set[str]], when: str
) -> None:
    first = new_trader(new_actor(acting_chain), trading)
    calls = workers.run(first, first.swap(), workers.storage())
    points = [at for at, call in enumerate(calls) if call in killed[when]]
    for at in points:
        trader = new_trader(new_actor(acting_chain), trading)
        action, storage = trader.swap(), workers.storage()
        workers.run(trader, action, storage, at=at, when=when)
        payment, every = await goes_on(trader, action, storage)

        assert (State.SETTLED, 2, 0) == (payment.state, trader.actor.sent, trader.allowance()), calls[at]
        assert 998_000_000 == trader.exchange.balance("USDC", trader.address), calls[at]
        assert {State.SETTLED, State.VOIDED} >= {each.state for each in every}
    assert len(points) >= 2


@pytest.fixture(scope="module")
def contracts(acting_chain: TokenChain) -> TokenChain:
    anyio.run(place_contracts, acting_chain)
    return acting_chain


async def new_shopper(chain: TokenChain) -> Agency:
    """Return a wallet that is deployed."""
    made = new_agency(chain)
    async with made.open(made.operator) as wallet:
        await wallet.deploy(await made.signed())
    return made


@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_purchase_of_an_agent_wallet_is_reserved_and_paid_once(
    contracts: TokenChain, workers: Workers, killed: dict[str, set[str]], when: str
) -> None:
    """Between the authorization that is written down and the transaction that reserves it on chain."""
    with Shop(chain=contracts, paid=sells, unpaid=offering(maxTimeoutSeconds=540)) as shop:
        calls = workers.buy(await new_shopper(contracts), shop.url(), workers.storage())
        reserved = len(calls) if killed is EVERY else calls.index("transactions.send_raw") + 1
        points = [at for at, call in enumerate(calls[:reserved]) if call in killed[when]]
        for at in points:
            agency, storage = await new_shopper(contracts), workers.storage()
            workers.buy(agency, shop.url(), storage, at=at, when=when)
            async with open_journal(storage) as journal:
                who = replace(agency.operator, journal=journal)
                async with agency.open(who, clock=Later()) as wallet, X402Client(wallet.engine) as client:
                    response = await client.get(shop.url(), idempotency_key=KEY)
                    left = await wallet.remaining_today(agency.token)

            assert 200 == response.status_code, calls[at]
            assert 1 == len(transfers_from(contracts, agency.address)), calls[at]
            assert (DAY - PRICE, 2) == (left.atomic, agency.operator.sent), calls[at]  # deployed, reserved
        assert len(points) >= 1
