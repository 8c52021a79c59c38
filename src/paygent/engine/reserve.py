"""From an order and a choice to a payment whose budget is reserved: denied, asked about, or reserved at once.

Nothing here signs or sends. A payment that needs people waits as a value in the storage, not as a thread: whoever asks
for the same thing again, in any process, finds it, and goes on once they have agreed.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal

from paygent.core import ids
from paygent.core.approval import ApprovalRequest, ApprovalState, approvers_fact, same_purchase
from paygent.core.approval_errors import ApprovalRefused
from paygent.core.errors import (
    AdapterError,
    BudgetExceeded,
    ConfigurationError,
    DuplicatePurchase,
    IdempotencyConflict,
    JournalConflict,
    NoAcceptableRequirements,
    PaymentNotAttempted,
    PolicyDenied,
)
from paygent.core.ids import ApprovalId
from paygent.core.intent import PaymentIntent
from paygent.core.lifecycle import FREED, Event, State
from paygent.core.payment import Payment
from paygent.core.verdict import Alternative, Deny, Downgrade, Reason, RequireApproval
from paygent.engine.approval_facts import approval_facts, exhausted, hold_keys
from paygent.engine.choose import Choice
from paygent.engine.consent import agreed, asked_now
from paygent.engine.edits import edited, same_request, under_edit
from paygent.engine.order import Order
from paygent.engine.shielded import shielded
from paygent.engine.waiting import (
    ALLOWED_BY_NOW,
    awaiting,
    has_lapsed,
    in_the_way,
    put_aside,
    record_denial,
)
from paygent.policy.evaluate import cheaper
from paygent.ports.approval_handler import ApprovalHandler
from paygent.ports.clock import Clock
from paygent.ports.storage import Storage

LEASE_SECONDS = 120
"""How long signing may take before another process may void the reservation."""
APPROVAL_SECONDS = 86_400
"""How long a request for approval waits for people."""
_INSTEAD = "instead of what was DOWNGRADED to "
_KINDS: Mapping[str, Literal["service", "quantity", "mode"]] = {each: each for each in ("service", "quantity", "mode")}


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Who is asked where the policy wants a person, and how long."""

    handler: ApprovalHandler | None = None
    """Who is asked at once; None leaves the request in the storage."""
    needed: int = 1
    """How many distinct approvers have to agree."""
    approvers: tuple[str, ...] | None = None
    """Who may decide; None for anybody. Case, width and spaces make no other name."""
    seconds: int = APPROVAL_SECONDS
    """How long a request waits."""

    def __post_init__(self) -> None:
        try:
            self.bound({})
        except ValueError as exc:
            raise ConfigurationError(str(exc)) from exc

    def bound(self, facts: Mapping[str, str]) -> Mapping[str, str]:
        """Return the facts of a request with who may decide about it."""
        return facts if self.approvers is None else {**facts, **approvers_fact(self.approvers, needed=self.needed)}


class Reserver:
    """Turns choices into RESERVED payments of one wallet."""

    def __init__(self, *, payer: str, storage: Storage, clock: Clock, people: People) -> None:
        self._payer = payer
        self._storage = storage
        self._clock = clock
        self._people = people
        self._nonces: ids.Nonces | None = None

    async def reserve(self, order: Order, choice: Choice) -> Payment:
        """Write the intent and the unsigned authorization down, and take the budget, in one transaction.

        Raises: PaymentNotAttempted: denied, halted, out of budget, bought already, or not agreed to (yet).
        AdapterError: the storage could not answer.
        """
        if isinstance(choice.verdict, Deny):
            raise await self._denied(order, choice, choice.verdict)
        if isinstance(choice.verdict, RequireApproval):
            return await self._reserve_agreed(order, choice, choice.verdict)
        return await self._reserve_allowed(order, choice)

    async def ask(self, order: Order, choice: Choice) -> None:
        """Write down what is refused, and ask people where the verdict wants them; nothing is reserved.

        Raises: as `reserve`.
        """
        if isinstance(choice.verdict, Deny):
            raise await self._denied(order, choice, choice.verdict)
        if isinstance(choice.verdict, RequireApproval):
            await self._agreed(order, choice, choice.verdict)

    async def resumed(self, order: Order) -> Order:
        """Return the order as people left it, of who asked first: what was edited is its ceiling from here on.

        Raises:
            IdempotencyConflict: the request that was supplied again is not the one that waits.
            ApprovalRefused: people did not agree, or another payment took its place.
        """
        if order.resume is None:
            return order
        waiting = await self._storage.get(order.resume)
        request = await self._storage.approval_of(order.resume)
        if waiting is None or not same_request(waiting, order, request):
            raise IdempotencyConflict(order.resume, key=order.resume)
        if waiting.state in FREED and (request is None or request.edited is None):
            said = f"payment {waiting.id} is {waiting.state}: {waiting.history[-1].note}"
            raise ApprovalRefused(said, payment_id=waiting.id)
        key = order.idempotency_key or waiting.idempotency_key
        order = replace(order, idempotency_key=key, context=waiting.context, quantity=waiting.quantity)
        return order if request is None else under_edit(order, waiting, request)

    async def of_another_request(self, order: Order, earlier: Payment) -> PaymentNotAttempted:
        """Return what to raise where the idempotency key has a payment for another request.

        Where that was paid instead of this very request, which was downgraded under the key, its alternative is told
        again: following it leads to the payment there is. Otherwise the key is used twice.
        """
        key = order.idempotency_key or order.resume or ""
        first = await self._storage.by_request(self._payer, order.request)
        alternative = _downgraded_to(earlier)
        if first is None or first.idempotency_key != key or first.state not in FREED or alternative is None:
            return IdempotencyConflict(earlier.id, key=key)
        text = f"the key {key!r} has payment {earlier.id}, which was made instead"
        reason = Reason(code="downgraded_before", text=text)
        return PolicyDenied(Downgrade(reasons=(reason,), alternative=alternative), payment_id=first.id)

    async def void(self, payment: Payment, why: BaseException) -> None:
        """Give the budget of a payment back that nothing was signed for, if the storage can take it."""
        voided = payment.move(Event.ABANDONED, at=self._clock.now(), note=f"signing failed: {type(why).__name__}")
        with suppress(AdapterError):  # its lease ends, and reconciling voids it then
            await shielded(self._storage.append(payment, voided), None)

    async def _reserve_allowed(self, order: Order, choice: Choice) -> Payment:
        """Reserve what needs nobody's agreement; what waits for the same wish goes on, or is put aside."""
        now = self._clock.now()
        proposed = self._proposed(order, choice, now, deadline=choice.valid_before)
        waiting = None if order.resume is None else await awaiting(self._storage, order.resume)
        if waiting is None:
            payment = await self._reserved(proposed, choice, now, Event.ALLOWED, note=_led_here(order))
            try:
                await self._open(payment, order, choice, now)
            except (DuplicatePurchase, JournalConflict) as blocked:
                waiting = await in_the_way(self._storage, blocked, proposed)
            else:
                return payment
        if same_purchase(proposed, waiting) and not await has_lapsed(self._storage, waiting, now):
            return await self._reserve_waiting(waiting, order, choice, approval=None)
        return await self._reserve_allowed(await self._put_aside(waiting, order), choice)

    async def _put_aside(self, waiting: Payment, order: Order) -> Order:
        """Make way for an order, and return it; a wish whose first payment is over goes on under an id after it."""
        if ids.payment_id(order.intent_id) == waiting.id:
            order = replace(order, intent_id=ids.intent_id("instead of", waiting.id))
        await put_aside(self._storage, waiting, ids.payment_id(order.intent_id), self._clock.now())
        return order

    async def _open(self, payment: Payment, order: Order, choice: Choice, now: int) -> None:
        try:
            await self._storage.open(
                payment, choice.holds(now), now=now, new_purchase=order.new_purchase, guard=choice.guard(now)
            )
        except BudgetExceeded as full:
            raise _too_much(choice, full, now) from full
        except BaseException as error:
            if not isinstance(error, Exception):  # cancelled: it may or may not have been written
                await self.void(payment, error)
            raise

    async def _denied(self, order: Order, choice: Choice, verdict: Deny) -> PolicyDenied | NoAcceptableRequirements:
        now = self._clock.now()
        proposed = self._proposed(order, choice, now, deadline=choice.valid_before)
        event, note = Event.REFUSED, "; ".join(map(str, choice.refusals)) or verdict.explain()
        if isinstance(verdict, Downgrade):
            event, note = Event.REPLACED, f"DOWNGRADED to {verdict.alternative}: {note}"
        payment = proposed.move(event, at=now, note=note)
        await record_denial(self._storage, payment, now)
        if choice.refusals:
            return NoAcceptableRequirements(choice.refusals, resource=order.url, payment_id=payment.id)
        return PolicyDenied(verdict, payment_id=payment.id)

    # --- people -----------------------------------------------------------------------------------------------------

    async def _reserve_agreed(self, order: Order, choice: Choice, verdict: RequireApproval) -> Payment:
        """Reserve what people have agreed to, under the policy as it is now."""
        stored, request = await self._agreed(order, choice, verdict)
        return await self._reserve_waiting(stored, order, choice, approval=request.id)

    async def _reserve_waiting(
        self, waiting: Payment, order: Order, choice: Choice, *, approval: ApprovalId | None
    ) -> Payment:
        """Reserve what waited; without an approval where the policy of now wants none."""
        now = self._clock.now()
        note = ALLOWED_BY_NOW if approval is None else ""
        payment = await self._reserved(waiting, choice, now, Event.GRANTED, note=note)
        holds = choice.holds(now)
        try:
            await self._storage.reserve(
                waiting,
                payment,
                holds,
                approval=approval,
                now=now,
                new_purchase=order.new_purchase,
                guard=choice.guard(now),
            )
        except BudgetExceeded as full:
            raise _too_much(choice, full, now) from full
        except BaseException as error:
            if not isinstance(error, Exception):  # cancelled, as in `_open`
                await self.void(payment, error)
            raise
        return payment

    async def _agreed(self, order: Order, choice: Choice, verdict: RequireApproval) -> tuple[Payment, ApprovalRequest]:
        """Ask people, or find what they said; return what they agree to."""
        now = self._clock.now()
        await self._refuse_edited(order, now)
        waiting = self._proposed(
            order, choice, now, deadline=now + self._people.seconds + choice.policy.max_validity_seconds
        ).move(Event.APPROVAL_NEEDED, at=now, note=_led_here(order) or verdict.explain())
        holds = choice.holds(now)
        sums = await self._storage.sums([key for hold in holds for key in hold_keys(hold)])
        if (full := exhausted(holds, sums)) is not None and await self._is_new(order, waiting):
            raise await self._denied(order, choice, _or_less(choice, full, now))  # nobody is asked in vain
        asked = self._request(waiting, approval_facts(waiting, holds, sums, verdict))
        try:
            request = await self._storage.ask(waiting, asked)
        except (DuplicatePurchase, JournalConflict) as blocked:
            old = await in_the_way(self._storage, blocked, waiting)
            return await self._agreed(await self._put_aside(old, order), choice, verdict)
        if request.payment_id == waiting.id and request.state is ApprovalState.PENDING:
            await self._supersede(waiting, order)
            request = await asked_now(self._people.handler, self._storage, self._clock, request)
        stored = await agreed(self._storage, request, now=self._clock.now(), go_on="resume it", anew="ask again")
        return stored, request

    async def _is_new(self, order: Order, waiting: Payment) -> bool:
        """Tell whether nobody was asked yet; those who were may see room again."""
        return order.resume is None and await self._storage.get(waiting.id) is None

    def _request(self, waiting: Payment, facts: Mapping[str, str]) -> ApprovalRequest:
        return ApprovalRequest(
            id=ids.approval_id(waiting.id),
            payment_id=waiting.id,
            facts=self._people.bound(facts),
            needed=self._people.needed,
            created_at=waiting.created_at,
            expires_at=waiting.created_at + self._people.seconds,
        )

    async def _refuse_edited(self, order: Order, now: int) -> None:
        """Point to what people have edited already, so that they are not asked about more a second time."""
        if order.resume is not None:
            return
        newest = await self._storage.by_request(self._payer, order.request)
        if newest is None or newest.state is not State.SUPERSEDED or newest.idempotency_key != order.idempotency_key:
            return
        request = await self._storage.approval_of(newest.id)
        if request is not None and request.edited is not None and now < request.expires_at:
            raise edited(newest.id, request.edited)

    async def _supersede(self, waiting: Payment, order: Order) -> None:
        """A changed offer is asked about anew: what waited for the old one is not paid any more."""
        if order.resume is None or order.resume == waiting.id:
            return
        old = await self._storage.get(order.resume)
        if old is not None and old.state is State.AWAITING_APPROVAL:
            note = f"the offer changed; see {waiting.id}"
            await self._storage.append(old, old.move(Event.REPLACED, at=self._clock.now(), note=note))

    # --- values -----------------------------------------------------------------------------------------------------

    def _proposed(self, order: Order, choice: Choice, now: int, *, deadline: int) -> Payment:
        intent = PaymentIntent(
            id=order.intent_id,
            purpose="x402",
            network=choice.offer.requirements.network,
            payer=self._payer,
            payee=choice.payee,
            amount=choice.offer.amount,
            scheme=choice.offer.kind,
            resource=order.url,
            method=order.method,
            request=order.request,
            deadline=deadline,
        )
        return Payment(
            id=ids.payment_id(intent.id),
            intent=intent,
            state=State.PROPOSED,
            version=0,
            created_at=now,
            idempotency_key=order.idempotency_key,
            context=order.context,
            quantity=order.quantity,
        )

    async def _reserved(
        self, payment: Payment, choice: Choice, now: int, approved: Event, *, note: str = ""
    ) -> Payment:
        if self._nonces is None:
            self._nonces = ids.Nonces(await self._storage.secret())
        nonce = self._nonces.of(payment.intent.digest)
        return payment.move(
            approved,
            Event.BUDGET_RESERVED,
            at=now,
            note=note,
            authorization=choice.authorization(nonce, until=payment.intent.deadline),
            lease_until=now + LEASE_SECONDS,
            from_block=choice.from_block,
        )


def _too_much(choice: Choice, full: BudgetExceeded, now: int) -> PaymentNotAttempted:
    """Return a lack of budget that only the storage saw: a downgrade where the service has something less."""
    reason = Reason(code="budget_exhausted", text=str(full))
    denied = _or_less(choice, Deny(reasons=(reason,)), now)
    return PolicyDenied(denied, payment_id=full.payment_id) if isinstance(denied, Downgrade) else full


def _or_less(choice: Choice, full: Deny, now: int) -> Deny:
    """Return a lack of budget as a downgrade, where the service has something less."""
    alternative = cheaper(choice.policy, choice.ask, now=now)
    return full if alternative is None else Downgrade(reasons=full.reasons, alternative=alternative)


def _downgraded_to(payment: Payment) -> Alternative | None:
    """Return the alternative that a payment was made for, as its first line says."""
    note = payment.history[0].note if payment.history else ""
    kind, _, value = note.removeprefix(_INSTEAD).partition(" ")
    return Alternative(kind=_KINDS[kind], value=value) if note.startswith(_INSTEAD) and kind in _KINDS else None


def _led_here(order: Order) -> str:
    if order.instead_of:
        return f"{_INSTEAD}{order.instead_of[-1]}"
    return f"instead of {order.resume}, which was edited" if order.edited else ""
