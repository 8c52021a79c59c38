"""A payment as its caller holds it: what is known now, and a way to wait for proof."""

import logging
from collections.abc import Callable

import anyio

from paygent.core.errors import (
    AdapterError,
    AuthorizationCancelled,
    AuthorizationExpired,
    ConfigurationError,
    PaymentCannotSettle,
    PaymentOutcomeUnknown,
)
from paygent.core.ids import PaymentId
from paygent.core.lifecycle import OUT, State
from paygent.core.money import Amount
from paygent.core.payment import Payment
from paygent.core.receipt import Receipt
from paygent.core.requirements import Settlement
from paygent.core.transaction_errors import TransactionReverted
from paygent.engine.pay import Engine

_log = logging.getLogger("paygent")
_FIRST_LOOK_SECONDS = 0.05
_SLOWEST_LOOK_SECONDS = 5.0
_DEAD: dict[State, type[PaymentCannotSettle]] = {
    State.EXPIRED: AuthorizationExpired,
    State.CANCELLED: AuthorizationCancelled,
    State.REVERTED: TransactionReverted,
}


class PaymentHandle:
    """One payment. `state` and `receipt` are what is known so far; `settled()` waits for the chain."""

    def __init__(self, engine: Engine, payment: Payment, claim: Settlement | None = None) -> None:
        self._engine = engine
        self._payment = payment
        self._claim = claim
        self._heard: list[Callable[[Receipt], None]] = []
        self._looking = False
        self._looked: anyio.Event | None = None
        """Set once the look at the chain is over that goes on now, where somebody waits for it."""

    @property
    def id(self) -> PaymentId:
        """The journal's id; `reconcile` takes it."""
        return self._payment.id

    @property
    def payment(self) -> Payment:
        """Everything that is known."""
        return self._payment

    @property
    def state(self) -> State:
        """Where the payment stands, as far as this process has heard."""
        return self._payment.state

    @property
    def receipt(self) -> Receipt | None:
        """The proof; before it, the seller's claim with `proven` false, of what was signed at most; None without."""
        if self._payment.receipt is not None:
            return self._payment.receipt
        claim, authorization = self._payment.claim or self._claim, self._payment.authorization
        if claim is None or not claim.success or authorization is None:
            return None
        asked = authorization.amount
        return Receipt(
            payment_id=self.id,
            network=self._payment.intent.network,
            transaction=claim.transaction,
            payer=authorization.payer,
            payee=authorization.payee,
            amount=asked if claim.amount is None else Amount(min(claim.amount, asked.atomic), asked.asset),
            nonce=authorization.nonce,
        )

    def on_proof(self, hear: Callable[[Receipt], None]) -> None:
        """Call `hear` with the receipt once the payment is proven in this process."""
        self._heard.append(hear)

    async def settled(self, *, timeout_seconds: float | None = None) -> Receipt:
        """Wait until the chain proves what happened, and return the proof.

        Args: timeout_seconds: how long to look; None looks until the authorization has ended, and then once more.

        Raises:
            PaymentCannotSettle: proven that it did not and will not.
            PaymentOutcomeUnknown: not proven in time.
            ConfigurationError: no endpoint for the payment's chain is configured.
        """
        with anyio.move_on_after(timeout_seconds):
            await self._look()
        return self._told()

    async def finish(self, *, complete: bool) -> None:
        """Write down whether the whole answer arrived.

        Where the journal cannot take it, the answer is not held back: the payment stays undelivered in the journal.
        """
        try:
            self._payment = await self._engine.finish(self._payment, self._claim, complete=complete)
        except AdapterError as error:
            _log.warning("the journal did not take the delivery of %s: %s", self.id, error)

    async def prove(self) -> None:
        """Look for proof until there is one, quietly: errors of the chain are left to whoever asks."""
        try:
            await self._look()
        except (AdapterError, ConfigurationError):
            return

    async def _look(self) -> None:
        """Ask the chain again and again, at growing intervals, until it decides or the authorization has long ended."""
        wait, first = _FIRST_LOOK_SECONDS, True
        while True:
            if self._looking:  # one look serves everybody who waits
                self._looked = self._looked or anyio.Event()
                await self._looked.wait()
            else:
                await self._look_once(first)
            if self.state not in OUT or self._engine.long_over(self._payment):
                return
            await anyio.sleep(wait)
            wait, first = min(wait * 2, _SLOWEST_LOOK_SECONDS), False

    async def _look_once(self, first: bool) -> None:
        self._looking, reconciler = True, self._engine.reconciler
        try:  # nobody else has heard of a payment at first, as a rule
            self._hear(await (reconciler.go_on(self._payment) if first else reconciler.reconcile(self.id)))
        except AdapterError as error:
            if not error.retryable:
                raise
        finally:
            self._looking, looked, self._looked = False, self._looked, None
            if looked is not None:
                looked.set()

    def _hear(self, payment: Payment) -> None:
        self._payment = payment
        if payment.receipt is not None:
            for hear in self._heard:
                hear(payment.receipt)
            self._heard.clear()

    def _told(self) -> Receipt:
        payment = self._payment
        if payment.receipt is not None:
            return payment.receipt
        if (dead := _DEAD.get(payment.state)) is not None:
            raise dead(f"payment {payment.id} is {payment.state}: {payment.history[-1].note}", payment_id=payment.id)
        authorization = payment.authorization
        raise PaymentOutcomeUnknown(
            payment.id,
            nonce="" if authorization is None else authorization.nonce,
            expires_at=0 if authorization is None else authorization.valid_before,
            why="not proven on chain in time",
        )

    def __repr__(self) -> str:
        return f"<payment {self.id} {self.state} {self._payment.intent.amount} to {self._payment.intent.payee}>"
