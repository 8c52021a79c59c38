"""Look up what a policy wants to know of the past before it judges a payment. Reads only: the rules decide.

What is read may be out of date at once, so it informs the rules about risk, priority and cheaper alternatives. Limits
do not rely on it: the storage checks them again in the transaction that reserves.
"""

from collections.abc import Sequence

from paygent.core.history import PaymentFilter
from paygent.core.lifecycle import HOLDING, OUT, State
from paygent.core.money import USD, Amount
from paygent.core.payment import Payment
from paygent.core.price import Price
from paygent.policy.ask import Ask
from paygent.policy.evaluate import Needs, needs
from paygent.policy.facts import Facts, Provider, Recent
from paygent.policy.policy import Policy
from paygent.policy.valuation import valued
from paygent.ports.history import PaymentHistory
from paygent.ports.price_oracle import PriceOracle

_MADE = HOLDING | {State.SETTLED}
"""What counts as paid; what waits for a person does not, or asking again would make it no longer the first."""
_MOST = 200
"""How many payments of the past are looked at; more only make a rule stricter."""


class FactFinder:
    """Answers a policy's questions from the payments of one storage, and from a price oracle if there is one."""

    def __init__(self, *, history: PaymentHistory, oracle: PriceOracle | None = None) -> None:
        self._history = history
        self._oracle = oracle

    def is_silent(self, policy: Policy) -> bool:
        """Tell whether nothing at all is looked up for a policy."""
        return self._oracle is None and not asks(policy)

    async def price(self, ask: Ask) -> Price | None:
        """Return what the oracle says of the payment's token; None without an oracle.

        Raises: AdapterError: the oracle could not answer.
        """
        return None if self._oracle is None else await self._oracle.price(ask.token.asset.id)

    async def facts(self, policy: Policy, ask: Ask, *, now: int, funds: int | None) -> Facts:
        """Return what the policy asks for about this payment, and nothing else.

        Args: funds: the wallet's balance of the payment's token in atomic units; None where it is unknown.

        Raises: AdapterError: the storage could not answer.
        """
        if not asks(policy):
            return Facts(now=now)
        wanted = needs(policy, ask, now=now)
        return Facts(
            now=now,
            sums=await self._history.sums(wanted.sums) if _plans(policy) else None,
            treasury=await self._treasury(policy, ask, wanted, now, funds),
            recent=await self._recent(policy, ask, wanted, now),
            provider=await self._provider(policy, ask, now) if wanted.provider else None,
            agent_payments=await self._agent_payments(ask) if wanted.agent_payments else None,
        )

    async def _treasury(self, policy: Policy, ask: Ask, wanted: Needs, now: int, funds: int | None) -> Amount | None:
        """Return the balance less what is out or reserved and may still leave it."""
        if not wanted.treasury or funds is None:
            return None
        token = ask.token.asset.id
        totals = await self._history.statistics(PaymentFilter(states=(State.RESERVED, *OUT), asset=token))
        left = max(0, funds - sum(total.amount for total in totals))
        return _dollars(policy, ask, Amount(left, ask.token.asset), now)

    async def _recent(self, policy: Policy, ask: Ask, wanted: Needs, now: int) -> Recent | None:
        if wanted.recent_seconds is None:
            return None
        since = PaymentFilter(start=now - wanted.recent_seconds, agent=ask.context.agent)
        made = [total for total in await self._history.statistics(since) if total.state in _MADE]
        if any(total.asset != ask.token.asset.id for total in made):
            return None  # what the others are worth is not known here
        paid = _dollars(policy, ask, Amount(sum(total.amount for total in made), ask.token.asset), now)
        return None if paid is None else Recent(payments=sum(total.payments for total in made), dollars=paid)

    async def _provider(self, policy: Policy, ask: Ask, now: int) -> Provider:
        service = ask.context.service
        about = PaymentFilter(service=service) if service is not None else PaymentFilter(host=ask.host)
        made = [payment for payment in await self._newest(about) if payment.authorization is not None]
        last = made[0] if made else None
        return Provider(
            failed_at=tuple(payment.history[-1].at for payment in made if failed(payment))[:100],
            last_unit_price=None if last is None else _unit_price(policy, ask, last, now),
            last_payee=None if last is None else last.intent.payee,
        )

    async def _agent_payments(self, ask: Ask) -> int:
        totals = await self._history.statistics(PaymentFilter(agent=ask.context.agent))
        return sum(total.payments for total in totals if total.state in _MADE)

    async def _newest(self, wanted: PaymentFilter) -> Sequence[Payment]:
        return (await self._history.history(wanted, limit=_MOST)).payments


def asks(policy: Policy) -> bool:
    """Tell whether the policy has a rule that looks at the past; limits are checked by the storage."""
    return policy.risk is not None or _plans(policy)


def _plans(policy: Policy) -> bool:
    """Tell whether what is left of the limits decides more than yes or no: reserves of agents, cheaper alternatives."""
    return bool(policy.index.ranked) or any(terms.alternatives for terms in policy.service_terms)


def failed(payment: Payment) -> bool:
    """Tell whether the seller was paid, or can take the money, and nothing useful came back; or somebody lied.

    What is still on its way is no failure: many payments to one seller at a time are ordinary.
    """
    lost = payment.state in (State.OUTCOME_UNKNOWN, State.SETTLED) and not payment.delivered
    return lost or payment.alarm is not None


def _unit_price(policy: Policy, ask: Ask, last: Payment, now: int) -> Amount | None:
    """Return what one unit of a payment cost in dollars, rounded up; None where that is not known."""
    worth = _dollars(policy, ask, last.intent.amount, now)
    return None if worth is None else Amount(-(-worth.atomic // last.quantity), USD)


def _dollars(policy: Policy, ask: Ask, amount: Amount, now: int) -> Amount | None:
    """Return an amount in dollars where it is of the payment's own token, whose worth is known."""
    if amount.asset != ask.token.asset:
        return None
    return valued(amount, USD, ask.token, ask.price, rules=policy.valuation, now=now)
