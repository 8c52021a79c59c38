"""Look up what a policy wants to know before it judges a payment: the past, and the wallet's balance. The rules decide.

What is read may be out of date at once. So it is looked up a second time in the transaction that reserves (`guard`),
and limits are checked there by the storage.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from paygent.core.caip import AssetId, ChainId
from paygent.core.history import PaymentFilter
from paygent.core.lifecycle import HOLDING, MADE, State
from paygent.core.money import USD, Amount
from paygent.core.payment import Payment
from paygent.core.price import Price
from paygent.engine.tokens import read_uint
from paygent.evm import erc20
from paygent.policy.ask import Ask
from paygent.policy.evaluate import Needs, needs
from paygent.policy.facts import Facts, Provider, Recent
from paygent.policy.policy import Policy
from paygent.policy.valuation import valued
from paygent.ports.chain import Chain
from paygent.ports.history import PaymentHistory, Records
from paygent.ports.price_oracle import PriceOracle
from paygent.ports.transactions import Transactions

_MOST = 200
"""How many payments of the past are looked at; more only make a rule stricter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Funds:
    """A wallet's balance of one token, and what the storage knew just before the chain was asked for it.

    Whatever settles after that is taken off the balance, as if the chain had not yet counted it. What the balance has
    already lost is so counted twice for a moment, and nothing is ever counted nowhere.
    """

    balance: int
    """Atomic units."""
    settled: int
    """Atomic units that had settled."""

    def left(self, *, settled: int, held: int) -> int:
        """Return the atomic units to spend. Args: settled: what has by now. held: what is out, or reserved to be."""
        return max(0, self.balance - held - max(0, settled - self.settled))


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found out about a payment before it was judged."""

    facts: Facts
    funds: Funds | None = None
    writes: int | None = None
    """`Records.writes` when the storage was asked; None where it was not."""


class FactFinder:
    """Answers a policy's questions from the payments of one storage, from chains, and from a price oracle.

    Args: chains, coins: tell what an account has of a token, and of a chain's own coin. oracle: None knows no price.
    """

    def __init__(
        self,
        *,
        history: PaymentHistory,
        chains: Mapping[ChainId, Chain],
        coins: Mapping[ChainId, Transactions] | None = None,
        oracle: PriceOracle | None = None,
    ) -> None:
        self._history = history
        self._chains = chains
        self._coins: Mapping[ChainId, Transactions] = {} if coins is None else coins
        self._oracle = oracle

    def is_silent(self, policy: Policy) -> bool:
        """Tell whether nothing at all is looked up for a policy."""
        return self._oracle is None and not asks(policy)

    async def price(self, ask: Ask) -> Price | None:
        """Return what the oracle says of the payment's token; None without an oracle.

        Raises: AdapterError: the oracle could not answer.
        """
        return None if self._oracle is None else await self._oracle.price(ask.token.asset.id)

    async def find(self, policy: Policy, ask: Ask, *, now: int) -> Finding:
        """Return what the policy asks for about this payment, and nothing else.

        Raises: AdapterError: the storage or the chain could not answer.
        """
        if not asks(policy):
            return Finding(facts=Facts(now=now))
        funds = await self._funds(ask) if policy.index.ranked else None

        def question(records: Records) -> Finding:
            facts = facts_of(records, policy, ask, now=now, funds=funds)
            return Finding(facts=facts, funds=funds, writes=records.writes)

        return await self._history.look(question)

    async def _funds(self, ask: Ask) -> Funds | None:
        """Return what there is to spend; None where there is no endpoint to ask.

        The storage is asked first: what settles in between is counted twice then.
        """
        asset = ask.token.asset.id
        totals = await self._history.statistics(PaymentFilter(states=(State.SETTLED,), asset=asset))
        balance = await self._balance(asset, _purse(ask))
        return None if balance is None else Funds(balance=balance, settled=sum(total.amount for total in totals))

    async def _balance(self, asset: AssetId, owner: str) -> int | None:
        if asset.native:
            coins = self._coins.get(asset.chain)
            return None if coins is None else await coins.balance(owner)
        chain = self._chains.get(asset.chain)
        return None if chain is None else await read_uint(chain, asset.address, erc20.balance_of(owner))


def _purse(ask: Ask) -> str:
    """Return the address of whose money moves."""
    account = None if ask.action is None else ask.action.account
    return ask.payer if account is None else account


def facts_of(records: Records, policy: Policy, ask: Ask, *, now: int, funds: Funds | None) -> Facts:
    """Return what the policy asks for about a payment, as the records have it."""
    wanted = needs(policy, ask, now=now)
    return Facts(
        now=now,
        sums=records.sums(wanted.sums) if _plans(policy) else None,
        treasury=_treasury(records, policy, ask, now, funds) if wanted.treasury else None,
        recent=_recent(records, policy, ask, wanted, now),
        provider=_provider(records, policy, ask, now) if wanted.provider else None,
        agent_payments=_agent_payments(records, ask) if wanted.agent_payments else None,
    )


def _treasury(records: Records, policy: Policy, ask: Ask, now: int, funds: Funds | None) -> Amount | None:
    """Return what the treasury can still pay with, at its price: what makes a payment dearer makes it no richer."""
    if funds is None:
        return None
    totals = records.statistics(PaymentFilter(states=(State.SETTLED, *HOLDING), asset=ask.token.asset.id))
    settled = sum(total.amount for total in totals if total.state is State.SETTLED)
    left = funds.left(settled=settled, held=sum(total.amount for total in totals) - settled)
    rules = replace(policy.valuation, haircut_bps=0)
    return valued(Amount(left, ask.token.asset), USD, ask.token, ask.price, rules=rules, now=now)


def _recent(records: Records, policy: Policy, ask: Ask, wanted: Needs, now: int) -> Recent | None:
    if wanted.recent_seconds is None:
        return None
    made = records.reserved(now - wanted.recent_seconds, ask.context.agent)
    if any(total.asset != ask.token.asset.id for total in made):
        return None  # what the others are worth is not known here
    paid = _dollars(policy, ask, Amount(sum(total.amount for total in made), ask.token.asset), now)
    return None if paid is None else Recent(payments=sum(total.payments for total in made), dollars=paid)


def _provider(records: Records, policy: Policy, ask: Ask, now: int) -> Provider:
    service = ask.context.service
    about = PaymentFilter(service=service) if service is not None else PaymentFilter(host=ask.host)
    newest = records.history(about, None, _MOST).payments
    made = [payment for payment in newest if payment.authorization is not None]
    last = made[0] if made else None
    return Provider(
        failed_at=tuple(payment.history[-1].at for payment in made if failed(payment))[:100],
        last_unit_price=None if last is None else _unit_price(policy, ask, last, now),
        last_payee=None if last is None else last.intent.payee,
    )


def _agent_payments(records: Records, ask: Ask) -> int:
    """Return how many were made; what waits for a person is not, or asking again would make it no longer the first."""
    totals = records.statistics(PaymentFilter(agent=ask.context.agent))
    return sum(total.payments for total in totals if total.state in MADE)


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
