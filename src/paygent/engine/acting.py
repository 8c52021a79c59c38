"""What an engine needs to act on chain, and which earlier action an order goes on with."""

from collections.abc import Mapping
from dataclasses import dataclass

from paygent.core import ids
from paygent.core.caip import ChainId
from paygent.core.errors import (
    ConfigurationError,
    DuplicatePurchase,
    IdempotencyConflict,
)
from paygent.core.ids import PaymentId
from paygent.core.lifecycle import FREED, State
from paygent.core.payment import Payment
from paygent.engine.actions import ActionJudge
from paygent.engine.ending import ended
from paygent.engine.order import ActionOrder
from paygent.engine.reconcile import Reconciler
from paygent.engine.reserve import People
from paygent.engine.reserve_actions import ActionReserver
from paygent.engine.transact import Patience, Transactor
from paygent.ports.clock import Clock
from paygent.ports.signer import TransactionSigner
from paygent.ports.storage import Storage
from paygent.ports.transactions import Transactions


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """What sends an engine's own transactions."""

    signer: TransactionSigner
    judge: ActionJudge
    writers: Mapping[ChainId, Transactions]
    patience: Patience


class Acting:
    """The parts of an engine that act on chain, for one wallet."""

    def __init__(self, hands: Hands, storage: Storage, clock: Clock, people: People, reconciler: Reconciler) -> None:
        payer = hands.signer.address
        self._payer = payer
        self._storage = storage
        self._clock = clock
        self._reconciler = reconciler
        self.judge = hands.judge
        self.reserver = ActionReserver(payer=payer, storage=storage, clock=clock, people=people)
        self.transactor = Transactor(
            signer=hands.signer,
            judge=hands.judge,
            reserver=self.reserver,
            storage=storage,
            reconciler=reconciler,
            clock=clock,
            patience=hands.patience,
        )

    async def earlier(self, order: ActionOrder) -> Payment | None:
        """Return the payment that an order goes on with: that of its intent id, or of its idempotency key.

        Raises:
            IdempotencyConflict: the id or the key belongs to another action.
            DuplicatePurchase: another process is about to sign it.
            PaygentError: what became of it, where it is over and did not settle.
        """
        found = await self._storage.get(ids.payment_id(order.intent_id))
        if found is not None:
            return await self._same(found, order, str(order.intent_id), exact=True)
        if order.idempotency_key is None:
            return None
        keyed = await self._storage.by_key(self._payer, order.idempotency_key)
        if keyed is None or keyed.state in FREED or keyed.state is State.AWAITING_APPROVAL:
            return None
        return await self._same(keyed, order, order.idempotency_key, exact=False)

    async def ask(self, order: ActionOrder) -> None:
        """Judge an action that has no payment yet, and ask people where the policy wants them. Raises: as `execute`."""
        await self.reserver.ask(order, await self.judge.judge(order))

    async def waiting(self, payment_id: PaymentId) -> ActionOrder | Payment:
        """Return what goes on with a payment: its order, if it waits for people, or the payment itself.

        Raises: ConfigurationError: there is no such payment, or it is no action on chain.
        """
        payment = await self._storage.get(payment_id)
        if payment is None or payment.plan is None:
            raise ConfigurationError(
                f"this storage has no action on chain {payment_id!r}; `paygent payments` lists what it has"
            )
        if payment.state is not State.AWAITING_APPROVAL:
            return payment
        return ActionOrder(
            intent_id=payment.intent.id,
            action=payment.plan.action,
            context=payment.context,
            idempotency_key=payment.idempotency_key,
        )

    async def cancel(self, payment_id: PaymentId) -> Payment:
        """Offer a payment of nothing to oneself in place of the transaction that waits.

        Raises: ConfigurationError: no transaction of it waits.
        """
        waiting = await self.waiting(payment_id)
        if isinstance(waiting, ActionOrder):
            raise ConfigurationError(f"payment {payment_id} waits for approval and has no transaction; reject it")
        return await self.transactor.cancel(waiting)

    async def _same(self, found: Payment, order: ActionOrder, name: str, *, exact: bool) -> Payment | None:
        plan, action = found.plan, order.action
        if plan is None or plan.action.wish != action.wish or (exact and plan.action != action):
            raise IdempotencyConflict(found.id, key=name)
        if found.state is State.AWAITING_APPROVAL:
            return None
        if found.state is State.RESERVED and found.lease_until > self._clock.now():
            raise DuplicatePurchase(found.id, state=found.state, resource=action.summary)
        if found.state is State.RESERVED:
            found = await self._reconciler.reconcile(found.id)
        if found.state in FREED:
            raise ended(found, order.errors)
        return found
