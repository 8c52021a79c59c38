"""Carry an action out: simulate, sign, make durable, send, await, one step after the other.

Each step is signed once and its bytes are written down before they are sent; they are sent again as they are. The one
exception is a fee that is too low: the step is signed again with the same account nonce, so at most one is mined.
"""

import logging
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

import anyio

from paygent.core import ids
from paygent.core.action import Action, Call
from paygent.core.caip import ChainId
from paygent.core.errors import (
    AdapterError,
    ConfigurationError,
    JournalConflict,
    PaidUndelivered,
    PaygentError,
    PaymentCannotSettle,
    PaymentNotAttempted,
    PaymentOutcomeUnknown,
    SigningFailed,
)
from paygent.core.halt import stopped
from paygent.core.lifecycle import OUT, Event, State
from paygent.core.money import Amount
from paygent.core.payment import Payment, SignedPayload
from paygent.core.transaction import AttemptKind, Plan, Step, UnsignedTransaction
from paygent.core.transaction_errors import InsufficientFunds, SimulationReverted
from paygent.engine.actions import ActionJudge
from paygent.engine.ending import told
from paygent.engine.gas import replacing
from paygent.engine.mined import approval_left, traded
from paygent.engine.order import ActionOrder
from paygent.engine.reconcile import Reconciler
from paygent.engine.reserve_actions import ActionReserver
from paygent.engine.shielded import shielded
from paygent.engine.steps import StepSigner, attempt_of, plan_of, raw_of, transaction_of
from paygent.evm.calls import approve_call
from paygent.evm.coins import coin
from paygent.policy.gas import gas_cap
from paygent.ports.clock import Clock
from paygent.ports.signer import TransactionSigner
from paygent.ports.storage import Storage

_log = logging.getLogger("paygent")
PAYLOAD: Final = "eth_sendRawTransaction"
"""The header of a payload that holds signed transactions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long transactions are waited for."""

    timeout_seconds: float = 90.0
    """How long a step may take to be mined before its outcome is called unknown."""
    resend_seconds: float = 5.0
    """How often the same bytes are sent again while nothing is mined: a node may have dropped them."""
    bump_seconds: float = 30.0
    """After how long a step is signed again with a higher fee."""
    first_look_seconds: float = 0.02
    slowest_look_seconds: float = 1.0


class Transactor:
    """Signs and sends the transactions of one wallet."""

    def __init__(
        self,
        *,
        signer: TransactionSigner,
        judge: ActionJudge,
        reserver: ActionReserver,
        storage: Storage,
        reconciler: Reconciler,
        clock: Clock,
        patience: Patience,
    ) -> None:
        self._signer = signer
        self._judge = judge
        self._steps = StepSigner(signer=signer, judge=judge, storage=storage, reconciler=reconciler)
        self._reserver = reserver
        self._storage = storage
        self._reconciler = reconciler
        self._clock = clock
        self._patience = patience

    async def carry_out(self, payment: Payment, errors: tuple[str, ...] = ()) -> Payment:
        """Return the payment settled, after doing every step of it that is not done yet.

        Args: errors: custom errors of the contracts by signature, to read reverts by.

        Raises:
            PaymentNotAttempted: nothing was signed; budget and nonce are free again.
            PaymentCannotSettle: it reverted, could not go on, or its nonce was used elsewhere.
            PaymentOutcomeUnknown: something is out and not mined in time; carry it out again, or reconcile it.
            PaidUndelivered: it settled, and what came back is not what was agreed.
        """
        again = payment.state in OUT
        if payment.state is State.RESERVED:
            payment = await self._first(payment, errors)
        try:
            while payment.state in OUT:
                payment, again = await self._next(payment, errors, again=again), False
        except (PaymentOutcomeUnknown, PaymentCannotSettle, PaidUndelivered):
            raise
        except PaygentError as error:  # whatever it is, also a refusal to sign: something is out already
            raise await self._unknown(payment, str(error)) from error
        except anyio.get_cancelled_exc_class() as error:
            await self._lost(payment, type(error).__name__)
            raise
        return told(payment, errors)

    async def _first(self, payment: Payment, errors: tuple[str, ...]) -> Payment:
        """Return the payment after its first step was signed and written down, or void it and raise."""
        try:
            return await self._signed(payment, 0, errors)
        except BaseException as error:
            current = await self._current(payment)
            if current.state is State.RESERVED:
                await self._reserver.void(current, error)
            if isinstance(error, AdapterError) and current.state in OUT:
                return current  # the storage took it after all
            if isinstance(error, AdapterError):
                raise PaymentNotAttempted(f"nothing was sent: {error}", payment_id=payment.id) from error
            raise

    async def _current(self, payment: Payment) -> Payment:
        """Return what the storage has; what is known already where it does not answer."""
        with suppress(AdapterError):
            return await shielded(self._storage.get(payment.id), payment) or payment
        return payment

    async def _next(self, payment: Payment, errors: tuple[str, ...], *, again: bool) -> Payment:
        """Return the payment one step further: a step signed, mined, or given up."""
        payment = await self._reconciler.reconcile(payment.id)
        plan = plan_of(payment)
        if payment.state not in OUT:
            return payment
        place = plan.current
        if place is not None and plan.steps[place].attempts:
            return await self._mined(payment, place, again=again)
        if place is None or self._stopped(plan):
            return await self._clean_up(payment, plan)
        if plan.steps[place] is plan.closing and await self._steps.has_closed(plan):
            return await self._without_closing(payment, plan)
        try:
            return await self._signed(payment, place, errors)
        except (SimulationReverted, InsufficientFunds, SigningFailed, ConfigurationError) as error:
            return await self._abandon(payment, plan, place, error)
        except PaymentNotAttempted as error:  # too expensive, halted: what is done so far stands, and waits
            raise await self._unknown(payment, str(error)) from error

    # --- signing ----------------------------------------------------------------------------------------------------

    async def _signed(self, payment: Payment, place: int, errors: tuple[str, ...]) -> Payment:
        """Simulate a step, sign it, write it down, and send it."""
        plan = plan_of(payment)
        step, writer = plan.steps[place], self._reconciler.writer(payment.intent.network)
        unsigned = await self._steps.unsigned(payment, step, writer, errors)
        nonce = await self._steps.nonce(payment, place, writer)
        transaction = replace(unsigned, nonce=nonce)
        raw = await self._steps.sign(payment, step.call, transaction)
        return await self._send(await self._write(payment, place, transaction, raw, "step"), raw)

    async def _write(
        self, payment: Payment, place: int, transaction: UnsignedTransaction, raw: bytes, kind: AttemptKind
    ) -> Payment:
        """Make signed bytes durable; a signature that cannot be written down is thrown away."""
        now, attempt = self._clock.now(), attempt_of(transaction, raw, kind)
        plan = plan_of(payment).with_attempt(place, attempt)
        before = [] if payment.payload is None else payment.payload.value.split(" ")
        payload = SignedPayload(header=PAYLOAD, value=" ".join([*before, f"0x{raw.hex()}"]))
        if payment.state is State.RESERVED:
            if now >= payment.lease_until:
                raise SigningFailed("signing took longer than its lease", payment_id=payment.id)
            after = payment.move(Event.SIGNATURE_MADE, Event.SEND_BEGUN, at=now, plan=plan, payload=payload)
        else:
            again = "again with a higher fee" if plan.steps[place].attempts[1:] else "of the action"
            note = f"step {place + 1} {again if kind == 'step' else 'cancelled'}, account nonce {attempt.nonce}"
            after = payment.move(Event.STEP_SIGNED, at=now, note=note, plan=plan, payload=payload)
        await self._storage.append(payment, after)
        return after

    # --- what is out ------------------------------------------------------------------------------------------------

    async def _send(self, payment: Payment, raw: bytes) -> Payment:
        """Hand bytes to the node; what it says is no proof, so a refusal is only told if nothing is mined."""
        try:
            await self._reconciler.writer(payment.intent.network).send_raw(raw)
        except AdapterError:
            return payment  # sent again while it is waited for
        return payment

    async def _mined(self, payment: Payment, place: int, *, again: bool) -> Payment:
        """Wait until a step is mined, sending the same bytes again, and signing it again where its fee is too low."""
        started = sent = bumped = anyio.current_time()
        wait, refused = self._patience.first_look_seconds, "not mined in time"
        resend = again or payment.state is State.OUTCOME_UNKNOWN  # who wrote the bytes down may not have sent them
        while True:
            now = anyio.current_time()
            if resend or now - sent >= self._patience.resend_seconds:
                payment, refused = await self._send_again(payment, place, refused)
                sent, resend = now, False
            if now - bumped >= self._patience.bump_seconds:
                payment, bumped = await self._bumped(payment, place), now
            payment = await self._reconciler.reconcile(payment.id)
            plan = plan_of(payment)
            if payment.state not in OUT or place >= len(plan.steps) or plan.steps[place].over:
                return payment
            if now - started >= self._patience.timeout_seconds:
                raise await self._unknown(payment, refused)
            await anyio.sleep(wait)
            wait = min(wait * 2, self._patience.slowest_look_seconds)

    async def _send_again(self, payment: Payment, place: int, refused: str) -> tuple[Payment, str]:
        """Send what was signed last for a step once more, unless that is halted; lower nonces go first."""
        await self._refuse_halted(payment)
        if payment.state is State.OUTCOME_UNKNOWN:
            after = payment.move(Event.SEND_BEGUN, at=self._clock.now(), note="the same bytes again")
            await self._storage.append(payment, after)
            payment = after
        attempt = plan_of(payment).steps[place].attempts[-1]
        refused = await self._unblock(payment, attempt.nonce) or refused
        try:
            await self._reconciler.writer(payment.intent.network).send_raw(raw_of(payment, attempt.hash))
        except AdapterError as error:
            return payment, str(error)
        return payment, refused

    async def _refuse_halted(self, payment: Payment) -> None:
        halts = {halt.scope: halt for halt in await self._storage.halts()}
        if (halted := stopped(payment, halts)) is not None:
            raise halted

    async def _bumped(self, payment: Payment, place: int, kind: AttemptKind | None = None) -> Payment:
        """Sign what was signed last for a step, or its cancellation, again: with a higher fee and the same nonce.

        It goes as far as the policy's cap.
        """
        plan, writer = plan_of(payment), self._reconciler.writer(payment.intent.network)
        step = plan.steps[place]
        earlier = step.attempts[-1]
        kind = earlier.kind if kind is None else kind
        call = step.call if kind == "step" else Call(to=self._signer.address)
        higher = replacing(await writer.fees(), earlier)
        limit = gas_cap(self._judge.policy, payment.intent.network).atomic
        gas = earlier.gas_limit
        if gas * higher.max_fee > limit:
            return payment  # as high as it may go: it waits
        transaction = replace(transaction_of(payment, call, higher, gas), nonce=earlier.nonce)
        raw = await self._steps.sign(payment, call, transaction)
        try:
            after = await self._write(payment, place, transaction, raw, kind)
        except JournalConflict:  # mined, or bumped by another process meanwhile
            return await self._current(payment)
        return await self._send(after, raw)

    async def cancel(self, payment: Payment) -> Payment:
        """Put a payment of nothing to the wallet itself in the place of the step that waits.

        Raises:
            ConfigurationError: no step of it waits to be mined, or the policy's cap on gas leaves no higher fee.
            PaymentOutcomeUnknown: the cancellation was not signed; what is out may still be mined.
        """
        payment = await self._reconciler.reconcile(payment.id)
        place = None if payment.plan is None or payment.state not in OUT else payment.plan.current
        if place is None or not plan_of(payment).steps[place].attempts:
            raise ConfigurationError(f"payment {payment.id} is {payment.state}, and no transaction of it waits")
        try:
            after = await self._bumped(payment, place, "cancel")
        except PaymentNotAttempted as error:
            raise await self._unknown(payment, str(error)) from error
        if after.state in OUT and plan_of(after).steps[place].attempts == plan_of(payment).steps[place].attempts:
            raise ConfigurationError(f"payment {payment.id} still waits: raise gas_per_transaction to cancel it")
        return after

    async def _unblock(self, payment: Payment, nonce: int) -> str:
        """Send again, or fill, what lies between the chain and an account nonce; return why nothing above is mined."""
        why = ""
        network, payer = payment.intent.network, self._signer.address
        writer = self._reconciler.writer(network)
        mined = await writer.mined_nonce(payer)
        for held in await self._storage.nonces(network, payer, at_least=mined):
            if held.nonce >= nonce or held.payment_id == payment.id:
                continue
            if held.free:
                await self.fill(network, held.nonce)
                continue
            other = await self._reconciler.reconcile(held.payment_id)
            attempts = [] if other.plan is None else [each for each in other.plan.attempts if each.nonce == held.nonce]
            if attempts and other.state in OUT:
                await self._refuse_halted(other)
                await self._send(other, raw_of(other, attempts[-1].hash))
            elif attempts:
                why = f"{other.id} is {other.state} by account nonce {held.nonce}, which this chain has not used"
                why += "; a chain that was begun anew needs a storage of its own"
        return why

    async def fill(self, network: ChainId, nonce: int) -> None:
        """Use up the lowest free account nonce by a payment of nothing to the wallet itself."""
        now, payer = self._clock.now(), self._signer.address
        action = Action(
            purpose="transfer",
            network=network,
            spend=Amount(0, coin(network)),
            counterparty=payer,
            calls=(Call(to=payer),),
            deadline=now + 600,
            summary=f"Fill account nonce {nonce}",
        )
        intent = ids.intent_id("fill", network.text, payer.lower(), str(nonce), str(now))
        order = ActionOrder(intent_id=intent, action=action, new_action=True)
        payment = await self._reserver.reserve(order, await self._judge.self_transfer(order))
        await self._first(payment, ())

    # --- what cannot go on ------------------------------------------------------------------------------------------

    @staticmethod
    def _stopped(plan: Plan) -> bool:
        """Tell whether the action does not go on, though some of it is left."""
        place = plan.current
        cleanup = place is not None and plan.steps[place].cleanup
        failed = any(step.taken or (step.mined is not None and not step.mined.succeeded) for step in plan.steps)
        return failed and not cleanup

    async def _abandon(self, payment: Payment, plan: Plan, place: int, error: PaygentError) -> Payment:
        """Leave the steps that cannot be done, and take an approval back that is left."""
        if plan.steps[place] is plan.closing:
            _log.warning("%s: what is left of its approval could not be taken back: %s", payment.id, error)
            return await self._without_closing(payment, plan)
        if plan.steps[place].cleanup:
            raise await self._unknown(payment, f"the approval could not be taken back: {error}") from error
        return await self._give_up(payment, plan, place, str(error))

    async def _without_closing(self, payment: Payment, plan: Plan) -> Payment:
        """Leave out the unsigned end of a trade: nothing is left of its approval, or nothing can be done."""
        after = payment.learn(plan=replace(plan, steps=plan.trading))
        await self._storage.append(payment, after)
        return after

    async def _clean_up(self, payment: Payment, plan: Plan) -> Payment:
        """Go on after a step that failed: an approval that is left is taken back; then its block becomes final."""
        if approval_left(plan) is None or any(step.cleanup for step in plan.steps):
            return await self._final(payment)
        place = plan.current
        return await self._give_up(payment, plan, len(plan.steps) if place is None else place, "a step failed")

    async def _final(self, payment: Payment) -> Payment:
        """Wait until a final block says what became of the action."""
        end, wait = anyio.current_time() + self._patience.timeout_seconds, self._patience.first_look_seconds
        while payment.state in OUT:
            if anyio.current_time() >= end:
                raise await self._unknown(payment, "its block is not final yet")
            await anyio.sleep(wait)
            wait = min(wait * 2, self._patience.slowest_look_seconds)
            payment = await self._reconciler.reconcile(payment.id)
        return payment

    async def _give_up(self, payment: Payment, plan: Plan, place: int, why: str) -> Payment:
        left = approval_left(plan)
        steps = plan.steps[:place]
        now = self._clock.now()
        if left is None and traded(plan):
            after = payment.learn(plan=replace(plan, steps=steps))  # what was done is proven, and counts
        elif left is None:
            note = f"step {place + 1} could not be done: {why}"[:500]
            after = payment.move(Event.CANCELLED_UNUSED, at=now, note=note, plan=replace(plan, steps=steps))
        else:
            revoke = approve_call(left.call.to, plan.action.counterparty, 0)
            after = payment.learn(plan=replace(plan, steps=(*steps, Step(call=revoke, cleanup=True))))
        await self._storage.append(payment, after)
        return after

    async def _unknown(self, payment: Payment, why: str) -> PaymentOutcomeUnknown:
        payment = await self._lost(payment, why)
        attempts = plan_of(payment).attempts
        nonce = f"account nonce {attempts[-1].nonce}" if attempts else ""
        end = plan_of(payment).action.deadline
        return PaymentOutcomeUnknown(payment.id, nonce=nonce, expires_at=end, why=why)

    async def _lost(self, payment: Payment, why: str) -> Payment:
        """Write down that the outcome is unknown, if the storage can take it; SUBMITTED means the same."""
        with suppress(AdapterError):
            return await shielded(self._lose(payment, why), payment)
        return payment

    async def _lose(self, payment: Payment, why: str) -> Payment:
        current = await self._storage.get(payment.id) or payment
        if current.state is not State.SUBMITTED:
            return current
        after = current.move(Event.OUTCOME_LOST, at=self._clock.now(), note=why[:300])
        await self._storage.append(current, after)
        return after
