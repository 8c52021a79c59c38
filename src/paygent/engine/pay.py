"""The order of effects, in one place: policy → approval → reserve → sign → send → settle.

A payment's authorization is signed once, written down before it is sent, and sent again only as the same bytes.
Whatever happens after the send begins ends in the journal as settled, proven dead, or unknown.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TypeVar

import anyio

from paygent.core import ids
from paygent.core.caip import ChainId
from paygent.core.context import NOBODY, Context
from paygent.core.errors import (
    AdapterError,
    ConfigurationError,
    DuplicatePurchase,
    Halted,
    JournalConflict,
    PaidUndelivered,
    PaymentCannotSettle,
    PaymentNotAttempted,
    PaymentOutcomeUnknown,
    SigningFailed,
)
from paygent.core.halt import stopped
from paygent.core.ids import PaymentId
from paygent.core.lifecycle import FREED, OUT, Event, State
from paygent.core.payment import Payment
from paygent.core.requirements import Settlement
from paygent.engine.acting import Acting, Hands
from paygent.engine.actions import ActionChoice
from paygent.engine.choose import Choice, Chooser, Considered
from paygent.engine.edits import key_after_edit
from paygent.engine.ending import NothingSent
from paygent.engine.guard import judged_and_reserved
from paygent.engine.order import ActionOrder, Answer, Order, Paid, Send, Unsent
from paygent.engine.reconcile import Reconciler
from paygent.engine.reserve import LEASE_SECONDS, People, Reserver
from paygent.engine.shielded import insisting, shielded
from paygent.engine.sign import PaymentSigner
from paygent.ports.chain import Chain
from paygent.ports.clock import Clock
from paygent.ports.entropy import Entropy
from paygent.ports.storage import Storage

R = TypeVar("R")
RESENDS = 2
"""How often the same bytes are sent again by themselves where a GET or HEAD lost its answer, or where no byte left."""
RESEND_DELAY_SECONDS = 0.25
"""The wait before the first re-send; it doubles."""
_NOBODY_AT_ONCE = People()
_UNPUBLISHED = (PaymentNotAttempted, PaymentCannotSettle, PaymentOutcomeUnknown, ConfigurationError)
"""What a signer raises whose bytes are not good; no transport raises these."""
PROOF_ATTEMPTS = 3
"""How often the chain is asked at once when an answer was lost, before the outcome is called unknown."""


class Engine:
    """Pays orders under one policy, from one wallet, through one journal."""

    def __init__(  # noqa: PLR0913  everything an engine acts through is given
        self,
        *,
        signer: PaymentSigner,
        chooser: Chooser,
        journal: Storage,
        chains: Mapping[ChainId, Chain],
        clock: Clock,
        entropy: Entropy,
        resends: int = RESENDS,
        people: People = _NOBODY_AT_ONCE,
        context: Context = NOBODY,
        hands: Hands | None = None,
    ) -> None:
        self.address = signer.address
        """The wallet that pays."""
        self.journal = journal
        """Where payments are remembered."""
        self._signer = signer
        self._chooser = chooser
        self._chains = chains
        self._clock = clock
        self._resends = resends
        self.entropy = entropy
        self.context = context
        self._reserver = Reserver(payer=signer.address, storage=journal, clock=clock, people=people)
        writers = None if hands is None else hands.writers
        self.reconciler = Reconciler(journal=journal, chains=chains, clock=clock, writers=writers)
        self._hands = None if hands is None else Acting(hands, journal, clock, people, self.reconciler)

    async def pay(self, order: Order, send: Send[R]) -> Paid[R]:
        """Pay an order at most once and return the seller's answer.

        Raises:
            PaymentNotAttempted: nothing left the process.
            PaidUndelivered: it settled and the answer is lost.
            PaymentOutcomeUnknown: an authorization is out and nothing is proven.
        """
        with NothingSent():
            earlier = await self._earlier(order)
            payment = await self._signed(order) if earlier is None else earlier
        if earlier is not None:
            payment = await self._begin_again(earlier)
        return await self._send(payment, send, repeatable=order.repeatable)

    async def ask(self, order: Order | ActionOrder) -> None:
        """Meet the policy before `pay` or `execute`: write down what it refuses, and ask people where it wants them.

        Of an order that is not signed yet. Raises: PaymentNotAttempted: refused, or not agreed to (yet).
        """
        with NothingSent():
            if isinstance(order, ActionOrder):
                await self._acting().ask(order)
            else:
                order = await self._reserver.resumed(order)
                await self._reserver.ask(order, await self._chooser.choose(order, keep=True))

    def now(self) -> int:
        """Return unix seconds by the engine's clock."""
        return self._clock.now()

    async def execute(self, order: ActionOrder) -> Payment:
        """Do an action on chain at most once, and return its settled payment; asking again goes on with it.

        Policy → approval → reserve budget and nonce → each step: simulate → sign → write down → send → await.

        Raises:
            PaymentNotAttempted: nothing was signed.
            PaymentCannotSettle: it reverted, could not go on after its first step, or was cancelled; gas is spent.
            PaymentOutcomeUnknown: a transaction is out and not mined in time: execute the same order again.
            PaidUndelivered: it settled, and what came back is not what was agreed.
            ConfigurationError: no signer or endpoint for transactions, or a token that is not known.
        """
        acting = self._acting()
        with NothingSent():
            payment = await acting.earlier(order)
            if payment is None:
                _, payment = await judged_and_reserved(acting.judge.judge, acting.reserver.reserve, order)
        return await acting.transactor.carry_out(payment, order.errors)

    async def go_on(self, payment_id: PaymentId) -> Payment:
        """Go on with an action on chain: one that was interrupted, or that people have agreed to by now.

        Raises: as `execute`.
        """
        waiting = await self._acting().waiting(payment_id)
        if isinstance(waiting, ActionOrder):
            return await self.execute(waiting)
        return await self._acting().transactor.carry_out(waiting)

    async def call_off(self, payment_id: PaymentId) -> Payment:
        """Put a payment of nothing to oneself in place of the transaction that waits; the chain decides which is mined.

        Raises: ConfigurationError: no transaction of it waits. AdapterError: the chain or the storage does not answer.
        """
        return await self._acting().cancel(payment_id)

    def _acting(self) -> Acting:
        if self._hands is None:
            raise ConfigurationError("cannot send transactions: give private_key= or transaction_signer=, and rpc=")
        return self._hands

    async def send_again(self, payment_id: PaymentId, send: Send[R], *, repeatable: bool) -> Paid[R]:
        """Send the signed bytes of a payment once more; nothing new is signed.

        Args: repeatable: they may go out yet again by themselves if the answer is lost (GET and HEAD).

        Raises: as `pay`; ConfigurationError: the payment was never signed.
        """
        try:
            payment = await self.journal.get(payment_id)
        except AdapterError as error:
            raise PaymentOutcomeUnknown(payment_id, nonce="", expires_at=0, why=str(error)) from error
        if payment is None or payment.payload is None:
            raise ConfigurationError(f"payment {payment_id} has no signed authorization to send again")
        return await self._send(await self._begin_again(payment), send, repeatable=repeatable)

    async def finish(self, payment: Payment, settlement: Settlement | None, *, complete: bool) -> Payment:
        """Write down whether the whole answer reached the caller."""
        now = self._clock.now()

        def change(current: Payment) -> Payment | None:
            if current.delivered:
                return None
            if complete:
                return current.learn(delivered=True, claim=settlement or current.claim)
            if current.state is State.SUBMITTED:
                note = "the answer broke off"
                return current.move(Event.OUTCOME_LOST, at=now, note=note, claim=settlement or current.claim)
            return None

        return await insisting(lambda: self._update(payment, change), payment)

    async def lost(self, payment: Payment, why: BaseException | str) -> PaidUndelivered | PaymentOutcomeUnknown:
        """Return the error that tells a caller without an answer what is known, after asking the chain."""
        said = why if isinstance(why, str) else f"{type(why).__name__}: {why}".rstrip(": ")
        if payment.payload is not None:  # a transport's error may quote a header
            said = said.replace(payment.payload.value, "…")
        payment = await self._ask_chain(payment)
        if payment.state is State.SETTLED and payment.receipt is not None:
            return PaidUndelivered(payment.id, receipt=payment.receipt, why=said, delivered=payment.delivered)
        authorization = payment.authorization
        nonce, end = ("", 0) if authorization is None else (authorization.nonce, authorization.valid_before)
        return PaymentOutcomeUnknown(payment.id, nonce=nonce, expires_at=end, why=said)

    def can_prove(self, payment: Payment) -> bool:
        """Tell whether an endpoint for the payment's chain is configured."""
        return payment.intent.network in self._chains

    def long_over(self, payment: Payment) -> bool:
        """Tell whether waiting for proof is pointless: the authorization ended a quarter of an hour ago."""
        authorization = payment.authorization
        return authorization is None or self._clock.now() > authorization.valid_before + 900

    # --- before anything leaves the process -------------------------------------------------------------------------

    async def payment_of(self, method: str, url: str, body: bytes) -> Payment | None:
        """Return the newest payment of this wallet for a request, or None."""
        return await self.journal.by_request(self.address, ids.request_digest(method, url, body))

    async def quote(self, order: Order) -> Considered:
        """Return what the order would cost and what would be taken; nothing is signed, reserved or written down.

        Raises: AdapterError: the chain could not answer.
        """
        return await self._chooser.consider(order)

    async def weigh(self, order: ActionOrder) -> ActionChoice:
        """Return what the policy says of an action as it looks now; nothing is asked, reserved or signed.

        Raises: ConfigurationError: as `execute`. AdapterError: the chain could not answer.
        """
        return await self._acting().judge.judge(order)

    async def _signed(self, order: Order) -> Payment:
        """Judge, reserve and sign; return the payment whose bytes are durable and about to be sent."""
        order = await self._reserver.resumed(order)
        choice, payment = await judged_and_reserved(self._chooser.choose, self._reserver.reserve, order)
        return await self._sign(payment, choice)

    async def _earlier(self, order: Order) -> Payment | None:
        """Return the payment that is resumed, or of the order's idempotency key, if it has to be sent again."""
        if order.resume is not None:
            earlier = await self.journal.get(order.resume)
            if earlier is not None and earlier.state in FREED:
                earlier = await self.journal.by_key(self.address, key_after_edit(earlier, order))
        elif order.idempotency_key is not None and not order.first:
            earlier = await self.journal.by_key(self.address, order.idempotency_key)
        else:
            return None
        if earlier is None or earlier.state in FREED or earlier.state is State.AWAITING_APPROVAL:
            return None
        if earlier.intent.request != order.request:
            raise await self._reserver.of_another_request(order, earlier)
        if earlier.state is State.RESERVED and earlier.lease_until <= self._clock.now():
            await self.reconciler.reconcile(earlier.id)
            return None
        if earlier.payload is None:
            raise DuplicatePurchase(earlier.id, state=earlier.state, resource=order.url)
        return earlier

    async def _sign(self, payment: Payment, choice: Choice) -> Payment:
        """Sign once, and make the signed bytes durable; a signature that cannot be written down is thrown away."""
        try:
            payload = await self._signer.sign(payment, choice)
        except BaseException as error:
            await self._reserver.void(payment, error)
            if isinstance(error, PaymentNotAttempted) or not isinstance(error, Exception):
                raise
            raise SigningFailed(f"the signer broke: {type(error).__name__}", payment_id=payment.id) from error
        now = self._clock.now()
        if now >= payment.lease_until:  # somebody else may have bought the same thing meanwhile
            late = SigningFailed(f"signing took longer than {LEASE_SECONDS} seconds", payment_id=payment.id)
            await self._reserver.void(payment, late)
            raise late
        signed = payment.move(Event.SIGNATURE_MADE, Event.SEND_BEGUN, at=now, payload=payload)
        try:
            await self.journal.append(payment, signed)
        except Halted as error:
            await self._reserver.void(payment, error)
            raise
        except AdapterError as error:
            raise PaymentNotAttempted(
                f"the journal did not take the signature, so it was thrown away: {error}", payment_id=payment.id
            ) from error
        return signed

    # --- once an authorization is out -------------------------------------------------------------------------------

    async def _send(self, payment: Payment, send: Send[R], *, repeatable: bool) -> Paid[R]:
        payload = payment.payload
        assert payload is not None  # noqa: S101  _sign and send_again have checked it
        resends, unsent = self._resends if repeatable else 0, self._resends
        lost: Exception | None = None
        while True:
            try:
                await self._signer.publish(payment)
                answer = await send(payload)
            except BaseException as error:
                payment = await self._outcome_lost(payment, type(error).__name__)
                if not isinstance(error, Exception):
                    raise
                left = 0 if isinstance(error, _UNPUBLISHED) else resends
                payment = await self._once_more(payment, error, left=left)
                resends, lost = resends - 1, error
                continue
            if isinstance(answer, Unsent):
                payment = await self._outcome_lost(payment, type(answer.why).__name__)
                payment = await self._once_more(payment, answer.why, left=unsent)
                unsent -= 1
                continue
            payment = await self._answered(payment, answer)
            if lost is not None and not answer.delivered:  # the answer that was paid for is the one that was lost
                await answer.discard()
                raise await self.lost(payment, lost) from lost
            return Paid(answer=answer, payment=payment)

    async def _once_more(self, payment: Payment, why: Exception, *, left: int) -> Payment:
        """Wait, and write down that the same bytes are about to go out again; raise what is known if none is left."""
        if left == 0:
            raise await self.lost(payment, why) from why
        await anyio.sleep(RESEND_DELAY_SECONDS * 2 ** (self._resends - left))
        return await self._begin_again(payment)

    async def _begin_again(self, payment: Payment) -> Payment:
        """Write down that the same bytes are about to be sent again; a settled payment only fetches its answer.

        Raises: PaymentOutcomeUnknown, PaidUndelivered: the journal did not take it, and they were out before.
        """
        now = self._clock.now()

        def change(current: Payment) -> Payment | None:
            if current.state not in OUT:
                return None
            if current.state is State.SUBMITTED:
                current = current.move(Event.OUTCOME_LOST, at=now, note="sent again")
            return current.move(Event.SEND_BEGUN, at=now, note="the same bytes again")

        try:
            if payment.state not in OUT:  # no move will be written, so the journal does not look for a halt
                await self._refuse_halted(payment)
            return await self._update(payment, change)
        except (AdapterError, Halted) as error:
            raise await self.lost(payment, error) from error

    async def _refuse_halted(self, payment: Payment) -> None:
        halts = {halt.scope: halt for halt in await self.journal.halts()}
        if (halted := stopped(payment, halts)) is not None:
            raise halted

    async def _answered(self, payment: Payment, answer: Answer[R]) -> Payment:
        if answer.delivered:
            return payment
        note = f"answered with {answer.status}{answer.claimed}"
        return await self._outcome_lost(payment, note, claim=answer.settlement)

    async def _outcome_lost(self, payment: Payment, note: str, *, claim: Settlement | None = None) -> Payment:
        now = self._clock.now()

        def change(current: Payment) -> Payment | None:
            if current.state is not State.SUBMITTED:
                return None
            return current.move(Event.OUTCOME_LOST, at=now, note=note, claim=claim or current.claim)

        with suppress(AdapterError):  # the journal then says SUBMITTED, which reconciling treats alike
            return await shielded(self._update(payment, change), payment)
        return payment

    async def _ask_chain(self, payment: Payment) -> Payment:
        if payment.intent.network not in self._chains:
            return payment
        for attempt in range(PROOF_ATTEMPTS):
            if attempt:
                await anyio.sleep(RESEND_DELAY_SECONDS * 2**attempt)
            try:
                payment = await self.reconciler.reconcile(payment.id)
            except (AdapterError, ConfigurationError):  # a wrong endpoint must not hide that money is out
                continue
            if payment.state not in OUT:
                break
        return payment

    async def _update(self, payment: Payment, change: Callable[[Payment], Payment | None]) -> Payment:
        """Apply `change` to the payment as the journal has it now, again whenever somebody else was first."""
        current = payment
        while (after := change(current)) is not None:
            try:
                await self.journal.append(current, after)
            except JournalConflict:
                stored = await self.journal.get(payment.id)
                if stored is None:
                    raise
                current = stored
                continue
            return after
        return current
