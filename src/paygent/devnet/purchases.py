"""The demo's second story: quote, pay, prove, lose an answer, and be refused, through an HTTP client."""

from collections.abc import Sequence

from paygent.client import SyncX402Client
from paygent.core.errors import DuplicatePurchase, PaidUndelivered, PolicyDenied
from paygent.core.ids import PaymentId
from paygent.core.lifecycle import Event, State
from paygent.core.payment import Payment
from paygent.core.receipt import Receipt
from paygent.devnet.seller import PREMIUM_PRICE, REPORT_PRICE
from paygent.devnet.stage import ClaimFailed, Stage

_PROOF_SECONDS = 20


class Purchases:
    """What happens, in order."""

    def __init__(self, stage: Stage, client: SyncX402Client, earlier: Sequence[Receipt]) -> None:
        """Args: earlier: the proofs that the journal has already."""
        self._stage = stage
        self._net = stage.net
        self._client = client
        self._earlier = earlier
        self._premium = stage.net.seller.url("/premium")
        self._report = stage.net.seller.url("/report")

    def tell(self) -> None:
        """Tell it.

        Raises: PaygentError: something is not as it should be.
        """
        self._quote()
        first = self._pay()
        second = self._lose_an_answer()
        self._refuse()
        self._sum_up(*self._earlier, first, second)

    def _quote(self) -> None:
        stage = self._stage
        stage.chapter("2. What does it cost?")
        before = len(self._net.transfers())
        quote = self._client.quote(self._premium)
        stage.say(str(quote))
        taken = quote.taken
        stage.so(taken is not None and taken.amount.atomic == PREMIUM_PRICE, "the offer would be taken")
        stage.so(len(self._net.transfers()) == before, "asking moved no money")

    def _pay(self) -> Receipt:
        stage = self._stage
        stage.chapter("3. Pay it")
        before = stage.balances()
        with stage.out.status("paying"):
            response = self._client.get(self._premium)
            receipt = self._client.settled(response, timeout_seconds=_PROOF_SECONDS)
        stage.so(response.status_code == 200, f"the seller answered {response.status_code}: {response.text}")
        after = stage.balances()
        price = stage.dollars(PREMIUM_PRICE)
        moved = (before.dollars - after.dollars, after.seller - before.seller) == (PREMIUM_PRICE, PREMIUM_PRICE)
        stage.so(moved, f"the wallet has {price} less, the seller {price} more")
        stage.so(stage.on_chain(receipt), f"proven on chain: {receipt}")
        return receipt

    def _lose_an_answer(self) -> Receipt:
        stage, net, before = self._stage, self._net, self._net.transfers()
        stage.chapter("4. The connection dies after the seller was paid")
        net.seller.drop_next_reply()
        with stage.out.status("paying, and losing the answer"):
            lost = self._undelivered()
        hung_up = net.seller.dropped_replies == 1
        stage.so(hung_up, "the seller was paid and hung up; the same signed bytes went out again")
        stage.say(f"  PaidUndelivered: {lost}")
        payment = self._client.reconcile(lost.payment_id)
        settled = payment.state is State.SETTLED
        stage.so(settled, f"reconciling reads the chain: payment {payment.id} is {payment.state}")
        events = [move.event for move in payment.history]
        once_twice = (events.count(Event.SIGNATURE_MADE), events.count(Event.SEND_BEGUN)) == (1, 2)
        stage.so(once_twice, "it was signed once; when the answer was lost, the same bytes were sent once more")
        stage.so(stage.on_chain(lost.receipt), f"proven on chain: {lost.receipt}")
        again = self._bought_again()
        stage.so(again == payment.id, "the same request again raises DuplicatePurchase, and pays nothing")
        stage.so(len(net.transfers()) - len(before) == 1, "exactly one transfer happened, not two")
        return lost.receipt

    def _refuse(self) -> None:
        stage = self._stage
        stage.chapter("5. More than the policy allows")
        before = stage.balances()
        try:
            self._client.get(self._report)
        except PolicyDenied as denied:
            stage.say(f"  PolicyDenied: {denied}")
        else:
            raise ClaimFailed("a payment above the limit was not refused")
        stage.so(stage.balances() == before, f"{stage.dollars(REPORT_PRICE)} was asked, nothing was signed or paid")

    def _sum_up(self, *receipts: Receipt) -> None:
        stage = self._stage
        stage.chapter("What the journal says")
        payments = self._client.payments().payments
        stage.table("payment", "what", "state", "amount", "transaction", rows=[_row(one) for one in reversed(payments)])
        settled = {payment.id for payment in payments if payment.state is State.SETTLED}
        agree = settled == {receipt.payment_id for receipt in receipts}
        stage.so(agree and self._spent() == sum(receipt.amount.atomic for receipt in receipts), _AGREE)

    def _spent(self) -> int:
        """Return what left the wallet since it was funded, by the chain."""
        wallet = self._client.address
        return sum(each.value for each in self._net.transfers() if each.sender == wallet)

    # --- small parts ------------------------------------------------------------------------------------------------

    def _undelivered(self) -> PaidUndelivered:
        try:
            self._client.get(self._premium)
        except PaidUndelivered as lost:
            return lost
        raise ClaimFailed("the answer was to be lost, and arrived")

    def _bought_again(self) -> PaymentId | None:
        try:
            self._client.get(self._premium)
        except DuplicatePurchase as again:
            return again.payment_id
        return None


_AGREE = "the journal and the chain agree"


def _row(payment: Payment) -> tuple[str, str, str, str, str]:
    transaction = "none: it was refused" if payment.receipt is None else str(payment.receipt.transaction)
    intent = payment.intent
    return payment.id, str(intent.purpose), payment.state.value, str(intent.amount), transaction
