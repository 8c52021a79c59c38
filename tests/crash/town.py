"""A devnet, wallets with a storage of their own, workers that are killed, and what has to hold in the end."""

import hashlib
import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

import anyio

from paygent.adapters.local_signer import LocalSigner
from paygent.adapters.sql import open_journal
from paygent.core.audit import AuditEntry, first_break
from paygent.core.lifecycle import Event, State
from paygent.core.payment import Payment
from paygent.devnet import Devnet, TokenTransfer
from paygent.engine.reserve import LEASE_SECONDS
from tests.crash.job import Diary, Job, When, Work
from tests.crash.processes import Nursery
from tests.crash.vaults import Files, Rows, Vault, read_file

FUNDS = 10_000_000
PAST_LEASE = LEASE_SECONDS + 10
PAST_EXPIRY = 2_000
"""Later than the longest authorization of these tests ends."""
MOST_CALLS = 200
"""A run that makes more port calls than this is not the one that was meant."""
RETRIED = frozenset({"delivered", "paid before", "DuplicatePurchase", "PaidUndelivered"})
"""What a caller may hear who asks again for what a killed process was buying."""


@dataclass(kw_only=True)
class Purse:
    """A wallet, its storage, and the diaries of every process that worked for it."""

    address: str
    job: Job
    """What its workers have in common."""
    diaries: list[Diary] = field(default_factory=list[Diary])
    said: list[str] = field(default_factory=list[str])
    """What was done to it, for people."""

    def write_down(self, diary: Diary, said: str) -> None:
        self.diaries.append(diary)
        self.said.append(f"{said}: {diary.outcome or f'killed in {diary.calls[-1:]}'}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Everything that a storage says, read by a process that lives."""

    payments: Sequence[Payment]
    entries: Sequence[AuditEntry]
    reserved: int
    committed: int
    moves: Sequence[tuple[str, int, str | None]]
    """Payment, version and event of every row of the journal; no event where something was only learned."""


class Town:
    """Everything that outlives the workers."""

    def __init__(self, net: Devnet, folder: Path, nurseries: Sequence[Nursery]) -> None:
        self.net = net
        self.nurseries = nurseries
        self._folder = folder
        self._ahead = 0
        self._count = 0
        self.vault: Vault = Files(folder)

    def purse(self, *, key: str | None = None, approve_above: str = "10") -> Purse:
        """Return a wallet with money and an empty storage."""
        self._count += 1
        private_key = "0x" + hashlib.sha256(f"purse {self._count}".encode()).hexdigest()
        storage = self.vault.new(self._count)
        address = LocalSigner(private_key).address
        self.net.mint(address, FUNDS)
        job = Job(
            work="pay",
            storage=storage,
            diary="",
            private_key=private_key,
            rpc=self.net.rpc_url,
            token=self.net.token.address,
            url=self.net.seller.url("/premium"),
            key=key,
            approve_above=approve_above,
        )
        return Purse(address=address, job=job)

    # --- working ----------------------------------------------------------------------------------------------------

    def job(
        self, purse: Purse, work: Work = "pay", *, later: int = 0, at: int | None = None, when: When = "before"
    ) -> Job:
        """Return a job for one more worker; its clock is the chain's, and `later` seconds ahead of that."""
        self._count += 1
        diary = str(self._folder / f"{self._count:04}.diary")
        return replace(purse.job, work=work, diary=diary, ahead=self._ahead + later, at=at, when=when)

    def run(
        self, purse: Purse, work: Work = "pay", *, later: int = 0, at: int | None = None, when: When = "before"
    ) -> tuple[Diary, bool]:
        """Let a worker work; return its diary, and whether it was killed."""
        diary, killed = self.nurseries[0].run(self.job(purse, work, later=later, at=at, when=when))
        purse.write_down(diary, work if at is None else f"{work} killed {when} call {at}")
        return diary, killed

    def run_killed(self, purse: Purse, *, after_seconds: float, later: int = 0) -> bool:
        """Let a worker pay, and kill it from outside; return whether it still lived."""
        nursery = self.nurseries[0]
        nursery.start(self.job(purse, later=later))
        time.sleep(after_seconds)
        nursery.kill()
        diary, killed = nursery.wait()
        purse.write_down(diary, f"pay, killed after {after_seconds:.3f} s" if killed else "pay")
        return killed

    def run_together(self, purse: Purse, *, later: int = 0) -> list[Diary]:
        """Let as many workers as there are nurseries pay for the same thing at the same time."""
        for nursery in self.nurseries:
            nursery.start(self.job(purse, later=later))
        diaries = [nursery.wait()[0] for nursery in self.nurseries]
        for diary in diaries:
            purse.write_down(diary, "pay beside another one")
        return diaries

    def retry(self, purse: Purse) -> list[str | None]:
        """Ask again at once, and where that is refused once more when the dead process's lease is over."""
        outcomes = [self.run(purse)[0].outcome]
        if outcomes == ["DuplicatePurchase"]:
            outcomes.append(self.run(purse, later=2 * PAST_LEASE)[0].outcome)  # the dead one's clock may be ahead
        assert set(outcomes) <= RETRIED, outcomes
        return outcomes

    def pass_time(self) -> None:
        """Let every authorization expire, on the chain and for the workers."""
        self._ahead += PAST_EXPIRY
        self.net.increase_time(PAST_EXPIRY)

    # --- judging ----------------------------------------------------------------------------------------------------

    def transfers(self, purse: Purse) -> list[TokenTransfer]:
        """Return what the chain says the wallet paid."""
        return [transfer for transfer in self.net.transfers() if transfer.sender == purse.address]

    def end(self, purses: Sequence[Purse]) -> list[Books]:
        """Reconcile, let time pass, reconcile again, and check every book against the chain."""
        for purse in purses:
            self.run(purse, "reconcile")
        self.pass_time()
        for purse in purses:
            assert "reconciled, 0 failed" == self.run(purse, "reconcile")[0].outcome
        found = self.net.transfers()
        return [self._checked(purse, [each for each in found if each.sender == purse.address]) for purse in purses]

    def _checked(self, purse: Purse, transfers: Sequence[TokenTransfer]) -> Books:
        try:
            found = _books(purse.job.storage, self.vault.read(purse.job.storage))
            check_audit(found)
            check_halt(found, transfers)
            check_signatures(purse, found)
            check_chain(found, transfers)
        except AssertionError as error:
            error.add_note("; ".join(purse.said))
            raise
        self.vault.drop(purse.job.storage)
        return found


def killed_everywhere(
    town: Town, *, key: str | None, when: When, work: Work = "pay", prepare: Callable[[Town, Purse], None] | None = None
) -> Iterator[Purse]:
    """Kill a worker at each of its calls, each time in a purse of its own, until one gets through."""
    for at in count():
        assert at < MOST_CALLS
        purse = town.purse(key=key)
        if prepare is not None:
            prepare(town, purse)
        diary, killed = town.run(purse, work, at=at, when=when)
        if not killed and len(diary.calls) <= at:
            return
        if killed:  # a call of the background that is cancelled has no end to be killed at
            yield purse


def books(file: str) -> Books:
    """Read a storage on disk, where no event loop runs."""
    return _books(file, read_file(file))


def _books(storage: str, rows: Rows) -> Books:
    payments, entries = anyio.run(_read, storage)
    return Books(
        payments=payments,
        entries=entries,
        reserved=sum(int(row[0]) for row in rows.sums),
        committed=sum(int(row[1]) for row in rows.sums),
        moves=rows.moves,
    )


def check_audit(found: Books) -> None:
    """The chain of rows is whole, and every move of the journal is in it, in order, and nothing else."""
    assert first_break(found.entries) is None
    told: defaultdict[str, list[str]] = defaultdict(list)
    rows: Counter[str] = Counter()
    for entry in found.entries:
        if entry.kind == "payment":
            events = entry.facts["events"].split(", ")
            rows[entry.facts["payment"]] += len(events)
            told[entry.facts["payment"]] += [event for event in events if event != "learned"]
    assert {payment.id: [move.event.value for move in payment.history] for payment in found.payments} == told
    assert Counter(payment for payment, _, _ in found.moves) == rows
    assert {payment.id: payment.version for payment in found.payments} == rows


def check_halt(found: Books, transfers: Sequence[TokenTransfer]) -> None:
    """After the row of a halt nothing is reserved, signed or sent; what was paid was sent before."""
    halted = next((entry.number for entry in found.entries if entry.kind == "halt" and "by" in entry.facts), None)
    if halted is None:
        return
    moved = [(entry.number, entry.facts["events"].split(", ")) for entry in found.entries if entry.kind == "payment"]
    stopped = {Event.BUDGET_RESERVED.value, Event.SIGNATURE_MADE.value, Event.SEND_BEGUN.value}
    assert not [(number, events) for number, events in moved if number > halted and stopped & set(events)]
    sent = [number for number, events in moved if number < halted and Event.SEND_BEGUN.value in events]
    assert len(transfers) <= len(sent)


def check_signatures(purse: Purse, found: Books) -> None:
    """Each intent was signed once at most, and nothing was signed that the journal does not know."""
    signed: Counter[tuple[str, str]] = Counter()
    for diary in purse.diaries:
        signed += diary.signed
    nonces = Counter(nonce for nonce, _ in signed.elements())
    assert set(nonces.values()) <= {1}
    known = {payment.authorization.nonce for payment in found.payments if payment.authorization is not None}
    assert set(nonces) <= known


def check_chain(found: Books, transfers: Sequence[TokenTransfer]) -> None:
    """Every transfer is the one of one settled payment, and the sums are those of the chain."""
    settled = [payment for payment in found.payments if payment.state is State.SETTLED]
    receipts = [payment.receipt for payment in settled if payment.receipt is not None]
    assert sorted(str(receipt.transaction) for receipt in receipts) == sorted(each.transaction for each in transfers)
    assert len({each.transaction for each in transfers}) == len(transfers)
    assert len({payment.intent.id for payment in settled}) == len(settled)
    assert (0, sum(each.value for each in transfers)) == (found.reserved, found.committed)
    assert all(payment.over for payment in found.payments), [payment.state for payment in found.payments]
    assert not [payment.alarm for payment in found.payments if payment.alarm is not None]
    undelivered = [payment for payment in settled if not payment.delivered]
    assert len(undelivered) <= 1  # buying again is for those who have got what they bought


async def _read(storage: str) -> tuple[list[Payment], list[AuditEntry]]:
    async with open_journal(storage) as journal:
        page = await journal.page(limit=1000)
        return list(page.payments), list(await journal.entries(limit=10_000))


@contextmanager
def open_town(folder: Path, *, anvil: Path | None = None, workers: int = 2) -> Iterator[Town]:
    """Start a devnet and servers of workers; the embedded chain, unless the path of an anvil is given."""
    logging.getLogger("x402").setLevel(logging.CRITICAL)  # the facilitator's words about bytes that come twice
    with ExitStack() as stack:
        net = stack.enter_context(Devnet(anvil=False if anvil is None else anvil, heartbeat_seconds=0))
        yield Town(net, folder, [stack.enter_context(Nursery()) for _ in range(workers)])
