"""The main job in under a minute, on a local chain: quote, pay, prove, lose an answer, and stay within the limits.

Every line it prints is checked against the chain or the journal before it is printed.
"""

import logging
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from time import monotonic

from rich.console import Console
from rich.table import Table

from paygent.client import SyncX402Client
from paygent.core.caip import chain_id
from paygent.core.errors import DuplicatePurchase, PaidUndelivered, PaygentError, PolicyDenied
from paygent.core.ids import PaymentId
from paygent.core.lifecycle import Event, State
from paygent.core.money import Amount, usd
from paygent.core.payment import Payment, Receipt
from paygent.core.requirements import Token
from paygent.devnet import Devnet, TokenTransfer
from paygent.devnet.seller import PREMIUM_PRICE, REPORT_PRICE
from paygent.policy.policy import Policy
from paygent.runtime.settings import Secret, Settings

_PROOF_SECONDS = 20
_NEXT = """\
Next: paygent quote URL          what a resource costs, and what would be refused
      paygent pay URL            pay it: the key is in PAYGENT_PRIVATE_KEY, the journal in --storage
      paygent reconcile          what became of payments whose answer was lost
      docs/tutorial/first-payment.md does the same in ten lines of Python"""


class _ClaimFailed(PaygentError):
    """What the demo was about to say is not so."""


def demo(console: Console | None = None) -> int:
    """Run the story; return 0 if everything in it is so, 1 otherwise."""
    out = _console() if console is None else console
    begun = monotonic()
    logging.getLogger("x402").addHandler(logging.NullHandler())  # the facilitator's log of the second try
    try:
        with out.status("starting a chain, a token, a facilitator and a seller"):
            net = Devnet().start()
        try:
            with tempfile.TemporaryDirectory(prefix="paygent-demo-") as folder, _client(net, Path(folder)) as client:
                _Story(out, net, client).tell()
        finally:
            net.stop()
    except PaygentError as wrong:
        out.print(f"[bold red]✗[/] {type(wrong).__name__}: {wrong}")
        return 1
    out.print(f"All of it was checked on chain, in {monotonic() - begun:.1f} seconds.\n\n{_NEXT}", markup=False)
    return 0


def _console() -> Console:
    """Return the terminal, or plain text that is wide enough for a table."""
    terminal = Console(highlight=False, soft_wrap=True)
    return terminal if terminal.is_terminal else Console(highlight=False, soft_wrap=True, width=160)


def _client(net: Devnet, folder: Path) -> AbstractContextManager[SyncX402Client]:
    token = Token(asset=net.asset, name=net.token.name, versions=(net.token.version,), usd=True, test=True)
    settings = Settings(
        private_key=Secret(net.payer.private_key),
        rpc={net.network: net.rpc_url},
        storage=str(folder / "payments.db"),
        tokens=(token,),
    )
    policy = Policy(max_per_payment=usd("0.20"), per_day=usd("1"), networks=frozenset({chain_id(net.network)}))
    return SyncX402Client.open(settings=settings, policy=policy)


class _Story:
    """What happens, in order."""

    def __init__(self, out: Console, net: Devnet, client: SyncX402Client) -> None:
        self._out = out
        self._net = net
        self._client = client
        self._premium = net.seller.url("/premium")
        self._report = net.seller.url("/report")

    def tell(self) -> None:
        """Tell it.

        Raises: PaygentError: something is not as it should be.
        """
        net = self._net
        self._out.print(f"A chain ({net.node_name}, {net.network}) at {net.rpc_url}, a seller at {net.seller.base_url}")
        self._out.print(f"The wallet {self._client.address} has {self._amount(net.balance(net.payer.address))}")
        self._quote()
        first = self._pay()
        second = self._lose_an_answer()
        self._refuse()
        self._sum_up(first, second)

    def _quote(self) -> None:
        self._chapter("1. What does it cost?")
        before = len(self._net.transfers())
        quote = self._client.quote(self._premium)
        self._out.print(str(quote), markup=False)
        taken = quote.taken
        self._so(taken is not None and taken.amount.atomic == PREMIUM_PRICE, "the offer would be taken")
        self._so(len(self._net.transfers()) == before, "asking moved no money")

    def _pay(self) -> Receipt:
        self._chapter("2. Pay it")
        payer, payee = self._balances()
        with self._out.status("paying"):
            response = self._client.get(self._premium)
            receipt = self._client.settled(response, timeout_seconds=_PROOF_SECONDS)
        self._so(response.status_code == 200, f"the seller answered {response.status_code}: {response.text}")
        after = self._balances()
        price = self._amount(PREMIUM_PRICE)
        moved = (payer - after[0], after[1] - payee) == (PREMIUM_PRICE, PREMIUM_PRICE)
        self._so(moved, f"the wallet has {price} less, the seller {price} more")
        self._so(self._on_chain(receipt), f"proven on chain: {receipt}")
        return receipt

    def _lose_an_answer(self) -> Receipt:
        self._chapter("3. The connection dies after the seller was paid")
        net, before = self._net, self._net.transfers()
        net.seller.drop_next_reply()
        with self._out.status("paying, and losing the answer"):
            lost = self._undelivered()
        self._so(
            net.seller.dropped_replies == 1, "the seller was paid and hung up; the same signed bytes went out again"
        )
        self._out.print(f"  PaidUndelivered: {lost}", markup=False)
        payment = self._client.reconcile(lost.payment_id)
        self._so(
            payment.state is State.SETTLED, f"reconciling reads the chain: payment {payment.id} is {payment.state}"
        )
        events = [move.event for move in payment.history]
        once_twice = (events.count(Event.SIGNATURE_MADE), events.count(Event.SEND_BEGUN)) == (1, 2)
        self._so(once_twice, "it was signed once; when the answer was lost, the same bytes were sent once more")
        self._so(self._on_chain(lost.receipt), f"proven on chain: {lost.receipt}")
        self._so(
            self._bought_again() == payment.id, "the same request again raises DuplicatePurchase, and pays nothing"
        )
        new = net.transfers()[len(before) :]
        self._so(len(new) == 1, "exactly one transfer happened, not two")
        return lost.receipt

    def _refuse(self) -> None:
        self._chapter("4. More than the policy allows")
        before = self._balances()
        try:
            self._client.get(self._report)
        except PolicyDenied as denied:
            self._out.print(f"  PolicyDenied: {denied}", markup=False)
        else:
            raise _ClaimFailed("a payment above the limit was not refused")
        self._so(self._balances() == before, f"{self._amount(REPORT_PRICE)} was asked, nothing was signed or paid")

    def _sum_up(self, *receipts: Receipt) -> None:
        self._chapter("What the journal says")
        payments = self._client.payments().payments
        self._out.print(_table(payments))
        settled = {payment.id for payment in payments if payment.state is State.SETTLED}
        self._so(settled == {receipt.payment_id for receipt in receipts}, "the journal and the chain agree")

    # --- small parts ------------------------------------------------------------------------------------------------

    def _undelivered(self) -> PaidUndelivered:
        try:
            self._client.get(self._premium)
        except PaidUndelivered as lost:
            return lost
        raise _ClaimFailed("the answer was to be lost, and arrived")

    def _bought_again(self) -> PaymentId | None:
        try:
            self._client.get(self._premium)
        except DuplicatePurchase as again:
            return again.payment_id
        return None

    def _on_chain(self, receipt: Receipt) -> bool:
        """Look for the receipt's transfer with the devnet's own eyes, not the engine's."""
        found: Sequence[TokenTransfer] = [t for t in self._net.transfers() if t.transaction == receipt.transaction]
        wanted = (receipt.payer, receipt.payee, receipt.amount.atomic)
        return receipt.proven and [(t.sender, t.recipient, t.value) for t in found] == [wanted]

    def _balances(self) -> tuple[int, int]:
        return self._net.balance(self._client.address), self._net.balance(self._net.seller.payee)

    def _amount(self, atomic: int) -> Amount:
        return Amount(atomic, self._net.asset)

    def _chapter(self, title: str) -> None:
        self._out.print(f"\n[bold]{title}[/]")

    def _so(self, so: bool, claim: str) -> None:
        if not so:
            raise _ClaimFailed(f"not so: {claim}")
        self._out.print("[green]✓[/] ", end="")
        self._out.print(claim, markup=False)


def _table(payments: Sequence[Payment]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("payment", "state", "amount", "transaction"):
        table.add_column(column, overflow="fold")
    for payment in reversed(payments):
        transaction = "none: it was refused" if payment.receipt is None else payment.receipt.transaction
        table.add_row(payment.id, payment.state.value, str(payment.intent.amount), transaction)
    return table
