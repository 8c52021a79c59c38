"""Settle unknown outcomes by facts: read the chain, decide, write the decision down."""

from collections.abc import Mapping
from dataclasses import replace

from paygent.core.caip import ChainId
from paygent.core.errors import AdapterError, ConfigurationError, JournalConflict
from paygent.core.ids import PaymentId
from paygent.core.lifecycle import OUT, Event, State
from paygent.core.payment import Payment
from paygent.core.transaction import Plan
from paygent.engine.evidence import gather
from paygent.engine.mined import PlanEvidence, PlanFinding, decide_plan, gather_plan, shortfall
from paygent.engine.proof import Finding, Proven, Unproven, decide, lie
from paygent.ports.chain import Chain
from paygent.ports.clock import Clock
from paygent.ports.storage import PaymentJournal
from paygent.ports.transactions import Transactions


class Reconciler:
    """Moves payments by what the chain proves; safe to run in several processes at once."""

    def __init__(
        self,
        *,
        journal: PaymentJournal,
        chains: Mapping[ChainId, Chain],
        clock: Clock,
        writers: Mapping[ChainId, Transactions] | None = None,
    ) -> None:
        self._journal = journal
        self._chains = chains
        self._clock = clock
        self._writers: Mapping[ChainId, Transactions] = {} if writers is None else writers

    async def reconcile(self, payment_id: PaymentId) -> Payment:
        """Return the payment after everything that can be proven about it now has been written down.

        Raises:
            ConfigurationError: there is no such payment, or no endpoint for its chain.
            AdapterError: the chain or the store could not answer.
        """
        return await self.go_on(await self._stored(payment_id))

    async def go_on(self, payment: Payment) -> Payment:
        """Do the same from what the caller knows; it is read again only where somebody else was first.

        Raises: as `reconcile`.
        """
        while (after := await self._next(payment)) is not None:
            try:
                await self._journal.append(payment, after)
            except JournalConflict:
                payment = await self._stored(payment.id)
                continue
            return after
        return payment

    async def run(self) -> tuple[list[Payment], list[AdapterError | ConfigurationError]]:
        """Reconcile every payment that can move; return them as they are now, and the errors met on the way."""
        seen: list[Payment] = []
        failed: list[AdapterError | ConfigurationError] = []
        after: str | None = None
        while True:
            page = await self._journal.unresolved(after=after)
            for payment in page.payments:
                try:
                    seen.append(await self.reconcile(payment.id))
                except (AdapterError, ConfigurationError) as error:
                    seen.append(payment)
                    failed.append(error)
            if page.next is None:
                return seen, failed
            after = page.next

    async def _stored(self, payment_id: PaymentId) -> Payment:
        payment = await self._journal.get(payment_id)
        if payment is None:
            raise ConfigurationError(f"this storage has no payment {payment_id}; open the storage that made it")
        return payment

    async def _next(self, payment: Payment) -> Payment | None:
        now = self._clock.now()
        if payment.state is State.RESERVED and payment.lease_until <= now:
            return payment.move(Event.ABANDONED, at=now, note="its lease is over and nothing was signed")
        if payment.plan is not None and (payment.state in OUT or payment.state is State.SETTLED):
            return await self._acted(payment, payment.plan, now)
        if payment.state in OUT:
            return self._moved(payment, await self._finding(payment), now)
        if payment.state is State.SETTLED and not payment.over:
            return await self._settled_again(payment, now)
        return None

    async def _acted(self, payment: Payment, plan: Plan, now: int) -> Payment | None:
        """Return an action after what its transactions became."""
        if payment.over:
            return None
        chain, writer = self.chain(payment.intent.network), self.writer(payment.intent.network)
        evidence = await gather_plan(chain, writer, payment, plan)
        found = decide_plan(payment, plan, evidence)
        if payment.state is State.SETTLED:
            return _settled_still(payment, found, evidence, now)
        if not isinstance(found.finding, Proven):
            return None if found.plan == plan else payment.learn(plan=found.plan)
        proven = found.finding
        after = payment.move(
            proven.event, at=now, note=proven.note, plan=found.plan, receipt=proven.receipt, delivered=found.fulfilled
        )
        missing = None if proven.receipt is None else shortfall(after)
        return after if missing is None else replace(after, alarm=missing)

    async def _finding(self, payment: Payment) -> Finding:
        if payment.authorization is None:
            return Unproven(why="nothing was signed")
        evidence = await gather(self.chain(payment.intent.network), payment, payment.authorization)
        return decide(payment, payment.authorization, evidence)

    @staticmethod
    def _moved(payment: Payment, finding: Finding, now: int) -> Payment | None:
        if isinstance(finding, Proven):
            alarm = lie(payment, finding) or payment.alarm
            return payment.move(finding.event, at=now, note=finding.note, receipt=finding.receipt, alarm=alarm)
        if finding.alarm and payment.alarm != finding.why:
            return payment.learn(alarm=finding.why)
        return None

    async def _settled_again(self, payment: Payment, now: int) -> Payment | None:
        """Look once more at a payment whose block was not final when it was proven; a node that lags proves nothing."""
        head = await self.chain(payment.intent.network).block("latest")
        if payment.receipt is None or head.number < (payment.receipt.block_number or 0):
            return None
        finding = await self._finding(payment)
        if not isinstance(finding, Proven) or finding.receipt is None:
            return payment.move(
                Event.REORGANISED, at=now, note="its transaction is not on the chain any more", receipt=None
            )
        return None if finding.receipt == payment.receipt else payment.learn(receipt=finding.receipt)

    def writer(self, network: ChainId) -> Transactions:
        """Return the writing side of a chain's endpoint.

        Raises: ConfigurationError: none is configured.
        """
        try:
            return self._writers[network]
        except KeyError:
            raise ConfigurationError(
                f"no endpoint for transactions on {network}: set PAYGENT_RPC, or pass --rpc or transactions="
            ) from None

    def chain(self, network: ChainId) -> Chain:
        """Return the endpoint of a chain.

        Raises: ConfigurationError: none is configured.
        """
        try:
            return self._chains[network]
        except KeyError:
            raise ConfigurationError(
                f"no endpoint for {network}: set PAYGENT_RPC, or pass rpc= (--rpc) or chains=, to prove what happened"
            ) from None


def _settled_still(payment: Payment, found: PlanFinding, evidence: PlanEvidence, now: int) -> Payment | None:
    """Look once more at an action whose block was not final when it was proven; a node that lags proves nothing."""
    proven, receipt = found.finding, payment.receipt
    if receipt is None or evidence.head.number < (receipt.block_number or 0):
        return None
    if not isinstance(proven, Proven) or proven.receipt is None:
        note = "a transaction of it is not on the chain any more"
        return payment.move(Event.REORGANISED, at=now, note=note, receipt=None, plan=found.plan, delivered=False)
    if (proven.receipt, found.plan) == (receipt, payment.plan):
        return None
    return payment.learn(receipt=proven.receipt, plan=found.plan)
