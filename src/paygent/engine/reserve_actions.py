"""From a judged action to a payment whose budget and account nonce are reserved.

Nothing here signs or sends. What a person agrees to is the action's digest.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from paygent.core import ids
from paygent.core.approval import ApprovalRequest, ApprovalState, same_purchase
from paygent.core.approval_errors import ApprovalLapsed
from paygent.core.errors import AdapterError, DuplicatePurchase, JournalConflict, PaygentError, PolicyDenied
from paygent.core.ids import ApprovalId
from paygent.core.intent import PaymentIntent
from paygent.core.lifecycle import Event, State
from paygent.core.payment import Payment
from paygent.core.transaction import Plan
from paygent.core.verdict import Deny, RequireApproval
from paygent.engine.actions import ActionChoice
from paygent.engine.approval_facts import action_facts, exhausted, hold_keys
from paygent.engine.consent import agreed, asked_now
from paygent.engine.edits import edited
from paygent.engine.order import ActionOrder
from paygent.engine.reserve import LEASE_SECONDS, People
from paygent.engine.shielded import shielded
from paygent.engine.waiting import ALLOWED_BY_NOW, NOBODY_IN_TIME, in_the_way, put_aside, record_denial
from paygent.evm.calls import closes
from paygent.ports.clock import Clock
from paygent.ports.storage import Storage


class ActionReserver:
    """Turns judged actions into RESERVED payments of one wallet, each with an account nonce."""

    def __init__(self, *, payer: str, storage: Storage, clock: Clock, people: People) -> None:
        self._payer = payer
        self._storage = storage
        self._clock = clock
        self._people = people

    async def reserve(self, order: ActionOrder, choice: ActionChoice) -> Payment:
        """Write the action down, and take budget and nonce, in one transaction.

        Raises: PaymentNotAttempted: denied, halted, out of budget, done already, or not agreed to (yet).
        AdapterError: the storage could not answer.
        """
        now = self._clock.now()
        if isinstance(choice.verdict, Deny):
            raise await self._denied(order, choice, choice.verdict, now)
        if isinstance(choice.verdict, RequireApproval):
            return await self._reserve_agreed(order, choice, choice.verdict, now)
        return await self._reserve_allowed(order, choice, now)

    async def ask(self, order: ActionOrder, choice: ActionChoice) -> None:
        """Write down what is refused, and ask people where the verdict wants them; nothing is reserved.

        Raises: as `reserve`.
        """
        now = self._clock.now()
        if isinstance(choice.verdict, Deny):
            raise await self._denied(order, choice, choice.verdict, now)
        if isinstance(choice.verdict, RequireApproval):
            await self._agreed(order, choice, choice.verdict, now)

    async def void(self, payment: Payment, why: BaseException) -> None:
        """Give budget and nonce of a payment back that nothing was signed for, if the storage can take it."""
        said = str(why) if isinstance(why, PaygentError) else type(why).__name__  # others may quote a program's paths
        voided = payment.move(Event.ABANDONED, at=self._clock.now(), note=f"not signed: {said}"[:500])
        with suppress(AdapterError):  # its lease ends, and reconciling voids it then
            await shielded(self._storage.append(payment, voided), None)

    async def _reserve_allowed(self, order: ActionOrder, choice: ActionChoice, now: int) -> Payment:
        """Reserve what needs nobody's agreement; the same action that waits goes on, an older quote is put aside."""
        proposed = self._proposed(order, choice, now)
        payment = self._reserved(proposed, Event.ALLOWED, now)
        try:
            await self._storage.open(
                payment, choice.holds(now), now=now, new_purchase=order.new_action, guard=choice.guard(now)
            )
        except (DuplicatePurchase, JournalConflict) as blocked:
            waiting = await in_the_way(self._storage, blocked, proposed)
        except BaseException as error:
            await self._give_back(payment, error)
            raise
        else:
            return payment
        if same_purchase(proposed, waiting):
            return await self._reserve_waiting(waiting, order, choice, approval=None)
        await put_aside(self._storage, waiting, proposed.id, now)
        return await self._reserve_allowed(order, choice, now)

    async def _give_back(self, payment: Payment, error: BaseException) -> None:
        """Void what was cancelled while it was written: it may or may not be there."""
        if not isinstance(error, Exception):
            await self.void(payment, error)

    async def _denied(self, order: ActionOrder, choice: ActionChoice, verdict: Deny, now: int) -> PolicyDenied:
        payment = self._proposed(order, choice, now).move(Event.REFUSED, at=now, note=verdict.explain())
        await record_denial(self._storage, payment, now)
        return PolicyDenied(verdict, payment_id=payment.id)

    # --- people -----------------------------------------------------------------------------------------------------

    async def _reserve_agreed(
        self, order: ActionOrder, choice: ActionChoice, verdict: RequireApproval, now: int
    ) -> Payment:
        """Reserve what people have agreed to."""
        stored, request = await self._agreed(order, choice, verdict, now)
        return await self._reserve_waiting(stored, order, choice, approval=request.id)

    async def _reserve_waiting(
        self, waiting: Payment, order: ActionOrder, choice: ActionChoice, *, approval: ApprovalId | None
    ) -> Payment:
        """Reserve what waited; without an approval where the policy of now wants none."""
        now = self._clock.now()
        note = ALLOWED_BY_NOW if approval is None else ""
        payment = self._reserved(replace(waiting, plan=_plan(choice)), Event.GRANTED, now, note=note)
        try:
            await self._storage.reserve(
                waiting,
                payment,
                choice.holds(now),
                approval=approval,
                now=now,
                new_purchase=order.new_action,
                guard=choice.guard(now),
            )
        except BaseException as error:
            await self._give_back(payment, error)
            raise
        return payment

    async def _agreed(
        self, order: ActionOrder, choice: ActionChoice, verdict: RequireApproval, now: int
    ) -> tuple[Payment, ApprovalRequest]:
        """Ask people, or find what they said of the same bytes; return what they agree to."""
        waiting = self._proposed(order, choice, now).move(Event.APPROVAL_NEEDED, at=now, note=verdict.explain())
        await self._refuse_edited(order, now)
        holds = choice.holds(now)
        sums = await self._storage.sums([key for hold in holds for key in hold_keys(hold)])
        if (full := exhausted(holds, sums)) is not None and await self._storage.get(waiting.id) is None:
            raise await self._denied(order, choice, full, now)  # nobody is asked in vain
        facts = action_facts(waiting, _plan(choice), holds, sums, verdict)
        try:
            request = await self._storage.ask(waiting, self._request(waiting, facts))
        except (DuplicatePurchase, JournalConflict) as blocked:
            old = await in_the_way(self._storage, blocked, waiting)
            await put_aside(self._storage, old, waiting.id, now)
            if old.id == waiting.id:
                raise ApprovalLapsed(
                    f"{NOBODY_IN_TIME} to {waiting.id}; quote and ask anew", payment_id=old.id
                ) from None
            return await self._agreed(order, choice, verdict, now)
        if request.payment_id == waiting.id and request.state is ApprovalState.PENDING:
            request = await asked_now(self._people.handler, self._storage, self._clock, request)
        stored = await agreed(
            self._storage,
            request,
            now=self._clock.now(),
            go_on="go on with it (`paygent wallet go-on`, `Wallet.go_on`, or `engine.go_on` of an AgentWallet)",
            anew="quote and ask anew",
        )
        return stored, request

    async def _refuse_edited(self, order: ActionOrder, now: int) -> None:
        """Point to what people have edited already, so that they are not asked about as much a second time."""
        newest = await self._storage.by_request(self._payer, order.action.wish)
        if newest is None or newest.state is not State.SUPERSEDED:
            return
        request = await self._storage.approval_of(newest.id)
        said = None if request is None or now >= request.expires_at else request.edited
        if request is None or said is None or said.edit is None:
            return
        if order.action.spend.atomic > request.ceiling(said.edit):
            raise edited(newest.id, said)

    def _request(self, waiting: Payment, facts: Mapping[str, str]) -> ApprovalRequest:
        now, seconds = waiting.created_at, self._people.seconds
        return ApprovalRequest(
            id=ids.approval_id(waiting.id),
            payment_id=waiting.id,
            facts=self._people.bound(facts),
            needed=self._people.needed,
            created_at=now,
            expires_at=max(now + 1, min(now + seconds, waiting.intent.deadline)),
        )

    # --- values -----------------------------------------------------------------------------------------------------

    def _proposed(self, order: ActionOrder, choice: ActionChoice, now: int) -> Payment:
        action = order.action
        intent = PaymentIntent(
            id=order.intent_id,
            purpose=action.purpose,
            network=action.network,
            payer=self._payer,
            payee=action.counterparty,
            amount=action.spend,
            scheme=f"action/{action.digest.hex()}",
            resource=action.summary,
            method="",
            request=action.wish,
            deadline=action.deadline,
        )
        return Payment(
            id=ids.payment_id(intent.id),
            intent=intent,
            state=State.PROPOSED,
            version=0,
            created_at=now,
            idempotency_key=order.idempotency_key,
            context=order.context,
            plan=_plan(choice),
        )

    @staticmethod
    def _reserved(payment: Payment, approved: Event, now: int, *, note: str = "") -> Payment:
        return payment.move(approved, Event.BUDGET_RESERVED, at=now, note=note, lease_until=now + LEASE_SECONDS)


def _plan(choice: ActionChoice) -> Plan:
    action = choice.action
    return Plan.of(action, gas=choice.gas, first_nonce=choice.first_nonce, closes=closes(action))
